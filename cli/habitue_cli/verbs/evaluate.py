"""How good next-item lists are: every prefix of every test session is asked for what came next.

FILE is Parquet or CSV with the columns session_id, item_id, timestamp, and if you have them visitor_id,
event, price. `all` takes the list as it is; `new` asks only for steps to a different item, and takes the
current one out of the list. Latency is one query at a time, as the server asks.

examples:
  habitue evaluate --train january.parquet --test february.parquet
  habitue evaluate --train a.csv --test b.csv --protocol new --model neighbours --json
  habitue evaluate --baskets orders.parquet --before 2026-01-01
  habitue evaluate --baskets journey --model frequency
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import orjson

from habitue_recommender.training.evaluate import InvalidEvaluation, evaluate
from habitue_recommender.training.rows import InvalidData
from habitue_recommender.training.train import InvalidTraining

from .. import baskets
from ..errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--train", type=Path, metavar="FILE")
    parser.add_argument("--test", type=Path, metavar="FILE")
    parser.add_argument("--k", type=int, default=20, help="length of the list")
    parser.add_argument("--min-prefix", type=int, default=1, metavar="N", help="begin after N events")
    parser.add_argument("--protocol", choices=("all", "new"), default="all")
    parser.add_argument("--model", default="default", metavar="NAME", help="one model alone, or default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    baskets.add_arguments(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    try:
        figures = baskets.run(arguments) if arguments.baskets else _sessions(arguments)
    except (InvalidEvaluation, InvalidData, InvalidTraining) as error:
        raise CommandError(str(error)) from None
    if arguments.json:
        print(orjson.dumps(figures).decode())
        return 0
    width = max(map(len, figures))
    for name, value in figures.items():
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        print(f"{name:<{width}}  {shown:>12}")
    return 0


def _sessions(arguments: argparse.Namespace) -> dict[str, float]:
    if arguments.train is None or arguments.test is None:
        raise CommandError("name --train and --test, two files of sessions, or --baskets, one of orders")
    return evaluate(
        arguments.train,
        arguments.test,
        k=arguments.k,
        protocol=arguments.protocol,
        model=arguments.model,
        min_prefix=arguments.min_prefix,
    )
