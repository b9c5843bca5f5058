"""DuckDB over the archive: events, events_raw, decisions, moves, profiles. It only reads.

Without a statement it asks for one; from a pipe it reads one. Each view has `date`, the UTC day.

examples:
  habitue sql "SELECT kind, count(*) FROM events GROUP BY kind ORDER BY 2 DESC"
  habitue sql --format csv "SELECT * FROM decisions WHERE date = current_date" > decisions.csv
  habitue sql < report.sql
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from habitue_warehouse.sql import QueryRefused, prompt, run_sql

from .. import source
from ..errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("statement", nargs="?", help="one statement; without it you are asked")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    archive = source.load(arguments, environ).data.folder / "archive"
    statement = arguments.statement
    if statement is None and sys.stdin.isatty():
        prompt(archive, format=arguments.format)
        return 0
    try:
        run_sql(archive, statement if statement is not None else sys.stdin.read(), arguments.format)
    except QueryRefused as refused:
        raise CommandError(str(refused)) from None
    return 0
