"""One worker's collector, put together from its settings; `start` and `stop` are its life."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
from starlette.routing import Route

from habitue_collector import metrics, openapi
from habitue_collector.beacons import Beacons
from habitue_collector.commit import Committer, Lifetimes
from habitue_collector.endpoints import Endpoints
from habitue_collector.enrich import warm
from habitue_collector.ingest import Ingest
from habitue_collector.key_watch import KeyWatch
from habitue_collector.request import Handler, Tally
from habitue_collector.retention import parsed
from habitue_collector.settings import Settings
from habitue_collector.store import commands, keys
from habitue_collector.store.link import Link, LinkLost
from habitue_collector.trackers import Trackers
from habitue_collector.transfers import Mover
from habitue_collector.visitor import VisitorCookie

logger = logging.getLogger("habitue.collector")

PUBLISH_SECONDS = 1.0


class Collector:
    """The rooms of one worker: link, committer, ingest, endpoints.

    `readiness` and `figures` are lists that other rooms add to: what is still missing, as
    sentences; more numbers for the metrics.
    """

    def __init__(
        self, settings: Settings, redis_url: str, signing_keys: tuple[str, ...], worker: str = "worker-1"
    ) -> None:
        self.settings = settings
        self.worker = worker
        self.tally = Tally()
        self.link = Link(redis_url, on_lost=lambda reason: self.committer.on_lost(reason))
        self.committer = Committer(
            self.link,
            queue_events=settings.limits.queue_events,
            queue_bytes=settings.limits.queue_bytes,
            lifetimes=Lifetimes.of(settings.lifetimes),
        )
        self.mover = Mover(self.committer)
        self.committer.transfers = self.mover
        self.cookie = VisitorCookie(
            signing_keys,
            name=settings.cookie.name,
            lifetime_days=settings.cookie.lifetime_days,
            domain=settings.cookie.domain,
        )
        self.ingest = Ingest(settings, self.committer, self.cookie, signing_keys[-1].encode())
        self.beacons = Beacons(self.ingest, self.mover, settings.server.base_path)
        self.trackers = Trackers(self.ingest, self.beacons, self.tally)
        self.readiness: list[Callable[[], str | None]] = [self._redis_missing]
        self.figures: list[Callable[[], dict[str, Any]]] = []
        self.endpoints = Endpoints(
            self.ingest,
            self.beacons,
            self.mover,
            self.missing,
            self.render_metrics,
            lambda: openapi.document(settings.server.base_path),
        )
        self._publisher: asyncio.Task[None] | None = None
        self._kept_as = 0  # the version of the console's retention

    def handlers(self) -> dict[str, Handler]:
        """Path → handler of every hot endpoint."""
        return self.beacons.handlers() | self.trackers.handlers()

    def routes(self) -> list[Route]:
        return [*self.endpoints.routes(), *self.trackers.routes()]

    async def start(self) -> None:
        warm()
        self.committer.start()
        self._publisher = asyncio.get_running_loop().create_task(self._publish())

    async def stop(self) -> None:
        if self._publisher is not None:
            self._publisher.cancel()
        await self.committer.close()

    def missing(self) -> list[str]:
        """What keeps this worker from being ready, as sentences."""
        return [sentence for check in self.readiness if (sentence := check()) is not None]

    def _redis_missing(self) -> str | None:
        if not self.committer.is_ready:
            return "Redis does not answer"
        if self.committer.refuses:
            return "Redis refuses to write"
        if self.committer.is_overloaded:
            return "the queue is full"
        return None

    def numbers(self) -> dict[str, Any]:
        """This worker's figures now."""
        extra: dict[str, Any] = {}
        for more in self.figures:
            extra.update(more())
        return metrics.figures(self.ingest, self.committer, self.tally, extra)

    async def _publish(self) -> None:
        keys_of_now = KeyWatch(self.settings)
        while True:
            await self._keep_as_chosen()
            await asyncio.sleep(PUBLISH_SECONDS)
            if (changed := keys_of_now.changed()) is not None:
                self.settings = changed
                self.ingest.change_settings(changed)
            if self.committer.is_ready:
                self.committer.note_command(metrics.publish(self.worker, self.numbers()))

    async def _keep_as_chosen(self) -> None:
        """How long profiles are kept, if somebody chose it in the console since."""
        if not self.committer.is_ready:
            return
        try:
            (packed,) = await self.committer.call(commands.get(keys.RETENTION.encode()), 1)
        except LinkLost:
            return
        chosen = parsed(packed if isinstance(packed, bytes) else None)
        if chosen.version != self._kept_as:
            self._kept_as = chosen.version
            self.committer.keep_for(Lifetimes.of(chosen.over(self.settings.lifetimes)))

    async def all_numbers(self) -> dict[str, dict[str, Any]]:
        """Every process' figures as last published, our own as they are now."""
        count = max(self.settings.server.workers, 1)
        names = [f"worker-{number}" for number in range(1, count + 1)] + ["background"]
        by_worker: dict[str, dict[str, Any]] = {}
        if self.committer.is_ready:
            packed = b"".join(commands.get(keys.figures(name).encode()) for name in names)
            for name, reply in zip(names, await self.committer.call(packed, len(names)), strict=True):
                if isinstance(reply, bytes):
                    by_worker[name] = orjson.loads(reply)
        by_worker[self.worker] = self.numbers()
        return by_worker

    async def render_metrics(self) -> bytes:
        try:
            return metrics.render(await self.all_numbers())
        except (ConnectionError, OSError):
            return metrics.render({self.worker: self.numbers()})
