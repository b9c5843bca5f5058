"""`habitue …` beside the running demo: it finds the demo's folder and its settings by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.guests import Guest
from support.house import track
from support.serving import Serving, until

pytestmark = pytest.mark.timeout(600)


def habitue(demo: Serving, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "habitue_cli", *words, "--data", str(demo.data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ, check=False)


def model(guest: Guest, connection: int = 0) -> str:
    name: str = guest.asks("home-hero", connection=connection)["slots"]["home-hero"]["model"]
    return name


@contextmanager
def light_load(demo: Serving) -> Iterator[list[int]]:
    """Four visitors who look and ask; yields the statuses they got so far."""
    over, statuses = threading.Event(), list[int]()

    def shop(number: int) -> None:
        with Guest(demo.address, connections=2) as guest:
            while not over.wait(0.02):
                number += 1
                body = guest.envelope(track("Product Viewed", {"product_id": "1082185"}))
                answer = guest.post("/h/v1/context", body | {"slots": ["home-hero"]}, connection=number)
                filled = answer.status_code == 200 and answer.json()["slots"]["home-hero"]["offers"]
                statuses.append(answer.status_code if filled else 0)

    crowd = [threading.Thread(target=shop, args=(number,)) for number in range(4)]
    for one in crowd:
        one.start()
    try:
        until(lambda: len(statuses) > 20, "the visitors are there")
        yield statuses
        so_far = len(statuses)
        until(lambda: len(statuses) > so_far + 40, "the visitors go on")
    finally:
        over.set()
        for one in crowd:
            one.join()


def test_sql_reads_the_year_of_orders(demo: Serving) -> None:
    query = "SELECT count(*) AS orders, count(DISTINCT user_id) AS people FROM events WHERE source = 'import'"
    said = habitue(demo, "sql", query)
    assert said.returncode == 0, said.stderr
    assert "137700" in said.stdout.replace(",", "")
    query = "SELECT count(i.category) = count(*) AS known FROM events, unnest(items) AS t(i)"
    said = habitue(demo, "sql", f"{query} WHERE source = 'import'")
    assert "true" in said.stdout.lower(), said


def test_doctor_finds_nothing_wrong(demo: Serving) -> None:
    said = habitue(demo, "doctor")
    assert said.returncode == 0, said.stdout + said.stderr


def test_replay_equals_what_is_live(demo: Serving) -> None:
    said = habitue(demo, "replay")
    assert said.returncode == 0, said.stdout + said.stderr
    assert " 0 differ" in said.stdout


def test_a_new_model_is_swapped_in_and_back_under_load_without_a_failed_request(demo: Serving) -> None:
    with Guest(demo.address, connections=6) as guest, light_load(demo) as statuses:
        before = model(guest)
        said = habitue(demo, "train", "--model", "popular", "--seed", "1")
        assert said.returncode == 0, said.stderr
        fresh = (demo.data / "models/live").read_text().strip()
        assert fresh != before
        until(lambda: {model(guest, n) for n in range(6)} == {fresh}, "all workers have the new model")
        assert habitue(demo, "train", "--rollback").returncode == 0
        until(lambda: {model(guest, n) for n in range(6)} == {before}, "all workers have the old one again")
    assert set(statuses) == {200}


def test_simulated_visitors_shop_beside_us(demo: Serving) -> None:
    from habitue_shop.visitors import simulate

    tally = asyncio.run(simulate(demo.address, 3, at_once=3, say=lambda text: None))
    assert (tally.visitors, tally.orders, tally.failures, tally.rejected) == (3, 3, 0, 0)
    assert tally.slots_filled == tally.slots
