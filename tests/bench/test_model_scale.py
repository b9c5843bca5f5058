"""The artifact of a big shop: made small here, and at its size where there is time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.model_scale import END, Shape, interactions

ROOT = Path(__file__).parents[2]


def test_the_made_up_shop_has_the_shape_that_it_says() -> None:
    data = interactions(Shape(2_000, 30_000))
    assert data.item_count == 2_000
    assert 30_000 <= len(data.sessions.items) < 30_050
    assert 4 < len(data.sessions.items) / len(data.sessions) < 8
    assert (np.diff(data.sessions.ends) >= 0).all()
    assert data.now < END
    within = np.diff(data.sessions.timestamps)
    assert (np.delete(within, data.sessions.starts[1:-1] - 1) == 30_000).all()
    assert 0.02 < len(data.baskets) / len(data.sessions) < 0.05
    again = interactions(Shape(2_000, 30_000))
    assert again.digest() == data.digest(), "the same numbers give the same shop"


def measured(folder: Path, *words: str) -> dict[str, float]:
    """The bench in a process of its own: its highest memory is that of nothing else."""
    command = [sys.executable, "-m", "bench.model_scale", str(folder), *words]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(told)
    return found


@pytest.mark.long
def test_a_tenth_of_a_big_shop_is_trained_and_loaded_within_a_tenth_of_the_memory(tmp_path: Path) -> None:
    figures = measured(tmp_path, "--share", "0.1")
    assert figures["items"] == 100_000
    assert figures["disk_gb"] < 0.8
    assert figures["train_peak_gb"] < 4  # what does not grow with the shop, the trees' questions, included
    assert figures["load_cold_seconds"] < 5
    assert figures["private_after_questions_gb"] < 0.5


@pytest.mark.long
def test_a_million_items_and_fifty_million_interactions_fit_in_eight_gigabytes(tmp_path: Path) -> None:
    names = ("neighbours", "item_item", "sequences", "popular")
    figures = measured(tmp_path, *(word for name in names for word in ("--model", name)))
    assert figures["train_peak_gb"] < 8
    assert figures["disk_gb"] < 8
    assert figures["load_cold_seconds"] < 5
    assert figures["resident_after_questions_gb"] < 8
