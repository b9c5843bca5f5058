"""How long one query takes, as a picture: the default model, asked every prefix of the test sessions.

    python bench/latency.py --out docs/images/latency.svg diginetica=train.parquet,test.parquet …

Queries are asked one at a time, as in the server, and timed by the thread's own CPU clock: what else runs on
the machine does not count. Bars are shares of queries, the axis is logarithmic.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import Model
from habitue_recommender.training.evaluate import DEFAULT
from habitue_recommender.training.interactions import Interactions, from_sessions
from habitue_recommender.training.questions import questions
from habitue_recommender.training.train import fit

_FROM, _TO, _BARS = 0.05, 20.0, 52  # ms
_WIDTH, _ROW, _LEFT, _TOP = 640, 96, 16, 40
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


def latencies(model: Model, known: Interactions, asked: Interactions) -> NDArray[np.float64]:
    """Milliseconds per query."""
    model.warm()
    took = []
    for question in questions(known, asked, 20):
        began = time.thread_time_ns()
        model.score(question.query)
        took.append((time.thread_time_ns() - began) / 1e6)
    return np.array(took)


def picture(measured: Mapping[str, NDArray[np.float64]]) -> str:
    """An SVG with one histogram per file, their p50 and p99 as lines."""
    height = _TOP + _ROW * len(measured) + 28
    edges = np.geomspace(_FROM, _TO, _BARS + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="12">',
        "<title>Milliseconds per query of the default model</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14" fill="#222">'
        "Milliseconds of CPU per query, default model</text>",
    ]
    for number, (name, took) in enumerate(measured.items()):
        base = _TOP + _ROW * (number + 1) - 8
        shares = np.histogram(np.clip(took, _FROM, _TO * 0.999), edges)[0] / max(1, len(took))
        tall = (_ROW - 36) / max(float(shares.max()), 1e-9)
        for bar, share in enumerate(shares):
            if share > 0:
                left, right = _place(edges[bar]), _place(edges[bar + 1])
                parts.append(
                    f'<rect x="{left:.1f}" y="{base - share * tall:.1f}" width="{right - left - 1:.1f}"'
                    f' height="{share * tall:.1f}" fill="#4c78a8"/>'
                )
        p50, p99 = np.percentile(took, [50, 99])
        for value, colour in ((p50, "#222"), (p99, "#b33")):
            parts.append(
                f'<line x1="{_place(value):.1f}" x2="{_place(value):.1f}" y1="{base - _ROW + 32}" y2="{base}"'
                f' stroke="{colour}" stroke-dasharray="3 2"/>'
            )
        parts.append(
            f'<text x="{_LEFT}" y="{base - _ROW + 26}" fill="#222">{escape(name)}: {len(took):,} queries,'
            f" p50 {p50:.2f}, p99 {p99:.2f}</text>"
        )
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{base}" y2="{base}" stroke="#999"/>')
    for tick in _TICKS:
        parts.append(
            f'<text x="{_place(tick):.1f}" y="{height - 10}" text-anchor="middle" fill="#555">{tick:g}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _place(milliseconds: float) -> float:
    inside = np.log(np.clip(milliseconds, _FROM, _TO) / _FROM) / np.log(_TO / _FROM)
    return float(_LEFT + inside * (_WIDTH - 2 * _LEFT))


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("files", nargs="+", metavar="NAME=TRAIN,TEST")
    arguments = parser.parse_args(argv)
    measured = {}
    for file in arguments.files:
        name, _, paths = file.partition("=")
        train, _, test = paths.partition(",")
        known, asked = from_sessions(train), from_sessions(test, longest=2**31)
        measured[name] = latencies(fit(arguments.model, known), known, asked)
        print(name, np.percentile(measured[name], [50, 90, 99]).round(3).tolist())
    arguments.out.write_text(picture(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
