"""The host's processes: gunicorn, Celery, multiprocessing, uWSGI, and forks that Python is not told of."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.fake_collector import FakeCollector

import habitue
from habitue import processes

SDK = str(Path(habitue.__file__).parents[1])

WSGI_APP = """
import os
from habitue import Client

client = Client("secret", {url!r}, linger=0.01)
client.track("Master", {{"pid": os.getpid()}}, user_id="u")  # before the fork: a thread runs already

def app(environ, start_response):
    client.track("Page", {{"pid": os.getpid()}}, user_id="u")
    start_response("200 OK", [("content-type", "text/plain")])
    return [str(os.getpid()).encode()]
"""

CELERY_APP = """
import os
from celery import Celery
from habitue import Client

app = Celery("shop", broker="filesystem://", broker_transport_options={{
    "data_folder_in": {folder!r}, "data_folder_out": {folder!r}, "control_folder": {folder!r} + "/control"}})
app.conf.broker_connection_retry_on_startup = True
client = Client("secret", {url!r}, linger=60.0)  # only the end of the child delivers
client.track("Master", {{"pid": os.getpid()}}, user_id="u")

@app.task
def work(number):
    client.track("Task", {{"pid": os.getpid(), "number": number}}, user_id="u")
"""


def test_no_thread_of_ours_imports_what_a_fork_could_cut_off() -> None:
    """A module's import lock that a thread holds during a fork is held for ever in the child."""
    script = """
import sys, threading, http.server
from habitue import Client
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(503)
        self.send_header("retry-after", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client("secret", f"http://localhost:{server.server_address[1]}", linger=0.0)
before = set(sys.modules)
client.track("Ping", {"price": 1.5}, user_id="u")
client.flush(0.3)
print(sorted(set(sys.modules) - before))
client.close(0.0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": SDK}, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)


@pytest.mark.parametrize("preload", [True, pytest.param(False, marks=pytest.mark.long)])
def test_gunicorns_workers_deliver_their_own(collector: FakeCollector, tmp_path: Path, preload: bool) -> None:
    pytest.importorskip("gunicorn")
    (tmp_path / "shop.py").write_text(WSGI_APP.format(url=collector.url))
    command = [sys.executable, "-m", "gunicorn", "shop:app", "-w", "2", "-b", "127.0.0.1:0", "--threads", "1"]
    said = tmp_path / "said"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [*command, *(["--preload"] if preload else [])],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": SDK},
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: "Listening at: " in said.read_text(), said.read_text)
        address = said.read_text().split("Listening at: ")[1].split()[0]
        asked = [httpx.get(address, timeout=20).text for _ in range(20)]
        pages = lambda: [event for event in collector.events if event["event"] == "Page"]  # noqa: E731
        wait_for(lambda: len(pages()) == 20, "every page was told")
        told = [str(event["properties"]["pid"]) for event in pages()]
        assert sorted(told) == sorted(asked)
    finally:
        process.terminate()
        process.wait(20)
    masters = [event for event in collector.events if event["event"] == "Master"]
    assert len(masters) == (1 if preload else 2)
    assert len({event["messageId"] for event in collector.events}) == len(collector.events)


CHILD = """
import multiprocessing, sys
from habitue import Client

def child():
    Client("secret", {url!r}, linger=60.0).track("Child", user_id="u")  # only the end delivers

if __name__ == "__main__":
    process = multiprocessing.get_context({method!r}).Process(target=child)
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.long)])
def test_a_child_of_multiprocessing_delivers_at_its_end(
    collector: FakeCollector, tmp_path: Path, method: str
) -> None:
    """Such children end without `atexit`."""
    script = tmp_path / "shop.py"
    script.write_text(CHILD.format(url=collector.url, method=method))
    subprocess.run([sys.executable, str(script)], env={"PYTHONPATH": SDK}, check=True, timeout=60)
    assert [event["event"] for event in collector.events] == ["Child"]


def test_a_fork_that_python_is_not_told_of_is_noticed(collector: FakeCollector) -> None:
    """As uWSGI forks without its fork hooks."""
    script = f"""
import ctypes, os, sys
from habitue import Client
client = Client("secret", {collector.url!r}, linger=0.01)
client.track("Parent", user_id="u")
client.flush()
child = ctypes.PyDLL(None).fork()
client.track("Child" if child == 0 else "Parent again", user_id="u")
delivered = client.flush() and client.stats.delivered
if child == 0:
    os._exit(0 if delivered == 1 else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or delivered != 2)
"""
    assert ctypes.PyDLL(None).fork
    done = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": SDK}, timeout=60, check=False)
    assert done.returncode == 0
    assert sorted(event["event"] for event in collector.events) == ["Child", "Parent", "Parent again"]


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({}, True),
        ({"master": True, "enable-threads": b"false"}, True),
        ({"enable-threads": True}, False),
        ({"enable-threads": b"true"}, False),
        ({"threads": b"2"}, False),
    ],
)
def test_uwsgi_without_threads_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, options: dict[str, object], warns: bool
) -> None:
    module = types.ModuleType("uwsgi")
    module.opt = options  # type: ignore[attr-defined]  # as uWSGI makes it
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    with caplog.at_level(logging.WARNING, "habitue"):
        assert processes.warn_of_uwsgi() is warns
    assert ("enable-threads" in caplog.text) is warns


@pytest.mark.long
def test_celerys_children_deliver_at_their_end(collector: FakeCollector, tmp_path: Path) -> None:
    pytest.importorskip("celery")
    (tmp_path / "control").mkdir()
    (tmp_path / "shop.py").write_text(CELERY_APP.format(url=collector.url, folder=str(tmp_path)))
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "shop",
        "worker",
        "-c",
        "2",
        "-P",
        "prefork",
        "-l",
        "info",
    ]
    environ = {**os.environ, "PYTHONPATH": SDK}
    said = tmp_path / "said"
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
    try:
        wait_for(lambda: " ready." in said.read_text(), "Celery is ready", 60)
        ask = "from shop import work; [work.delay(n) for n in range(20)]"
        subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, env=environ, check=True, timeout=60)
        wait_for(lambda: said.read_text().count("succeeded") == 20, said.read_text, 60)
    finally:
        process.terminate()
        process.wait(60)
    tasks = [event for event in collector.events if event["event"] == "Task"]
    assert sorted(event["properties"]["number"] for event in tasks) == list(range(20))
