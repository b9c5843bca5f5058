"""One contract for both ways to a handler: below Starlette, and mounted in it. Over real sockets."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from support.beacon_desk import (
    BELOW,
    House,
    a_house,
    chunked,
    get,
    post,
    until,
)

pytestmark = pytest.mark.anyio


# one request


async def test_a_post_is_answered(house: House) -> None:
    client = await house.connect()
    client.send(post(b"hello"))
    answer = await client.answer()
    assert (answer.status, answer.json) == (200, {"got": "hello", "length": 5})
    assert answer.header("content-type") == "application/json"
    assert answer.header("server") == "uvicorn"
    assert answer.header("date") is not None
    assert answer.header("connection") is None


async def test_the_handler_sees_the_whole_request(house: House) -> None:
    client = await house.connect()
    lines = ["Cookie: a=1", "X-One: first", "COOKIE: b=2", "X-One: second", "Content-Type: text/plain"]
    client.send(post(b"{}", *lines, path="/h/v1/batch?k=demo&x=%20"))
    await client.answer()
    (request,) = house.desk.requests
    assert (request.path, request.query, request.body) == ("/h/v1/batch", b"k=demo&x=%20", b"{}")
    assert (request.peer, request.scheme) == ("127.0.0.1", "http")
    assert request.headers == {
        b"host": b"shop.test",
        b"content-length": b"2",
        b"cookie": b"a=1; b=2",
        b"x-one": b"second",
        b"content-type": b"text/plain",
    }


async def test_a_trusted_proxy_says_who_and_how(house: House) -> None:
    client = await house.connect()
    lines = ["X-Forwarded-For: 198.51.100.9", "X-Forwarded-For: 203.0.113.7:1234", "X-Forwarded-Proto: https"]
    client.send(post(b"{}", *lines))
    await client.answer()
    assert (house.desk.requests[0].peer, house.desk.requests[0].scheme) == ("203.0.113.7", "https")


async def test_an_untrusted_peer_says_nothing(way: str) -> None:
    async with a_house(way, forwarded_allow_ips="10.0.0.1") as house:
        client = await house.connect()
        client.send(post(b"{}", "X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"))
        await client.answer()
        assert (house.desk.requests[0].peer, house.desk.requests[0].scheme) == ("127.0.0.1", "http")


async def test_an_empty_body_is_a_body(house: House) -> None:
    client = await house.connect()
    client.send(post(b""))
    assert (await client.answer()).json == {"got": "", "length": 0}


async def test_a_post_without_length_has_an_empty_body(house: House) -> None:
    client = await house.connect()
    client.send(b"POST /h/v1/batch HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert (await client.answer()).json == {"got": "", "length": 0}


async def test_compressed_bodies_pass_untouched(house: House) -> None:
    packed = gzip.compress(b"{}" * 1000)
    client = await house.connect()
    client.send(post(packed, "Content-Encoding: gzip"))
    await client.answer()
    assert house.desk.requests[0].body == packed
    assert house.desk.requests[0].headers[b"content-encoding"] == b"gzip"


async def test_every_byte_value_arrives(house: House) -> None:
    body = bytes(range(256)) * 3000  # more than one packet
    client = await house.connect()
    client.send(post(body))
    await client.answer()
    assert house.desk.requests[0].body == body


async def test_extra_headers_are_sent_each(house: House) -> None:
    client = await house.connect()
    client.send(post(b"cookie"))
    answer = await client.answer()
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert answer.header("content-type") == "application/json"


async def test_a_refusal_is_a_problem(house: House) -> None:
    client = await house.connect()
    client.send(post(b"refuse"))
    answer = await client.answer()
    assert (answer.status, answer.header("retry-after")) == (503, "7")
    assert answer.header("content-type") == "application/problem+json"


async def test_a_handler_may_choose_the_content_type(house: House) -> None:
    client = await house.connect()
    client.send(post(b"plain"))
    answer = await client.answer()
    assert [value for name, value in answer.headers if name == "content-type"] == ["text/plain"]


async def test_a_handler_that_raises_is_a_500_without_details(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    client = await house.connect()
    client.send(post(b"raise"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert b"bug of ours" not in answer.body
    assert "a bug of ours" in caplog.text
    assert house.tally.failed == 1
    caplog.clear()
    client.send(post(b"next"))
    assert (await client.answer()).json == {"got": "next", "length": 4}


async def test_a_second_answer_is_dropped_and_counted(house: House, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(post(b"twice"))
    assert (await client.answer()).json == {"answer": 1}
    client.send(post(b"next"))
    assert (await client.answer()).json == {"got": "next", "length": 4}
    assert house.tally.failed == 1
    caplog.clear()


# connections


async def test_a_connection_serves_many(house: House) -> None:
    client = await house.connect()
    for number in range(200):
        body = b"%d" % number
        client.send(post(body))
        assert (await client.answer()).json["got"] == body.decode()


async def test_beacons_and_pages_take_turns(house: House) -> None:
    client = await house.connect()
    for number in range(20):
        client.send(post(b"%d" % number))
        assert (await client.answer()).json["got"] == str(number)
        client.send(get())
        assert (await client.answer()).body == b"GET /page"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_connection_close_is_respected(house: House, version: str) -> None:
    client = await house.connect()
    client.send(post(b"last", "Connection: close", version=version))
    answer = await client.answer()
    assert answer.json["got"] == "last"
    assert answer.header("connection") == "close"
    assert await client.is_closed()


@pytest.mark.parametrize("lines", [[], ["Connection: keep-alive"]])
async def test_http_1_0_is_closed(house: House, lines: list[str]) -> None:
    client = await house.connect()
    client.send(post(b"old", *lines, version="1.0"))
    answer = await client.answer()
    assert (answer.json["got"], answer.header("connection")) == ("old", "close")
    assert await client.is_closed()


async def test_keep_alive_can_be_asked_for(house: House) -> None:
    client = await house.connect()
    for _ in range(3):
        client.send(post(b"x", "Connection: Keep-Alive"))
        assert (await client.answer()).header("connection") is None


async def test_idle_connections_are_closed(way: str) -> None:
    async with a_house(way, timeout_keep_alive=1) as house:
        client = await house.connect()
        client.send(post(b"x"))
        await client.answer()
        assert await client.is_closed()


async def test_slow_bytes_make_a_request(house: House) -> None:
    client = await house.connect()
    for byte in post(b"drop by drop"):
        client.send(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.answer()).json["got"] == "drop by drop"


async def test_a_body_in_pieces_is_one_body(house: House) -> None:
    body = b"0123456789" * 20_000
    client = await house.connect()
    whole = post(body)
    for start in range(0, len(whole), 7_001):
        client.send(whole[start : start + 7_001])
        await client.writer.drain()
        await asyncio.sleep(0)
    await client.answer()
    assert house.desk.requests[0].body == body


# order


async def test_pipelined_beacons_are_answered_in_order(house: House) -> None:
    client = await house.connect()
    client.send(*[post(b"%d" % number) for number in range(50)])
    assert [(await client.answer()).json["got"] for _ in range(50)] == [str(number) for number in range(50)]


async def test_a_page_behind_a_waiting_beacon_waits(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), get(), post(b"2"), get("/h/v1/batch"), post(b"wait 3"))
    await house.desk.has_waiting(1)
    assert await client.is_silent()
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    assert (await client.answer()).body == b"GET /page"
    assert (await client.answer()).json["got"] == "2"
    assert (await client.answer()).body == b"GET /h/v1/batch"
    await house.desk.has_waiting(1)
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 3"


async def test_a_second_beacon_is_not_begun_before_the_first_is_answered(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), post(b"wait 2"))
    await house.desk.has_waiting(1)
    assert await client.is_silent()
    assert len(house.desk.requests) == 1
    house.desk.release()
    await house.desk.has_waiting(1)
    house.desk.release()
    assert [(await client.answer()).json["got"] for _ in range(2)] == ["wait 1", "wait 2"]


async def test_a_request_that_comes_during_the_wait_is_answered_after_it(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    whole = post(b"second")
    client.send(whole[:30])
    await client.is_silent()
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait 1"
    client.send(whole[30:])
    assert (await client.answer()).json["got"] == "second"


async def test_big_and_small_are_answered_in_order(house: House) -> None:
    client = await house.connect()
    big = b"B" * 400_000
    client.send(post(big), post(b"small"), get(), post(big), post(b"end"))
    assert (await client.answer()).json["length"] == 400_000
    assert (await client.answer()).json["got"] == "small"
    assert (await client.answer()).body == b"GET /page"
    assert (await client.answer()).json["length"] == 400_000
    assert (await client.answer()).json["got"] == "end"


async def test_connections_do_not_wait_for_each_other(house: House) -> None:
    first, second = await house.connect(), await house.connect()
    first.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    second.send(post(b"2"))
    assert (await second.answer()).json["got"] == "2"
    house.desk.release()
    assert (await first.answer()).json["got"] == "wait 1"


async def test_delayed_answers_of_many_connections_find_their_client(house: House) -> None:
    clients = [await house.connect() for _ in range(20)]
    for number, client in enumerate(clients):
        client.send(post(b"wait %d" % number))
    await house.desk.has_waiting(20)
    for _ in range(20):
        house.desk.release(index=-1)
    assert [(await client.answer()).json["got"] for client in clients] == [f"wait {n}" for n in range(20)]


async def test_nothing_is_processed_after_connection_close(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait", "Connection: close"), post(b"never"))
    await house.desk.has_waiting(1)
    house.desk.release()
    assert (await client.answer()).json["got"] == "wait"
    assert await client.is_closed()
    assert [request.body for request in house.desk.requests] == [b"wait"]


# disconnects


async def test_a_client_that_leaves_within_its_body_never_happened(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x" * 1000)[:-10])
    await until(lambda: len(house.server.server_state.connections) == 1)
    await client.is_silent()
    client.hang_up()
    await until(lambda: not house.server.server_state.connections)
    await until(lambda: house.tally.gone == 1)
    assert not house.desk.requests


async def test_a_client_that_leaves_before_its_answer_harms_nobody(house: House) -> None:
    leaving, staying = await house.connect(), await house.connect()
    leaving.send(post(b"wait 1"))
    await house.desk.has_waiting(1)
    staying.send(post(b"wait 2"))
    await house.desk.has_waiting(2)
    leaving.hang_up()
    await until(lambda: len(house.server.server_state.connections) == 1)
    house.desk.release()
    house.desk.release()
    assert (await staying.answer()).json["got"] == "wait 2"


async def test_a_client_that_leaves_with_more_in_the_pipeline_harms_nobody(house: House) -> None:
    client = await house.connect()
    client.send(post(b"wait 1"), post(b"2"), get())
    await house.desk.has_waiting(1)
    client.hang_up()
    house.desk.release()
    await until(lambda: not house.server.server_state.connections)
    other = await house.connect()
    other.send(post(b"other"))
    assert (await other.answer()).json["got"] == "other"


# what is not a plain beacon


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_other_methods_on_the_path_are_not_ours(house: House, method: str) -> None:
    client = await house.connect()
    client.send(get("/h/v1/batch", method), post(b"x"))
    assert (await client.answer()).body == f"{method} /h/v1/batch".encode()
    assert (await client.answer()).json["got"] == "x"


async def test_head_has_no_body(house: House) -> None:
    client = await house.connect()
    client.send(get("/h/v1/batch", "HEAD"), post(b"x"))
    assert (await client.answer(head_only=True)).status == 200
    assert (await client.answer()).json["got"] == "x"


async def test_other_paths_are_not_ours(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", path="/page"), post(b"x", path="/nowhere"), post(b"x", path="/h/v1/batch/"))
    assert (await client.answer()).body == b"POST /page"
    assert (await client.answer()).status == 404
    assert (await client.answer()).status == 307
    assert not house.desk.requests


async def test_an_encoded_path_finds_the_handler(house: House) -> None:
    client = await house.connect()
    client.send(post(b"x", path="/h/v1/b%61tch"), post(b"y", path="http://shop.test/h/v1/batch"))
    assert (await client.answer()).json["got"] == "x"
    assert (await client.answer()).json["got"] == "y"
    assert {request.path for request in house.desk.requests} == {"/h/v1/batch"}


async def test_chunked_bodies_are_bodies(house: House) -> None:
    client = await house.connect()
    client.send(chunked(b"in ", b"pieces"), post(b"next"))
    assert (await client.answer()).json["got"] == "in pieces"
    assert (await client.answer()).json["got"] == "next"


async def test_chunked_bodies_are_capped(house: House) -> None:
    client = await house.connect()
    client.send(chunked(*[b"x" * 60_000] * 20), post(b"next"))
    answer = await client.answer()
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert (await client.answer()).json["got"] == "next"
    assert house.tally.too_large == 1


async def test_trailers_are_not_headers() -> None:
    async with a_house(BELOW) as house:
        client = await house.connect()
        client.send(chunked(b"x")[:-2], b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        await client.answer()
        assert b"x-forwarded-for" not in house.desk.requests[0].headers


async def test_expect_100_continue_is_told_to_go_on(house: House) -> None:
    client = await house.connect()
    whole = post(b"patient", "Expect: 100-continue")
    client.send(whole[:-7])
    assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    client.send(whole[-7:])
    assert (await client.answer()).json["got"] == "patient"


async def test_expect_100_continue_is_refused_before_the_body(house: House) -> None:
    client = await house.connect()
    client.send(
        b"POST /h/v1/batch HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"
    )
    assert (await client.answer()).status == 413


async def test_an_upgrade_is_not_taken_up(house: House, caplog: pytest.LogCaptureFixture) -> None:
    client = await house.connect()
    client.send(post(b"x", "Connection: upgrade", "Upgrade: websocket"))
    assert (await client.answer()).status == 200


async def test_an_offer_of_http_2_costs_no_body(house: House) -> None:
    client = await house.connect()
    offer = ("Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAEAAEAA", "Upgrade: h2c")
    whole = post(b"patient", *offer)
    client.send(whole[:-7])
    client.send(whole[-7:])
    assert (await client.answer()).json["got"] == "patient"
    client.send(post(b"next"))
    assert (await client.answer()).json["got"] == "next"
