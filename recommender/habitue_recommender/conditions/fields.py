"""Every field that a condition can ask about: what it holds, how editor and docs name it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from habitue_recommender.catalog.items import Availability


class Type(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOL = "yes or no"
    LIST = "list"
    PATH = "path"  # a category: text, and a list of its parts for `in`
    DATE = "date"  # text like 2026-12-24
    MAP = "named values"
    ANY = "any"  # whatever the shop put there
    NULL = "nothing"


TEXT, NUMBER, BOOL, LIST, PATH, DATE, MAP, ANY, NULL = Type


class Source(StrEnum):
    """What must be known to answer."""

    ITEM = "item"
    VISITOR = "visitor"
    PAGE = "page"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `values` are all there are when `closed`, else suggestions.

    `suggests` names a list that only the shop's own data has: brands, categories, segments, slots, items,
    countries, languages, campaigns, attributes, traits.
    """

    name: str
    type: Type
    label: str
    help: str
    reads: frozenset[Source] = frozenset()
    values: tuple[str, ...] = ()
    closed: bool = False
    suggests: str = ""
    member_type: Type = Type.ANY  # of the values of a MAP

    @property
    def type_of_value(self) -> Type:
        """What a comparison gets: of named values, one of them."""
        return self.member_type if self.type is Type.MAP else self.type

    @property
    def group(self) -> str:
        """`item`, `visitor`, `page`, `time` or `slot`: how an editor sorts them."""
        return self.name.partition(".")[0]


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PAGE_TYPES = ("home", "category", "product", "cart", "search", "thanks")
DEVICES = ("desktop", "mobile", "tablet")

