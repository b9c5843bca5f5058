"""Figures of all workers are one answer."""

from __future__ import annotations

from habitue_console.figures import summary

WORKERS = {
    "worker-1": {"events": 3, "queued_events": 1, "rejected": {"no_identity": 2}, "model": "abc", "items": 10,
                 "resident_bytes": 104_857_600, "visitors_now": 4},
    "worker-2": {"events": 4, "rejected": {"no_identity": 1, "invalid_event": 9}, "model": "abc"},
    "background": {"events": 99, "resident_bytes": 1},
}  # fmt: skip
INFO = {"redis_version": "7.0.15", "used_memory": 2_097_152, "aof_enabled": 1, "aof_last_write_status": "ok"}


def test_counters_of_workers_are_added_up() -> None:
    figures = summary(WORKERS, INFO, 7)
    assert figures["at"] == 7
    assert figures["events"] == 7
    assert figures["queued_events"] == 1
    assert figures["rejected"] == {"invalid_event": 9, "no_identity": 3}
    assert list(figures["rejected"]) == ["invalid_event", "no_identity"]


def test_the_model_is_named_once() -> None:
    assert summary(WORKERS, INFO, 7)["model"] == "abc"
    assert summary({"worker-1": {}}, INFO, 7)["model"] is None


def test_two_models_during_a_swap_are_both_named() -> None:
    assert summary({"worker-1": {"model": "b"}, "worker-2": {"model": "a"}}, {}, 0)["model"] == "a, b"


def test_redis_is_told_as_it_is() -> None:
    redis = summary({}, INFO, 0)["redis"]
    assert redis["version"] == "7.0.15"
    assert redis["product"] == "Redis"
    assert redis["megabytes"] == 2.0
    assert redis["durable"]
    assert not summary({}, {**INFO, "aof_last_write_status": "err"}, 0)["redis"]["durable"]
    assert (
        summary({}, {"valkey_version": "8.0.1", "redis_version": "7.2.4"}, 0)["redis"]["product"] == "Valkey"
    )


def test_without_anything_there_is_still_an_answer() -> None:
    figures = summary({}, {}, 0)
    assert figures["events"] == 0
    assert figures["redis"] is None
    assert figures["visitors_now"] is None
