"""The house's live figures, from what each process published.

Counters are sums over all workers since their start; the page makes rates of two answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from redis.asyncio import Redis

from habitue_collector.store import keys

Figures = dict[str, dict[str, Any]]

_SUMS = (
    "beacons", "events", "duplicates", "conflicts", "flushes", "unavailable", "bots", "failed", "decisions",
    "queued_events", "resident_bytes",
)  # fmt: skip
_TABLES = ("rejected", "refused", "kept")


async def published(redis: Redis, workers: int) -> Figures:
    """What each process wrote in the last seconds, by its name."""
    names = [*(f"worker-{number}" for number in range(1, max(workers, 1) + 1)), "background", "presence"]
    pipe = redis.pipeline(transaction=False)  # no MGET: in a cluster the keys lie on several nodes
    for name in names:
        pipe.get(keys.figures(name))
    found = dict(zip(names, await pipe.execute(), strict=True))
    return {name: orjson.loads(packed) for name, packed in found.items() if packed}


def summary(by_worker: Mapping[str, Mapping[str, Any]], redis: Mapping[str, Any], now: int) -> dict[str, Any]:
    """One answer of `/console/figures` (pure). `redis` is INFO, empty when it did not answer; `now` in ms."""
    workers = {name: numbers for name, numbers in by_worker.items() if name.startswith("worker-")}
    figures: dict[str, Any] = {"at": now}
    for name in _SUMS:
        figures[name] = sum(_number(numbers.get(name)) for numbers in workers.values())
    for name in _TABLES:
        figures[name] = _added(numbers.get(name) for numbers in workers.values())
    figures["workers"] = [
        {
            "name": name,
            "events": _number(numbers.get("events")),
            "queued_events": _number(numbers.get("queued_events")),
            "megabytes": round(_number(numbers.get("resident_bytes")) / 1_048_576),
        }
        for name, numbers in sorted(workers.items())
    ]
    models = {str(numbers["model"]) for numbers in workers.values() if numbers.get("model")}
    figures["model"] = ", ".join(sorted(models)) or None
    figures["items"] = max((_number(numbers.get("items")) for numbers in workers.values()), default=0)
    figures["visitors_now"] = _first(by_worker, "visitors_now")
    # The last four that are over, for a chart that begins with the page.
    figures["minutes"] = by_worker.get("presence", {}).get("minutes", [])[-5:-1]
    figures["redis"] = _redis(redis)
    return figures


def _redis(info: Mapping[str, Any]) -> dict[str, Any] | None:
    if not info:
        return None
    return {
        "version": str(info.get("valkey_version") or info.get("redis_version") or ""),
        "product": "Valkey" if info.get("valkey_version") else "Redis",
        "megabytes": round(_number(info.get("used_memory")) / 1_048_576, 1),
        "commands_per_second": _number(info.get("instantaneous_ops_per_sec")),
        "clients": _number(info.get("connected_clients")),
        "durable": bool(info.get("aof_enabled")) and info.get("aof_last_write_status") == "ok",
        "uptime_seconds": _number(info.get("uptime_in_seconds")),
    }


def _first(by_worker: Mapping[str, Mapping[str, Any]], name: str) -> int | float | None:
    """A figure that one process knows for all of them."""
    return next((_number(numbers[name]) for numbers in by_worker.values() if name in numbers), None)


def _added(tables: Any) -> dict[str, int | float]:
    total: dict[str, int | float] = {}
    for table in tables:
        for name, count in (table or {}).items():
            total[str(name)] = total.get(str(name), 0) + _number(count)
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def _number(value: Any) -> int | float:
    return value if isinstance(value, int | float) else 0
