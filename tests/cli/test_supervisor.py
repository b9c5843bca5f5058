"""`habitue serve` restarts what dies, and takes everything down with it, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from support.serving import START_SECONDS, Serving, gone, until

from habitue_cli.supervisor import MAX_PAUSE_SECONDS, _no_room, _pause
from habitue_collector import private_redis

# Patience is short only once the test says so: a child that starts on a busy machine is not stuck.
IMPATIENT = """
import pathlib, threading, time
import habitue_cli.supervisor as supervisor

def soon():
    while not pathlib.Path({told!r}).exists():
        time.sleep(0.05)
    supervisor.SILENT_SECONDS = 2.5

threading.Thread(target=soon, daemon=True).start()
"""
CHILDREN = ("redis", "worker-1", "worker-2", "background", "console")


@pytest.fixture(scope="module")
def habitue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("serving")
    before = IMPATIENT.format(told=str(folder / "impatient"))
    with Serving(folder / "data", before=before) as running:
        yield running


def _runs_anew(habitue: Serving, name: str, before: int) -> bool:
    now = habitue.pid(name)
    return now is not None and now != before and not gone(now)


def test_every_process_has_its_pid_file(habitue: Serving) -> None:
    pids = habitue.pids()
    assert set(pids) == {"supervisor", *CHILDREN}
    assert len(set(pids.values())) == len(CHILDREN) + 1
    assert not any(gone(pid) for pid in pids.values())
    assert habitue.get("/healthz") == 200
    until((habitue.data / "archive").exists, "the background process has made the archive's folder")
    modes = {path.name: path.stat().st_mode & 0o077 for path in habitue.data.iterdir() if path.is_dir()}
    assert set(modes.values()) == {0}, f"nobody else on this machine reads what is kept of people: {modes}"


@pytest.mark.parametrize("name", CHILDREN)
def test_what_is_killed_comes_back(habitue: Serving, name: str) -> None:
    pid = habitue.pid(name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: _runs_anew(habitue, name, pid), f"{name} runs again")
    assert habitue.get("/healthz") == 200


def test_the_port_answers_while_all_workers_are_killed(habitue: Serving) -> None:
    """The supervisor holds the socket: a request that comes meanwhile waits for the next worker."""
    before = {name: habitue.pids()[name] for name in ("worker-1", "worker-2")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    assert habitue.get("/healthz") == 200
    until(lambda: all(_runs_anew(habitue, name, pid) for name, pid in before.items()), "both run again")


def test_what_redis_knew_is_there_after_it_was_killed(habitue: Serving) -> None:
    client = redis.Redis.from_url(private_redis.url(habitue.data))
    client.set("kept", "yes")
    pid = habitue.pid("redis")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return client.get("kept") == b"yes"
        except redis.RedisError:
            return False

    until(answers, "Redis has it again")
    client.close()


def test_a_second_one_over_the_same_folder_is_told_who_is_there(habitue: Serving) -> None:
    second = Serving(habitue.data, environ={"HABITUE_PORT": "0"}).start()
    assert second.process is not None
    assert second.process.wait(START_SECONDS) == 1
    assert f"process {habitue.pid('supervisor')} already serves" in second.log()
    assert habitue.get("/healthz") == 200


def test_a_worker_that_is_stuck_is_replaced(habitue: Serving) -> None:
    """The last one with this server: from here on it is impatient."""
    pid = habitue.pid("worker-1")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    (habitue.data.parent / "impatient").touch()
    until(lambda: _runs_anew(habitue, "worker-1", pid), "another worker")
    assert "worker-1 has been silent" in habitue.log()
    assert habitue.get("/healthz") == 200


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = Serving(tmp_path / "data", environ={"HABITUE_PORT": str(port)}).start()
        assert refused.process is not None
        assert refused.process.wait(START_SECONDS) == 1
    assert f"cannot listen on 127.0.0.1:{port}: another program uses it" in refused.log()
    assert "Traceback" not in refused.log()


def test_sigterm_takes_everything_down_and_until_then_every_answer_is_a_whole_one(tmp_path: Path) -> None:
    """A connection may be closed or refused then; an answer that is given is complete and no error."""
    answers: list[int] = []
    stop = threading.Event()
    with Serving(tmp_path / "data") as habitue:
        pids = habitue.pids()

        def ask() -> None:
            while not stop.is_set():
                with suppress(OSError):
                    answers.append(habitue.get("/healthz"))

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: len(answers) > 20, "some answers")
    stop.set()
    thread.join()
    assert set(answers) == {200}
    assert habitue.process is not None
    assert habitue.process.returncode == 0
    assert all(gone(pid) for pid in pids.values())
    assert habitue.pids() == {}
    assert "warning" not in habitue.log().replace("warning: there are no keys yet", "")


def test_killed_its_children_end_and_the_next_one_starts_at_once_on_the_same_port(tmp_path: Path) -> None:
    with Serving(tmp_path / "data") as habitue:
        pids, port = habitue.pids(), habitue.address.rsplit(":", 1)[1]
        os.kill(pids["supervisor"], signal.SIGKILL)
        with Serving(tmp_path / "data", environ={"HABITUE_PORT": port}) as following:
            assert following.get("/healthz") == 200
            assert not set(following.pids().values()) & set(pids.values())
        until(lambda: all(gone(pid) for pid in pids.values()), "the first one's children end")


def test_pauses_grow_from_none_to_half_a_minute() -> None:
    pauses = [_pause(failures) for failures in range(20)]
    assert pauses[:4] == [0.0, 0.0, 0.25, 0.5]
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_PAUSE_SECONDS


def test_a_full_disk_is_named_where_redis_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = shutil.disk_usage(tmp_path)
    assert _no_room(tmp_path) == ""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: room._replace(free=0))
    assert f"the disk of {tmp_path} is full" in _no_room(tmp_path)
    monkeypatch.undo()
    assert _no_room(tmp_path / "gone") == ""
