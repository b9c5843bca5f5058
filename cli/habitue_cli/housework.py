"""What the background process does: archiver, upkeep, live counts, segments; each in its own thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
import redis
import redis.asyncio

from habitue_collector.secret_keys import signing_keys
from habitue_collector.settings import Settings
from habitue_collector.store import keys

from .connection import redis_url
from .demo_data import is_being_prepared

if TYPE_CHECKING:
    from habitue_recommender.segments.watch import SegmentWatch
    from habitue_recommender.watch import LogWatch
    from habitue_recommender.webhooks.sender import WebhookSender
    from habitue_warehouse.schema import LogRecord

    from .self_training import SelfTraining

Figures = Callable[[], "dict[str, Any]"]
logger = logging.getLogger("habitue.background")

RETRY_SECONDS = 1.0
SAY_AGAIN_SECONDS = 60.0
FIGURES_SECONDS = 1.0


def run(settings: Settings, stop: threading.Event, arguments: list[str] | None = None) -> None:
    """Until `stop` is set, and until what each of them holds is written.

    `arguments` are those by which a child finds the same settings; without them nothing is trained.
    """
    works, figures = _works(settings)
    if arguments is not None and (training := _training(settings, arguments)) is not None:
        works["training"] = training.run_forever
        figures.append(training.figures)
    threads = [
        threading.Thread(target=_steadily, args=(name, work, stop), name=name) for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join()


def _steadily(name: str, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """A work that fails is logged and begun again; what goes wrong each second is said once a minute."""
    said, until = "", 0.0
    while not stop.is_set():
        try:
            work(stop)
        except Exception as error:
            sentence = f"{error} ({type(error).__name__})"
            if sentence != said or monotonic() >= until:
                logger.warning("%s failed and begins again: %s", name, sentence)
                said, until = sentence, monotonic() + SAY_AGAIN_SECONDS
            logger.debug("where", exc_info=True)
            stop.wait(RETRY_SECONDS)


def _works(settings: Settings) -> tuple[dict[str, Callable[[threading.Event], None]], list[Figures]]:
    """(what there is to do by name, what is asked for figures)."""
    figures: list[Figures] = []
    try:
        from habitue_warehouse.archive import Archiver, ArchiveSettings
        from habitue_warehouse.presence import Presence
        from habitue_warehouse.reject_counts import RejectCounts
        from habitue_warehouse.upkeep import Upkeep, UpkeepSettings
    except ModuleNotFoundError as missing:
        logger.warning("%s is not installed: events stay in Redis, nothing is archived", missing.name)
        return {}, figures
    archive = settings.data.folder / "archive"
    archive.mkdir(parents=True, exist_ok=True)
    lifetimes = settings.lifetimes

    def client() -> redis.Redis:
        return redis.Redis.from_url(redis_url(settings))

    watch = _watch(settings)
    segments, telling = _segments(settings)
    presence = Presence()
    watching = [one for one in (presence, watch, segments) if one is not None]

    def archiver(stop: threading.Event) -> None:
        wanted = ArchiveSettings(trim_lag_seconds=float(lifetimes.trim_lag_seconds))

        def observe(records: list[LogRecord]) -> None:
            for one in watching:
                one.observe(records)

        presence.recall(Path(archive))  # before the first record passes
        Archiver(client(), Path(archive), wanted, observe).run_forever(stop)

    def upkeep(stop: threading.Event) -> None:
        # The demo's first minutes write every day of a year several times: it is put in order once.
        while settings.demo and is_being_prepared(settings.data.folder):
            if stop.wait(RETRY_SECONDS):
                return
        wanted = UpkeepSettings(
            event_days=lifetimes.event_days,
            decision_days=lifetimes.decision_days,
            snapshot_days=lifetimes.snapshot_days,
        )
        Upkeep(client(), Path(archive), wanted, lifetimes).run_forever(stop)

    works: dict[str, Callable[[threading.Event], None]] = {
        "archiver": archiver,
        "upkeep": upkeep,
        "presence": lambda stop: presence.run_forever(client(), stop),
        "rejects": lambda stop: RejectCounts(client(), archive).run_forever(stop),
    }
    if watch is not None:
        works["watch"] = watch.run_forever
    if segments is not None:
        works["segments"] = segments.run_forever
        figures.append(segments.figures)
    if telling is not None:
        works["webhooks"] = telling.run_forever
    works["figures"] = _publishing(client, figures)
    return works, figures


def _training(settings: Settings, arguments: list[str]) -> SelfTraining | None:
    """New models, when they are due."""
    if find_spec("numba") is None:
        return None
    from habitue_recommender.training.quiet_hours import QuietHours

    from .demo_data import is_prepared
    from .rooms import recommender_settings
    from .self_training import SelfTraining

    folder = settings.data.folder
    wanted = recommender_settings(settings, signing_keys(settings.data.folder))
    return SelfTraining(
        folder,
        arguments,
        every_hours=wanted.train_every_hours,
        growth=wanted.train_growth,
        quiet=QuietHours.parse(wanted.train_quiet_hours, wanted.timezone),
        memory_mb=wanted.train_memory_mb,
        # The demo's first start trains itself: where it takes long, it would find us at it and give up.
        may=lambda: not settings.demo or is_prepared(folder),
    )


def _watch(settings: Settings) -> LogWatch | None:
    """What is popular now and what the catalog learns, from the records that pass the archiver."""
    if find_spec("numpy") is None:
        return None
    from habitue_recommender.watch import LogWatch

    from .rooms import recommender_settings

    wanted = recommender_settings(settings, signing_keys(settings.data.folder))
    return LogWatch(wanted, lambda: redis.asyncio.Redis.from_url(redis_url(settings)))


def _segments(settings: Settings) -> tuple[SegmentWatch | None, WebhookSender | None]:
    """Who enters and leaves the marketers' segments, and who is told of it."""
    if find_spec("numpy") is None:
        return None, None
    from habitue_recommender.rulebook.book import Rulebook
    from habitue_recommender.rulebook.follower import RulebookReader
    from habitue_recommender.segments.watch import SegmentWatch
    from habitue_recommender.webhooks.queue import Webhooks

    from .rooms import recommender_settings

    signing = signing_keys(settings.data.folder)
    wanted = recommender_settings(settings, signing)
    reader = RulebookReader(
        lambda documents, version, previous: Rulebook.compile(
            documents, settings=wanted, version=version, previous=previous
        )
    )

    def connect() -> redis.asyncio.Redis:
        return redis.asyncio.Redis.from_url(redis_url(settings))

    webhooks = Webhooks()
    watch = SegmentWatch(reader, connect, webhooks=webhooks)
    if find_spec("httpx") is None:
        logger.info("httpx is not installed: webhooks of segments wait and are not sent")
        return watch, None
    from habitue_recommender.webhooks.sender import WebhookSender

    allow_private = settings.webhooks.allow_private
    return watch, WebhookSender(webhooks, connect, signing, watch.subscribed, allow_private=allow_private)


def _publishing(
    client: Callable[[], redis.Redis], sources: list[Figures]
) -> Callable[[threading.Event], None]:
    """This process' figures for `/metrics`, once a second."""
    from habitue_collector.metrics import LIFETIME_SECONDS, resident_bytes

    def publishing(stop: threading.Event) -> None:
        with client() as connection:
            while not stop.wait(FIGURES_SECONDS):
                figures: dict[str, Any] = {"resident_bytes": resident_bytes()}
                for source in sources:
                    figures.update(source())
                connection.set(keys.figures("background"), orjson.dumps(figures), ex=LIFETIME_SECONDS)

    return publishing
