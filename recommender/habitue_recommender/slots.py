"""Slots: places on the shop's pages, and what each one shows. Pure.

A shop that configures nothing has those below. `slot_settings` reads what changes one or adds another.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from habitue_recommender.assignment import Variant

MAX_SIZE = 100
MAX_SLOTS_PER_REQUEST = 20
UNKNOWN_SLOT = "unknown_slot"
SLOT_DISABLED = "slot_disabled"


class Source(StrEnum):
    """Where candidates come from. A slot names them in order: the first that fill it win."""

    SESSION_NEIGHBOURS = "session_neighbours"  # what people did whose visit looked like this one
    ITEM_ITEM = "item_item"  # what goes with the item on the page, or with those touched last
    FACTORS = "factors"  # long-term taste
    TOGETHER = "together"  # bought with the item on the page or with what is in the cart
    BUY_AGAIN = "buy_again"  # what this person buys again and again, when it is due
    ACCESSORIES = "accessories"  # what people buy after what this one bought before
    SIMILAR = "similar"  # alike by name, category, brand and price: also what nobody clicked yet
    RECENTLY_VIEWED = "recently_viewed"
    IMPULSE = "impulse"  # interest that broke off in the last visit
    NEW_SINCE_VISIT = "new_since_visit"  # came after this visitor last looked around
    PRICE_DROPS = "price_drops"  # cheaper than when this visitor looked at it
    POPULAR_NOW = "popular_now"  # what distinct visitors look at this hour, from the live log
    POPULAR = "popular"  # the model's ranking: of the category, then of everything
    NEW_ITEMS = "new_items"  # the newest of what the visitor or the page is about, then of everything


CHEAP = frozenset(
    {
        *(Source.RECENTLY_VIEWED, Source.IMPULSE, Source.NEW_SINCE_VISIT, Source.PRICE_DROPS),
        *(Source.POPULAR_NOW, Source.POPULAR, Source.NEW_ITEMS),
    }
)
"""Answered from memory within microseconds: what is left when a slot is late."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for offers.

    `max_per_category` and `max_per_brand` are 0 for as many as there are. With `same_category` only items of
    the page's category stand here (when there are any). `new_share` of the places goes to new items.
    `diversity`, 0 to 1, is what a second offer of a category loses, `novelty` what an item loses that the
    visitor knows, `rotation` how fast what was shown and ignored falls back, and how much of an item's score
    chance may take, anew in each visit.
    With `fallback`, what is popular and what is new fill what its own sources leave empty.
    `page_types` says where the slot belongs, for layouts and the console; a request is answered anywhere.
    `template` goes to the page with the answer: which of its layouts it uses. One that is not `enabled`
    answers with nothing. Without sources and without `fallback` a slot shows only what marketers wrote.
    """

    id: str
    title: str = ""
    sources: tuple[Source, ...] = ()
    size: int = 12
    page_types: tuple[str, ...] = ()
    max_per_category: int = 0
    max_per_brand: int = 0
    same_category: bool = False
    fallback: bool = True
    new_share: float = 0.0
    diversity: float = 0.0
    novelty: float = 0.0
    rotation: float = 0.0
    deadline_ms: int = 50
    holdout: float = 0.0
    variants: tuple[Variant, ...] = ()
    template: str = ""
    enabled: bool = True

    def order(self) -> tuple[Source, ...]:
        """The sources as they are asked, those that never fail at the end."""
        if not self.fallback:
            return self.sources
        return (*self.sources, *(source for source in LAST_RESORT if source not in self.sources))


LAST_RESORT = (Source.POPULAR_NOW, Source.POPULAR, Source.NEW_ITEMS)

_NEIGHBOURS, _ITEM_ITEM, _FACTORS, _TOGETHER = (
    Source.SESSION_NEIGHBOURS,
    Source.ITEM_ITEM,
    Source.FACTORS,
    Source.TOGETHER,
)
_RECENT, _NOW, _POPULAR, _NEW = (
    Source.RECENTLY_VIEWED,
    Source.POPULAR_NOW,
    Source.POPULAR,
    Source.NEW_ITEMS,
)
_AGAIN, _ACCESSORIES, _SIMILAR, _IMPULSE, _SINCE, _CHEAPER = (
    Source.BUY_AGAIN,
    Source.ACCESSORIES,
    Source.SIMILAR,
    Source.IMPULSE,
    Source.NEW_SINCE_VISIT,
    Source.PRICE_DROPS,
)
PERSONAL = frozenset({_RECENT, _AGAIN, _IMPULSE, _SINCE, _CHEAPER})
"""What one visitor's own past brings: slots that show nothing else choose first on a page."""

