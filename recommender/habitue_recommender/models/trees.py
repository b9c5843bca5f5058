"""Boosted trees as arrays: asked by a compiled loop, so that serving needs no LightGBM."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import ranking_kernels
from habitue_recommender.models.base import Floats, Ints, Longs, mapped

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """Nodes and leaves of all trees in a row; tree t begins at `tree_starts[t]` and `leaf_starts[t]`."""

    tree_starts: Longs
    leaf_starts: Longs
    split_features: Ints
    thresholds: Doubles
    left: Ints  # a node of the same tree, or ~leaf
    right: Ints
    leaves: Doubles

    @classmethod
    def parse(cls, text: str) -> Self:
        """From LightGBM's text form; numerical splits without missing values only."""
        tree_starts, leaf_starts = [0], [0]
        values: dict[str, list[Doubles]] = {name: [] for name in _COLUMNS}
        for block in text.split("\nTree=")[1:]:
            lines = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            leaves = int(lines["num_leaves"])
            for name in _COLUMNS:
                found = np.array(lines.get(name, "").split(), dtype=np.float64)
                values[name].append(found if leaves > 1 or name == "leaf_value" else found[:0])
            if any(int(kind) & 1 for kind in lines.get("decision_type", "").split()):
                raise ValueError("a split by category")
            tree_starts.append(tree_starts[-1] + leaves - 1)
            leaf_starts.append(leaf_starts[-1] + leaves)
        columns = {name: np.concatenate([np.zeros(0), *arrays]) for name, arrays in values.items()}
        return cls(
            np.array(tree_starts, dtype=np.int64),
            np.array(leaf_starts, dtype=np.int64),
            columns["split_feature"].astype(np.int32),
            columns["threshold"],
            columns["left_child"].astype(np.int32),
            columns["right_child"].astype(np.int32),
            columns["leaf_value"],
        )

    def score(self, features: Floats) -> Doubles:
        """One number per row."""
        splits = self.splits
        if splits is not None:
            found: Doubles = ranking_kernels.standing_leaves(features, *splits)
            return found
        scores: Doubles = ranking_kernels.trees(
            features,
            self.tree_starts,
            self.leaf_starts,
            self.split_features,
            self.thresholds,
            self.left,
            self.right,
            self.leaves,
        )
        return scores

    @cached_property
    def splits(self) -> tuple[Ints, Floats, Ints, NDArray[np.uint32], Doubles] | None:
        """The same for `standing_leaves`; None where a tree has more leaves than there are bits."""
        counts = np.diff(self.leaf_starts)
        if len(counts) == 0 or counts.max() > _BITS:
            return None
        leaves = np.zeros((len(counts), _BITS))
        keeps = np.zeros(len(self.split_features), dtype=np.uint32)
        for tree, root in enumerate(self.tree_starts[:-1].tolist()):
            size = int(self.tree_starts[tree + 1]) - root
            left = self.left[root : root + size].tolist()
            right = self.right[root : root + size].tolist()
            placed: list[int] = []  # leaves from left to right

            def walk(node: int, root: int, left: list[int], right: list[int], placed: list[int]) -> None:
                if node < 0:
                    placed.append(~node)
                    return
                first = len(placed)
                walk(left[node], root, left, right, placed)
                ruled_out = (1 << len(placed)) - (1 << first)
                keeps[root + node] = 0xFFFFFFFF & ~ruled_out
                walk(right[node], root, left, right, placed)

            walk(0 if size else -1, root, left, right, placed)
            start = int(self.leaf_starts[tree])
            leaves[tree, : len(placed)] = self.leaves[start + np.array(placed)]
        order = np.argsort(self.split_features, kind="stable")
        of_tree = np.repeat(np.arange(len(counts), dtype=np.int32), np.diff(self.tree_starts))
        # x <= t holds for the numbers of 32 bits that are no greater than the next of them below t.
        below = self.thresholds.astype(np.float32)
        above = below.astype(np.float64) > self.thresholds
        below[above] = np.nextafter(below[above], np.float32(-np.inf))
        return self.split_features[order], below[order], of_tree[order], keeps[order], leaves

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(*(mapped(folder / f"{one.name}.npy") for one in fields(cls)))


_BITS = 32
_COLUMNS = ("split_feature", "threshold", "left_child", "right_child", "leaf_value")
