"""What the shop's marketers have written: segments, a rule for each, and the two greetings of the home page.

They are in the demo from the beginning, to be looked at, changed and taken back. As documents of Habitue's
API they would lie in git as well (`habitue rules pull`).
"""

from __future__ import annotations

from typing import Any

AUTHOR = "Thistle & Oat"


def documents(root: str = "/shop") -> dict[str, list[dict[str, Any]]]:
    """All documents by the plural of their kind, as `POST /v1/rules/import` takes them."""
    return {
        "segments": [
            {
                "id": "first-visit",
                "name": "First visit",
                "note": "Nobody knows of an earlier one, nor of an order.",
                "when": "visitor.new && visitor.orders.count == 0",
            },
            {
                "id": "regulars",
                "name": "Regulars",
                "note": "Three orders and more, and one of them in the last six weeks.",
                "when": "visitor.orders.count >= 3 && visitor.orders.days_since_last <= 42",
            },
            {
                "id": "about-to-leave",
                "name": "About to leave",
                "note": "Used to buy, and has not for six weeks.",
                "when": "visitor.orders.count >= 2 && visitor.orders.days_since_last > 42",
            },
        ],
        "rules": [
            {
                "id": "newcomers-see-the-breadth",
                "name": "Newcomers see the breadth",
                "note": "Who is new shall not take us for a shop of one brand.",
                "condition": {"slots": ["home-popular"], "when": '"first-visit" in visitor.segments'},
                "consequence": {"limit": {"brand": 2}},
            },
            {
                "id": "something-new-for-regulars",
                "name": "Something new for regulars",
                "note": "They know the rest.",
                "condition": {
                    "slots": ["home-hero"],
                    "when": '"regulars" in visitor.segments && item.new',
                },
                "consequence": {"boost": 1.3},
            },
            {
                "id": "win-back-with-what-they-bought",
                "name": "Win back with what they bought",
                "note": "What was in the basket before is the shortest way to the next one.",
                "condition": {
                    "slots": ["home-hero"],
                    "when": '"about-to-leave" in visitor.segments && item.bought',
                },
                "consequence": {"boost": 1.5},
            },
        ],
        "contents": [
            {
                "id": "introduction",
                "name": "Introduction",
                "note": "For who is here for the first time.",
                "kind": "message",
                "title": "New here? Come in and look around.",
                "text": "Everything a kitchen needs, at your door by six. This page learns what you like, "
                "and says why it shows it.",
                "url": f"{root}/c/fruit-vegetables",
                "slots": ["home-welcome"],
                "when": '"first-visit" in visitor.segments',
            },
            {
                "id": "welcome-back",
                "name": "Welcome back",
                "note": "For who has been here before.",
                "kind": "message",
                "title": "Good to see you again.",
                "text": "Your departments come first today, and the offers go on where you left off.",
                "url": f"{root}/cart",
                "slots": ["home-welcome"],
                "when": '!("first-visit" in visitor.segments)',
            },
        ],
    }
