"""The list of imports: short, newest first, a feed in many requests is one line."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from habitue_collector.store import keys
from habitue_warehouse.imports.history import (
    KEPT,
    TOGETHER_MS,
    Import,
    imports,
    note,
    note_request,
    shown_source,
)
from habitue_warehouse.imports.merchant import ProblemReason


def one(**more: Any) -> Import:
    return Import(
        **{"what": "items", "source": "feed.xml", "by": "anna", "began": 1, "ended": 2, "taken": 3, **more}
    )


@pytest.mark.asyncio
async def test_the_newest_come_first_and_old_ones_go(redis: Any) -> None:
    for number in range(KEPT + 5):
        note(redis, one(taken=number))
    note(redis, one(what="orders"))
    redis.lpush(keys.IMPORTS, b"{}")  # of a newer version
    async with beside(redis) as client:
        assert [each.taken for each in await imports(client, "items", 2)] == [KEPT + 4, KEPT + 3]


@pytest.mark.asyncio
async def test_requests_that_follow_each_other_are_one_import(redis: Any) -> None:
    async with beside(redis) as client:
        await note_request(client, one(by="api", ended=10, refused={ProblemReason.INVALID_PRICE: 1}))
        await note_request(client, one(by="api", began=11, ended=20, refused={"invalid_price": 1, "x": 2}))
        await note_request(client, one(by="api", began=21 + TOGETHER_MS, ended=22 + TOGETHER_MS))
        later, first = await imports(client)
    assert (first.taken, first.parts, first.refused, first.left_out) == (
        6,
        2,
        {"invalid_price": 2, "x": 2},
        4,
    )
    assert later.parts == 1


def test_what_may_be_secret_in_an_address_is_not_written_down() -> None:
    assert shown_source("https://me:word@shop.example/feed.xml?token=1#x") == "https://shop.example/feed.xml"
    assert shown_source("/home/anna/feeds/feed.tsv.gz") == "feed.tsv.gz"


def beside(client: Any) -> Any:
    return Redis(unix_socket_path=client.connection_pool.connection_kwargs["path"])
