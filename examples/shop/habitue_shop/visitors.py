"""Simulated live visitors: real baskets that the history does not know, carried through the shop over HTTP.

Each visitor is a browser in miniature: a cookie jar of its own, the tag's wire (`/h/v1/context` and
`/h/v1/batch`), page views, a way from shelf to product, some distraction, an order at the end. When an
offer shows something that really was in the basket, the visitor clicks it. How often that happens is how
right the offers are.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import random
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from habitue_shop.journey import Basket, Product, category_path, held_out_baskets, products
from habitue_shop.tracking import order_properties, product_properties, user_hash

LOGGED_IN = 0.4  # the share of visitors who log in
DISTRACTIONS = 0.35  # how often a visitor looks at something they will not buy
MAX_LINES = 12  # of a basket; a few real ones have a hundred lines
RETRIES = 4
SLOTS = {
    "home": ("home-hero", "home-popular"),
    "category": ("category-top",),
    "product": ("pdp-together", "pdp-related"),
    "cart": ("cart-extras",),
    "thanks": ("thanks-next",),
}


@dataclass(slots=True)
class Tally:
    """What the visitors did and met."""

    visitors: int = 0
    events: int = 0
    rejected: int = 0
    failures: int = 0
    orders: int = 0
    slots: int = 0
    slots_filled: int = 0
    offers: int = 0
    hits: int = 0
    bought: int = 0
    bought_after_offer: int = 0
    milliseconds: deque[float] = field(default_factory=lambda: deque(maxlen=20_000))

    def line(self) -> str:
        """One line of progress."""
        return (
            f"{self.visitors} visitors · {self.events:,} events · {self.orders} orders · "
            f"{self.slots_filled} of {self.slots} slots filled · {self.hits} offers were in the basket"
            + (f" · {self.failures} failures" if self.failures else "")
        )

    def report(self) -> str:
        """What to say at the end."""
        times = sorted(self.milliseconds)
        share = self.hits / self.offers if self.offers else 0.0
        led = self.bought_after_offer / self.bought if self.bought else 0.0
        median = times[len(times) // 2] if times else 0.0
        late = times[min(len(times) - 1, len(times) * 99 // 100)] if times else 0.0
        return (
            f"{self.line()}\n"
            f"Of {self.offers:,} offers shown, {share:.1%} stood in that visitor's real basket; "
            f"{led:.1%} of {self.bought:,} items bought had been offered first.\n"
            f"Answers took {median:.1f} ms (median), {late:.1f} ms (99th percentile); "
            f"{self.rejected} events were rejected."
        )


class Gone(Exception):
    """The server could not be had, or refused; this visitor leaves."""


class Pace:
    """At most `rate` requests a second, over all visitors."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate if rate > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Waits until it is this caller's turn."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


