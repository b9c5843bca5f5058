"""The demo's first minutes: catalog and a year of history into the house, then a first model."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from pathlib import Path

import redis.asyncio

from habitue_collector.settings import Settings

from .checkout import demo_shop
from .connection import redis_url
from .errors import CommandError
from .progress import Progress, bars
from .source import DEMO_MARK

logger = logging.getLogger("habitue.demo")

PREPARED = "prepared\n"
ARCHIVE_SECONDS = 120.0
SLICES = 16  # of the history: one is held in memory at a time, about 10,000 orders


def is_prepared(data: Path) -> bool:
    """Whether catalog and history are in and a first model is live. Reads one short file."""
    try:
        return (data / DEMO_MARK).read_text("ascii") == PREPARED
    except OSError:
        return False


def prepare(settings: Settings) -> None:
    """Idempotent: what an earlier start has prepared is left as it is, what it began is finished.

    Runs beside a serving house: its background process archives what is imported here.
    """
    data = settings.data.folder
    if is_prepared(data):
        return
    demo_shop()
    began = time.monotonic()
    asyncio.run(_catalog(settings))
    orders = _history(settings)
    _wait_archived(data / "archive", orders)
    _train(data)
    mark = data / f".{DEMO_MARK}"
    mark.write_text(PREPARED, "ascii")
    os.replace(mark, data / DEMO_MARK)
    logger.info("The shop is ready after %.0f s", time.monotonic() - began)


async def _catalog(settings: Settings) -> None:
    from habitue_recommender.catalog_store import store_items
    from habitue_shop.journey import catalog_items

    items = list(catalog_items())
    async with redis.asyncio.Redis.from_url(redis_url(settings)) as client:
        with Progress("Catalog") as progress:
            results = await store_items(client, items, now=time.time_ns() // 1_000_000, progress=progress)
    refused = [one for one in results if one["status"] != "accepted"]
    if refused:
        raise CommandError(f"{len(refused)} items of the demo were refused, the first: {refused[0]}")
    logger.info("%s items are in the catalog", f"{len(items):,}")


def _history(settings: Settings) -> int:
    """The year's orders through the committer, household by household: each is read and written once."""
    import duckdb

    from habitue_shop.journey import write_orders
    from habitue_warehouse.imports.orders import OrdersReport, read_orders

    from .importing import commit

    report = OrdersReport()
    with tempfile.TemporaryDirectory(prefix="habitue-demo-") as folder, Progress("History") as progress:
        file, slice_file = Path(folder) / "orders.parquet", Path(folder) / "slice.parquet"
        write_orders(file)
        for number in range(SLICES):
            slice_file.unlink(missing_ok=True)
            with duckdb.connect() as connection:
                connection.execute(
                    f"COPY (SELECT * FROM '{file}' WHERE hash(user_id) % {SLICES} = {number})"
                    f" TO '{slice_file}' (FORMAT parquet)"
                )
            events = list(read_orders(slice_file, currency=settings.shop.currency, report=report))
            events.sort(key=lambda event: event.user_id or "")  # stable: each household's stay in order
            asyncio.run(commit(settings, events, lambda done: None))
            progress(number + 1, SLICES)
    logger.info("%s orders are in the history", f"{report.orders:,}")
    return report.orders


def _wait_archived(archive: Path, orders: int) -> None:
    """Until the background process has written the history to Parquet: training reads it there."""
    from habitue_warehouse.sql import query

    deadline = time.monotonic() + ARCHIVE_SECONDS
    with Progress("Archive") as progress:
        while True:
            _, rows = query(archive, "SELECT count(*) FROM events WHERE kind = 'purchase'")
            progress(min(int(rows[0][0]), orders), orders)
            if rows[0][0] >= orders:
                return
            if time.monotonic() > deadline:
                raise CommandError("the history was not archived in time; see what background said above")
            time.sleep(0.5)


def _train(data: Path) -> None:
    from habitue_recommender.artifact import publish
    from habitue_recommender.train import train

    with bars() as progress:
        digest = train(data / "archive", data / "models", progress=progress)
    publish(data / "models", digest)
    logger.info("The model %s is live", digest)
