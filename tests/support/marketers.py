"""The marketers' pages over a real Redis with a small catalog: `async with marketers(real) as desk: …`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from habitue_console.roles import Role
from habitue_recommender.catalog.store import store_items
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.settings import RecommenderSettings

from .console import Browser, ConsoleFloor, console
from .house import RealRedis

HTMX = {"hx-request": "true"}
EVIL = "<script>alert(1)</script>"
ITEMS = [
    {
        "item_id": item_id,
        "name": name,
        "price": price,
        "currency": "EUR",
        "url": f"/p/{item_id}",
        "category": category,
        "brand": brand,
    }
    for item_id, name, price, category, brand in (
        ("boot", "Trail boot", 120, "Shoes/Trail", "Alpin"),
        ("sandal", "Sandal", 40, "Shoes/Summer", "Alpin"),
        ("käse", "Käsehobel", 9.5, "Kitchen", "Küche"),
        ("evil", EVIL, 1, f"Shoes/{EVIL}", EVIL),
        *((f"shoe-{n:02d}", f"Shoe number {n}", 50 + n, "Shoes/Trail", "Other") for n in range(20)),
    )
]


@dataclass
class Desk:
    """A console with a catalog and a rulebook."""

    floor: ConsoleFloor
    service: RulebookService

    async def marketer(self, name: str = "mara") -> Browser:
        return await self.floor.signed_in(name, Role.MARKETER)

    async def save(self, kind: str, document_id: str, /, **body: Any) -> Any:
        return await self.service.save(kind, {"id": document_id, **body}, author="seed")

    async def body(self, kind: str, document_id: str) -> dict[str, Any]:
        document = await self.service.find(kind, document_id)
        assert document is not None, f"there is no {kind} {document_id}"
        return dict(document.body)


@asynccontextmanager
async def marketers(real: RealRedis) -> AsyncIterator[Desk]:
    settings = RecommenderSettings()
    recommender = Recommender(
        settings, real.folder / "models", lambda folder: pytest.fail("there is no model")
    )
    async with console(real, recommender=recommender) as floor:
        service = RulebookService(RulebookStore(floor.house.redis), settings)
        floor.house.rulebook = service
        results = await store_items(floor.house.redis, ITEMS, now=1)
        assert {one["status"] for one in results} == {"accepted"}
        await recommender.refresh(floor.house.redis)
        yield Desk(floor, service)


class _Draft(HTMLParser):
    """What a browser would send of the first form with a draft: its fields' names and values."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._inside = False
        self._area: str | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name = has.get("name") or ""
        if tag == "form":
            self._inside = has.get("id") == "draft" or "data-draft" in has
        elif not self._inside:
            return
        elif tag == "input" and name and (has.get("type") != "checkbox" or "checked" in has):
            self.sent.setdefault(name, []).append(has.get("value") or "")
        elif tag == "textarea":
            self._area = name
            self.sent[name] = [""]
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select is not None:
            self._select[1].append((has.get("value") or "", "selected" in has))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.sent[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area is not None:
            self.sent[self._area][0] = self.sent[self._area][0].removeprefix("\n")
            self._area = None
        elif tag == "select" and self._select is not None:
            name, options = self._select
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            if chosen:
                self.sent[name] = chosen[:1]
            self._select = None


def form_of(page: httpx.Response | str, **changes: Any) -> dict[str, Any]:
    """What a browser would send of the draft's form, with these changes (a name's dots as `__`)."""
    draft = _Draft()
    draft.feed(page if isinstance(page, str) else page.text)
    assert draft.sent, "there is no form"
    sent: dict[str, Any] = dict(draft.sent)
    for name, value in changes.items():
        sent[name.replace("__", ".")] = value
    return {name: value for name, value in sent.items() if value is not None}
