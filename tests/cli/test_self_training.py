"""Training by itself: a process of its own, begun when it is due and ended with the house."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archive

from habitue_cli import self_training
from habitue_cli.self_training import SelfTraining
from habitue_recommender import artifact
from habitue_recommender.training import plan as training_plan
from habitue_recommender.training import trainings
from habitue_recommender.training.quiet_hours import QuietHours
from habitue_warehouse.rollups import roll

PATIENCE = 120.0  # seconds, for a Python that starts on a busy machine


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begun(folder: Path, program: str, **said: Any) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    training = SelfTraining(
        folder, ["--data", str(folder)], every_hours=24, growth=0.2, first_look_seconds=0.0,
        command=(sys.executable, "-c", program), **said,
    )  # fmt: skip
    thread = threading.Thread(target=training.run_forever, args=(stop,))
    thread.start()
    return thread, stop


def test_what_is_due_is_trained_with_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["schedule"])
    monkeypatch.setattr(self_training, "due", lambda *_, **__: next(answers, None))
    monkeypatch.setattr(self_training, "LOOK_SECONDS", 0.01)
    program = "import sys, pathlib; pathlib.Path(sys.argv[-1], 'said').write_text(' '.join(sys.argv[1:]))"
    thread, stop = begun(tmp_path, program)
    said = tmp_path / "said"
    until(lambda: said.exists() and bool(said.read_text()))
    stop.set()
    thread.join(PATIENCE)
    assert said.read_text() == f"--why schedule --data {tmp_path}"


def test_nothing_is_trained_while_somebody_else_trains_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_training, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(self_training, "due", lambda *_, **__: "first")
    ready = threading.Event()
    asked: list[None] = []

    def may() -> bool:
        asked.append(None)
        return ready.is_set()

    program = "import sys, pathlib; pathlib.Path(sys.argv[-1], 'said').touch()"
    thread, stop = begun(tmp_path, program, may=may)
    until(lambda: len(asked) > 2)
    assert not (tmp_path / "said").exists()
    ready.set()
    until((tmp_path / "said").exists)
    stop.set()
    thread.join(PATIENCE)


def test_a_training_under_way_ends_with_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "due", lambda *_, **__: "new data")
    program = (
        "import sys, pathlib, time; pathlib.Path(sys.argv[-1], 'begun').write_text('1'); time.sleep(600)"
    )
    thread, stop = begun(tmp_path, program)
    until(lambda: (tmp_path / "begun").exists())
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_nothing_begins_in_quiet_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def due(*_: object, **__: object) -> None:
        asked.append(1)

    monkeypatch.setattr(self_training, "due", due)
    monkeypatch.setattr(self_training, "LOOK_SECONDS", 0.01)
    looks: list[int] = []

    class Clock(QuietHours):
        def holds(self, now: int) -> bool:
            looks.append(now)
            return len(looks) < 5

    thread, stop = begun(tmp_path, "", quiet=Clock())
    until(lambda: bool(asked))
    assert len(looks) >= 5
    stop.set()
    thread.join(PATIENCE)


def test_a_training_that_takes_too_much_memory_is_ended_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["schedule"])
    monkeypatch.setattr(self_training, "due", lambda *_, **__: next(answers, None))
    monkeypatch.setattr(self_training, "WATCH_SECONDS", 0.02)
    (tmp_path / "models").mkdir()
    thread, stop = begun(tmp_path, "import time; held = b'x' * 200_000_000; time.sleep(600)", memory_mb=100)
    until(lambda: bool(trainings.read(tmp_path / "models")))
    stop.set()
    thread.join(PATIENCE)
    (noted,) = trainings.read(tmp_path / "models")
    assert (noted.verdict, noted.why) == (trainings.FAILED, "schedule")
    assert "100 are allowed" in noted.note


def test_the_system_ends_a_training_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["schedule"])
    monkeypatch.setattr(self_training, "due", lambda *_, **__: next(answers, None))
    program = (
        "import sys, pathlib; pathlib.Path(sys.argv[-1], 'said')"
        ".write_text(pathlib.Path('/proc/self/oom_score_adj').read_text())"
    )
    thread, stop = begun(tmp_path, program)
    said = tmp_path / "said"
    until(lambda: said.exists() and bool(said.read_text()))
    stop.set()
    thread.join(PATIENCE)
    assert said.read_text().strip() == "1000"


def test_what_became_of_the_last_trainings_are_figures(tmp_path: Path) -> None:
    training = SelfTraining(tmp_path, [], every_hours=24, growth=0.2)
    assert training.figures() == {"training_running": 0}
    models = tmp_path / "models"
    for verdict in (trainings.PUBLISHED, trainings.FAILED, trainings.REFUSED):
        done = trainings.Training(
            5_000, verdict, seconds=7.0, new={"hit_rate@20": 0.4, "queries": 300}, live={"mrr@20": 0.3}
        )
        trainings.note(models, done)
    training.look_at_log()
    assert training.figures() == {
        "training_running": 0,
        "training_at": 5.0,
        "training_seconds": 7.0,
        "trainings_refused": 2,
        "training_verdict": {"refused": 1},
        "training_quality": {"hit_rate": 0.4, "mrr_live": 0.3},
    }


@pytest.mark.long
def test_a_real_training_that_is_killed_goes_on_and_goes_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Archive(tmp_path / "archive")
    for visit in range(700):
        told.views(f"s{visit}", *(f"item-{(visit + step) % 20}" for step in range(3)), who=f"v{visit}")
    roll(told.write())
    monkeypatch.setattr(self_training, "LOOK_SECONDS", 0.2)
    started: list[subprocess.Popen[str]] = []

    class Watched(subprocess.Popen):  # type: ignore[type-arg]  # as the real one, and remembered
        def __init__(self, *words: Any, **said: Any) -> None:
            super().__init__(*words, **said)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    stop = threading.Event()
    training = SelfTraining(
        tmp_path, ["--data", str(tmp_path)], every_hours=24, growth=0.2, first_look_seconds=0.0
    )
    thread = threading.Thread(target=training.run_forever, args=(stop,))
    thread.start()
    models = tmp_path / "models"
    try:
        until(lambda: any(models.glob(".draft-*/neighbours")), 120)
        started[0].kill()
        until(lambda: len(started) > 1, 60)
        until(lambda: bool(trainings.read(models)), 300)
    finally:
        stop.set()
        thread.join(30)
    (done,) = trainings.read(models)
    assert (done.verdict, done.why) == (trainings.PUBLISHED, "first")
    assert artifact.live(models) == done.digest
    assert training_plan.read(models) is None
