"""A bounded load of shoppers and a backend over real HTTP, who send again what is not acknowledged.

Each of them notes in a `Ledger` what it did, so that afterwards the right answer is known. Everything
random comes from the seed; when things happen depends on the server.
"""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from support.http_client import HttpClient, Reply
from support.ledger import Epoch, Ledger, Post, Told

WRITE_KEY = "shop-browser"
SECRET_KEY = "shop-backend-secret-0123456789"
KEYS = orjson.dumps(
    [
        {"key": WRITE_KEY, "kind": "browser", "consent": "assumed"},
        {"key": SECRET_KEY, "kind": "server", "consent": "assumed"},
    ]
).decode()
_BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
ITEMS = 5  # per browser: a user whom four browsers visit stays below the profile's 30
THINK_SECONDS = 0.15  # between two actions of one browser, on average
CUT_OFF = 0.1  # of all requests
SERVER_PATIENCE_SECONDS = 10  # no request that was let go is taken in any later; the server's own are 5


class Load:
    """`await Load(address, cast="r1", seed=1).run(10, disturb)`: shoppers for 10 s while `disturb` runs.

    It returns when every shopper has been acknowledged, or has given up, what it sent.
    """

    def __init__(self, address: str, *, cast: str, seed: int, browsers: int = 40) -> None:
        host, port = address.removeprefix("http://").rsplit(":", 1)
        self.ledger = Ledger(cast)
        self.random = random.Random(seed)
        self.client = HttpClient(host, int(port))
        self.stopping = False
        self.browsers = [Browser(self, number, browsers) for number in range(browsers)]

    async def run(self, seconds: float, disturb: Callable[[], Awaitable[None]], drain: float = 60) -> Ledger:
        shoppers = [asyncio.create_task(browser.shop()) for browser in self.browsers]
        disturbing = asyncio.ensure_future(disturb())
        await asyncio.wait([*shoppers], timeout=seconds)
        self.stopping = True
        async with asyncio.timeout(drain):
            await asyncio.gather(disturbing, *shoppers)
        await self.client.close()
        return self.ledger

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability


