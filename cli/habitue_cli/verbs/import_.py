"""Brings in what the shop already has: its product feed, its orders from before.

Items come as a Google Merchant feed (XML or TSV) or as JSON lines like `PUT /v1/catalog`, from a file or an
address, packed or not. What is out of stock is not offered from the next request on. Orders come as CSV or
Parquet, one line per item, with order_id, user_id, timestamp, item_id, quantity, price under these or other
usual names; --map says which is which. Each order counts once, however often it is imported.

examples:
  habitue import items https://www.shop.example/feed.xml
  habitue import items products.tsv.gz
  habitue import orders orders-2025.parquet
  habitue import orders orders.csv --map order_id=Bestellnummer --map item_id=Artikel
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from .. import importing, log, source
from ..errors import CommandError
from ..progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("what", choices=("items", "orders"))
    parser.add_argument("source", metavar="FILE|URL")
    parser.add_argument(
        "--map", action="append", default=[], metavar="OURS=THEIRS", help="a column of orders; repeatable"
    )


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("import")
    settings = source.load(arguments, environ)
    with Progress(f"Reading {arguments.what}") as progress:
        if arguments.what == "items":
            feed = importing.import_feed(settings, arguments.source, progress)
            told, lines = f"{feed.items:,} items are in the catalog", list(importing.problems(feed))
        else:
            mapping = _mapping(arguments.map)
            orders = importing.import_orders(settings, Path(arguments.source), mapping, progress)
            told, lines = f"{orders.orders:,} orders are in", list(importing.problems(orders))
    print(told)
    for line in lines:
        print(f"  {line}")
    return 0


def _mapping(words: list[str]) -> dict[str, str]:
    for word in words:
        if "=" not in word:
            raise CommandError(f"--map {word}: write it as order_id=Bestellnummer")
    return dict(word.split("=", 1) for word in words)
