"""The committer's connection, against a real redis-server; the loss of it included."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from habitue_collector.store.link import Link, LinkLost, ReplyError
from habitue_collector.store.redis_url import RedisUrl
from habitue_collector.store.resp import get, pack, template

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server on PATH"),
]


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": True}), ("asyncio", {"use_uvloop": False})], ids=["uvloop", "asyncio"]
)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    backend: tuple[str, dict[str, bool]] = request.param
    return backend


@dataclass
class Server:
    """A redis-server of the test's own."""

    folder: Path
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/redis.sock"

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/redis.sock"]
        command += ["--dir", str(self.folder), "--save", "", "--logfile", f"{self.folder}/log", *self.options]
        self.process = subprocess.Popen(command)

    async def started(self) -> None:
        """Until it listens; it may still load."""
        self.start()

        def listens() -> bool:
            with socket.socket(socket.AF_UNIX) as probe:
                return probe.connect_ex(f"{self.folder}/redis.sock") == 0

        await until(listens)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    built = Server(tmp_path)
    built.start()
    try:
        yield built
    finally:
        built.kill()


@pytest.fixture
async def link(server: Server) -> AsyncIterator[Link]:
    made = Link(server.url)
    await made.reconnect()
    try:
        yield made
    finally:
        await made.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


PATIENCE = 30  # seconds; for a busy machine, nothing takes as long
Outcome = list[object] | Exception


# packing


def test_a_command_is_packed_as_redis_wants_it() -> None:
    assert pack(b"SET", b"k", b"") == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"
    assert get(b"key") == pack(b"GET", b"key")
    assert pack(*[b"%d" % n for n in range(300)]).startswith(b"*300\r\n$1\r\n0\r\n")


def test_a_template_packs_the_same_bytes() -> None:
    evalsha = template(b"EVALSHA", b"100%s", b"1", more=2)
    assert evalsha(b"key", b"%d") == pack(b"EVALSHA", b"100%s", b"1", b"key", b"%d")
    with pytest.raises(TypeError):
        evalsha(b"one too few")


# the URL


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("redis://", RedisUrl()),
        ("redis://cache:7000/3", RedisUrl(host="cache", port=7000, db=3)),
        ("redis://:s%40fe@cache", RedisUrl(host="cache", password="s@fe")),
        ("redis://me:safe@[::1]:7000", RedisUrl(host="::1", port=7000, username="me", password="safe")),
        ("rediss://cache?ssl_cert_reqs=none", RedisUrl(host="cache", tls=True, verify=False)),
        ("unix:///run/redis.sock?db=2", RedisUrl(path="/run/redis.sock", db=2)),
        ("unix://me:safe@/run/r.sock", RedisUrl(path="/run/r.sock", username="me", password="safe")),
    ],
)
def test_a_url_says_where_redis_is(url: str, parsed: RedisUrl) -> None:
    assert RedisUrl.parse(url) == parsed


@pytest.mark.parametrize("url", ["http://cache", "redis://cache/main", "unix://", "cache:6379"])
def test_a_url_that_says_nothing_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|unix"):
        RedisUrl.parse(url)


def test_a_url_is_printed_without_its_password() -> None:
    assert "safe" not in str(RedisUrl.parse("redis://me:safe@cache/1")) + str(
        Link("unix://:safe@/r.sock").url
    )


# talking


async def test_replies_come_as_what_they_are(link: Link) -> None:
    assert await link.ask(
        pack(b"SET", b"k", b"\x00\xff\r\n"),
        get(b"k"),
        get(b"nothing"),
        pack(b"INCR", b"n"),
        pack(b"RPUSH", b"l", b"a", b"b"),
        pack(b"LRANGE", b"l", b"0", b"-1"),
        pack(b"EVAL", b"return {1, {}, false, 'x'}", b"0"),
    ) == [b"OK", b"\x00\xff\r\n", None, 1, 2, [b"a", b"b"], [1, [], None, b"x"]]


async def test_the_error_of_one_command_spoils_no_other(link: Link) -> None:
    before, error, after = await link.ask(pack(b"PING"), pack(b"EVALSHA", b"0" * 40, b"0"), pack(b"PING"))
    assert (before, after) == (b"PONG", b"PONG")
    assert isinstance(error, ReplyError)
    assert error.code == "NOSCRIPT"


async def test_sends_are_answered_in_order(link: Link) -> None:
    outcomes: list[Outcome] = []
    for number in range(500):
        link.send(pack(b"ECHO", b"%d" % number) * 3, 3, outcomes.append)
    assert outcomes == []
    assert link.under_way == 500
    await until(lambda: link.under_way == 0)
    assert outcomes == [[b"%d" % number] * 3 for number in range(500)]


async def test_a_callback_may_send_again(link: Link) -> None:
    outcomes: list[Outcome] = []

    def again(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) < 50:
            link.send(pack(b"INCR", b"n"), 1, again)

    again([])
    await until(lambda: len(outcomes) == 50)
    assert outcomes[-1] == [49]


