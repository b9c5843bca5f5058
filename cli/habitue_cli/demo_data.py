"""The demo's first minutes: catalog and a year of history into the house, then a first model."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import redis.asyncio

from habitue_collector.settings import Settings

from .checkout import demo_shop
from .connection import redis_url
from .errors import CommandError
from .progress import Progress, bars
from .source import DEMO_MARK

if TYPE_CHECKING:
    from habitue_collector.events import Event

logger = logging.getLogger("habitue.demo")

PREPARED = "prepared\n"
ARCHIVE_SECONDS = 120.0  # without a single row more
SLICE = 21 * 86_400_000  # milliseconds of the history that are in memory at a time: about 8,000 orders


def is_prepared(data: Path) -> bool:
    """Whether catalog and history are in and a first model is live. Reads one short file."""
    try:
        return (data / DEMO_MARK).read_text("ascii") == PREPARED
    except OSError:
        return False


def is_being_prepared(data: Path) -> bool:
    """Whether this is a demo whose first minutes are not over."""
    return (data / DEMO_MARK).exists() and not is_prepared(data)


def prepare(settings: Settings) -> None:
    """Idempotent: what an earlier start has prepared is left as it is, what it began is finished.

    Runs beside a serving house: its background process archives what is imported here.
    """
    data = settings.data.folder
    demo_shop()
    asyncio.run(_marketing(settings))
    if is_prepared(data):
        return
    began = time.monotonic()
    # Beside the import, in a process of its own: training and two workers would each compile them, one after
    # the other, while somebody waits for the shop.
    kernels = multiprocessing.get_context("spawn").Process(target=_kernels, daemon=True)
    kernels.start()
    asyncio.run(_catalog(settings))
    orders = _history(settings)
    _wait_archived(data / "archive", orders)
    kernels.join()
    _train(data)
    mark = data / f".{DEMO_MARK}"
    mark.write_text(PREPARED, "ascii")
    os.replace(mark, data / DEMO_MARK)
    logger.info("The shop is ready after %.0f s", time.monotonic() - began)


async def _marketing(settings: Settings) -> None:
    """The documents of the shop's marketers, where nobody has ever written any."""
    from habitue_collector.secret_keys import signing_keys
    from habitue_recommender.rulebook.service import RulebookService
    from habitue_recommender.rulebook.store import RulebookStore
    from habitue_shop.marketing import AUTHOR, documents

    from .rooms import recommender_settings

    parsed = recommender_settings(settings, signing_keys(settings.data.folder))
    async with redis.asyncio.Redis.from_url(redis_url(settings)) as client:
        store = RulebookStore(client)
        if await store.version() == 0:
            imported = await RulebookService(store, parsed).import_all(
                documents(), author=AUTHOR, note="comes with the demo"
            )
            logger.info("%d documents of the shop's marketers are in", len(imported.added))


async def _catalog(settings: Settings) -> None:
    from habitue_recommender.catalog.store import store_items
    from habitue_shop.journey import catalog_items
    from habitue_warehouse.imports.history import Import, note_request

    items = list(catalog_items())
    began = time.time_ns() // 1_000_000
    async with redis.asyncio.Redis.from_url(redis_url(settings)) as client:
        with Progress("Catalog") as progress:
            results = await store_items(client, items, now=began, progress=progress)
        ended = time.time_ns() // 1_000_000
        await note_request(client, Import("items", "Complete Journey", "demo", began, ended, len(results)))
    refused = [one for one in results if one["status"] != "accepted"]
    if refused:
        raise CommandError(f"{len(refused)} items of the demo were refused, the first: {refused[0]}")
    logger.info("%s items are in the catalog", f"{len(items):,}")


def _history(settings: Settings) -> int:
    """The year's orders through the committer, which knows each household's profile from slice to slice."""
    import duckdb

    from habitue_shop.journey import write_orders
    from habitue_warehouse.imports.orders import OrdersReport, read_orders

    from .importing import commit

    report = OrdersReport()
    with tempfile.TemporaryDirectory(prefix="habitue-demo-") as folder, Progress("History") as progress:
        file = Path(folder) / "orders.parquet"
        write_orders(file)
        with duckdb.connect() as connection:
            total = connection.execute(f"SELECT count(DISTINCT order_id) FROM '{file}'").fetchall()[0][0]
        events = _by_slices(read_orders(file, currency=settings.shop.currency, report=report))
        asyncio.run(commit(settings, events, lambda done: progress(done, total)))
    logger.info("%s orders are in the history", f"{report.orders:,}")
    return report.orders


def _by_slices(events: Iterable[Event]) -> Iterator[Event]:
    """Three weeks at a time, and in these each household's orders together.

    So a profile is written once in three weeks, not once for each order, and the archiver, which keeps
    a file per day, has only these days before it.
    """
    held: list[Event] = []
    for event in events:
        if held and event.timestamp >= held[0].timestamp + SLICE:
            yield from _by_household(held)
            held = []
        held.append(event)
    yield from _by_household(held)


def _by_household(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.user_id or "")  # stable: each household's stay in order


def _wait_archived(archive: Path, orders: int) -> None:
    """Until the background process has written the history to Parquet: training reads it there."""
    from habitue_warehouse.partitions import partitions
    from habitue_warehouse.schema import EVENTS
    from habitue_warehouse.sql import query

    deadline, before = time.monotonic() + ARCHIVE_SECONDS, 0
    with Progress("Archive") as progress:
        while True:
            # What the manifests say costs nothing, and is no more than there must be.
            rows = sum(part.rows for day in partitions(archive, EVENTS) for part in day.manifest().parts)
            if rows >= orders:
                rows = query(archive, "SELECT count(*) FROM events WHERE kind = 'purchase'")[1][0][0]
            progress(min(rows, orders), orders)
            if rows >= orders:
                return
            if rows > before:  # a slow machine is no reason to give up
                deadline, before = time.monotonic() + ARCHIVE_SECONDS, rows
            if time.monotonic() > deadline:
                raise CommandError("the history was not archived in time; see what background said above")
            time.sleep(0.25)


def _kernels() -> None:
    from habitue_recommender.training.precompile import precompile

    precompile(without=("ranker",))  # the hurried training makes no trees


# Somebody waits for the shop to open: two minutes of learning from receipts are left to `habitue train`.
_HURRIED = {"ranker": {"trees": 0}, "repurchase": {"most_questions": 3_000}}


def _train(data: Path) -> None:
    from habitue_recommender.artifact import publish
    from habitue_recommender.training.train import TrainingConfig, train
    from habitue_recommender.training.trainings import PUBLISHED, Training, note

    config, began = TrainingConfig(settings=_HURRIED), time.monotonic()
    with bars() as progress:
        digest = train(data / "archive", data / "models", config, progress)
    publish(data / "models", digest)
    seconds = round(time.monotonic() - began, 1)
    note(data / "models", Training(time.time_ns() // 1_000_000, PUBLISHED, digest, "first", seconds))
    logger.info("The model %s is live", digest)
