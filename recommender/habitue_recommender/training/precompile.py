"""Compiles the kernels before somebody waits for them.

numba compiles a kernel when it is first called and keeps the code on disk. On a fresh machine that is half
a minute of CPU, in whichever process comes first: a training, or the workers that have just been given
their first model. A made-up shop of forty items, trained and loaded aside, calls them all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Container
from pathlib import Path

import numpy as np

from habitue_recommender import artifact
from habitue_recommender.training.interactions import Interactions, from_sessions
from habitue_recommender.training.train import TrainingConfig, train_on

_ITEMS, _PEOPLE, _VISITS = 40, 30, 12
_KINDS = ("product_view", "cart_add", "purchase")
_DAY = 86_400
_FEW_TREES = {
    "repurchase": {"trees": 2, "least_questions": 1, "rows_per_leaf": 2},
    "ranker": {"trees": 2, "least_questions": 1, "rows_per_leaf": 2},
}


def precompile(without: Container[str] = ()) -> None:
    """Compile what training and decisions call and is not on disk yet; nothing for the models `without`."""
    with tempfile.TemporaryDirectory(prefix="habitue-kernels-") as name:
        folder = Path(name)
        models = tuple(model for model in TrainingConfig().models if model not in without)
        config = TrainingConfig(models=models, settings=_FEW_TREES, threads=1)
        artifact.load(folder / train_on(_shop(folder), folder, config))


def _shop(folder: Path) -> Interactions:
    """People who come every few days, look at things, and buy some of them again."""
    random = np.random.default_rng(0)
    lines = ["session_id,visitor_id,item_id,timestamp,event"]
    for visit in range(_VISITS):
        for person in range(_PEOPLE):
            at = 1_700_000_000 + visit * 5 * _DAY + person * 60
            for place, item in enumerate(random.integers(0, _ITEMS, 6)):
                lines.append(f"{visit}-{person},{person},i{item},{at + place},{_KINDS[place % 3]}")
    file = folder / "visits.csv"
    file.write_text("\n".join(lines))
    return from_sessions(file)
