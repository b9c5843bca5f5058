"""For templates of any engine: the tag and the slots of the page that is being made. Below a mount.

>>> templates.env.globals |= {"habitue_tag": habitue.page.tag, "habitue_slot": habitue.page.slot}
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from habitue.async_client import AsyncClient
from habitue.client import Client
from habitue.offers import OfferLike, Offers
from habitue.rendering import slot_html, tag_html
from habitue.visit import current_visit


class Markup(str):
    """HTML, as Jinja and its like know it: not to be escaped again."""

    def __html__(self) -> str:
        return str(self)


def tag(*, nonce: str | None = None, traits: Mapping[str, Any] | None = None) -> Markup:
    """The tag, for the `<head>`; nothing where no mount answers the request."""
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    return Markup(tag_html(visit.site, visit, nonce=nonce, traits=traits))


def slot(
    slot: str,
    *,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    deadline: float | None = None,
    fallback: Iterable[OfferLike] | None = None,
    nonce: str | None = None,
    cards: Callable[[Offers], str] | None = None,
) -> Markup:
    """A slot with the visitor's offers in it; `cards` makes the HTML of the offers.

    It waits up to `deadline` seconds. In `async def` use `slot_async`: where the mount has an `AsyncClient`
    this one only leaves the place, and the tag fills it.
    """
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    offers = Offers(fallback or ())
    if isinstance(visit.site.client, Client):
        offers = visit.site.client.offers(
            slot, item_id=item, category=category, page_type=page_type, deadline=deadline, fallback=fallback
        )
    return _filled(slot, offers, item, category, nonce, cards)


async def slot_async(
    slot: str,
    *,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    deadline: float | None = None,
    fallback: Iterable[OfferLike] | None = None,
    nonce: str | None = None,
    cards: Callable[[Offers], str] | None = None,
) -> Markup:
    """As `slot`, without blocking the event loop."""
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    client: Client | AsyncClient = visit.site.client
    if isinstance(client, AsyncClient):
        offers = await client.offers(
            slot, item_id=item, category=category, page_type=page_type, deadline=deadline, fallback=fallback
        )
    else:
        offers = await asyncio.to_thread(
            client.offers,
            slot,
            item_id=item,
            category=category,
            page_type=page_type,
            deadline=deadline,
            fallback=fallback,
        )
    return _filled(slot, offers, item, category, nonce, cards)


def logout() -> None:
    """Call it where you log somebody out: the next person at this device is somebody else."""
    if (visit := current_visit()) is not None:
        visit.logout()


def _filled(
    slot: str,
    offers: Offers,
    item: object,
    category: str | None,
    nonce: str | None,
    cards: Callable[[Offers], str] | None,
) -> Markup:
    visit = current_visit()
    if visit is None or visit.site is None:
        return Markup("")
    own = str(cards(offers)) if cards is not None and offers else None
    html = slot_html(visit.site, visit, slot, offers, item=item, category=category, cards=own, nonce=nonce)
    return Markup(html)
