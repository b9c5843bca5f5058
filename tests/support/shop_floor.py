"""A generated shop of many sessions, big enough for a ranker to learn in a second."""

from __future__ import annotations

import numpy as np

from habitue_recommender.training.interactions import Interactions
from habitue_recommender.training.sessions import Baskets, Sessions
from habitue_recommender.vocabulary import Vocabulary

_START = 1_767_225_600_000  # 2026-01-01
_MINUTE = 60_000


def shop_floor(sessions: int = 1_500, items: int = 120, seed: int = 0) -> Interactions:
    """Shoppers walk along shelves of ten: mostly to the next item, sometimes back, sometimes elsewhere."""
    chance = np.random.default_rng(seed)
    walks: list[list[int]] = []
    for _ in range(sessions):
        walk = [int(chance.integers(items))]
        for _ in range(int(chance.integers(1, 7))):
            here, draw = walk[-1], chance.random()
            if draw < 0.5:
                walk.append(here // 10 * 10 + (here + 1) % 10)
            elif draw < 0.7:
                walk.append(here // 10 * 10 + int(chance.integers(10)))
            elif draw < 0.9 and len(walk) > 1:
                walk.append(walk[-2])
            else:
                walk.append(int(chance.integers(items)))
        walks.append(walk)
    starts = np.zeros(sessions + 1, dtype=np.int64)
    np.cumsum([len(walk) for walk in walks], out=starts[1:])
    first = np.arange(sessions) * 7 * _MINUTE
    times = [_START + first[s] + step * _MINUTE for s, walk in enumerate(walks) for step in range(len(walk))]
    flat = np.concatenate([np.array(walk, dtype=np.int32) for walk in walks])
    order = np.argsort(np.array(times)[starts[1:] - 1], kind="stable")
    whole = Sessions(
        starts,
        flat,
        np.array(times, dtype=np.int64),
        np.zeros(len(flat), dtype=np.uint8),
        np.full(sessions, -1, dtype=np.int32),
    )
    nothing = np.zeros(0, dtype=np.int32)
    baskets = Baskets(
        np.zeros(1, dtype=np.int64), nothing, nothing.astype(np.int64), nothing, nothing.astype(np.bool_)
    )
    return Interactions(Vocabulary.of(f"item-{i:03}" for i in range(items)), whole.take(order), baskets)