_ITEM = (
    Field("item_id", TEXT, "Item", "The shop's own id of the item.", suggests="items"),
    Field("group_id", TEXT, "Item group", "What variants of one thing share.", suggests="items"),
    Field("name", TEXT, "Name", "The item's name."),
    Field("url", TEXT, "Address", "Where the item's page is."),
    Field("image_url", TEXT, "Image", "Where the item's picture is; empty when it has none."),
    Field("brand", TEXT, "Brand", "The brand, written as in the catalog.", suggests="brands"),
    Field(
        "category",
        PATH,
        "Category",
        'The path, like Shoes/Trail. `"shoes" in item.category` holds when a part of it is that, in '
        "capitals or not.",
        suggests="categories",
    ),
    Field("price", NUMBER, "Price", "The price, in the item's currency."),
    Field("currency", TEXT, "Currency", "Three letters, like EUR."),
    Field(
        "availability",
        TEXT,
        "Availability",
        "What the feed says.",
        values=tuple(one.value for one in Availability),
        closed=True,
    ),
    Field("in_stock", BOOL, "In stock", "Whether the availability is in_stock."),
    Field(
        "new",
        BOOL,
        "New",
        "Among the newest tenth of the catalog, for 30 days.",
        frozenset({Source.TIME}),
    ),
    Field("margin", NUMBER, "Margin", "The attribute margin, as a number."),
    Field("stock", NUMBER, "Stock", "The attribute stock, as a number."),
    Field(
        "attributes",
        MAP,
        "Attribute",
        "Anything else the catalog knows, by name.",
        suggests="attributes",
    ),
)
_ITEM_AND_VISITOR = (
    Field("in_cart", BOOL, "In the cart", "Whether the visitor has it in the cart."),
    Field("viewed", BOOL, "Viewed", "Whether it is among the 30 items the visitor touched last."),
    Field("bought", BOOL, "Bought", "Whether the visitor bought it."),
    Field(
        "shown",
        NUMBER,
        "Times shown",
        "How often an offer of it was in the visitor's view, as far as it is remembered.",
    ),
)
_VISITOR = (
    Field("known", BOOL, "Known", "Logged in: the shop vouched for who it is."),
    Field("new", BOOL, "First visit", "This is the first visit that is known of."),
    Field("returning", BOOL, "Returning", "Has been here before."),
    Field("visits", NUMBER, "Visits", "How many visits, this one included."),
    Field("segments", LIST, "Segment", "The segments the visitor is in.", suggests="segments"),
    Field("traits", MAP, "Trait", "What the shop told of the visitor, by name.", suggests="traits"),
    Field("user_id", TEXT, "User", "The shop's own id of who is logged in."),
    Field("device", TEXT, "Device", "What this visit is made with.", values=(*DEVICES, "bot"), closed=True),
    Field("country", TEXT, "Country", "Two letters, like DE.", suggests="countries"),
    Field("language", TEXT, "Language", "Two letters, like de.", suggests="languages"),
    Field(
        "referrer",
        TEXT,
        "Came from",
        "The site that brought this visit, like google.com, or what sort of link, like email.",
    ),
    Field("campaign", TEXT, "Campaign", "The campaign that brought this visit.", suggests="campaigns"),
    Field("landing", TEXT, "Landing page", "The path where this visit began, like /sale."),
    Field("page_views", NUMBER, "Pages viewed", "How many pages this visit has seen."),
    Field("cart.value", NUMBER, "Cart value", "The sum of what is in the cart."),
    Field("cart.count", NUMBER, "Cart size", "How many pieces are in the cart."),
    Field("cart.items", LIST, "Cart", "The ids of the items in the cart.", suggests="items"),
    Field("orders.count", NUMBER, "Orders", "How many orders."),
    Field("orders.value", NUMBER, "Order value", "The sum of all orders, refunds taken off."),
    Field(
        "orders.days_since_last",
        NUMBER,
        "Days since the last order",
        "Whole days; missing without an order.",
        frozenset({Source.TIME}),
    ),
    Field(
        "orders.days_since_first",
        NUMBER,
        "Days since the first order",
        "Whole days; missing without an order.",
        frozenset({Source.TIME}),
    ),
    Field(
        "days_since_last_seen",
        NUMBER,
        "Days since last seen",
        "Whole days since the last event.",
        frozenset({Source.TIME}),
    ),
    Field(
        "days_since_first_seen",
        NUMBER,
        "Days since first seen",
        "Whole days since the first event.",
        frozenset({Source.TIME}),
    ),
    Field(
        "affinity.category",
        MAP,
        "Likes the category",
        "What share of the visitor's interest a category has, 0 to 1, with all below it.",
        suggests="categories",
        member_type=NUMBER,
    ),
    Field(
        "affinity.brand",
        MAP,
        "Likes the brand",
        "What share of the visitor's interest a brand has, 0 to 1.",
        suggests="brands",
        member_type=NUMBER,
    ),
    Field("viewed", LIST, "Viewed items", "The 30 items touched last.", suggests="items"),
    Field("bought", LIST, "Bought items", "The items bought, 100 at most.", suggests="items"),
)
_TIME = (
    Field("hour", NUMBER, "Hour", "0 to 23, by the shop's clock."),
    Field("minute", NUMBER, "Minute", "0 to 59."),
    Field("weekday", TEXT, "Weekday", "By the shop's clock.", values=WEEKDAYS, closed=True),
    Field("date", DATE, "Date", "Today in the shop, like 2026-12-24; dates are ordered."),
    Field("month", NUMBER, "Month", "1 to 12."),
    Field("day", NUMBER, "Day of the month", "1 to 31."),
)
_PAGE = (
    Field("type", TEXT, "Page type", "What the page says it is.", values=PAGE_TYPES),
    Field("item_id", TEXT, "Item of the page", "The item whose page this is.", suggests="items"),
    Field("category", PATH, "Category of the page", "What a category page shows.", suggests="categories"),
)


def _under(prefix: str, fields: tuple[Field, ...], *sources: Source, label: str = "") -> dict[str, Field]:
    return {
        f"{prefix}.{one.name}": replace(
            one,
            name=f"{prefix}.{one.name}",
            label=f"{label}: {one.label}" if label else one.label,
            reads=one.reads.union(sources),
        )
        for one in fields
    }


_SEEN = "Viewed item"

FIELDS: Mapping[str, Field] = {
    "slot": Field(
        "slot", TEXT, "Slot", "The slot that is filled.", frozenset({Source.PAGE}), suggests="slots"
    ),
    **_under("page", _PAGE, Source.PAGE),
    **_under("item", _ITEM, Source.ITEM),
    **_under("item", _ITEM_AND_VISITOR, Source.ITEM, Source.VISITOR),
    **_under("visitor", _VISITOR, Source.VISITOR),
    **_under("time", _TIME, Source.TIME),
    **_under("page.item", _ITEM, Source.PAGE, label=_SEEN),
    **_under("page.item", _ITEM_AND_VISITOR, Source.PAGE, Source.VISITOR, label=_SEEN),
}
"""Name → field, in the order in which an editor lists them."""
