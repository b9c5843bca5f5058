"""What one worker has done, in numbers: published to Redis, shown by any worker for all of them.

A scrape reaches whichever worker accepts it; each publishes its figures every second, so that the
answer speaks for the whole installation. Names and meanings are in `docs/operations.md`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from habitue_collector.commit import Committer
from habitue_collector.ingest import Ingest
from habitue_collector.request import Tally
from habitue_collector.store import keys
from habitue_collector.store.resp import pack

LIFETIME_SECONDS = 15

COUNTERS = {
    "beacons": "Requests taken on the beacon paths.",
    "events": "Events acknowledged and stored.",
    "duplicates": "Events that had been stored before.",
    "conflicts": "Profiles that another worker wrote first; read and folded again.",
    "flushes": "Writes to Redis, each for many requests.",
    "unavailable": "Requests answered 503.",
    "bots": "Events flagged as a bot's.",
    "failed": "Handlers that raised: always our bug.",
    "lost_links": "Connections to Redis that were lost.",
    "decisions": "Slots answered.",
    "records_lost": "Records of decisions that found no room on their way to the log; the offers were shown.",
    "rulebook_failures": "Rulebooks that could not be used; the one before went on.",
    "segment_evaluations": "Profiles that were looked at to decide which segments they are in.",
    "segment_conflicts": "Of these, profiles that changed meanwhile; looked at again.",
    "segment_sweeps": "Walks over all profiles, because time passed or a definition changed.",
}
LABELLED = {
    "rejected": ("reason", "Events refused, by reason."),
    "refused": ("code", "Requests refused, by code."),
    "kept": ("kept", "Events stored without a profile."),
    "step_nanoseconds": ("step", "Time of sampled events in each step."),
    "step_events": ("step", "Sampled events through each step."),
    "segment_changes": ("change", "People who entered and left segments."),
    "webhooks": ("outcome", "Messages to other systems, and tries that failed, by outcome."),
}
GAUGES = {
    "queued_events": "Events waiting for Redis.",
    "queued_bytes": "Bytes of the requests that carry them.",
    "cached_profiles": "Profiles kept for folding.",
    "resident_bytes": "Memory of the process.",
    "rulebook_version": "Changes of rules, segments, slots and contents that this process works with.",
    "rulebook_problems": "Documents in the rulebook that are left out because something is wrong with them.",
    "ranker_rests": "1 while the worker is too busy for the learnt order, and neighbours answer.",
    "model_trained_at": "When the live model was trained, in seconds since 1970.",
    "training_running": "1 while a model is trained.",
    "training_at": "When the last training began, in seconds since 1970.",
    "training_seconds": "How long it took.",
    "trainings_refused": "Trainings in a row that failed, or whose model was worse than the live one.",
    "segment_waiting": "Profiles that changed and are to be looked at for segments.",
    "segment_lost": "Profiles that found no room among these; the next walk finds them.",
    "webhooks_waiting": "Messages to other systems that wait, or wait to be tried again.",
}
LABELLED_GAUGES = {
    "segment_people": ("segment", "People in each segment."),
    "model_quality": (
        "figure",
        "Of the live model, and of the one before when it went live: hit rate and MRR.",
    ),
    "training_quality": ("figure", "What the last training measured of the new model and of the live one."),
    "training_verdict": ("verdict", "1 for what became of the last training."),
}


def figures(ingest: Ingest, committer: Committer, tally: Tally, extra: dict[str, Any]) -> dict[str, Any]:
    """One worker's numbers, as they are published."""
    commit, taken = committer.tally, ingest.tally
    at_the_door = {
        "body_too_large": tally.too_large,
        "body_timeout": tally.timed_out,
        "overloaded": tally.overloaded,
    }
    return {
        "beacons": taken.requests,
        "events": commit.events,
        "duplicates": commit.duplicates,
        "conflicts": commit.conflicts,
        "flushes": commit.flushes,
        "unavailable": commit.refused,
        "bots": taken.bots,
        "failed": tally.failed,
        "lost_links": commit.lost_links,
        "records_lost": commit.notes_dropped,
        "rejected": taken.rejected,
        "refused": Counter(taken.refused) + Counter(at_the_door),  # without those that never happened
        "kept": taken.kept,
        "step_events": {name: entry[0] for name, entry in taken.steps.items()},
        "step_nanoseconds": {name: entry[1] for name, entry in taken.steps.items()},
        "queued_events": committer.queued_events,
        "queued_bytes": committer.queued_bytes,
        "cached_profiles": committer.cached_profiles,
        "resident_bytes": resident_bytes(),
        **extra,
    }


def publish(worker: str, numbers: dict[str, Any]) -> bytes:
    """The packed command that publishes them."""
    key = keys.figures(worker).encode()
    return pack(b"SET", key, orjson.dumps(numbers), b"EX", b"%d" % LIFETIME_SECONDS)


def render(by_worker: dict[str, dict[str, Any]]) -> bytes:
    """All workers' figures in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_Figures(by_worker))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, by_worker: dict[str, dict[str, Any]]) -> None:
        self._by_worker = by_worker

    def collect(self) -> Iterable[Metric]:
        for name, about in COUNTERS.items():
            counter = CounterMetricFamily(f"habitue_{name}", about, labels=["worker"])
            for worker, numbers in self._by_worker.items():
                if name in numbers:  # not every process does everything
                    counter.add_metric([worker], numbers[name])
            yield counter
        for name, (label, about) in LABELLED.items():
            counter = CounterMetricFamily(f"habitue_{name}", about, labels=["worker", label])
            for worker, numbers in self._by_worker.items():
                for value, count in numbers.get(name, {}).items():
                    counter.add_metric([worker, value], count)
            yield counter
        for name, about in GAUGES.items():
            gauge = GaugeMetricFamily(f"habitue_{name}", about, labels=["worker"])
            for worker, numbers in self._by_worker.items():
                if name in numbers:
                    gauge.add_metric([worker], numbers[name])
            yield gauge
        for name, (label, about) in LABELLED_GAUGES.items():
            gauge = GaugeMetricFamily(f"habitue_{name}", about, labels=["worker", label])
            for worker, numbers in self._by_worker.items():
                for value, count in numbers.get(name, {}).items():
                    gauge.add_metric([worker, value], count)
            yield gauge


def resident_bytes() -> int:
    """This process' memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