class Visitor:
    """One browser with one real basket to fill."""

    def __init__(
        self,
        base_url: str,
        basket: Basket,
        known: dict[str, Product],
        popular: Sequence[Product],
        pace: Pace,
        tally: Tally,
        chance: random.Random,
        *,
        write_key: str,
        secret_key: str,
    ) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=10.0)
        self._shop_url = f"{base_url}/shop"
        self._basket = [
            (known[line.item_id], line.quantity) for line in basket.lines if line.item_id in known
        ]
        self._basket = self._basket[:MAX_LINES]
        self._wanted = {product.item_id for product, _ in self._basket}
        self._user_id = basket.user_id if chance.random() < LOGGED_IN else None
        self._popular, self._pace, self._tally, self._chance = popular, pace, tally, chance
        self._write_key, self._secret_key = write_key, secret_key
        self._nonce: str | None = secrets.token_hex(16)
        self._offered: set[str] = set()
        self._pending: list[dict[str, Any]] = []

    async def visit(self) -> None:
        """From the home page to the order."""
        if not self._basket:
            return
        async with self._client:
            self._tally.visitors += 1
            await self._page("home", "/")
            if self._user_id is not None:
                self._identify()
            for product, quantity in self._basket:
                if self._chance.random() < DISTRACTIONS:
                    await self._look(self._distraction(product))
                await self._look(product)
                self._track("Product Added", product_properties(product, self._shop_url, quantity))
                self._tally.bought += 1
                self._tally.bought_after_offer += product.item_id in self._offered
                self._wanted.discard(product.item_id)  # from here on an offer of it comes too late
            lines = [
                product_properties(product, self._shop_url, quantity) for product, quantity in self._basket
            ]
            self._track("Cart Viewed", {"products": lines})
            await self._page("cart", "/cart")
            order_id = f"sim-{secrets.token_hex(6)}"
            self._track("Order Completed", order_properties(order_id, self._basket, self._shop_url))
            await self._page("thanks", "/thanks")
            while self._pending:
                await self._send("batch", [])
            self._tally.orders += 1

    async def _look(self, product: Product) -> None:
        if self._chance.random() < 0.5:
            category = f"{product.department}/{product.category}"
            self._track("Product List Viewed", {"category": category})
            await self._page("category", "/c", category=category)
        self._track("Product Viewed", product_properties(product, self._shop_url))
        path = f"/p/{product.item_id}"
        await self._page("product", path, item_id=product.item_id, category=category_path(product))

    def _distraction(self, near: Product) -> Product:
        """Something else, most often from the same shelf as `near`."""
        for _ in range(40):
            other = self._chance.choice(self._popular)
            if other.department == near.department and other.item_id not in self._wanted:
                return other
        return other

    def _identify(self) -> None:
        user_id = self._user_id or ""
        self._add(
            "identify", {"userId": user_id, "traits": {}}, user_hash=user_hash(self._secret_key, user_id)
        )

    def _track(self, name: str, properties: dict[str, Any]) -> None:
        self._add("track", {"event": name, "properties": properties})

    def _add(self, kind: str, fields: dict[str, Any], **context: Any) -> None:
        self._pending.append(
            {
                "type": kind,
                "messageId": secrets.token_hex(12),
                "timestamp": _now(),
                "context": context,
                **fields,
            }
        )

    async def _page(self, page_type: str, path: str, item_id: str = "", category: str = "") -> None:
        """A page view and the offers of that page, in one request; then the clicks on the right ones."""
        url = self._shop_url + path
        self._add("page", {"name": page_type, "properties": {"url": url, "path": f"/shop{path}"}})
        page = {"type": page_type, "item_id": item_id or None, "category": category or None}
        slots = SLOTS.get(page_type, ())
        answer = await self._send("context", slots, page=page, url=url)
        for slot, told in (answer.get("slots") or {}).items():
            self._meet(slot, told)

    def _meet(self, slot: str, told: dict[str, Any]) -> None:
        offers = told.get("offers") or []
        self._tally.slots += 1
        self._tally.slots_filled += bool(offers)
        for position, offer in enumerate(offers, 1):
            item_id = offer["item_id"]
            self._tally.offers += 1
            shown = {
                "decision_id": told.get("decision_id"),
                "slot": slot,
                "item_id": item_id,
                "position": position,
            }
            if position <= 4:  # what stands in view without scrolling
                self._track("Offer Viewed", shown)
            if item_id in self._wanted:
                self._tally.hits += 1
                if item_id not in self._offered:
                    self._offered.add(item_id)
                    self._track("Offer Clicked", shown)

    async def _send(self, door: str, slots: Sequence[str], **more: Any) -> dict[str, Any]:
        """Sends what is pending; a 503 is waited out and sent again with the same ids, as the tag does."""
        body: dict[str, Any] = {
            "writeKey": self._write_key,
            "sentAt": _now(),
            "context": {
                "consent": {"analytics": "granted", "personalization": "granted"},
                "page": {"url": more.get("url", self._shop_url)},
                "locale": "en-US",
            },
            "batch": self._pending[:25],
        }
        if self._nonce is not None:
            body["nonce"] = self._nonce
        if slots:
            body |= {"slots": list(slots), "page": {k: v for k, v in more["page"].items() if v}}
        for attempt in range(RETRIES):
            await self._pace.turn()
            began = time.perf_counter()
            try:
                answer = await self._client.post(f"/h/v1/{door}", json=body, headers=_HEADERS)
            except httpx.HTTPError:
                await asyncio.sleep(0.1 * 2**attempt)
                continue
            if answer.status_code == 200:
                self._tally.milliseconds.append((time.perf_counter() - began) * 1000)
                try:
                    told: dict[str, Any] = answer.json()
                except ValueError:
                    break
                results = told.get("results", [])
                self._tally.events += len(results)
                self._tally.rejected += sum(result.get("status") == "rejected" for result in results)
                del self._pending[:25]
                self._nonce = None
                return told
            if answer.status_code != 503:
                break
            await asyncio.sleep(min(float(answer.headers.get("retry-after", 1)), 5.0))
        raise Gone


_HEADERS = {
    "content-type": "text/plain",
    # A real browser's words, or every simulated visitor would be flagged as a bot.
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0 Safari/537.36",
}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _say(text: str) -> None:
    """One line that renews itself on a terminal, a line each elsewhere."""
    sys.stderr.write(f"\r\x1b[2K{text}" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


async def simulate(
    base_url: str,
    visitors: int | None,
    *,
    rate: float = 40.0,
    at_once: int = 20,
    baskets: Sequence[Basket] | None = None,
    write_key: str = "demo",
    secret_key: str = "demo-secret",
    seed: int = 1,
    say: Callable[[str], None] = _say,
) -> Tally:
    """Sends `visitors` through the shop at `base_url` (without `/shop`), at most `rate` requests a second.

    With `visitors=None` they keep coming until this is cancelled.

    `at_once` of them are in the shop at the same time. `baskets` default to the held-out ones; with more
    visitors than baskets they come again. Progress goes to `say`, about once a second.
    """
    chance = random.Random(seed)
    known = {product.item_id: product for product in await asyncio.to_thread(products)}
    popular = tuple(itertools.islice(known.values(), 4_000))
    pool = list(baskets if baskets is not None else await asyncio.to_thread(held_out_baskets))
    chance.shuffle(pool)
    tally, pace = Tally(), Pace(rate)
    if not pool:
        return tally
    waiting = itertools.count() if visitors is None else iter(range(visitors))

    async def come_and_go() -> None:
        for number in waiting:
            basket = pool[number % len(pool)]
            own = random.Random(f"{seed}/{number}")
            visitor = Visitor(
                base_url, basket, known, popular, pace, tally, own, write_key=write_key, secret_key=secret_key
            )
            try:
                await visitor.visit()
            except Gone:
                tally.failures += 1
                await asyncio.sleep(1.0)  # whoever comes next need not run against the same closed door

    crowd = asyncio.gather(
        *(come_and_go() for _ in range(at_once if visitors is None else min(at_once, visitors)))
    )
    try:
        while not crowd.done():
            say(tally.line())
            await asyncio.wait([crowd], timeout=1.0)
        await crowd
    finally:
        crowd.cancel()  # cancelled ourselves, we leave nobody behind in the shop
        await asyncio.wait([crowd])
    say(tally.line())
    return tally
