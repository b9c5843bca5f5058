"""The marketers' pages over a real Redis with a small catalog: `async with marketers(real) as desk: …`."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from habitue_console.roles import Role
from habitue_recommender.catalog_store import store_items
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook_service import RulebookService
from habitue_recommender.rulebook_store import RulebookStore
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


_INPUT = re.compile(
    r"<(input|textarea|select)\b([^>]*)>(.*?)(?=<(?:input|textarea|select|button)\b|\Z)", re.DOTALL
)


def form_of(page: httpx.Response | str, **changes: Any) -> dict[str, Any]:
    """What a browser would send of the draft's form, with these changes (a name's dots as `__`)."""
    text = page if isinstance(page, str) else page.text
    start = text.index('<form id="draft"')
    text = text[start : text.index("</form>", start)]
    sent: dict[str, Any] = {}
    for kind, attributes, rest in _INPUT.findall(text):
        name = _attribute(attributes, "name")
        if not name:
            continue
        if kind == "textarea":
            value = html.unescape(rest.split("</textarea>")[0].removeprefix("\n"))
        elif kind == "select":
            chosen = re.search(r'<option value="([^"]*)"[^>]*\bselected', rest.split("</select>")[0])
            first = re.search(r'<option value="([^"]*)"', rest)
            value = html.unescape((chosen or first)[1]) if chosen or first else ""  # type: ignore[index]
        elif _attribute(attributes, "type") == "checkbox":
            if " checked" not in attributes:
                continue
            value = _attribute(attributes, "value")
        else:
            value = _attribute(attributes, "value")
        sent.setdefault(name, []).append(value)
    for name, value in changes.items():
        sent[name.replace("__", ".")] = value
    return {name: value for name, value in sent.items() if value is not None}


def _attribute(attributes: str, name: str) -> str:
    found = re.search(rf'(?<![\w-]){name}="([^"]*)"', attributes)
    return html.unescape(found[1]) if found else ""
