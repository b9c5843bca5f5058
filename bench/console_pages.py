"""Every page of the console over a big shop's archive, through a worker's proxy and the console's process.

    python -m bench.large_archive FOLDER/archive          # once: two minutes, 1.5 GB
    python -m bench.console_pages FOLDER

Prints for each page the first byte by the clock and the CPU that worker and console used for it: of the first
time after the start, and the median of the next ones. Nothing trains or archives beside it. The archive is
only read, but for the rollups, which are made when they are missing.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from redis.asyncio import Redis

from bench import large_archive
from bench.processes import Child, cpu_seconds, find_program, free_port
from bench.rules_cost import documents_of
from habitue_collector.store import keys
from habitue_recommender.catalog.store import store_items
from habitue_recommender.rulebook.store import RulebookStore
from habitue_warehouse.rollups import RollupSettings, due, roll

LIMIT_SECONDS = 0.5
ASKED = 3  # times after the first one
PEOPLE = [42, 13, 99_700, 612_345]
SEGMENTS = 20
PAGES = (
    "/", "/today/trade", "/today/now", "/live", "/visitors", "/visitors/personas",
    "/visitors/why?persona=regular", "/segments", "/segments/new", "/segments/circle-3", "/rules",
    "/rules/new", "/rules/{rule}", "/rules/{rule}/history", "/contents", "/contents/new", "/slots",
    "/slots/new", "/slots/home-hero", "/catalog", "/catalog?q=brand&only=no-image&page=20",
    "/catalog/item?id=item-00007", "/events", "/events?kind=purchase", "/events/refused",
    "/events/schema", "/models", "/settings", "/settings/consent", "/settings/retention",
    "/settings/users", "/settings/changes", "/search?q=brand", "/search?q=customer-0000013",
    "/visitors?q=visitor-0000042", "/visitors?segment=circle-3&now=1",
)  # fmt: skip
OF_A_VISITOR = ("/visitors/of?id={}", "/visitors/timeline?id={}", "/visitors/why?id={}")


@dataclass(frozen=True, slots=True)
class Took:
    """One request: seconds to its first byte, CPU seconds of both processes until its last."""

    first_byte: float
    cpu: float


class Pages:
    """Asks a running console. One connection, as a browser's."""

    def __init__(self, port: int, secret: str, pids: list[int]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"authorization": f"Bearer {secret}", "accept": "text/html"}
        self._pids = pids

    def ask(self, path: str) -> Took:
        spent = sum(map(cpu_seconds, self._pids))
        began = time.perf_counter()
        self._connection.request("GET", f"/console{path}", headers=self._headers)
        answer = self._connection.getresponse()
        first_byte = time.perf_counter() - began
        answer.read()
        if answer.status not in (200, 303):
            raise RuntimeError(f"{path}: {answer.status}")
        return Took(first_byte, sum(map(cpu_seconds, self._pids)) - spent)


async def fill(url: str, shape: large_archive.Shape) -> str:
    """The catalog, some people, 200 rules, some segments; the id of one of the rules."""
    async with Redis.from_url(url) as redis:
        items = list(large_archive.catalog(shape))
        await store_items(redis, items, now=shape.now)
        for who, record in large_archive.records(shape, PEOPLE).items():
            await redis.set(keys.profile(who), b"v" * 16 + record.encode())
        store = RulebookStore(redis, lambda: time.time_ns() // 1_000_000)
        for number in range(SEGMENTS):
            when = f"visitor.visits >= {number % 8 + 1}"
            segment = {"id": f"circle-{number}", "name": f"Circle {number}", "when": when}
            await store.save("segment", segment["id"], segment, author="bench")
        rule = ""
        for rule, told in documents_of([item["item_id"] for item in items]):
            await store.save("rule", rule, {"id": rule, "name": rule, **told}, author="bench")
        return rule


def measure(folder: Path) -> list[tuple[str, Took, Took]]:
    """(page, the first time, the median of the next ones)."""
    shape = large_archive.Shape()
    roll(folder / "archive", RollupSettings(budget_seconds=1_200, threads=2))
    if due(folder / "archive"):
        raise RuntimeError("the archive's rollups are not complete")
    with tempfile.TemporaryDirectory(prefix="habitue-pages-") as temporary:
        data = Path(temporary)
        (data / "archive").symlink_to((folder / "archive").resolve())
        socket, port, secret = data / "r.sock", free_port(), secrets.token_urlsafe(32)
        environ = {
            "HABITUE_REDIS_URL": f"unix://{socket}",
            "HABITUE_PORT": str(port),
            "HABITUE_WORKERS": "1",
            "HABITUE_KEYS": json.dumps([{"key": secret, "kind": "server", "name": "bench"}]),
        }
        config = data / "bench.toml"
        config.write_text("")
        habitue = [sys.executable, "-m", "habitue_cli"]
        given = ["--config", str(config), "--data", str(data)]
        redis = [find_program("redis-server"), "--port", "0", "--unixsocket", str(socket), "--save", ""]
        with (
            Child(redis, data / "redis.log") as server,
            Child([*habitue, "worker", *given], data / "worker.log", environ=environ) as worker,
        ):
            server.wait_until("Redis", socket.exists)
            rule = asyncio.run(fill(f"unix://{socket}", shape))
            with Child([*habitue, "console", *given], data / "console.log", environ=environ) as console:
                console.wait_until("the console's socket", (data / "run/console.sock").exists)
                pages = Pages(port, secret, [worker.pid, console.pid])
                worker.wait_until("the first page", lambda: _answers(pages))
                return [(path, *_of(pages, path)) for path in _paths(rule)]


def _answers(pages: Pages) -> bool:
    try:
        pages.ask("/static/mark.svg")
    except (OSError, RuntimeError, http.client.HTTPException):
        time.sleep(0.1)
        pages._connection.close()
        return False
    return True


def _paths(rule: str) -> list[str]:
    people = [quote(large_archive.profile_id(number)) for number in PEOPLE]
    return [
        *(path.format(rule=rule) if "{rule}" in path else path for path in PAGES),
        *(path.format(who) for who in people for path in OF_A_VISITOR),
    ]


def _of(pages: Pages, path: str) -> tuple[Took, Took]:
    first = pages.ask(path)
    next_ones = [pages.ask(path) for _ in range(ASKED)]
    return first, Took(
        statistics.median(one.first_byte for one in next_ones),
        statistics.median(one.cpu for one in next_ones),
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.console_pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="the folder whose archive/ bench.large_archive wrote")
    told = parser.parse_args(arguments)
    slow = 0
    print(f"{'page':44} first time: byte, CPU    then: byte, CPU")
    for path, first, then in measure(told.folder):
        mark = " !" if max(first.first_byte, then.first_byte) > LIMIT_SECONDS else ""
        slow += bool(mark)
        print(
            f"{path:44} {first.first_byte * 1e3:8.0f} ms {first.cpu * 1e3:6.0f} ms"
            f"  {then.first_byte * 1e3:8.0f} ms {then.cpu * 1e3:6.0f} ms{mark}"
        )
    print(f"{slow} pages needed more than {LIMIT_SECONDS * 1e3:.0f} ms" if slow else "every page in time")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
