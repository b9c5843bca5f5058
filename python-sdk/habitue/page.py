"""For templates of any engine: the tag and the slots of the page that is being made.

>>> templates.env.globals |= {"habitue_tag": habitue.page.tag, "habitue_slot": habitue.page.slot}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from habitue.async_client import AsyncClient
from habitue.client import Client
from habitue.offers import Offer
from habitue.rendering import slot_html, tag_html
from habitue.reporter import DEADLINE
from habitue.visit import current_visit


class Markup(str):
    """HTML, as Jinja and its like know it: not to be escaped again."""

    def __html__(self) -> str:
        return str(self)


def tag(*, nonce: str | None = None, traits: Mapping[str, Any] | None = None) -> Markup:
    """The tag, for the `<head>` of a page below a mount; nothing elsewhere."""
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    return Markup(tag_html(visit.site, visit, nonce=nonce, traits=traits))


def slot(
    slot: str,
    *,
    client: Client,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    deadline: float = DEADLINE,
    fallback: Iterable[Offer] | None = None,
    nonce: str | None = None,
) -> Markup:
    """A slot with the visitor's offers in it. It waits up to `deadline` s: in `async def`, use
    `slot_async`."""
    offers = client.offers(
        slot, item_id=item, category=category, page_type=page_type, deadline=deadline, fallback=fallback
    )
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    return Markup(slot_html(visit.site, visit, slot, offers, item=item, category=category, nonce=nonce))


async def slot_async(
    slot: str,
    *,
    client: AsyncClient,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    deadline: float = DEADLINE,
    fallback: Iterable[Offer] | None = None,
    nonce: str | None = None,
) -> Markup:
    """As `slot`, without blocking the event loop."""
    offers = await client.offers(
        slot, item_id=item, category=category, page_type=page_type, deadline=deadline, fallback=fallback
    )
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    return Markup(slot_html(visit.site, visit, slot, offers, item=item, category=category, nonce=nonce))
