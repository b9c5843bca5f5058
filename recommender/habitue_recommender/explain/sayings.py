"""Sentences with gaps: what the explanation of a decision is made of. Pure.

All of them stand in this module, in English; whoever shows them hands in a `translate` that knows the
sentence with its gaps. A value is never looked into: a name with braces in it is a name. A per cent sign
stands in a value, for gettext's sake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Translate = Callable[[str], str]
Write = Callable[[float], str]

_GAP = re.compile(r"\{(\w+)\}")


def untranslated(sentence: str) -> str:
    return sentence


@dataclass(frozen=True, slots=True)
class Saying:
    """A sentence, and what stands in its gaps; a gap's own words are translated too where they are ours."""

    sentence: str
    values: Mapping[str, str | int | float | Saying] = field(default_factory=dict)

    def text(self, translate: Translate = untranslated, write: Write | None = None) -> str:
        """The sentence; `write` writes its figures as the reader's language does."""

        def fill(gap: re.Match[str]) -> str:
            value = self.values.get(gap[1], "")
            if isinstance(value, Saying):
                return value.text(translate, write)
            return value if isinstance(value, str) else (write or plainly)(value)

        # gettext's answer to an empty text is the catalog's own head.
        return _GAP.sub(fill, translate(self.sentence)) if self.sentence else ""


class Share(float):
    """A share of 0 to 1, told in per cent."""


def plainly(value: float) -> str:
    """A figure in a text that is in no language yet."""
    if isinstance(value, Share):
        return f"{value * 100:.1f}".removesuffix(".0") + " %"
    return f"{round(value, 2 if abs(value) >= 1 else 4):g}" if isinstance(value, float) else str(value)


# ---- where candidates come from ------------------------------------------------------------------------

SOURCES: Mapping[str, str] = {
    "session_neighbours": "visits like this one",
    "item_item": "what goes with the item on the page or those looked at last",
    "factors": "long-term taste",
    "together": "bought together",
    "buy_again": "bought again and again",
    "accessories": "bought after what this visitor has",
    "similar": "alike by name, category, brand and price",
    "recently_viewed": "looked at recently",
    "impulse": "interest that broke off in the last visit",
    "new_since_visit": "new since the last visit",
    "price_drops": "cheaper than when it was looked at",
    "popular_now": "popular right now",
    "popular": "popular",
    "new_items": "new items",
    "pinned": "pinned by a rule",
    "rule": "brought by a rule",
    "content": "content",
}

# ---- why an item cannot be offered ---------------------------------------------------------------------

DROPS: Mapping[str, str] = {
    "unknown_item": "not in the catalog",
    "out_of_stock": "out of stock",
    "viewed_now": "it is the item on this page, or a variant of it",
    "in_cart": "already in the cart",
    "just_bought": "bought a short while ago",
    "unverified": "learnt from a page, and its address is not the shop's own",
    "rested": "shown often enough: it rests",
    "excluded": "a rule takes it out",
    "filtered": "a rule keeps only others",
    "capped": "a rule allows it no more often",
    "other_kind": "a rule wants another kind, or the same",
    "limited": "a rule allows no more of its kind",
}

# ---- what a rule did -----------------------------------------------------------------------------------

EFFECTS: Mapping[str, str] = {
    "pin": "“{rule}” puts it at place {position}",
    "boost": "“{rule}” lifts it: times {factor}",
    "bury": "“{rule}” lowers it: divided by {factor}",
    "include": "“{rule}” brings it in",
    "exclude": "“{rule}” takes it out",
    "filter": "“{rule}” keeps only what it names, and this is not of it",
    "same": "“{rule}” wants the same {dimension} as the item that is looked at",
    "different": "“{rule}” wants another {dimension} than the item that is looked at",
    "fallback": "“{rule}” fills what would be empty with it",
    "limit": "“{rule}” allows no more of this {dimension}",
    "cap": "“{rule}”: seen {count} times, {impressions} are allowed within {days} days",
    "in_cart": "“{rule}”: not what is in the cart",
}
RULE_DID = "“{rule}” did {effect}"
DIMENSIONS: Mapping[str, str] = {"category": "category", "brand": "brand", "price_band": "price band"}

