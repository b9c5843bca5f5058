"""The artifact of a big shop: 1 million items and 50 million interactions, made up, trained and loaded.

    python -m bench.model_scale FOLDER                       all of it
    python -m bench.model_scale FOLDER --share 0.1           a tenth of both
    python -m bench.model_scale FOLDER --model neighbours    only some of the models

It has the shape of a real shop, not its meaning: shelves of 200 items of which few are looked at much, visits
of six events on average that mostly stay on one shelf, a purchase in every thirtieth, people who come again.
Trained in this process, one model at a time; loaded in a fresh one, from a disk whose cache was emptied of
it. Prints one JSON object: seconds, sizes, the memory at its highest. The same numbers give the same data.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.artifact import exclusive, load
from habitue_recommender.models import MODELS, TRAINED, Query
from habitue_recommender.training.interactions import Interactions
from habitue_recommender.training.sessions import Baskets, Sessions
from habitue_recommender.training.train import TrainingConfig, train_on
from habitue_recommender.vocabulary import Vocabulary

END = 1_780_000_000_000  # ms
DAYS = 90
SHELF = 200  # items
ASTRAY = 0.1  # share of the events that leave the visit's shelf
MEAN_LENGTH = 6.0  # events of a visit
LONGEST = 40
_AT_ONCE = 500_000  # visits drawn together: bounds what drawing takes
QUESTIONS = 2_000


@dataclass(frozen=True, slots=True)
class Shape:
    items: int = 1_000_000
    interactions: int = 50_000_000

    def times(self, share: float) -> Shape:
        return Shape(max(SHELF, int(self.items * share)), int(self.interactions * share))


def interactions(shape: Shape, seed: int = 0) -> Interactions:
    """The shop's data, as the archive would give it: 13 bytes an interaction, 20 a visit, and the names."""
    random = np.random.default_rng(seed)
    lengths = _lengths(shape.interactions, random)
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    total = int(starts[-1])
    ends = np.sort(random.integers(END - DAYS * 86_400_000, END, len(lengths)))
    items = np.empty(total, dtype=np.int32)
    times = np.empty(total, dtype=np.int64)
    for first in range(0, len(lengths), _AT_ONCE):
        part = slice(first, min(len(lengths), first + _AT_ONCE))
        events = slice(int(starts[part.start]), int(starts[part.stop]))
        items[events] = _items(shape.items, lengths[part], random)
        back = np.repeat(starts[part.start + 1 : part.stop + 1], lengths[part]) - 1
        times[events] = np.repeat(ends[part], lengths[part]) - 30_000 * (
            back - np.arange(events.start, events.stop)
        )
    kinds = np.zeros(total, dtype=np.uint8)
    kinds[random.random(total, dtype=np.float32) < 0.08] = 2
    buying = np.flatnonzero(random.random(len(lengths), dtype=np.float32) < 1 / 30)
    kinds[starts[buying + 1] - 1] = 3
    people = max(1, len(lengths) // 4)
    visitors = random.integers(-people // 2, people, len(lengths)).astype(np.int32)
    visitors[visitors < 0] = -1  # a third of the visits belong to nobody
    baskets = Baskets(
        np.arange(len(buying) + 1, dtype=np.int64),
        items[starts[buying + 1] - 1],
        ends[buying],
        visitors[buying],
        np.ones(len(buying), dtype=np.bool_),
    )
    return Interactions(
        Vocabulary.of(f"item-{number:07d}" for number in range(shape.items)),
        Sessions(starts, items, times, kinds, visitors),
        baskets,
        tuple(f"visitor-{number:07d}" for number in range(people)),
        {
            number: f"Department {number // SHELF % 40}/Shelf {number // SHELF}"
            for number in range(shape.items)
        },
    )


def _lengths(total: int, random: np.random.Generator) -> NDArray[np.int64]:
    drawn = np.minimum(random.geometric(1 / MEAN_LENGTH, int(total / MEAN_LENGTH * 1.1) + 10), LONGEST)
    enough = int(np.searchsorted(np.cumsum(drawn), total)) + 1
    return drawn[:enough].astype(np.int64)


def _items(count: int, lengths: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int32]:
    """Few shelves are visited much, and of a shelf few items: squares and cubes of even numbers."""
    shelves = max(1, count // SHELF)
    shelf = np.repeat((random.random(len(lengths)) ** 2 * shelves).astype(np.int64), lengths)
    place = random.random(len(shelf), dtype=np.float32) ** 3
    found = shelf * SHELF + (place * SHELF).astype(np.int64)
    astray = random.random(len(shelf), dtype=np.float32) < ASTRAY
    found[astray] = random.integers(0, count, int(astray.sum()))
    return np.minimum(found, count - 1).astype(np.int32)


def measure(folder: Path, shape: Shape, models: tuple[str, ...], threads: int = 1) -> dict[str, Any]:
    """Train and load; the figures. What was trained stays in `folder`."""
    began = time.monotonic()
    data = interactions(shape)
    drawn = time.monotonic() - began
    _say(f"{len(data.sessions):,} visits drawn in {drawn:.0f} s; {_peak_gb():.2f} GB at most so far")
    at_most = _peak_gb()
    began = time.monotonic()
    config = TrainingConfig(models, threads=threads)
    with exclusive(folder):
        digest = train_on(data, folder, config)
    trained = time.monotonic() - began
    told = json.loads((folder / digest / "manifest.json").read_text())["figures"]
    return {
        "items": shape.items,
        "interactions": len(data.sessions.items),
        "visits": len(data.sessions),
        "data_gb": round(at_most, 2),
        "train_seconds": round(trained, 1),
        "train_cpu_seconds": round(time.process_time(), 1),
        "train_peak_gb": round(_peak_gb(), 2),
        "models": {name: [one["fit_seconds"], round(one["megabytes"])] for name, one in told.items()},
        "disk_gb": round(sum(one.stat().st_size for one in (folder / digest).rglob("*")) / 1e9, 2),
        **in_a_fresh_process(folder / digest),
    }


def in_a_fresh_process(artifact: Path) -> dict[str, Any]:
    """What loading takes, after the system forgot the files, and once more when it knows them."""
    for file in artifact.rglob("*"):
        if file.is_file():
            with open(file, "rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = [sys.executable, "-m", "bench.model_scale", str(artifact), "--load"]
    cold, warm = (
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(2)
    )
    return {"load_cold_seconds": cold["load_seconds"], **warm}


def loaded(artifact: Path) -> dict[str, Any]:
    """Load an artifact as a worker does, ask it some questions: seconds and memory of this process."""
    idle = _resident_gb()
    began = time.monotonic()
    one = load(artifact)
    seconds = time.monotonic() - began
    took = _resident_gb(), _private_gb()
    random = np.random.default_rng(1)
    name = next(name for name in ("ranker", "neighbours", *one.models) if name in one.models)
    times = []
    for _ in range(QUESTIONS):
        session = _items(len(one.vocabulary), np.array([4]), random)
        asked = time.perf_counter_ns()
        one.models[name].score(Query(session=session))
        times.append((time.perf_counter_ns() - asked) / 1e6)
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "load_seconds": round(seconds, 2),
        "resident_gb": round(took[0], 2),
        "before_gb": round(idle, 2),
        "private_gb": round(took[1], 2),
        "asked": name,
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "resident_after_questions_gb": round(_resident_gb(), 2),
        "private_after_questions_gb": round(_private_gb(), 2),
    }


def _resident_gb() -> float:
    return _status("VmRSS") / 1e6


def _private_gb() -> float:
    """What no other worker can share: anonymous memory."""
    return _status("RssAnon") / 1e6


def _status(name: str) -> float:
    """kB of this process, 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0.0)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.model_scale", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0, help="of the million items and 50 million events")
    parser.add_argument("--model", action="append", choices=list(MODELS), help="only this one; repeatable")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--load", action="store_true", help="FOLDER is an artifact: only load it")
    arguments = parser.parse_args()
    if arguments.load:
        print(json.dumps(loaded(arguments.folder)))
        return 0
    models = tuple(arguments.model or TRAINED)
    figures = measure(arguments.folder, Shape().times(arguments.share), models, arguments.threads)
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
