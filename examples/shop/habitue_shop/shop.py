"""What every page of the shop needs: settings, shelves, the backend's client, and how a page is made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from habitue_shop.households import household
from habitue_shop.journey import Product, products
from habitue_shop.reporting import Reporter
from habitue_shop.settings import ShopSettings
from habitue_shop.shelves import Shelf, Shelves, slug
from habitue_shop.tracking import Call, cart_change, identify
from habitue_shop.visit import Visit

HERE = Path(__file__).parent
MAX_FORM_BYTES = 16_384


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["money"] = lambda value: f"${value:,.2f}"
    environment.filters["slug"] = slug
    return environment


@dataclass(slots=True)
class Shop:
    """The running shop."""

    settings: ShopSettings
    reporter: Reporter
    templates: jinja2.Environment = field(default_factory=_templates)
    _shelves: Shelves | None = None
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def shelves(self) -> Shelves:
        """The shelves; read at the first request (2 s), so that a worker nobody shops at pays nothing."""
        if self._shelves is None:
            async with self._loading:
                if self._shelves is None:
                    self._shelves = await run_in_threadpool(lambda: Shelves(products()))
        return self._shelves

    async def laid_out(self, request: Request) -> list[Shelf]:
        """The departments in the order of what this visitor likes; in the shop's own for who is new."""
        departments = {shelf.label: shelf for shelf in (await self.shelves()).departments()}
        cookie = request.cookies.get(self.settings.habitue_cookie)
        if not cookie:
            return list(departments.values())
        ordered = await run_in_threadpool(self.reporter.sections, list(departments), cookie)
        return [departments[label] for label in ordered]

    def base_url(self, request: Request) -> str:
        """The shop's address as this visitor's browser knows it."""
        return f"{request.url.scheme}://{request.url.netloc}{self.settings.path}"

    def redirect(self, path: str) -> Response:
        return RedirectResponse(self.settings.path + path, status_code=303)

    async def lines(self, wanted: dict[str, int]) -> list[tuple[Product, int]]:
        """The products behind item ids and quantities; what the shop no longer knows is left out."""
        known = (await self.shelves()).by_id
        return [(known[item_id], quantity) for item_id, quantity in wanted.items() if item_id in known]

    async def page(
        self,
        request: Request,
        template: str,
        page_type: str,
        *,
        title: str,
        calls: Sequence[Call] = (),
        item: str = "",
        category: str = "",
        status_code: int = 200,
        **values: Any,
    ) -> Response:
        """Renders a page with the tag on it. `calls` are what this page tells the tag, in their order."""
        shelves = await self.shelves()
        visit = Visit(request.session)
        told: list[Call] = [("reset",)] if visit.take_reset() else []
        who = None
        if visit.user_id and (who := await run_in_threadpool(household, visit.user_id)):
            traits = {"name": who.name, "age": who.age, "household": who.people}
            told.append(identify(self.settings.secret_key, who.user_id, traits))
        for item_id, change in visit.take_changes():
            if item_id in shelves.by_id:
                told.append(cart_change(shelves.by_id[item_id], self.base_url(request), change))
        html = self.templates.get_template(template).render(
            root=self.settings.path,
            settings=self.settings,
            departments=shelves.departments(),
            title=title,
            page_type=page_type,
            item=item,
            category=category,
            calls=[*told, *calls],
            who=who,
            cart_count=sum(visit.cart().values()),
            query=request.query_params.get("q", "")[:200],
            **values,
        )
        # What a customer sees depends on the session and must not come out of a cache after a logout;
        # `no-cache` rather than `no-store`, which would keep the page out of the back-forward cache.
        return HTMLResponse(html, status_code=status_code, headers={"cache-control": "private, no-cache"})


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an ordinary form; what is too large counts as empty."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))
