"""A made-up visitor as a form: some fields that a marketer fills in, made into what they did. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from habitue_recommender.explain.made_up import DAY_MINUTES, MAX_ACTS, Persona
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

FIELDS: Mapping[str, str] = {
    "name": "",
    "note": "",
    "device": "",
    "country": "",
    "language": "",
    "logged_in": "",
    "campaign": "",
    "referrer": "",
    "visits": "1",
    "away_days": "0",
    "viewed": "",
    "category": "",
    "cart": "",
    "bought": "",
    "bought_days": "30",
    "trait": "",
    "trait_value": "",
}
"""Every field with what an empty form says."""

_SPLIT = re.compile(r"[\s,;]+")
_MOST_VISITS = 20
_NUMBERS = {"visits": (1, _MOST_VISITS), "away_days": (0, 1_000), "bought_days": (0, 1_000)}
_MOST_TEXT = 2_000


def read_form(form: Mapping[str, Any]) -> dict[str, str]:
    """The form's fields as text, the unknown ones left out."""
    return {name: str(form.get(name, default))[:_MOST_TEXT].strip() for name, default in FIELDS.items()}


def persona_of(persona_id: str, form: Mapping[str, str]) -> Persona:
    """What the form describes. Raises Mistakes, each at its field."""
    mistakes: list[Mistake] = []
    numbers = {name: _number(form, name, *bounds, mistakes) for name, bounds in _NUMBERS.items()}
    visits, away = numbers["visits"], numbers["away_days"] * DAY_MINUTES
    acts: list[dict[str, Any]] = []
    for visit in range(1, visits):
        acts.append({"kind": "page_view", "ago_minutes": away + visit * 3 * DAY_MINUTES})
    for place, item_id in enumerate(_words(form.get("bought", ""))):
        ago = numbers["bought_days"] * DAY_MINUTES + 10 + place
        acts.append({"kind": "purchase", "item_id": item_id, "ago_minutes": ago})
    # This visit: it began a quarter of an hour ago.
    acts.append(
        {
            "kind": "page_view",
            "ago_minutes": 15,
            "campaign": form.get("campaign", ""),
            "referrer": form.get("referrer", ""),
        }
    )
    viewed = _words(form.get("viewed", ""))
    for place, item_id in enumerate(viewed):
        ago = (away + 5 if away else 2) + len(viewed) - place
        acts.append({"kind": "product_view", "item_id": item_id, "ago_minutes": ago})
    if form.get("category"):
        acts.append({"kind": "list_view", "category": form["category"], "ago_minutes": 3})
    for item_id in _words(form.get("cart", "")):
        acts.append({"kind": "add_to_cart", "item_id": item_id, "ago_minutes": 1})
    if form.get("trait"):
        acts.append({"kind": "identify", "trait": form["trait"], "value": form.get("trait_value", "")})
    if len(acts) > MAX_ACTS:
        mistakes.append(Mistake("viewed", f"at most {MAX_ACTS} things in all: name fewer items"))
        acts = acts[:MAX_ACTS]
    raw = {
        **{name: form.get(name, "") for name in ("name", "note", "device", "country", "language")},
        "id": persona_id,
        "logged_in": bool(form.get("logged_in")),
        "acts": acts,
    }
    try:
        persona = Persona.parse(raw)
    except Mistakes as found:
        raise Mistakes([*mistakes, *found]) from None
    if mistakes:
        raise Mistakes(mistakes)
    return persona


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in _SPLIT.split(text) if word))


def _number(form: Mapping[str, str], name: str, least: int, most: int, mistakes: list[Mistake]) -> int:
    text = form.get(name, "") or FIELDS[name]
    if not text.isdecimal() or len(text) > 6 or not least <= int(text) <= most:
        mistakes.append(Mistake(name, f"a whole number from {least} to {most}"))
        return least
    return int(text)