async def test_large_values_pass_whole(link: Link) -> None:
    large = os.urandom(3_000_000)
    assert await link.ask(pack(b"SET", b"k", large), get(b"k"), pack(b"PING")) == [b"OK", large, b"PONG"]


async def test_no_replies_are_still_a_result(link: Link) -> None:
    outcomes: list[Outcome] = []
    link.send(pack(b"PING"), 1, outcomes.append)
    link.send(b"", 0, outcomes.append)
    await until(lambda: len(outcomes) == 2)
    assert outcomes == [[b"PONG"], []]


# who we are


async def test_the_url_chooses_the_database(server: Server, link: Link) -> None:
    other = Link(server.url + "?db=3")
    await other.reconnect()
    await other.ask(pack(b"SET", b"k", b"in 3"))
    assert await link.ask(get(b"k"), pack(b"SELECT", b"3"), get(b"k")) == [None, b"OK", b"in 3"]
    await other.close()


async def test_a_password_is_given(tmp_path: Path) -> None:
    server = Server(tmp_path, ["--requirepass", "s@fe", "--user", "me", "on", ">mine", "~*", "+@all"])
    await server.started()
    try:
        for who in (":s%40fe@", "me:mine@"):
            link = await Link.connect(f"unix://{who}{tmp_path}/redis.sock")
            assert await link.ask(pack(b"PING")) == [b"PONG"]
            await link.close()
    finally:
        server.kill()


async def test_a_wrong_password_is_not_tried_for_ever(tmp_path: Path) -> None:
    server = Server(tmp_path, ["--requirepass", "safe"])
    await server.started()
    try:
        for who in (":wrong@", ""):
            with pytest.raises(LinkLost, match="refuses us"):
                await Link(f"unix://{who}{tmp_path}/redis.sock").reconnect()
    finally:
        server.kill()


