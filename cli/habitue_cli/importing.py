"""Feeds into the catalog, past orders into log and profiles; what `habitue import` and the demo share."""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import redis.asyncio

from habitue_collector.commit import Committer, Lifetimes
from habitue_collector.events import USER_PREFIX, Event
from habitue_collector.settings import Settings
from habitue_collector.store import keys
from habitue_collector.store.link import Link
from habitue_collector.submission import Intake, Submission
from habitue_collector.transfers import Mover
from habitue_recommender.catalog.store import CatalogWriter
from habitue_warehouse.archive import Archiver, ArchiverRunning
from habitue_warehouse.imports import history
from habitue_warehouse.imports.items import FeedReport, import_items
from habitue_warehouse.imports.orders import MissingColumns, OrdersError, OrdersReport, read_orders
from habitue_warehouse.imports.sources import FeedError

from .connection import connected, redis_url
from .errors import CommandError

GROUP = 200  # events of one submission
UNDER_WAY = 4  # submissions at a time: enough to fill a flush, few enough to be answered in time
ARCHIVE_SECONDS = 120.0
PATIENCE_SECONDS = 600.0  # nobody waits at a page for an import

Progress = Callable[[int, int], None]  # done, of (0: unknown)


def import_feed(settings: Settings, source: str, progress: Progress) -> FeedReport:
    """A product feed into the catalog; running servers offer by it from the next decision on."""
    now = time.time_ns() // 1_000_000
    refused: Counter[str] = Counter()

    async def work() -> FeedReport:
        client = redis.asyncio.Redis.from_url(redis_url(settings))
        loop = asyncio.get_running_loop()
        async with client, CatalogWriter(client, now=now) as writer:

            def store(items: list[Any]) -> None:  # called from the reader's thread
                results = asyncio.run_coroutine_threadsafe(writer.add(items), loop).result()
                refused.update(str(one.get("reason")) for one in results if one["status"] != "accepted")

            return await asyncio.to_thread(
                import_items, source, store, now=now, progress=lambda done: progress(done, 0)
            )

    with connected(settings) as client:
        try:
            report = asyncio.run(work())
        except (FeedError, FileNotFoundError) as error:
            history.note(client, _imported("items", source, now, 0, Counter(), failed=str(error)))
            raise CommandError(str(error)) from None
        report.items -= refused.total()
        report.problems.update(refused)
        history.note(client, _imported("items", source, now, report.items, report.problems))
    return report


def _imported(
    what: str, source: str, began: int, taken: int, refused: Counter[str], *, failed: str = ""
) -> history.Import:
    """An import of whoever sits at this machine, as the console shows it."""
    try:
        by = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        by = f"uid {os.getuid()}"
    shown = history.shown_source(source)
    ended = time.time_ns() // 1_000_000
    return history.Import(what, shown, by, began, ended, taken, dict(refused), failed=failed)


def import_orders(
    settings: Settings, source: Path, mapping: dict[str, str], progress: Progress, total: int = 0
) -> OrdersReport:
    """Past orders, each once however often they are imported, and into the archive."""
    report, began = OrdersReport(), time.time_ns() // 1_000_000
    try:
        events = read_orders(source, mapping, currency=settings.shop.currency, report=report)
    except (MissingColumns, OrdersError) as error:
        raise CommandError(str(error)) from None
    with connected(settings) as client:
        asyncio.run(commit(settings, events, lambda done: progress(done, total)))
        history.note(client, _imported("orders", str(source), began, report.orders, report.problems))
        try:
            Archiver(client, settings.data.folder / "archive").run_once()
        except ArchiverRunning:  # the serving one does it within seconds
            wait_archived(client)
    return report


def wait_archived(client: Any) -> None:
    """Until all that the logs hold now is in Parquet: who trains next finds it there. Raises CommandError.

    The running archiver must be allowed a moment: it acknowledges an entry when its file is on disk.
    """
    pipe = client.pipeline(transaction=False)
    for bucket in range(keys.BUCKETS):
        pipe.xrevrange(keys.log(bucket), count=1)
    waiting = {bucket: found[0][0] for bucket, found in enumerate(pipe.execute()) if found}
    deadline = time.monotonic() + ARCHIVE_SECONDS
    while waiting:
        pipe = client.pipeline(transaction=False)
        for bucket, last in waiting.items():
            pipe.xinfo_groups(keys.log(bucket))
            # Pending, up to the last entry that we wait for: delivered, and not on disk yet.
            pipe.xpending_range(keys.log(bucket), keys.ARCHIVER_GROUP, "-", last, 1)
        replies = pipe.execute(raise_on_error=False)
        for (bucket, last), groups, pending in zip(
            list(waiting.items()), replies[0::2], replies[1::2], strict=True
        ):
            if pending == [] and any(_moment(one["last-delivered-id"]) >= _moment(last) for one in groups):
                del waiting[bucket]
                deadline = time.monotonic() + ARCHIVE_SECONDS  # it goes on: a slow disk is no failure
        if waiting and time.monotonic() > deadline:
            raise CommandError(
                "what was imported is safe, but not archived yet: is the background process up?"
            )
        if waiting:
            time.sleep(0.1)


def _moment(stream_id: bytes) -> tuple[int, int]:
    ms, _, number = stream_id.decode().partition("-")
    return int(ms), int(number)


async def commit(settings: Settings, events: Iterable[Event], progress: Callable[[int], None]) -> None:
    """Events of a trusted source through the committer, in their order for each person."""
    link = Link(redis_url(settings), on_lost=lambda reason: committer.on_lost(reason))
    committer = Committer(
        link,
        patience_seconds=PATIENCE_SECONDS,
        lifetimes=Lifetimes.of(settings.lifetimes),
    )
    committer.transfers = Mover(committer)
    committer.start()
    under_way: set[asyncio.Task[None]] = set()
    done = 0
    try:
        for group in _groups(iter(events), GROUP):
            if len(under_way) >= UNDER_WAY:
                finished, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                _raise_first(finished)
            under_way.add(asyncio.ensure_future(_submit(committer, group)))
            await asyncio.sleep(0)
            done += len(group)
            progress(done)
        if under_way:
            finished, under_way = await asyncio.wait(under_way)
            _raise_first(finished)
    finally:
        await committer.close()


async def _submit(committer: Committer, events: list[Event]) -> None:
    answered: asyncio.Future[Submission] = asyncio.get_running_loop().create_future()
    intakes = [
        Intake.of(
            event, number, USER_PREFIX + event.user_id if event.user_id else event.anonymous_id, server=True
        )
        for number, event in enumerate(events)
    ]
    submission = Submission(intakes, answered.set_result, events[-1].received_at)
    while not committer.submit(submission):
        await asyncio.sleep(0.05)
    if (await answered).error is not None:
        raise CommandError("Redis did not take the orders; import them again, what is there stays once")


def _raise_first(finished: Iterable[asyncio.Task[None]]) -> None:
    for task in finished:
        task.result()


def _groups(events: Iterator[Event], size: int) -> Iterator[list[Event]]:
    while group := list(islice(events, size)):
        yield group


def problems(report: FeedReport | OrdersReport) -> Iterator[str]:
    """One line for each reason why something was left out, with the first examples."""
    samples = getattr(report, "samples", {})
    for reason, count in report.problems.most_common():
        shown = "; ".join(
            f"line {one.line}{f' ({one.item_id})' if one.item_id else ''}: {one.detail}"
            for one in samples.get(reason, ())[:3]
        )
        yield f"{count} left out, {reason}{f' ({shown})' if shown else ''}"
