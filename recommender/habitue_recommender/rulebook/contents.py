"""Contents: banners, messages and coupons that stand in a slot beside items, where they fit. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions import Condition
from habitue_recommender.rulebook.reader import MAX_NAME, MAX_NOTE, Reader
from habitue_recommender.rulebook.rules import Cap, read_cap
from habitue_recommender.rulebook.validity import ALWAYS, Validity, read_validity
from habitue_recommender.slots import MAX_SIZE

PREFIX = "content:"  # of the id that a content has as an offer, in events and exposures
MAX_CODE = 100
_FIELDS = (
    *("id", "name", "note", "enabled", "priority", "kind", "title", "text", "url", "image_url", "code"),
    *("slots", "position", "when", "validity", "share", "cap"),
)


class ContentKind(StrEnum):
    BANNER = "banner"
    MESSAGE = "message"
    COUPON = "coupon"


@dataclass(frozen=True, slots=True)
class Content:
    """One thing to show; `item` is what it looks like among offers."""

    id: str
    name: str = ""
    note: str = ""
    enabled: bool = True
    priority: int = 0
    kind: ContentKind = ContentKind.BANNER
    title: str = ""
    text: str = ""
    url: str = ""
    image_url: str = ""
    code: str = ""
    slots: frozenset[str] = frozenset()
    position: int = 1
    condition: Condition | None = None
    validity: Validity = ALWAYS
    share: float = 1.0
    cap: Cap | None = None
    item: Item = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        item = Item(PREFIX + self.id, name=self.title, url=self.url, image_url=self.image_url)
        object.__setattr__(self, "item", item)

    def to_public(self) -> dict[str, Any]:
        """What an offer says beside the members that every offer has."""
        public: dict[str, Any] = {"kind": self.kind.value, "text": self.text}
        if self.code:
            public["code"] = self.code
        return public


def parse_content(raw: object, *, now: int | None = None) -> Content:
    """A content's document. Raises `Mistakes`, all of them; with `now` (ms) also for an end in the past."""
    reader = Reader(raw, _FIELDS)
    content_id = reader.id()
    kind = reader.text("kind", 20) or ""
    if kind not in set(ContentKind):
        reader.wrong("kind", f"the kind is one of {', '.join(ContentKind)}")
    condition = reader.condition("when")
    if condition is not None and condition.reads_item:
        reader.wrong(
            "when",
            "a content is no item, so its condition cannot ask for item; page.item is the one on the page",
        )
    content = Content(
        content_id,
        reader.text("name", MAX_NAME),
        reader.text("note", MAX_NOTE),
        reader.flag("enabled", True),
        reader.whole("priority", -1_000, 1_000, 0),
        ContentKind(kind) if kind in set(ContentKind) else ContentKind.BANNER,
        reader.text("title", MAX_NAME),
        reader.text("text", MAX_NOTE),
        reader.url("url"),
        reader.url("image_url"),
        reader.text("code", MAX_CODE),
        frozenset(reader.words("slots", 100)),
        reader.whole("position", 1, MAX_SIZE, 1),
        condition,
        read_validity(reader, now if reader.raw.get("enabled") is not False else None),
        reader.number("share", 0.0, 1.0, 1.0),
        read_cap(reader),
    )
    if not content.slots and not reader.raw.get("slots"):
        reader.wrong("slots", "name the slots it stands in", "home-hero")
    if not (content.title or content.text or content.image_url):
        reader.wrong("title", "give it a title, a text or a picture")
    if kind == ContentKind.COUPON and not content.code:
        reader.wrong("code", "a coupon needs its code")
    reader.finish()
    return content
