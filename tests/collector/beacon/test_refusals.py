"""What is too large, broken, slow or too much, by both ways to a handler; and how a server ends."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import pytest
from support.beacon_desk import (
    BELOW,
    CAP,
    PATIENCE,
    House,
    a_house,
    get,
    post,
    until,
)

pytestmark = pytest.mark.anyio


# sizes


async def test_a_body_at_the_cap_is_taken(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * CAP))
    assert (await client.answer()).json["length"] == CAP


async def test_a_body_past_the_cap_is_refused_and_the_connection_lives(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * (CAP * 5), "Origin: https://shop.test"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("access-control-allow-origin") == "https://shop.test", "its page reads why"
    client.send(post(b"next"))
    assert (await client.answer()).json["got"] == "next"
    assert house.tally.too_large == 1
    assert len(house.desk.requests) == 1


async def test_a_body_past_the_cap_is_refused_before_it_is_sent(house: House) -> None:
    client = await house.connect()
    client.send(b"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000000\r\n\r\n")
    assert (await client.answer()).status == 413


async def test_a_client_that_does_not_read_is_not_read_from(house: House) -> None:
    client = await house.connect()
    client.send(post(b"huge answer"), post(b"huge answer"), post(b"end"))
    await until(lambda: len(house.desk.requests) >= 1)
    (connection,) = house.server.server_state.connections
    await until(lambda: connection.flow.write_paused)  # type: ignore[union-attr]
    assert len(house.desk.requests) < 3
    assert len((await client.answer()).body) == 30_000_000
    assert len((await client.answer()).body) == 30_000_000
    assert (await client.answer()).json["got"] == "end"


# what is broken


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: -1",
        "Content-Length: x",
        "Content-Length: 1,1",
        "Content-Length: 99999999999999999999999999",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length : 1",
        "Bad Header: 1\r\nContent-Length: 1",
    ],
)
async def test_broken_heads_are_refused(house: House, lines: str, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(f"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\nx".encode())
    assert (await client.answer()).status == 400
    assert await client.is_closed()
    assert not house.desk.requests


async def test_bytes_past_the_length_are_the_next_request(house: House) -> None:
    client = await house.connect()
    client.send(post(b"right") + b"garbage\r\n\r\n")
    assert (await client.answer()).json["got"] == "right"
    with suppress(asyncio.IncompleteReadError):  # when the first answer was still owed, only the end tells
        assert (await client.answer()).status == 400
    assert await client.is_closed()


async def test_a_refused_request_is_told_in_json() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(b"garbage\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.json["code"]) == (400, "invalid_request")
        for origin, reads in (("https://shop.test", True), ("https://other.test", False)):
            client = await house.connect()
            client.send(post(b"{}", f"Origin: {origin}", "X: y", "no header at all"))
            answer = await client.answer()
            assert (answer.status, answer.header("access-control-allow-origin")) == (
                400,
                origin if reads else None,
            )


async def test_garbage_behind_a_waiting_beacon_is_not_its_answer() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(post(b"wait") + b"garbage\r\n\r\n")
        await house.desk.has_waiting(1)
        assert await client.is_silent()
        house.desk.release()
        answer = await client.answer()
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert await client.is_closed()


@pytest.mark.parametrize(
    "flood", [b"X: " + b"y" * 2_000_000, b"".join(b"X-%d: y\r\n" % n for n in range(150_000))]
)
async def test_header_floods_are_cut_off(flood: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(b"POST /h/v1/batch HTTP/1.1\r\n", flood)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            # the rest of the flood may meet a closed door before the answer is read
            assert (await client.answer()).status == 431
        await until(lambda: not house.server.server_state.connections)
        assert not house.desk.requests


async def test_many_headers_are_still_headers(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", *[f"X-{number}: {'y' * 100}" for number in range(100)]))
    assert (await client.answer()).status == 200
    assert len(house.desk.requests[0].headers) == 102


# slow clients


async def test_a_slow_body_is_given_up(way: str) -> None:
    async with a_house(way, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"x" * 100)[:-10])
        answer = await client.answer()
        assert (answer.status, answer.json["code"]) == (408, "body_timeout")
        assert await client.is_closed()
        assert (house.tally.timed_out, house.desk.requests) == (1, [])


async def test_a_slow_head_is_given_up() -> None:
    async with a_house(BELOW, head_timeout_seconds=0.2) as house:
        silent, slow = await house.connect(), await house.connect()
        slow.send(post(b"x")[:-10])
        assert await silent.is_closed()
        assert await slow.is_closed()


async def test_a_slow_head_after_an_answer_is_given_up() -> None:
    async with a_house(BELOW, head_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"wait"))
        await house.desk.has_waiting(1)
        client.send(post(b"x")[:20])
        await client.is_silent()
        house.desk.release()
        assert (await client.answer()).json["got"] == "wait"
        assert await client.is_closed()


async def test_a_client_that_never_reads_is_given_up() -> None:
    async with a_house(BELOW, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"huge answer"))
        await until(lambda: house.tally.timed_out == 1)
        await until(lambda: not house.server.server_state.connections)


async def test_a_client_that_never_reads_is_given_up_with_more_in_the_pipeline() -> None:
    async with a_house(BELOW, body_timeout_seconds=0.2) as house:
        client = await house.connect()
        client.send(post(b"huge answer"), get(), post(b"end"))
        await until(lambda: house.tally.timed_out == 1)
        await until(lambda: not house.server.server_state.connections)
        assert len(house.desk.requests) == 1


async def test_our_own_slowness_is_nobodys_fault() -> None:
    async with a_house(
        BELOW, head_timeout_seconds=0.1, body_timeout_seconds=0.1, timeout_keep_alive=1
    ) as house:
        client = await house.connect()
        client.send(post(b"wait"))
        await house.desk.has_waiting(1)
        await asyncio.sleep(0.5)  # longer than any patience with the client
        house.desk.release()
        assert (await client.answer()).json["got"] == "wait"


# the server


async def test_shutdown_lets_a_waiting_beacon_finish(house: House) -> None:
    waiting, idle = await house.connect(), await house.connect()
    idle.send(post(b"x"))
    await idle.answer()
    waiting.send(post(b"wait"))
    await house.desk.has_waiting(1)
    leaving = asyncio.create_task(house.server.shutdown())
    assert await idle.is_closed()
    house.desk.release()
    answer = await waiting.answer()
    assert (answer.json["got"], answer.header("connection")) == ("wait", "close")
    assert await waiting.is_closed()
    await leaving


async def test_shutdown_lets_a_pipeline_finish(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), get())
    await house.desk.has_waiting(1)
    leaving = asyncio.create_task(house.server.shutdown())
    await until(lambda: not house.server.servers[0].is_serving())
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    assert (await client.answer()).body == b"GET /page"
    assert await client.is_closed()
    await leaving


async def test_shutdown_does_not_wait_long_for_a_body() -> None:
    async with a_house(BELOW, leave_timeout_seconds=0.1, head_timeout_seconds=2) as house:
        client = await house.connect()
        client.send(post(b"x" * 100)[:-10])
        await client.is_silent()
        async with asyncio.timeout(PATIENCE):
            await house.server.shutdown()
        assert (await client.answer()).status == 408


async def test_too_many_connections_are_overload(way: str) -> None:
    async with a_house(way, limit_concurrency=3) as house:
        kept = [await house.connect() for _ in range(2)]
        for client in kept:
            client.send(post(b"x"))
            assert (await client.answer()).status == 200
        third = await house.connect()
        third.send(post(b"x"))
        assert (await third.answer()).status == 503
        assert await third.is_closed()


async def test_overload_says_when_to_come_back() -> None:
    async with a_house(BELOW, limit_concurrency=1) as house:
        client = await house.connect()
        client.send(post(b"x"))
        answer = await client.answer()
        assert (answer.json["code"], answer.header("retry-after")) == ("overloaded", "1")
        assert house.tally.overloaded == 1


async def test_requests_are_counted_by_the_server(house: House) -> None:
    client = await house.connect()
    client.send(post(b"1"), get(), post(b"2", "Connection: close"))
    for _ in range(3):
        await client.answer()
    assert await client.is_closed()
    assert house.server.server_state.total_requests == 3


async def test_the_access_log_names_the_request(way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "uvicorn.access")
    async with a_house(way) as house:
        client = await house.connect()
        client.send(post(b"x", path="/h/v1/batch?k=1"))
        await client.answer()
    assert '"POST /h/v1/batch?k=1 HTTP/1.1" 200' in caplog.text