async def test_tcp_and_tls_are_ways_too(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    plain, tls = free_ports(2)
    files = [
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(key),
        "--tls-ca-cert-file",
        str(certificate),
    ]
    ports = ["--port", str(plain), "--bind", "127.0.0.1", "--tls-port", str(tls), "--tls-auth-clients", "no"]
    server = Server(tmp_path, [*ports, *files])
    await server.started()
    try:
        for url in (
            f"redis://127.0.0.1:{plain}/0",
            f"rediss://127.0.0.1:{tls}/0?ssl_ca_certs={certificate}",
            f"rediss://127.0.0.1:{tls}/0?ssl_cert_reqs=none",
        ):
            link = await Link.connect(url)
            assert await link.ask(pack(b"PING")) == [b"PONG"]
            await link.close()
        with pytest.raises(LinkLost, match="certificate"):
            await Link.connect(f"rediss://127.0.0.1:{tls}/0")
    finally:
        server.kill()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


# losing it


async def test_a_killed_redis_fails_everything_under_way_and_nothing_hangs(server: Server) -> None:
    losses: list[Exception] = []
    link = Link(server.url, on_lost=losses.append)
    await link.reconnect()
    outcomes: list[Outcome] = []
    os.kill(server.running.pid, signal.SIGSTOP)
    for _ in range(20):
        link.send(pack(b"PING") * 2, 2, outcomes.append)
    server.running.kill()
    server.running.wait()
    await until(lambda: len(outcomes) == 20)
    assert all(isinstance(outcome, LinkLost) for outcome in outcomes)
    assert len(losses) == 1
    assert not link.connected
    await link.close()
    assert len(losses) == 1


async def test_a_send_without_a_connection_fails_by_its_callback(tmp_path: Path) -> None:
    link = Link(f"unix://{tmp_path}/nobody.sock")
    outcomes: list[Outcome] = []
    link.send(pack(b"PING"), 1, outcomes.append)
    assert outcomes == []
    await until(lambda: len(outcomes) == 1)
    assert isinstance(outcomes[0], LinkLost)
    with pytest.raises(LinkLost):
        await link.reconnect(attempts=2)
    with pytest.raises(LinkLost):
        await Link.connect(f"unix://{tmp_path}/nobody.sock")


async def test_reconnecting_waits_for_the_server_and_works_on(server: Server, link: Link) -> None:
    await link.ask(pack(b"SET", b"k", b"old"))
    server.kill()
    await until(lambda: not link.connected)
    coming = asyncio.create_task(link.reconnect())
    with pytest.raises(LinkLost):
        await link.ask(pack(b"PING"))
    server.start()
    async with asyncio.timeout(PATIENCE):
        await coming
    assert await link.ask(get(b"k"), pack(b"PING")) == [None, b"PONG"]


async def test_reconnecting_twice_at_a_time_makes_one_connection(server: Server) -> None:
    link = Link(server.url)
    await asyncio.gather(link.reconnect(), link.reconnect(), link.reconnect())
    (clients,) = await link.ask(pack(b"CLIENT", b"LIST"))
    assert isinstance(clients, bytes)
    assert clients.count(b"id=") == 1
    await link.close()


async def test_a_link_closed_while_it_connects_stays_closed(tmp_path: Path) -> None:
    link = Link(f"unix://{tmp_path}/nobody.sock")
    coming = asyncio.create_task(link.reconnect())
    await asyncio.sleep(0)
    await link.close()
    with pytest.raises(LinkLost, match="closed"):
        await coming


async def test_a_callback_that_raises_harms_no_other(link: Link, caplog: pytest.LogCaptureFixture) -> None:
    outcomes: list[Outcome] = []

    def broken(_: Outcome) -> None:
        raise RuntimeError("a bug of ours")

    link.send(pack(b"PING"), 1, broken)
    link.send(pack(b"ECHO", b"next"), 1, outcomes.append)
    await until(lambda: len(outcomes) == 1)
    assert outcomes == [[b"next"]]
    assert "a bug of ours" in caplog.text


async def test_a_server_that_is_still_loading_is_not_there_yet(tmp_path: Path) -> None:
    server = Server(tmp_path, ["--appendonly", "yes", "--enable-debug-command", "yes"])
    await server.started()
    link = await Link.connect(server.url)
    await link.ask(pack(b"DEBUG", b"POPULATE", b"2000", b"k", b"100"), pack(b"BGREWRITEAOF"))
    persistence = b"aof_rewrite_in_progress:1"
    async with asyncio.timeout(PATIENCE):
        while persistence in str((await link.ask(pack(b"INFO", b"persistence")))[0]).encode():
            await asyncio.sleep(0.01)
    server.kill()
    # a hundredth of a second for each key: it would load for twenty seconds
    server.options += ["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"]
    await server.started()
    with pytest.raises(LinkLost, match="LOADING"):
        await link.reconnect(attempts=1)
    with socket.socket(socket.AF_UNIX) as impatient:
        impatient.connect(f"{tmp_path}/redis.sock")
        impatient.sendall(pack(b"CONFIG", b"SET", b"key-load-delay", b"0"))
        async with asyncio.timeout(PATIENCE):
            await link.reconnect()
    assert await link.ask(pack(b"DBSIZE")) == [2000]
    await link.close()
    server.kill()


async def test_a_silent_server_is_given_up(server: Server) -> None:
    link = Link(server.url, reply_timeout_seconds=0.2)
    await link.reconnect()
    outcomes: list[Outcome] = []
    os.kill(server.running.pid, signal.SIGSTOP)
    link.send(pack(b"PING"), 1, outcomes.append)
    link.send(pack(b"PING"), 1, outcomes.append)
    await until(lambda: len(outcomes) == 2)
    assert all("no reply" in str(outcome) for outcome in outcomes)
    assert not link.connected
    os.kill(server.running.pid, signal.SIGCONT)
    await link.reconnect()
    assert await link.ask(pack(b"PING")) == [b"PONG"]
    await link.close()


async def test_an_idle_connection_is_not_a_silent_one(server: Server) -> None:
    link = Link(server.url, reply_timeout_seconds=0.1)
    await link.reconnect()
    await link.ask(pack(b"PING"))
    await asyncio.sleep(0.35)  # idle for longer than the timeout is the point
    assert link.connected
    assert await link.ask(pack(b"PING")) == [b"PONG"]
    await link.close()


async def test_a_slow_stream_of_replies_is_not_silence(tmp_path: Path) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pause in [0.0] + [0.1] * 8:
            await reader.readuntil(b"PING\r\n")
            await asyncio.sleep(pause)
            writer.write(b"+PONG\r\n")
        await reader.read()
        writer.close()

    listener = await asyncio.start_unix_server(slow, f"{tmp_path}/slow.sock")
    link = await Link.connect(f"unix://{tmp_path}/slow.sock", reply_timeout_seconds=0.5)
    assert await link.ask(*[pack(b"PING")] * 8) == [b"PONG"] * 8
    await link.close()
    listener.close()


async def test_closing_fails_what_is_under_way_and_tells_no_owner(server: Server) -> None:
    losses: list[Exception] = []
    link = Link(server.url, on_lost=losses.append)
    await link.reconnect()
    outcomes: list[Outcome] = []
    link.send(pack(b"PING"), 1, outcomes.append)
    await link.close()
    assert isinstance(outcomes[0], LinkLost)
    assert losses == []
    with pytest.raises(LinkLost, match="closed"):
        await link.reconnect()


async def test_a_server_that_talks_nonsense_is_left(tmp_path: Path) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        await reader.readuntil(b"PING\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    listener = await asyncio.start_unix_server(nonsense, f"{tmp_path}/nonsense.sock")
    link = await Link.connect(f"unix://{tmp_path}/nonsense.sock")
    with pytest.raises(LinkLost, match="protocol"):
        await link.ask(pack(b"PING"))
    listener.close()
