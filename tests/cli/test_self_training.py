"""Training by itself: a process of its own, begun when it is due and ended with the house."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from habitue_cli import self_training
from habitue_cli.self_training import SelfTraining


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begun(folder: Path, program: str) -> tuple[threading.Thread, threading.Event]:
    stop = threading.Event()
    training = SelfTraining(
        folder, ["--data", str(folder)], every_hours=24, growth=0.2, first_look_seconds=0.0,
        command=(sys.executable, "-c", program),
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
    thread.join(20)
    assert said.read_text() == f"--why schedule --data {tmp_path}"


def test_a_training_under_way_ends_with_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_training, "due", lambda *_, **__: "new data")
    program = (
        "import sys, pathlib, time; pathlib.Path(sys.argv[-1], 'begun').write_text('1'); time.sleep(600)"
    )
    thread, stop = begun(tmp_path, program)
    until(lambda: (tmp_path / "begun").exists())
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
