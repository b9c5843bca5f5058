"""Sends what waits: signed, in order, tried again with growing pauses, and never to addresses inside.

The host is resolved here, each of its addresses looked at, and the connection made to the one that was looked
at: a name that means something else a moment later leads nowhere. No redirect is followed, no proxy of the
environment asked, and nothing of an answer is read but its status.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from socket import SOCK_STREAM, gaierror
from threading import Event as Stop
from time import time_ns

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from habitue_collector.store import keys
from habitue_recommender.webhooks.messages import Message, headers, secret_of
from habitue_recommender.webhooks.public_addresses import is_public
from habitue_recommender.webhooks.queue import Tries, WebhookQueue, Webhooks

MOST_SECONDS = 86_400  # a message older than a day is news to nobody
PAUSES = (5, 30, 120, 600, 1_800, 3_600, 7_200)  # seconds after each failure in a row; the last one goes on
MOST_PAUSE = 7_200
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0
AT_ONCE = 8  # addresses
OF_ONE_AT_ONCE = 50  # messages to one address, before the others get their turn
_TICK_SECONDS = 0.25
_REFUSED = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431})  # said of this very message
_GONE = 410

# What becomes of a message. What is not final is tried again.
OUTCOMES: Mapping[str, str] = {
    "delivered": "answered with 2xx",
    "failed": "a try that failed; it is tried again",
    "blocked": "a try that was not made: the host is not public, or not https; it is tried again",
    "refused": "the receiver says that it does not take this message, or none any more (410)",
    "expired": "given up after a day",
    "overflow": "found no room in the queue",
    "unsubscribed": "the segment no longer names the address",
    "erased": "all that it spoke of were erased meanwhile",
}

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Subscribed = Callable[[str, str], bool | None]

_log = logging.getLogger(__name__)


class Blocked(Exception):  # a word of the house, not ...Error
    """This address may not be called."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver gives them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class WebhookSender:
    """See the module. `subscribed(address, segment_id)` is asked before each try, not only when it was told.

    None of its answers means that nobody knows yet: then nothing is sent. `signing_keys`, newest last: a
    message is signed with each of them, for receivers that still know the one before.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        connect: Callable[[], Redis],
        signing_keys: Sequence[str],
        subscribed: Subscribed,
        *,
        allow_private: bool = False,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._webhooks = webhooks
        self._connect = connect
        self._signing_keys = tuple(signing_keys)
        self._subscribed = subscribed
        self._allow_private = allow_private
        self._clock = clock
        self._resolve = resolve
        self._tls = tls
        self._busy: dict[str, asyncio.Task[None]] = {}

    def run_forever(self, stop: Stop) -> None:
        """Until `stop` is set; survives a Redis that is away."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: Stop) -> None:
        async with self._connect() as redis:
            try:
                while not stop.is_set():
                    try:
                        await self.step(redis)
                    except (RedisError, OSError) as error:
                        _log.warning("webhooks wait for Redis: %s", error)
                    await asyncio.sleep(_TICK_SECONDS)
            finally:
                for task in self._busy.values():  # what is not answered yet is sent again after the start
                    task.cancel()
                await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def step(self, redis: Redis) -> None:
        """Begin with every address whose turn it is; they go on by themselves."""
        queue = WebhookQueue(redis)
        self._webhooks.waiting = await queue.waiting()
        for address, task in list(self._busy.items()):
            if task.done():
                del self._busy[address]
                if (error := task.exception()) is not None:
                    _log.warning("a webhook's turn ended early: %s", type(error).__name__)
        if not self._webhooks.waiting or len(self._busy) >= AT_ONCE or self._subscribed("", "") is None:
            return
        for address in await queue.due(self._clock(), 4 * AT_ONCE):
            if address not in self._busy and len(self._busy) < AT_ONCE:
                self._busy[address] = asyncio.create_task(self.send_to(redis, address))

    async def settle(self) -> None:
        """Wait for the addresses that are being called."""
        await asyncio.gather(*self._busy.values())

    # ---- one address -----------------------------------------------------------------------------

    async def send_to(self, redis: Redis, address: str) -> None:
        """Its messages, oldest first, until one fails or its turn is over."""
        queue = WebhookQueue(redis)
        tries = await queue.tries(address)
        async with self._client() as client:
            for _ in range(OF_ONE_AT_ONCE):
                packed = await queue.first(address)
                if packed is None:
                    await queue.drop(address, 0)
                    return
                message = await self._wanted(redis, address, packed)
                if message is None:
                    await queue.drop(address)
                    continue
                outcome, said, pause = await self._try(client, address, message)
                now = self._clock()
                self._webhooks.tally[outcome] += 1
                if outcome in ("failed", "blocked"):
                    tries = self._later(tries, outcome, said, pause, now)
                    await queue.note(address, tries)
                    return
                tries = Tries(0, outcome, said, now)
                await queue.note(address, tries)
                if said == f"HTTP {_GONE}":
                    self._webhooks.tally["refused"] += await queue.drop(address, None) - 1
                    return
                await queue.drop(address)

    async def _wanted(self, redis: Redis, address: str, packed: bytes) -> Message | None:
        """The message as it is to be sent now; None (and counted) when nobody wants it any more."""
        try:
            message = Message.unpack(packed)
        except ValueError:
            self._webhooks.tally["refused"] += 1
            return None
        if self._clock() - message.at > MOST_SECONDS * 1_000:
            self._webhooks.tally["expired"] += 1
            return None
        if self._subscribed(address, message.segment_id) is False:
            self._webhooks.tally["unsubscribed"] += 1
            return None
        if not message.changes:
            return message
        async with redis.pipeline(transaction=False) as pipeline:
            for one in message.changes:
                pipeline.get(keys.tombstone(one.profile_id))
            tombstones = await pipeline.execute()
        # Of who was erased meanwhile nothing is told but that they are gone.
        left = tuple(
            one
            for one, until in zip(message.changes, tombstones, strict=True)
            if until is None or one.cause == "erased" or one.timestamp > int(until)
        )
        if not left:
            self._webhooks.tally["erased"] += 1
            return None
        return message if len(left) == len(message.changes) else replace(message, changes=left)

    def _later(self, tries: Tries, outcome: str, said: str, pause: float | None, now: int) -> Tries:
        failures = tries.failures + 1
        usual = PAUSES[min(failures, len(PAUSES)) - 1] * random.uniform(0.9, 1.1)  # not all at one moment
        seconds = max(usual, min(pause or 0.0, MOST_PAUSE))
        return Tries(failures, outcome, said, now, now + round(seconds * 1_000))

    # ---- one try ---------------------------------------------------------------------------------

    async def _try(
        self, client: httpx.AsyncClient, address: str, message: Message
    ) -> tuple[str, str, float | None]:
        """Outcome, what was said, and how long the receiver asks to be left alone (seconds)."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, pause = await self._post(client, address, message)
        except Blocked as blocked:
            return "blocked", str(blocked), None
        except (TimeoutError, httpx.TimeoutException):
            return "failed", "no answer in time", None
        except gaierror:
            return "failed", "the host's name is not known", None
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
            return "failed", "the certificate is not valid" if untrusted else type(error).__name__, None
        if 200 <= status < 300:
            return "delivered", f"HTTP {status}", None
        final = status in _REFUSED or status == _GONE
        return "refused" if final else "failed", f"HTTP {status}", pause

    async def _post(
        self, client: httpx.AsyncClient, address: str, message: Message
    ) -> tuple[int, float | None]:
        url = httpx.URL(address)
        if url.scheme != "https" and not self._allow_private:
            raise Blocked("only https leaves the house")
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        pinned = await self._address_of(host.strip("[]"), port)
        body = message.body()
        secrets = [secret_of(address, key) for key in self._signing_keys]
        said = headers(message.id, self._clock() // 1_000, body, secrets)
        request = client.build_request(
            "POST",
            url.copy_with(host=pinned),
            content=body,
            headers={**said, "host": url.netloc.decode("ascii"), "content-type": "application/json"},
            # The certificate is checked for the name, although the connection goes to the number.
            extensions={"sni_hostname": host},
        )
        response = await client.send(request, stream=True)
        try:
            return response.status_code, _seconds(response.headers.get("retry-after"))
        finally:
            await response.aclose()

    async def _address_of(self, host: str, port: int) -> str:
        """The one address to connect to. Raises Blocked when any of the host's is not public."""
        found = await self._resolve(host, port)
        if not found:
            raise Blocked("the host has no address")
        if not self._allow_private and not all(is_public(one) for one in found):
            raise Blocked("the host is not on the open Internet; [webhooks] allow_private lets it through")
        return found[0]

    def _client(self) -> httpx.AsyncClient:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()  # some 20 ms, once
        return httpx.AsyncClient(
            verify=self._tls,
            trust_env=False,  # a proxy would resolve the name again
            follow_redirects=False,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            headers={"user-agent": "Habitue-Webhooks/1", "accept": "*/*", "accept-encoding": "identity"},
        )


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
