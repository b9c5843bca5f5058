"""Why an offer stands there, in plain words and as data. Pure.

All sentences stand in one table, so that languages can come. A reason is made where the candidate is, from
the source that brought it and the item that spoke for it: it is true or it is not given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import orjson


class ReasonCode(StrEnum):
    VIEWED = "because_viewed"  # the visitor looked at {anchor}
    IN_CART = "because_in_cart"
    BOUGHT = "because_bought"
    OFTEN_BOUGHT = "because_often_bought"
    GOES_WITH = "goes_with"  # {anchor} is on the page; nothing is said of the visitor
    BOUGHT_TOGETHER = "bought_together"
    SIMILAR_VISITS = "similar_visits"
    TASTE = "taste"
    BUY_AGAIN = "buy_again"
    DUE_AGAIN = "due_again"
    ACCESSORY = "accessory"  # people who had bought {anchor} bought this later; this visitor bought {anchor}
    LOOKS_LIKE = "looks_like"  # alike by what the catalog says, not by what anybody did
    LAST_VISIT = "looked_last_visit"
    WANTED_LAST_VISIT = "wanted_last_visit"
    NEW_SINCE_VISIT = "new_since_visit"
    CHEAPER = "cheaper_than_seen"
    RECENTLY_VIEWED = "recently_viewed"
    RECENTLY_WANTED = "recently_wanted"
    POPULAR_NOW = "popular_now"
    POPULAR_NOW_IN = "popular_now_in"
    TRENDING = "trending"
    POPULAR_WEEK = "popular_this_week"
    POPULAR_WEEK_IN = "popular_this_week_in"
    POPULAR = "popular"
    POPULAR_IN = "popular_in"
    NEW = "new"
    NEW_IN = "new_in"
    ASSORTMENT = "assortment"  # nothing is known yet: a look at what there is
    ASSORTMENT_IN = "assortment_in"
    CHOSEN = "chosen_by_shop"  # a rule put it there
    PROMOTED = "promoted"  # a rule lifted it: said beside why it fits
    CONTENT = "content"


_SENTENCES: dict[str, dict[ReasonCode, str]] = {
    "en": {
        ReasonCode.VIEWED: "Because you looked at {anchor}",
        ReasonCode.IN_CART: "Because you put {anchor} in your cart",
        ReasonCode.BOUGHT: "Because you bought {anchor}",
        ReasonCode.OFTEN_BOUGHT: "Because you often buy {anchor}",
        ReasonCode.GOES_WITH: "Others who chose {anchor} also chose this",
        ReasonCode.BOUGHT_TOGETHER: "Often bought with {anchor}",
        ReasonCode.SIMILAR_VISITS: "Chosen by visitors who looked at the same things",
        ReasonCode.TASTE: "Matches what you have liked so far",
        ReasonCode.BUY_AGAIN: "Because you often buy this",
        ReasonCode.DUE_AGAIN: "You bought this before, and it may be time again",
        ReasonCode.ACCESSORY: "Often bought after {anchor}, which you have",
        ReasonCode.LOOKS_LIKE: "Similar to {anchor}",
        ReasonCode.LAST_VISIT: "You looked at this last time",
        ReasonCode.WANTED_LAST_VISIT: "You wanted this last time",
        ReasonCode.NEW_SINCE_VISIT: "New since you last looked around",
        ReasonCode.CHEAPER: "Cheaper than when you looked at it",
        ReasonCode.RECENTLY_VIEWED: "You looked at this recently",
        ReasonCode.RECENTLY_WANTED: "You wanted this recently",
        ReasonCode.POPULAR_NOW: "Popular right now",
        ReasonCode.POPULAR_NOW_IN: "Popular right now in {category}",
        ReasonCode.TRENDING: "More wanted than usual right now",
        ReasonCode.POPULAR_WEEK: "Popular this week",
        ReasonCode.POPULAR_WEEK_IN: "Popular this week in {category}",
        ReasonCode.POPULAR: "Popular with our customers",
        ReasonCode.POPULAR_IN: "Popular in {category}",
        ReasonCode.NEW: "New in our shop",
        ReasonCode.NEW_IN: "New in {category}",
        ReasonCode.ASSORTMENT: "From our range",
        ReasonCode.ASSORTMENT_IN: "From our range of {category}",
        ReasonCode.CHOSEN: "Chosen by the shop",
        ReasonCode.PROMOTED: "Recommended by the shop",
        ReasonCode.CONTENT: "From the shop",
    }
}
LOCALES = tuple(_SENTENCES)


@dataclass(frozen=True, slots=True)
class Reason:
    """Which sentence, and what stands in its gaps: the anchor item's id and name, or a category."""

    code: ReasonCode
    anchor_id: str | None = None
    anchor: str = ""
    category: str = ""

    def text(self, locale: str = "en") -> str:
        """The sentence; in English where a language is missing."""
        sentences = _SENTENCES.get(locale) or _SENTENCES.get(locale.split("-")[0]) or _SENTENCES["en"]
        sentence = sentences.get(self.code) or _SENTENCES["en"][self.code]
        # Not str.format, and one gap only: a name with braces in it is a name.
        if "{anchor}" in sentence:
            return sentence.replace("{anchor}", self.anchor)
        return sentence.replace("{category}", self.category)

    def to_public(self, locale: str = "en") -> dict[str, str]:
        return {"code": self.code.value, "text": self.text(locale)}

    def pack(self, locale: str = "en") -> bytes:
        """`to_public` as JSON."""
        return _HEADS[self.code] + orjson.dumps(self.text(locale)) + b"}"


_HEADS = {code: b'{"code":"%b","text":' % code.value.encode() for code in ReasonCode}


def category_name(category: str) -> str:
    """What a person would call a category path: its last part."""
    return category.rsplit("/", 1)[-1]
