"""Which rules speak of an item, and why."""

from __future__ import annotations

from typing import Any

from habitue_console.item_rules import EVERY, HOLDS, MAY_HOLD, NAMED, touching
from habitue_recommender.catalog.items import Item
from habitue_recommender.rulebook.rules import parse_rule

BOOTS = Item("boots", name="Boots", category="Shoes/Trail", price=70.0)


def rule(rule_id: str, consequence: dict[str, Any], when: str = "", **more: Any) -> Any:
    return parse_rule({"id": rule_id, "condition": {"when": when}, "consequence": consequence, **more})


def test_a_rule_speaks_of_what_it_names_what_its_condition_holds_for_and_of_everything() -> None:
    rules = [
        rule("everything", {"cap": {"impressions": 5, "days": 7}}),
        rule("perhaps", {"boost": 2}, 'item.price < 100 && item.brand == visitor.traits["brand"]'),
        rule("shoes", {"boost": 1.5}, '"shoes" in item.category'),
        rule("tents", {"exclude": True}, '"tents" in item.category'),
        rule("pinned", {"pin": [{"item_id": "boots", "position": 2}]}),
        rule("other", {"pin": [{"item_id": "tent", "position": 1}]}),
        rule("off", {"include": ["boots"]}, enabled=False),
    ]
    found = [(touch.rule.id, touch.why, touch.does) for touch in touching(rules, BOOTS)]
    assert found == [
        ("pinned", NAMED, ("pin 2",)),
        ("shoes", HOLDS, ("boost ×1.5",)),
        ("perhaps", MAY_HOLD, ("boost ×2",)),
        ("everything", EVERY, ("cap 5",)),
        ("off", NAMED, ("include",)),
    ]


def test_a_rule_that_only_limits_a_slot_speaks_of_no_item() -> None:
    assert touching([rule("few", {"limit": {"brand": 2}})], BOOTS) == []
