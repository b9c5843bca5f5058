"""The background process as a whole: from a purchase to the member, the archive and the receiver."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis as AsyncRedis
from support.house import buys, house, page, visitor_of

from habitue_cli import housework
from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Redis, Webhooks, demo_settings
from habitue_collector.store import keys
from habitue_recommender.rulebook.store import RulebookStore
from habitue_recommender.webhooks.messages import secret_of, signature
from habitue_warehouse.partitions import live_paths
from habitue_warehouse.schema import MOVES


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


@pytest.mark.asyncio
async def test_a_purchase_is_told_to_other_systems_within_seconds(tmp_path: Path) -> None:
    told: list[tuple[dict[str, str], bytes]] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        said = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))
        }
        told.append((said, await reader.readexactly(int(said["content-length"]))))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/segments"
    async with house() as shop, AsyncRedis(unix_socket_path=str(shop.redis.socket)) as client:
        settings = replace(
            demo_settings(tmp_path), redis=Redis(url=shop.redis.url), webhooks=Webhooks(allow_private=True)
        )
        body = {"name": "Buyers", "when": "visitor.orders.count >= 1", "webhooks": [address]}
        await RulebookStore(client).save("segment", "buyer", body, author="anna")
        stop = threading.Event()
        background = threading.Thread(target=housework.run, args=(settings, stop))
        background.start()
        try:
            cookie = (await shop.browser(page("/"), buys("o-1", 20, "A"))).cookie
            device = visitor_of(cookie)

            async def is_told() -> bool:
                return bool(told)

            async def is_shown() -> bool:
                packed = await client.get(keys.figures("background"))
                return packed is not None and orjson.loads(packed)["segment_people"] == {"buyer": 1}

            await until(is_told)
            await until(is_shown)
        finally:
            stop.set()
            await asyncio.to_thread(background.join)
        server.close()
        said, sent = told[0]
        message = orjson.loads(sent)
        assert [(one["profile_id"], one["change"]) for one in message["data"]["changes"]] == [
            (device, "entered")
        ]
        secret = secret_of(address, signing_keys(tmp_path)[-1])
        expected = signature(said["webhook-id"], int(said["webhook-timestamp"]), sent, secret)
        assert said["webhook-signature"] == expected
        assert live_paths(tmp_path / "archive", MOVES)


def test_what_goes_wrong_each_second_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housework, "RETRY_SECONDS", 0.0)
    stop, failures = threading.Event(), iter(["away", "away", "away", "full", "away"])

    def work(stop: threading.Event) -> None:
        if (said := next(failures, None)) is None:
            stop.set()
            return
        raise OSError(said)

    housework._steadily("archiver", work, stop)
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "away (OSError)",
        "full (OSError)",
        "away (OSError)",
    ]
