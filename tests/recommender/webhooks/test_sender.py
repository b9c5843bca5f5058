"""Other systems are told of who enters and leaves: signed, in order, again when it failed, never inside."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.store import keys
from habitue_recommender.segments.segment import Segment, parse_segment
from habitue_recommender.webhooks import queue as webhook_queue
from habitue_recommender.webhooks import sender as webhook_sender
from habitue_recommender.webhooks.messages import Told, secret_of, signature
from habitue_recommender.webhooks.public_addresses import is_public
from habitue_recommender.webhooks.queue import WebhookQueue, Webhooks
from habitue_recommender.webhooks.sender import PAUSES, WebhookSender, resolve

SIGNING = ("an-older-signing-key", "the-signing-key-of-the-tests")
DAY = 86_400_000


@dataclass
class Receiver:
    """A real HTTP server; answers what `answers` says, the last one for ever."""

    answers: list[str] = field(default_factory=lambda: ["200 OK"])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    silent: bool = False

    def address(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.requests]

    @property
    def told(self) -> list[str]:
        """Who did what, over all requests."""
        return [
            f"{one['profile_id']} {one['change']}" for body in self.bodies for one in body["data"]["changes"]
        ]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                said = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(said["content-length"]))
                if self.silent:
                    await asyncio.sleep(3_600)
                self.requests.append((first.split(" ")[1], said, body))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiver(*answers: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    found = Receiver(list(answers) or ["200 OK"])
    server = await asyncio.start_server(found.take, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()


class Telling:
    """A segment with webhooks, its queue and its sender, and a clock that a test turns."""

    def __init__(self, redis: Redis, *addresses: str) -> None:
        self.redis = redis
        self.now = NOW
        self.segment: Segment | None = parse_segment(
            {"id": "vip", "name": "VIP", "when": "visitor.visits > 1", "webhooks": list(addresses)}
        )
        self.webhooks = Webhooks(lambda: self.now)
        self.queue = WebhookQueue(redis)
        self.count = 0

    def sender(self, **options: Any) -> WebhookSender:
        options = {"allow_private": True, "clock": lambda: self.now} | options
        return WebhookSender(self.webhooks, lambda: self.redis, SIGNING, self.subscribed, **options)

    def subscribed(self, address: str, segment_id: str) -> bool:
        return self.segment is not None and address in self.segment.webhooks

    async def tell(self, *who: str, change: str = "entered", cause: str = "event") -> None:
        assert self.segment is not None
        told = []
        for one in who:
            self.count += 1
            told.append(Told(one, "vip", change, self.now, cause, f"0-{self.count}-0"))
        await self.webhooks.enqueue(self.redis, told, {"vip": self.segment})

    async def send(self, **options: Any) -> None:
        sender = self.sender(**options)
        await sender.step(self.redis)
        await sender.settle()

    async def tries(self) -> str:
        assert self.segment is not None
        return (await self.queue.tries(self.segment.webhooks[0])).said


def telling(socket: str, work: Callable[[Redis], Coroutine[Any, Any, None]]) -> None:
    with_redis(socket, work)


def test_a_change_arrives_once_signed_and_says_who_and_what(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            vip = Telling(redis, shop.address("/hook?tenant=1"))
            await vip.tell("user:anna", "a-device")
            await vip.send()
            await vip.send()
            ((path, said, body),) = shop.requests
            assert path == "/hook?tenant=1"
            assert said["host"] == f"127.0.0.1:{shop.port}"
            assert said["content-type"] == "application/json"
            at = int(said["webhook-timestamp"])
            signatures = said["webhook-signature"].split(" ")
            # By the newest key first, and by the one before: a receiver may know either.
            assert signatures == [
                signature(said["webhook-id"], at, body, secret_of(shop.address("/hook?tenant=1"), key))
                for key in reversed(SIGNING)
            ]
            (told,) = shop.bodies
            assert told["type"] == "segment.changed"
            assert told["data"]["segment"] == {"id": "vip", "name": "VIP"}
            assert [one["user_id"] for one in told["data"]["changes"]] == ["anna", None]
            assert told["data"]["changes"][0] == {
                "id": "0-1-0",
                "change": "entered",
                "profile_id": "user:anna",
                "user_id": "anna",
                "timestamp": "2026-05-28T20:26:40.000+00:00",
                "cause": "event",
            }
            assert vip.webhooks.tally == {"delivered": 1}
            assert await vip.queue.waiting() == 0

    telling(redis_socket, work)


def test_many_changes_come_a_hundred_at_a_time_in_their_order(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            vip = Telling(redis, shop.address())
            await vip.tell(*(f"p{number}" for number in range(250)))
            await vip.tell("p0", change="left")
            await vip.send()
            assert len(shop.requests) == 4
            assert shop.told == [f"p{number} entered" for number in range(250)] + ["p0 left"]
            ids = {said["webhook-id"] for _, said, _ in shop.requests}
            assert len(ids) == 4

    telling(redis_socket, work)


def test_what_failed_is_sent_again_later_and_later_with_the_same_id(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver("500 Oops", "503 Wait\r\nretry-after: 300", "200 OK") as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna")
            await vip.send()
            assert await vip.tries() == "HTTP 500"
            await vip.tell("ben")  # waits behind the first: the order is kept
            await vip.send()
            assert len(shop.requests) == 1
            vip.now += round(PAUSES[0] * 1.2 * 1_000)
            await vip.send()
            assert len(shop.requests) == 2
            vip.now += round(PAUSES[1] * 1.2 * 1_000)
            await vip.send()
            assert len(shop.requests) == 2  # it asked for 300 seconds
            vip.now += 300_000
            await vip.send()  # another sender, as after a restart: all it needs is in Redis
            assert shop.told == ["anna entered"] * 3 + ["ben entered"]
            assert len({said["webhook-id"] for _, said, _ in shop.requests[:3]}) == 1
            assert vip.webhooks.tally == {"failed": 2, "delivered": 2}

    telling(redis_socket, work)


def test_after_a_day_it_is_given_up_and_counted(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver("500 Oops") as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna")
            tried = 0
            while await vip.queue.waiting():
                await vip.send()
                tried += 1
                vip.now += 7_300_000
                assert tried < 30
            assert vip.now - NOW < DAY + 4 * 7_300_000  # a pause may be a tenth longer than the step here
            assert vip.webhooks.tally == {"failed": len(shop.requests), "expired": 1}

    telling(redis_socket, work)


def test_what_a_receiver_does_not_take_does_not_hold_up_the_next(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver("422 No", "200 OK", "410 Gone") as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna")
            await vip.tell("ben")
            await vip.send()
            assert shop.told == ["anna entered", "ben entered"]
            for one in ("carl", "dora", "emil"):
                await vip.tell(one)
            await vip.send()
            assert len(shop.requests) == 3  # gone: the other two are not even tried
            assert vip.webhooks.tally == {"refused": 4, "delivered": 1}
            assert await vip.queue.waiting() == 0

    telling(redis_socket, work)


def test_a_dead_receiver_holds_up_nobody_else(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop, receiver() as dead:
            dead.silent = True
            vip = Telling(redis, dead.address(), shop.address())
            await vip.tell("anna")
            await vip.send()
            assert shop.told == ["anna entered"]
            assert await vip.tries() == "no answer in time"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhook_sender, "ANSWER_SECONDS", 0.3)
        telling(redis_socket, work)


def test_no_redirect_is_followed(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as other, receiver(f"302 Found\r\nlocation: {other.address()}") as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna")
            await vip.send()
            assert await vip.tries() == "HTTP 302"
            assert len(shop.requests) == 1
            assert other.requests == []

    telling(redis_socket, work)


def test_private_addresses_are_not_called_whatever_a_name_says(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as inside:
            host = "hooks.example"
            vip = Telling(redis, inside.address(host=host, scheme="https"))

            async def says(*addresses: str) -> str:
                async def resolved(name: str, port: int) -> Sequence[str]:
                    assert name == host
                    return addresses

                vip.now += DAY // 10
                await vip.send(allow_private=False, resolve=resolved)
                return await vip.tries()

            await vip.tell("anna")
            assert "not on the open Internet" in await says("127.0.0.1")
            assert "not on the open Internet" in await says("93.184.215.14", "10.0.0.7")  # one of them is
            assert "not on the open Internet" in await says("::ffff:169.254.169.254")
            assert "no address" in await says()
            assert vip.webhooks.tally == {"blocked": 4}
            assert inside.requests == []

    telling(redis_socket, work)


def test_plain_http_leaves_the_house_only_when_private_is_allowed(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        vip = Telling(redis, "http://hooks.example/a")
        await vip.tell("anna")
        await vip.send(allow_private=False)
        assert await vip.tries() == "only https leaves the house"

    telling(redis_socket, work)


def test_the_connection_goes_to_the_address_that_was_looked_at(redis_socket: str) -> None:
    """The name means something else at every question; what counts is the one answer that was checked."""

    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            asked = 0

            async def rebinding(name: str, port: int) -> Sequence[str]:
                nonlocal asked
                asked += 1
                return ["127.0.0.1"]

            vip = Telling(redis, shop.address(host="rebinding.invalid"))
            await vip.tell("anna")
            await vip.send(resolve=rebinding)
            assert asked == 1
            ((_, said, _),) = shop.requests
            assert said["host"] == f"rebinding.invalid:{shop.port}"

    telling(redis_socket, work)


@pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")
def test_the_certificate_is_that_of_the_name_not_of_the_number(redis_socket: str, tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=hooks.example"),
            *("-addext", "subjectAltName=DNS:hooks.example"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    async def here(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def work(redis: Redis) -> None:
        async with receiver(tls=served) as shop:
            vip = Telling(redis, shop.address(host="hooks.example", scheme="https"))
            await vip.tell("anna")
            await vip.send(resolve=here, tls=trusting)
            assert shop.told == ["anna entered"]
            await redis.flushall()
            other = Telling(redis, shop.address(host="elsewhere.example", scheme="https"))
            await other.tell("ben")
            await other.send(resolve=here, tls=trusting)
            assert await other.tries() == "the certificate is not valid"
            assert shop.told == ["anna entered"]

    telling(redis_socket, work)


def test_the_queue_is_bounded_and_what_finds_no_room_is_counted(
    redis_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_queue, "MOST_OF_ONE", 3)
    monkeypatch.setattr(webhook_queue, "MOST_WAITING", 4)

    async def work(redis: Redis) -> None:
        vip = Telling(redis, "http://127.0.0.1:1/a", "http://127.0.0.1:1/b")
        await vip.tell(*(f"p{number}" for number in range(450)))
        assert await vip.queue.waiting() == 4
        assert await vip.queue.waiting("http://127.0.0.1:1/a") == 3
        assert vip.webhooks.tally == {"overflow": 6}
        await vip.queue.forget(["http://127.0.0.1:1/a"])
        assert await vip.queue.waiting() == 1

    telling(redis_socket, work)


def test_an_address_that_was_taken_out_is_told_nothing_more(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna")
            vip.segment = None
            await vip.send()
            assert shop.requests == []
            assert vip.webhooks.tally == {"unsubscribed": 1}

    telling(redis_socket, work)


def test_who_was_erased_while_a_message_waited_is_not_in_it(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            vip = Telling(redis, shop.address())
            await vip.tell("anna", "ben")
            await vip.tell("anna", change="left", cause="erased")
            await redis.set(keys.tombstone("anna"), vip.now)
            await vip.send()
            assert shop.told == ["ben entered", "anna left"]

    telling(redis_socket, work)


def test_a_trial_says_that_it_is_one(redis_socket: str) -> None:
    async def work(redis: Redis) -> None:
        async with receiver() as shop:
            vip = Telling(redis, shop.address())
            assert vip.segment is not None
            await vip.queue.try_out(shop.address(), vip.segment, vip.now)
            await vip.send()
            assert shop.bodies[0]["type"] == "segment.test"
            assert shop.bodies[0]["data"]["changes"] == []

    telling(redis_socket, work)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "1.1.1.1"])
def test_public_addresses_are_those_of_the_open_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::7f00:1", "2002:7f00:1::", "2002:a00:1::1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:0:7f00:1::", "nonsense", "", "1.2.3"),
    ],
)
def test_private_addresses_are_known_in_every_dress(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]", "localhost"],
)
def test_a_host_written_another_way_ends_at_the_same_private_address(host: str) -> None:
    try:
        found = asyncio.run(resolve(host.strip("[]"), 443))
    except OSError:
        return  # this system's resolver knows no such way of writing: then nobody is called
    assert not any(is_public(one) for one in found)
