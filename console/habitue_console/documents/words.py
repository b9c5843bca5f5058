"""How the places, states and mistakes of documents are called in the reader's language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from habitue_console.documents.sentences import SENTENCES
from habitue_console.drafts.state import State
from habitue_console.words import N_, Words
from habitue_recommender.rulebook.mistakes import Mistake

STATES: Mapping[State, str] = {
    State.ACTIVE: N_("active"),
    State.SCHEDULED: N_("scheduled"),
    State.ENDED: N_("ended"),
    State.OFF: N_("off"),
    State.BROKEN: N_("broken"),
}

LABELS: Mapping[str, str] = {
    "id": N_("Id"),
    "name": N_("Name"),
    "note": N_("Note"),
    "enabled": N_("Switched on"),
    "priority": N_("Priority"),
    "share": N_("Share of visitors"),
    "when": N_("Condition"),
    "condition": N_("When"),
    "condition.when": N_("Condition"),
    "condition.slots": N_("Slots"),
    "condition.page_types": N_("Pages"),
    "consequence": N_("Then"),
    "consequence.pin": N_("Pin"),
    "consequence.pin.#": N_("Pin"),
    "consequence.pin.#.item_id": N_("Pinned item"),
    "consequence.pin.#.position": N_("Place of the pin"),
    "consequence.boost": N_("Boost"),
    "consequence.bury": N_("Bury"),
    "consequence.include": N_("Include"),
    "consequence.include.#": N_("Included item"),
    "consequence.include.items.#": N_("Included item"),
    "consequence.exclude": N_("Exclude"),
    "consequence.filter": N_("Filter"),
    "consequence.same": N_("Only of the same"),
    "consequence.different": N_("Only of a different"),
    "consequence.fallback": N_("Fallback"),
    "consequence.fallback.#": N_("Fallback"),
    "consequence.limit": N_("Mix"),
    "consequence.limit.brand": N_("Most of one brand"),
    "consequence.limit.category": N_("Most of one category"),
    "consequence.cap": N_("Rest"),
    "consequence.cap.impressions": N_("Shown at most"),
    "consequence.cap.days": N_("within days"),
    "consequence.in_cart": N_("What is in the cart"),
    "validity": N_("Schedule"),
    "validity.from": N_("From"),
    "validity.until": N_("Until"),
    "validity.weekdays": N_("Weekdays"),
    "validity.hours": N_("Hours"),
    "validity.hours.#": N_("Hours"),
    "kind": N_("Kind"),
    "title": N_("Title"),
    "text": N_("Text"),
    "url": N_("Link"),
    "image_url": N_("Picture"),
    "code": N_("Coupon code"),
    "slots": N_("Slots"),
    "position": N_("Place"),
    "cap": N_("Rest"),
    "cap.impressions": N_("Shown at most"),
    "cap.days": N_("within days"),
    "webhooks": N_("Webhooks"),
    "webhooks.#": N_("Webhook"),
    "sources": N_("Sources"),
    "sources.#": N_("Source"),
    "size": N_("Offers"),
    "page_types": N_("Pages"),
    "max_per_category": N_("Most of one category"),
    "max_per_brand": N_("Most of one brand"),
    "same_category": N_("Same category as the page"),
    "fallback": N_("Fill up"),
    "new_share": N_("Share of new items"),
    "diversity": N_("Diversity"),
    "novelty": N_("Novelty"),
    "rotation": N_("Rotation"),
    "deadline_ms": N_("Deadline"),
    "holdout": N_("Holdout"),
    "variants": N_("Variants"),
    "template": N_("Template"),
}


def label_of(path: str, _: Words) -> str:
    """What a person calls a place in a document; what nobody named is called by its path."""
    if path.startswith("builder."):
        return _(LABELS["when"])
    known = LABELS.get(re.sub(r"\.\d+(?=\.|\Z)", ".#", path))
    if known is None:
        return path
    number = re.search(r"\.(\d+)(?=\.|\Z)", path)
    return f"{_(known)} {int(number[1]) + 1}" if number is not None else _(known)


def translated(mistake: Mistake, _: Words) -> str:
    """A mistake's sentence in the reader's language: found by its words, its gaps filled as they were."""
    if _.language == "en":
        return mistake.message
    for pattern, sentence in _patterns():
        found = pattern.fullmatch(mistake.message)
        if found is not None:
            said = _(sentence)
            for name, value in found.groupdict().items():
                said = said.replace("{" + name + "}", value)
            return said
    return _(mistake.message) if "%" not in mistake.message else mistake.message


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each sentence as a pattern of what can stand in it, the longest first."""
    made = []
    for sentence in sorted(SENTENCES, key=len, reverse=True):
        parts = re.split(r"\{(\w+)\}", sentence)
        text = "".join(
            re.escape(part) if place % 2 == 0 else f"(?P<{part}>.*?)" for place, part in enumerate(parts)
        )
        made.append((re.compile(text, re.DOTALL), sentence))
    return tuple(made)