# ---- why a candidate got no place ----------------------------------------------------------------------

PASSED: Mapping[str, str] = {
    "on_page": "another slot of this page shows it",
    "in_slot": "a variant of it stands here already",
    "category_full": "enough of its category",
    "brand_full": "enough of its brand",
    "double": "nearly the same as one that stands here",
}

# ---- steps and their lines -----------------------------------------------------------------------------

STEP_WHO = "Who is asked for"
STEP_CANDIDATES = "Candidates"
STEP_DROPPED = "Cannot be offered"
STEP_SCORE = "Scores"
STEP_RULES = "Rules"
STEP_CHOOSING = "Mix and limits"
STEP_FINAL = "Shown"

NOBODY = "Nothing is known of this visitor: offers follow the page alone"
PERSONAL = "Offers follow what is known of this visitor"
REFUSED = "This visitor does not want to be recognised: offers follow the page alone"
HOLDOUT = "This visitor is in the holdout of {share}: never personalised, so that the effect can be measured"
VARIANT = "Variant {variant} of the experiment on this slot"
SEGMENTS = "In the segments {segments}"
NO_SEGMENT = "In no segment"
NO_MODEL = "No model is trained yet: what is popular and what is new answers"
FROM_SOURCE = "{count} from: {source}"
NONE_FROM_SOURCE = "Nothing from: {source}"
NOT_ASKED = "Not needed: {source}"
LATE = "Past the slot's deadline of {deadline_ms} ms: slow sources were left out"
ONLY_CATEGORY = "Only what stands in {category}"
DROPPED_MANY = "{count} of them: {why}"
NOTHING_DROPPED = "Nothing had to be taken out"
RANKED = "No. {place} with {score}, from: {source}"
CHANGED = "{what} ({before} to {after})"
NO_RULE = "No rule applies here"
MIXED = "Falls from {before} to {after}, because others of its kind stand before it"
NOTHING_PASSED = "Nothing had to be passed over"
SHOWN = "Place {position}: {reason}"
EMPTY = "Nothing is shown here"
UNKNOWN_SLOT = "There is no slot of this name"
DISABLED_SLOT = "This slot is switched off"
WAS_CANDIDATE = "No. {place} of {source}, with {score}"
NO_CANDIDATE = "No source brought it for this visitor on this page"
LOST = "Others had the higher scores: {size} places, all taken"
NOT_IN_CATALOG = "The catalog has no such item"


def source(name: str) -> Saying:
    """A source by what it stands for."""
    return Saying(SOURCES.get(name, name.replace("_", " ")))


def drop(reason: str) -> Saying:
    return Saying(DROPS.get(reason, reason.replace("_", " ")))


def passed(why: str) -> Saying:
    return Saying(PASSED.get(why, why.replace("_", " ")))


# ---- what a change touches -----------------------------------------------------------------------------

TOUCHES = "This touches {people} of {of} people, in {slots}"
TOUCHES_ABOUT = "This touches about {people} ({low} to {high}) of {of} people, in {slots}"
TOUCHES_ESTIMATED = (
    "Estimate: this touches about {people} ({low} to {high}) of {of} people, in {slots}; "
    "{tried} were asked as they are now, for the first daily snapshot of all people is still to come"
)
TOUCHES_SLOTS = "This acts in {slots}; of people nothing can be said yet"
TOUCHES_NOTHING = "This touches nobody and no slot"
CHANGES = "It would have changed {share} ({low} to {high}) of the decisions of {day}; {tried} were tried"
CHANGES_ESTIMATED = (
    "Estimate: it would have changed {share} ({low} to {high}) of the decisions of {day}; "
    "{tried} were tried again with their visitors as they are now"
)
CHANGES_NONE = "It would have changed no decision"
TOO_FEW_DECISIONS = "Too few decisions were kept whole to say how many it would have changed: {tried}"

ONE_SLOT = "one slot"
SLOTS = "{slots} slots"


def slots(count: int) -> Saying:
    return Saying(ONE_SLOT) if count == 1 else Saying(SLOTS, {"slots": count})