class Browser:
    """One cookie jar, with several tabs. It knows when it may be which person."""

    def __init__(self, load: Load, number: int, browsers: int) -> None:
        self.load = load
        self.name = f"{load.ledger.cast}-{number}"
        # Two browsers share a user; every second one sometimes logs in as the next user too.
        users = max(2, browsers // 2)
        own, next_one = number // 2 % users, (number // 2 + 1) % users
        self.users = [f"{load.ledger.cast}-u{own}"]
        if number % 2 == 0:
            self.users.append(f"{load.ledger.cast}-u{next_one}")
        self.cookie: str | None = None
        self.nonce = f"nonce-of-{self.name}-{load.random.random()}"
        self.epochs = [Epoch()]
        self.confirmed = 0  # the epoch that is over for sure when the next begins
        self.possible = 0  # the epoch that may have begun: its login or logout is on its way
        self.under_way: set[asyncio.Task[None]] = set()
        self.past: list[tuple[Post, list[dict[str, Any]]]] = []
        self.given_up: list[tuple[float, Post]] = []
        self.count = 0
        self.orders = 0
        load.ledger.browsers.append(self.epochs)

    # ---- what a shopper does ------------------------------------------------------------------

    async def shop(self) -> None:
        chance = self.load.chance
        # Two tabs open at once before anybody has a cookie: the same nonce, one visitor.
        first = [self.deliver(self._some(), gives_up=False) for _ in range(2 if chance(0.5) else 1)]
        await asyncio.gather(*first)
        actions = [
            (0.50, self.browse),
            (0.10, self.two_tabs),
            (0.12, self.ask_for_offers),
            (0.08, self.buy),
            (0.08, self.log_in),
            (0.05, self.log_out),
            (0.07, self.repeat),
        ]
        weights, choices = zip(*actions, strict=True)
        while not self.load.stopping:
            (action,) = self.load.random.choices(choices, weights)
            task = asyncio.create_task(action())
            self.under_way.add(task)
            task.add_done_callback(self._done)
            if action in (self.log_in, self.log_out) or chance(0.8):
                await task  # else the shopper goes on in another tab
            if len(self.under_way) > 6:
                await self.flush()
            await asyncio.sleep(self.load.random.uniform(0, 2 * THINK_SECONDS))
        await self.flush()

    async def flush(self) -> None:
        while waiting := [task for task in self.under_way if task is not asyncio.current_task()]:
            await asyncio.gather(*waiting)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)

    async def browse(self) -> None:
        await self.deliver(self._some())

    async def two_tabs(self) -> None:
        await asyncio.gather(self.browse(), self.browse())

    async def ask_for_offers(self) -> None:
        await self.deliver(self._some(4), path="/h/v1/context", slots=["home-hero", "no-such-slot"])

    async def buy(self) -> None:
        """The page reports the order, its reload reports it again, the backend too; in any order."""
        self.orders += 1
        order, value = f"{self.name}-order{self.orders}", self.load.random.randrange(1, 500)
        self.load.ledger.values[order] = value
        page = self.deliver([*self._some(2), self._order(order, value)])
        reports: list[Awaitable[None]] = [page]
        if self.load.chance(0.7):
            reports.append(self._backend(order, value))
        if self.load.chance(0.5):
            self.load.random.shuffle(reports)
            await asyncio.gather(*reports)
        else:
            for report in reports:
                await report
        if self.load.chance(0.4):  # loaded again, perhaps by whoever sits there later
            await asyncio.sleep(self.load.random.choice([0, 2]) * self.load.random.random())
            await self.deliver([self._order(order, value)])

    async def log_in(self) -> None:
        """In a batch of its own or among views; as the tag does after a flush, or not."""
        if self.load.chance(0.5):
            await self.flush()
        user = self.load.random.choice(self.users)
        proof = hmac.digest(SECRET_KEY.encode(), user.encode(), "sha256").hex()
        who = self._event("identify", userId=user, traits={"plan": "gold"}, context={"user_hash": proof})
        around = self._some(3) if self.load.chance(0.5) else []
        events = [*around[:1], who, *around[1:]]
        if self.epochs[-1].user == user:
            await self.deliver(events)
            return
        self._turn(Epoch(self.epochs[-1].device, user))
        await self.deliver(events, gives_up=False)
        self.confirmed = self.possible

    async def log_out(self) -> None:
        if self.load.chance(0.6):
            await self.flush()
        self._turn(Epoch())
        while True:
            reply = await self._post("/h/v1/reset", {"writeKey": WRITE_KEY})
            if reply.status == 200:
                break
            await self._pause()
        self.confirmed = self.possible
        self.epochs[-1].device = self._visitor()

    def _turn(self, epoch: Epoch) -> None:
        """A login or logout sets out; what was given up a moment ago may still be taken in after it."""
        self.epochs.append(epoch)
        self.possible += 1
        now = time.monotonic()
        self.given_up = [(at, post) for at, post in self.given_up if now - at < SERVER_PATIENCE_SECONDS]
        for _, post in self.given_up:
            post.last = self.possible

    async def repeat(self) -> None:
        """Real clients send again what was acknowledged."""
        if not self.past:
            return
        post, events = self.load.random.choice(self.past)
        reply = await self._post("/h/v1/batch", self._envelope(events))
        if reply.status == 200:
            self.load.ledger.again += 1
            self._read(post, reply)

    # ---- how it is sent -------------------------------------------------------------------------

    async def deliver(
        self,
        events: list[dict[str, Any]],
        *,
        path: str = "/h/v1/batch",
        gives_up: bool = True,
        **more: Any,
    ) -> None:
        """Until it is acknowledged; now and then a tab is closed for ever after an error."""
        post = self._note(events)
        while True:
            post.attempts += 1
            reply = await self._post(path, self._envelope(events, **more))
            post.last = self.possible
            if reply.status == 200:
                self._read(post, reply)
                post.acknowledged = True
                self.past = [*self.past[-20:], (post, events)]
                return
            if gives_up and self.load.chance(0.05):
                self.load.ledger.given_up += 1
                self.given_up.append((time.monotonic(), post))
                return
            self.load.ledger.again += 1
            await self._pause()

    async def _backend(self, order: str, value: int) -> None:
        """The shop's backend knows the user who is logged in, else it hands the visitor on."""
        event = self._order(order, value)
        post = self._note([event])
        headers = {"Authorization": f"Bearer {SECRET_KEY}"}
        user = self.epochs[self.confirmed].user
        if user is None and self.load.chance(0.3):
            user = self.users[0]  # a guest in the browser whom the shop knows by the address
        if user is not None:
            event["userId"] = post.user = user
        else:
            assert self.cookie is not None
            headers["X-Habitue-Visitor"] = self.cookie
        if self.load.chance(0.3):  # the payment comes in later; who bought may have logged in or out
            await asyncio.sleep(self.load.random.uniform(0.3, 3))
        while True:
            body = orjson.dumps({"batch": [event], "sentAt": _now()})
            reply = await self.load.client.post("/v1/batch", body, headers, self._patience())
            post.last = self.possible
            self._judge("/v1/batch", reply)
            if reply.status == 200:
                self._read(post, reply)
                post.acknowledged = True
                return
            self.load.ledger.again += 1
            await self._pause()

    async def _post(self, path: str, body: dict[str, Any]) -> Reply:
        headers = {"User-Agent": _BROWSER, "Content-Type": "text/plain"}
        if self.cookie is not None:
            headers["Cookie"] = f"theme=dark; habitue={self.cookie}"
        reply = await self.load.client.post(path, orjson.dumps(body), headers, self._patience())
        self._judge(path, reply)
        said = reply.headers.get("set-cookie", "")
        if reply.status == 200 and said.startswith("habitue="):
            self.cookie = said.split("=", 1)[1].split(";")[0]
            if self.epochs[0].device is None:
                self.epochs[0].device = self._visitor()
        return reply

    def _judge(self, path: str, reply: Reply) -> None:
        ledger = self.load.ledger
        ledger.statuses[reply.status] += 1
        if reply.status not in (0, 200, 503):
            ledger.strange.append(f"{path} answered {reply.status}: {reply.body[:200]!r}")

    def _read(self, post: Post, reply: Reply) -> None:
        ledger = self.load.ledger
        results = orjson.loads(reply.body)["results"]
        if [one["index"] for one in results] != list(range(len(post.events))):
            ledger.strange.append(f"results do not fit the batch: {reply.body[:200]!r}")
        for one in results:
            if one["status"] != "accepted" or "kept" in one:
                ledger.strange.append(f"not accepted: {one}")
            ledger.repeats += bool(one.get("duplicate"))

    def _patience(self) -> float | None:
        """Some lines are cut at once (a phone in a tunnel): taken in or not, the sender cannot know."""
        return self.load.random.uniform(0.0005, 0.02) if self.load.chance(CUT_OFF) else None

    async def _pause(self) -> None:
        await asyncio.sleep(self.load.random.uniform(0.02, 0.3))

    def _visitor(self) -> str:
        assert self.cookie is not None
        return self.cookie.rsplit(".", 2)[0]

    # ---- what is sent ---------------------------------------------------------------------------

    def _envelope(self, events: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        if self.cookie is None:
            more["nonce"] = self.nonce
        return {"writeKey": WRITE_KEY, "sentAt": _now(), "batch": events, **more}

    def _note(self, events: list[dict[str, Any]]) -> Post:
        told = [
            Told(
                event["messageId"],
                tuple(
                    [event["properties"]["product_id"]] if "product_id" in event.get("properties", ()) else ()
                ),
                event.get("properties", {}).get("order_id"),
            )
            for event in events
        ]
        post = Post(self.epochs, told, first=self.confirmed, last=self.possible)
        self.load.ledger.posts.append(post)
        return post

    def _some(self, most: int = 20) -> list[dict[str, Any]]:
        """A few page views, product views and cart additions."""
        draw = self.load.random
        return [self._one() for _ in range(min(most, int(draw.paretovariate(0.9)), 20))]

    def _one(self) -> dict[str, Any]:
        draw = self.load.random
        kind = draw.random()
        if kind < 0.2:
            return self._event("page", properties={"path": "/", "url": "http://shop.test/"})
        item = {
            "product_id": f"{self.name}-i{draw.randrange(ITEMS)}",
            "category": "Shoes/Trail",
            "price": draw.randrange(5, 90),
        }
        return self._event(
            "track", event="Product Viewed" if kind < 0.8 else "Product Added", properties=item
        )

    def _order(self, order: str, value: int) -> dict[str, Any]:
        bought = [{"product_id": f"{self.name}-o", "price": value}]
        return self._event(
            "track",
            event="Order Completed",
            properties={"order_id": order, "total": value, "currency": "EUR", "products": bought},
        )

    def _event(self, call: str, **members: Any) -> dict[str, Any]:
        self.count += 1
        return {"type": call, "messageId": f"{self.name}-e{self.count}", "timestamp": _now(), **members}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
