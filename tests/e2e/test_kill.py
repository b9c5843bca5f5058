"""Kill -9 of any process under load: nothing acknowledged is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py
from support.ledger import Epoch, Kept, Ledger, read_kept
from support.load import KEYS, Load
from support.serving import Serving, until

from habitue_collector import private_redis
from habitue_collector.commit import Committer
from habitue_collector.store import commands, keys
from habitue_collector.store.link import Link
from habitue_collector.transfers import Mover
from habitue_warehouse.replay import check

VICTIMS = {
    "worker-1": ("worker-1",),
    "worker-2": ("worker-2",),
    "background": ("background",),
    "redis": ("redis",),
    "both workers": ("worker-1", "worker-2"),
    "worker and redis": ("worker-1", "redis"),
}
ENVIRON = {
    "HABITUE_KEYS": KEYS,
    "HABITUE_REDIS_FSYNC": "always",
    "HABITUE_LIFETIMES_TRIM_LAG_SECONDS": "5",  # so that log and archive each hold only a part
}
PATIENCE_SECONDS = 5.0  # how long a worker holds what its client may have given up
EXPERIMENT = int(os.environ.get("HABITUE_TEST_SEED", "20260301"))


def kill(habitue: Serving, names: Iterable[str]) -> dict[str, int]:
    """Kill -9; waits for pid files first, since a process may just be coming back."""
    victims = {}
    for name in names:
        until(lambda name=name: habitue.pid(name) is not None, f"{name} is there")  # type: ignore[misc]
        pid = habitue.pid(name)
        assert pid is not None
        victims[name] = pid
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    return victims


async def disturb(habitue: Serving, plan: list[tuple[float, str]]) -> None:
    """Kills one after the other, each so many seconds after the one before."""
    for wait, name in plan:
        await asyncio.sleep(wait)
        await asyncio.to_thread(kill, habitue, VICTIMS[name])


def is_ready(habitue: Serving) -> bool:
    try:
        return habitue.get("/readyz") == 200
    except OSError:
        return False


def is_drained(client: Any) -> bool:
    """The archiver has read and acknowledged every entry of every log, and no move is open."""
    pipe = client.pipeline(transaction=False)
    for bucket in range(keys.BUCKETS):
        pipe.xinfo_stream(keys.log(bucket))
        pipe.xinfo_groups(keys.log(bucket))
        pipe.hlen(keys.transfers(bucket))
    try:
        answers = pipe.execute()
    except redis_py.RedisError:
        return False
    for stream, groups, moves in zip(answers[::3], answers[1::3], answers[2::3], strict=True):
        if moves or any(
            group["pending"] or group["last-delivered-id"] != stream["last-generated-id"] for group in groups
        ):
            return False
    return True


def settled(habitue: Serving, client: Any) -> None:
    """Everything is up, and everything that was taken in has arrived everywhere."""
    until(lambda: is_ready(habitue), "ready again")
    patient = time.monotonic() + PATIENCE_SECONDS
    until(lambda: time.monotonic() > patient and is_drained(client), "the archive has everything")


def judge(ledger: Ledger, kept: Kept, client: Any, archive: Path) -> list[str]:
    problems = ledger.problems(kept)
    checked = check(client, archive)
    problems += [f"replay differs: {one.profile_id} in {one.members}" for one in checked.differences]
    return problems


def summary(ledger: Ledger, kept: Kept) -> str:
    return (
        f"{len(ledger.acknowledged)} events and {len(ledger.orders)} orders acknowledged"
        f" ({ledger.doubtful} events overtaken by a login or logout),"
        f" {sum(ledger.statuses.values())} requests ({ledger.statuses[0]} unanswered,"
        f" {ledger.statuses[503]} × 503), {ledger.again} sent again, {ledger.repeats} duplicates answered,"
        f" {ledger.given_up} given up, lost {len(ledger.lost(kept))}, doubled {len(ledger.doubled(kept))}"
    )


def play(folder: Path, victims: list[str], seconds: float, kills: int) -> None:
    """Rounds of load with kills in their middle, each with a new cast; at the end all casts once more."""
    ledgers: list[Ledger] = []
    with Serving(folder / "data", environ=ENVIRON) as habitue:
        client = redis_py.Redis.from_url(private_redis.url(habitue.data))
        for number, victim in enumerate(victims, 1):
            seed = EXPERIMENT + number
            draw = random.Random(seed)
            plan = [
                (draw.uniform(0.25, 0.6) * seconds / kills, name)
                for name in [victim, *draw.choices(list(VICTIMS), k=kills - 1)]
            ]
            load = Load(habitue.address, cast=f"r{number}", seed=seed)
            ledger = asyncio.run(load.run(seconds, partial(disturb, habitue, plan)))
            settled(habitue, client)
            kept = read_kept(client, habitue.data / "archive")
            killed = ", ".join(f"{name} after {wait:.2f} s" for wait, name in plan)
            print(f"round {number} (seed {seed}), killed {killed}: {summary(ledger, kept)}", flush=True)
            problems = judge(ledger, kept, client, habitue.data / "archive")
            assert not problems, "\n".join(problems)
            assert ledger.acknowledged
            ledgers.append(ledger)
        kept = read_kept(client, habitue.data / "archive")
        for ledger in ledgers:
            assert ledger.problems(kept) == []
        events = sum(len(ledger.acknowledged) for ledger in ledgers)
        orders = sum(len(ledger.orders) for ledger in ledgers)
        again = sum(ledger.again for ledger in ledgers)
        repeats = sum(ledger.repeats for ledger in ledgers)
        print(
            f"{len(victims)} rounds: {events} events and {orders} orders acknowledged, {again} sent again,"
            f" {repeats} duplicates answered; {kept.archived} rows archived,"
            f" {kept.only_in_log} only in the log; lost 0, doubled 0"
        )
        client.close()


def test_nothing_is_lost_and_nothing_doubled_in_three_rounds(tmp_path: Path) -> None:
    play(tmp_path, ["worker and redis", "both workers", "background"], seconds=5, kills=1)


def test_everything_survives_a_killed_supervisor_under_load(tmp_path: Path) -> None:
    """Its children end with it, the next one starts at the same port while shoppers go on trying."""
    running: list[Serving] = []

    def serve(port: str) -> Serving:
        running.append(Serving(tmp_path / "data", environ={**ENVIRON, "HABITUE_PORT": port}).__enter__())
        return running[-1]

    async def restart() -> None:
        await asyncio.sleep(1.5)
        supervisor = running[-1].pid("supervisor")
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        await asyncio.to_thread(serve, running[-1].address.rsplit(":", 1)[1])

    try:
        habitue = serve("0")
        load = Load(habitue.address, cast="s1", seed=EXPERIMENT)
        ledger = asyncio.run(load.run(4, restart))
        with redis_py.Redis.from_url(private_redis.url(habitue.data)) as client:
            settled(running[-1], client)
            kept = read_kept(client, habitue.data / "archive")
            print(f"killed the supervisor: {summary(ledger, kept)}", flush=True)
            assert judge(ledger, kept, client, habitue.data / "archive") == []
    finally:
        for one in reversed(running):
            one.__exit__()


def test_a_move_that_was_cut_in_two_is_finished_at_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Serving(data, environ=ENVIRON) as habitue:
        load = Load(habitue.address, cast="m1", seed=EXPERIMENT, browsers=1)
        load.stopping = True
        ledger = asyncio.run(load.run(5, partial(asyncio.sleep, 0)))
    (epoch,) = ledger.browsers[0]
    assert epoch.device is not None

    async def first_half(url: str, device: str) -> None:
        link = Link(url)
        await link.reconnect()
        committer = Committer(link)
        await committer.call(commands.load_scripts(), len(commands.SCRIPTS))
        mover = Mover(committer)
        mover.finish = partial(asyncio.sleep, 0)  # type: ignore[method-assign]  # killed here
        await mover.login(device, "m1-u", time.time_ns() // 1_000_000)
        await link.close()

    with private_redis.PrivateRedis(data) as private:
        asyncio.run(first_half(private.url, epoch.device))
        with redis_py.Redis.from_url(private.url) as client:
            assert sum(client.hlen(keys.transfers(bucket)) for bucket in range(keys.BUCKETS)) == 1
            before = read_kept(client, data / "archive").profiles
            assert "user:m1-u" not in before
    ledger.browsers[0].append(Epoch(epoch.device, "m1-u"))
    with (
        Serving(data, environ=ENVIRON) as habitue,
        redis_py.Redis.from_url(private_redis.url(data)) as client,
    ):
        settled(habitue, client)
        kept = read_kept(client, data / "archive")
        assert judge(ledger, kept, client, data / "archive") == []
        assert kept.profiles["user:m1-u"]["recent_items"]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_doubled_in_thirty_rounds(tmp_path: Path) -> None:
    victims = list(VICTIMS) * 5
    random.Random(EXPERIMENT).shuffle(victims)
    play(tmp_path, victims, seconds=10, kills=2)
