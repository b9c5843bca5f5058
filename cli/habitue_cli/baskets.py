"""`habitue evaluate --baskets`: its flags, and the question they ask."""

from __future__ import annotations

import argparse
from pathlib import Path

from habitue_recommender.training.evaluate_baskets import evaluate_baskets

from .errors import CommandError

JOURNEY = "journey"  # stands for the demo's orders
_JOURNEY_BEFORE = "2017-11-01"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("next orders", "what people buy next, from FILE with order lines")
    group.add_argument(
        "--baskets",
        metavar="FILE",
        help="columns order_id, user_id, item_id, timestamp, and if you have it category;"
        f" or the word {JOURNEY} for the demo's year",
    )
    group.add_argument(
        "--before", metavar="DAY", help="train on what was ordered before this day, ask for what came after"
    )
    group.add_argument("--catalog", type=Path, metavar="FILE", help="items with their categories")
    group.add_argument(
        "--least-items", type=int, default=3, metavar="N", help="of an order that is asked for"
    )
    group.add_argument("--least-earlier", type=int, default=5, metavar="N", help="orders before that day")
    group.add_argument(
        "--ask-at",
        choices=("order", "cut"),
        default="order",
        help="when they came back (default), or on the day of --before",
    )


def run(arguments: argparse.Namespace) -> dict[str, float]:
    """The figures; raises as `evaluate_baskets` does."""
    file, before, catalog = Path(arguments.baskets), arguments.before, arguments.catalog
    if arguments.baskets == JOURNEY:
        from .checkout import demo_shop

        demo_shop()
        from habitue_shop.journey import data_folder

        file, before = data_folder() / "transactions.parquet", before or _JOURNEY_BEFORE
        catalog = catalog or data_folder() / "products.parquet"
    if before is None:
        raise CommandError("--baskets needs --before, the day that training ends at, as 2017-11-01")
    return evaluate_baskets(
        file,
        before,
        k=arguments.k,
        model=arguments.model,
        catalog=catalog,
        least_items=arguments.least_items,
        least_earlier=arguments.least_earlier,
        now=arguments.ask_at,
    )