DEFAULT_SLOTS: dict[str, Slot] = {
    slot.id: slot
    for slot in (
        # Introduces the shop to who comes for the first time, greets who comes back.
        Slot("home-welcome", "Welcome", size=1, page_types=("home",), fallback=False),
        Slot(
            "home-hero",
            "For you",
            (_IMPULSE, _NEIGHBOURS, _FACTORS, _ITEM_ITEM, _SIMILAR, _NOW, _POPULAR, _NEW),
            page_types=("home",),
            max_per_category=4,
            new_share=1 / 12,
            diversity=0.05,
            rotation=0.05,
        ),
        # Nothing but the truth under this title: a visitor who looked at nothing gets nothing here.
        Slot(
            "home-recent",
            "You looked at recently",
            (_RECENT,),
            page_types=("home",),
            fallback=False,
            rotation=0.1,
        ),
        Slot(
            "home-again",
            "Time to buy again",
            (_AGAIN,),
            page_types=("home",),
            fallback=False,
            rotation=0.05,
        ),
        Slot(
            "home-since",
            "Since your last visit",
            (_CHEAPER, _SINCE),
            page_types=("home",),
            fallback=False,
            rotation=0.05,
        ),
        Slot(
            "home-popular",
            "Popular right now",
            (_NOW, _POPULAR, _NEW),
            page_types=("home",),
            max_per_category=3,
            rotation=0.4,
        ),
        Slot(
            "category-top",
            "Our choice for you",
            (_NEIGHBOURS, _FACTORS, _NOW, _POPULAR, _NEW),
            page_types=("category",),
            same_category=True,
            max_per_brand=4,
            new_share=1 / 12,
            diversity=0.02,
            rotation=0.05,
        ),
        Slot(
            "pdp-related",
            "Similar choices",
            (_ITEM_ITEM, _NEIGHBOURS, _SIMILAR, _POPULAR, _NOW, _NEW),
            page_types=("product",),
            new_share=1 / 12,
            rotation=0.05,
        ),
        Slot(
            "pdp-together",
            "Often bought together",
            (_TOGETHER, _ITEM_ITEM, _SIMILAR, _POPULAR, _NOW, _NEW),
            size=4,
            page_types=("product",),
            max_per_category=2,
            rotation=0.05,
        ),
        Slot(
            "cart-extras",
            "Goes with your cart",
            (_TOGETHER, _NEIGHBOURS, _FACTORS, _NOW, _POPULAR, _NEW),
            size=6,
            page_types=("cart",),
            max_per_category=2,
            rotation=0.05,
        ),
        Slot(
            "search-popular",
            "Popular right now",
            (_NOW, _POPULAR, _NEW),
            page_types=("search",),
            max_per_category=3,
            rotation=0.4,
        ),
        Slot(
            "thanks-next",
            "For your next visit",
            (_ACCESSORIES, _FACTORS, _TOGETHER, _NOW, _POPULAR, _NEW),
            size=6,
            page_types=("thanks",),
            max_per_category=2,
            rotation=0.05,
        ),
    )
}


def public_slot(slot: Slot) -> dict[str, Any]:
    """All of a slot, in the words of its document."""
    public = asdict(slot)
    public["sources"] = [source.value for source in slot.sources]
    public["page_types"] = list(slot.page_types)
    public["variants"] = {variant.name: variant.share for variant in slot.variants}
    return public
