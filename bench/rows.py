"""What is measured, row by row. Each measurement checks its answers and raises when one is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import open_loop
from .house import KEY, OTHER_CORE, ROOT, WORKER_CORE, House
from .nginx import Nginx
from .processes import Child, Missing, cpu_seconds, find_program, free_port, listens, pin
from .wrk import CONNECTIONS, Load, run_wrk

if TYPE_CHECKING:
    from .rules_cost import Cost

VISITORS = 5_000  # so that each of them stays near the typical twenty events while beacons are measured
SLOTS = ("home-hero", "home-popular")
CONTEXT_RATE = 300.0  # a second


@dataclass(slots=True)
class Row:
    """One line of the table: the median of the runs, `unit` beside it, and what else was seen."""

    name: str
    value: float
    unit: str
    reach: str = ""
    beside: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """How long and how often. `say` gets a sentence before something takes long."""

    folder: Path
    seconds: float = 8.0
    runs: int = 3
    sessions: Path | None = None  # of the model behind `context`
    fsync: str = "always"
    say: Callable[[str], None] = print


def _median_of(loads: list[Load], figure: Callable[[Load], float]) -> float:
    return statistics.median(figure(load) for load in loads)


def _runs(plan: Plan, once: Callable[[], Load]) -> list[Load]:
    return [once() for _ in range(plan.runs)]


def _beside(loads: list[Load]) -> dict[str, str]:
    return {
        "requests/s": f"{_median_of(loads, lambda load: load.per_second):,.0f}",
        "p50": f"{_median_of(loads, lambda load: load.p50_ms):.1f} ms",
        "p99": f"{_median_of(loads, lambda load: load.p99_ms):.1f} ms",
    }


def nginx(plan: Plan) -> Row:
    """The yardstick of all ratios: CPU per request of `return 204` under the same load."""
    with Nginx(plan.folder, WORKER_CORE) as server:
        pids = {"nginx": server.pid}
        loads = _runs(plan, lambda: run_wrk(server.port, pids=pids, seconds=plan.seconds, wanted=""))
    value = _median_of(loads, lambda load: load.cpu_us("nginx"))
    return Row("nginx `return 204`", value, "µs CPU a request", beside=_beside(loads))


def bare(plan: Plan, yardstick: float) -> list[Row]:
    """The lower bounds: the beacon path alone, and with one GET and one EVALSHA behind it."""
    environ = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "collector")])}
    rows = []
    folder = plan.folder / "bare"
    folder.mkdir()
    socket = folder / "redis.sock"
    redis = [find_program("redis-server"), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    redis += ["--save", "", "--appendonly", "yes", "--appendfsync", plan.fsync]
    for name, urls in (
        ("bare path, nothing behind it", []),
        ("bare path, GET + EVALSHA", [f"unix://{socket}"]),
    ):
        with Child(redis, folder / "redis.log", core=OTHER_CORE) as store:
            store.wait_until("redis listening", socket.exists)
            port = free_port()
            command = [sys.executable, "-m", "bench.bare", str(port), *urls]
            with Child(command, folder / "bare.log", core=WORKER_CORE, environ=environ) as server:
                server.wait_until("the bare server listening", lambda port=port: listens(port))  # type: ignore[misc]
                pids = {"worker": server.pid, "redis": store.pid}
                loads = _runs(
                    plan,
                    lambda port=port, pids=pids: run_wrk(port, pids=pids, seconds=plan.seconds),  # type: ignore[misc]
                )
        value = _median_of(loads, lambda load: load.cpu_us("worker"))
        beside = {"× nginx": f"{value / yardstick:.1f}", **_beside(loads)}
        if urls:
            beside["Redis"] = f"{_median_of(loads, lambda load: load.cpu_us('redis')):.1f} µs"
        rows.append(Row(name, value, "µs CPU a request", beside=beside))
    return rows


def beacons(plan: Plan, house: House, yardstick: float, cookies: Path) -> Row:
    """CPU of the worker for each acknowledged beacon of one event, everything on."""
    loads = _counted(plan, house, 1, cookies)
    value = _median_of(loads, lambda load: load.cpu_us("worker"))
    beside = {
        "× nginx": f"{value / yardstick:.1f}",
        "Redis": f"{_median_of(loads, lambda load: load.cpu_us('redis')):.1f} µs",
        **_beside(loads),
    }
    return Row("beacon of one event", value, "µs CPU of the worker", "≤ 10 × nginx", beside)


def batches(plan: Plan, house: House, cookies: Path) -> Row:
    """Events of batches of 20 that one core of the worker takes: 20 / CPU seconds per batch."""
    loads = _counted(plan, house, 20, cookies)
    value = _median_of(loads, lambda load: 20e6 / load.cpu_us("worker"))
    wall = _median_of(loads, lambda load: 20 * load.per_second)
    beside = {
        "events/s on the clock": f"{wall:,.0f}",
        "Redis": f"{_median_of(loads, lambda load: load.cpu_us('redis') / 20):.1f} µs an event",
        **_beside(loads),
    }
    return Row("batches of 20", value, "events/s per core", "≥ 20,000", beside)


def _counted(plan: Plan, house: House, events: int, cookies: Path) -> list[Load]:
    """Runs after which the log holds exactly what was acknowledged (and what was cut off at the end)."""

    def once() -> Load:
        before = house.events_in_log()
        load = run_wrk(
            house.port, pids=house.pids, seconds=plan.seconds, key=KEY, cookies=cookies, events=events
        )
        time.sleep(0.5)  # wrk leaves with one request of each connection under way
        logged = house.events_in_log() - before
        acknowledged = load.requests * events
        if not 0 <= logged - acknowledged <= CONNECTIONS * events:
            raise RuntimeError(f"{acknowledged} events were acknowledged, {logged} are in the log")
        return load

    return _runs(plan, once)


def disk(plan: Plan) -> Row:
    """What `fsync always` waits for, without us: a kilobyte appended and synced at the rate of `context`."""
    outcome = open_loop.Outcome()
    descriptor = os.open(plan.folder / "disk", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        start = time.perf_counter()
        for number in range(int(CONTEXT_RATE * plan.seconds * plan.runs)):
            due = start + number / CONTEXT_RATE
            if (ahead := due - time.perf_counter()) > 0:
                time.sleep(ahead)
            os.write(descriptor, b"x" * 1_024)
            os.fdatasync(descriptor)
            outcome.latencies.append((time.perf_counter() - due) * 1e3)
    finally:
        os.close(descriptor)
    beside = {"p50": f"{outcome.percentile(0.5):.1f} ms", "slowest": f"{max(outcome.latencies):.1f} ms"}
    return Row("the disk alone, 300 syncs/s, p99", outcome.percentile(0.99), "ms", beside=beside)


def context(plan: Plan, house: House, cookies: list[str], items: list[str]) -> list[Row]:
    """Latency under the policy of the plan, and under `everysec`, where Redis does not wait for the disk."""
    rows = _context(plan, house, cookies, items, plan.fsync)
    if plan.fsync == "always":
        house.redis.config_set("appendfsync", "everysec")
        rows += _context(plan, house, cookies, items, "everysec")
        house.redis.config_set("appendfsync", plan.fsync)
    return rows


def _context(plan: Plan, house: House, cookies: list[str], items: list[str], policy: str) -> list[Row]:
    """Latency of one event in and two slots of offers out, open loop."""
    rng = random.Random(1)
    rate = CONTEXT_RATE

    def request(number: int) -> bytes:
        item = rng.choice(items)
        event = _event("Product Viewed", {"product_id": item, "name": f"Item {item}", "price": 19.9})
        page = {"type": "product", "item_id": item}
        body = {"writeKey": KEY, "sentAt": _now(), "batch": [event], "slots": list(SLOTS), "page": page}
        return open_loop.post("/h/v1/context", body, cookies[number * 7 % len(cookies)])

    p50s, p99s, worst, used, worker = [], [], [], [], []
    own = os.getpid()
    before = os.sched_getaffinity(own)
    pin(own, OTHER_CORE)
    try:
        asyncio.run(open_loop.run(house.port, [request(n) for n in range(600)], rate))  # warm
        for _ in range(plan.runs):
            requests = [request(number) for number in range(int(rate * plan.seconds))]
            started, cpu_before = time.process_time(), cpu_seconds(house.worker)
            outcome = asyncio.run(open_loop.run(house.port, requests, rate))
            used.append((time.process_time() - started) / plan.seconds)
            worker.append((cpu_seconds(house.worker) - cpu_before) / len(requests) * 1e6)
            _check_offers(outcome.bodies)
            p50s.append(outcome.percentile(0.50))
            p99s.append(outcome.percentile(0.99))
            worst.append(max(outcome.latencies))
    finally:
        os.sched_setaffinity(own, before)
    beside = {
        "CPU of the worker": f"{statistics.median(worker):,.0f} µs",
        "slowest": f"{statistics.median(worst):.1f} ms",
        "catalog": f"{len(items):,} items",
        "client's own CPU": f"{statistics.median(used):.0%}",
    }
    return [
        Row(f"`context` at 300/s, p50, fsync {policy}", statistics.median(p50s), "ms", "≤ 5 ms", beside),
        Row(f"`context` at 300/s, p99, fsync {policy}", statistics.median(p99s), "ms", "≤ 20 ms"),
    ]


def _check_offers(bodies: list[bytes]) -> None:
    for body in bodies:
        status, _, payload = body.partition(b"\n")
        if b" 200 " not in status:
            raise RuntimeError(f"context answered {body[:300]!r}")
        answer = json.loads(payload)
        counts = [len(answer["slots"][slot]["offers"]) for slot in SLOTS]
        if answer["results"][0]["status"] != "accepted" or counts != [12] * len(SLOTS):
            raise RuntimeError(f"context answered {counts} offers: {payload[:300]!r}")


def ruled(plan: Plan) -> list[Row]:
    """What 200 rules add to a decision of two slots with 500 candidates, shared or each its own; one core."""
    from . import rules_cost

    scene = rules_cost.Scene()
    own = os.getpid()
    before = os.sched_getaffinity(own)
    pin(own, WORKER_CORE)
    try:
        shared = [rules_cost.measure(scene) for _ in range(plan.runs)]
        apart = [rules_cost.measure(scene, slots=rules_cost.OWN_SLOTS) for _ in range(plan.runs)]
    finally:
        os.sched_setaffinity(own, before)
    rules = len(scene.rulebook.rules)
    return [
        _ruled("200 rules, 2 slots sharing 500 candidates", shared, rules),
        _ruled("200 rules, 2 slots of 500 candidates each", apart, rules),
    ]


def _ruled(name: str, costs: list[Cost], rules: int) -> Row:
    cost = sorted(costs, key=lambda cost: cost.more)[len(costs) // 2]
    beside = {
        "without rules": f"{cost.without:.2f} ms",
        "with them": f"{cost.ruled:.2f} ms",
        "×": f"{cost.ratio:.1f}",
        "rules that changed something": f"{cost.touched} of {rules}",
    }
    return Row(name, cost.more, "ms more CPU a decision", "≤ 3 ms", beside)


def profile_bytes(house: House, items: list[str]) -> Row:
    """Bytes in Redis of all keys of one visitor after 20 events; the log, being shared, not counted."""
    names = (
        "Page",
        "Product Viewed",
        "Product Viewed",
        "Product List Viewed",
        "Product Viewed",
        "Product Added",
    )
    rng = random.Random(2)
    sizes, counts = [], []
    for _ in range(21):
        before = _own_keys(house)
        connection = house.connection()
        cookie: str | None = None
        for number in range(20):
            event = _visit(names[number % len(names)], rng.choice(items[:500]), rng)
            answer = house.post(connection, "/h/v1/batch", {"writeKey": KEY, "batch": [event]}, cookie)
            cookie = cookie or (answer.getheader("set-cookie") or "").split(";")[0].partition("=")[2]
        connection.close()
        own = _own_keys(house) - before
        sizes.append(sum(int(house.redis.memory_usage(key, samples=0) or 0) for key in own))
        counts.append(len(own))
    beside = {"keys": f"{statistics.median(counts):.0f}", "largest of 21": f"{max(sizes):,} B"}
    return Row(
        "profile of a visitor with 20 events", statistics.median(sizes), "bytes in Redis", "≤ 1,536", beside
    )


def _own_keys(house: House) -> set[bytes]:
    """Everything but the logs, which belong to all."""
    return {key for key in house.redis.scan_iter("*", count=10_000) if not key.endswith(b":log")}


def _visit(name: str, item: str, rng: random.Random) -> dict[str, object]:
    if name == "Page":
        return {
            "type": "page",
            "messageId": secrets.token_hex(16),
            "timestamp": _now(),
            "properties": {"url": f"http://127.0.0.1/p/{item}", "title": "Trail running shoes"},
        }
    if name == "Product List Viewed":
        return _event(name, {"category": "Shoes/Trail", "products": [{"product_id": item}]})
    price = round(rng.uniform(5, 150), 2)
    properties = {
        "product_id": item,
        "name": f"Shoe {item}",
        "brand": f"Brand {rng.randrange(8)}",
        "category": f"Shoes/{rng.choice(['Trail', 'Road', 'Kids'])}",
        "price": price,
        "currency": "EUR",
        "quantity": 1,
        "url": f"http://127.0.0.1/p/{item}",
    }
    return _event(name, properties)


def _event(name: str, properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "track",
        "event": name,
        "messageId": secrets.token_hex(16),
        "timestamp": _now(),
        "properties": properties,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prepare_model(plan: Plan, folder: Path) -> list[str]:
    """A model of the sessions of `plan.sessions`, live in `folder`; returns its item ids."""
    if plan.sessions is None or not plan.sessions.exists():
        raise Missing("`context` needs a file of sessions: --sessions FILE (session_id, item_id, timestamp)")
    import duckdb

    from habitue_recommender.artifact import exclusive, publish
    from habitue_recommender.training.interactions import from_sessions
    from habitue_recommender.training.train import TrainingConfig, train_on

    plan.say(f"training on {plan.sessions} …")
    models = folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    with exclusive(models):
        digest = train_on(from_sessions(plan.sessions), models, TrainingConfig())
    publish(models, digest)
    with duckdb.connect() as db:
        found = db.execute("SELECT DISTINCT item_id FROM read_parquet(?)", [str(plan.sessions)]).fetchall()
    return sorted(str(row[0]) for row in found)


def catalog_of(items: list[str]) -> Iterator[dict[str, object]]:
    """Every item of the model with a price, a category and a place in stock."""
    for number, item in enumerate(items):
        yield {
            "item_id": item,
            "name": f"Item {item}",
            "url": f"http://127.0.0.1/p/{item}",
            "price": 5 + number % 200,
            "currency": "EUR",
            "availability": "in_stock",
            "category": f"Department {number % 20}/Shelf {number % 200}",
            "brand": f"Brand {number % 300}",
        }
