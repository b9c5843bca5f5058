"""What a web worker serves: the rooms composed into one ASGI app, and the protocol class below it.

This is the only place where collector, recommender, console and (in the demo) the shop meet.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Any

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from habitue_collector.app import create_app
from habitue_collector.beacon import beacon_protocol
from habitue_collector.endpoints import authorize
from habitue_collector.events import USER_PREFIX
from habitue_collector.profile import Profile, unpack
from habitue_collector.request import Handler
from habitue_collector.secret_keys import signing_keys
from habitue_collector.service import Collector
from habitue_collector.settings import DEMO_KEY, DEMO_SECRET_KEY, Settings
from habitue_collector.store import commands, keys
from habitue_collector.store.resp import pack

from .checkout import demo_shop
from .connection import redis_url
from .demo_data import is_prepared

Life = Callable[[], Any]
# Beacons and decisions leave next to no cycles behind. A young round walks what was made since the last
# one and lives, which is what the cached profiles are made of: with 10,000 it took 10 ms twice a second
# at 300 pages/s, and those who came meanwhile were the slowest of all; with 1,000 it takes 1 ms. Older
# rounds, which look at thousands of cached profiles, come once a minute or less.
GC_THRESHOLDS = (1_000, 1_000, 1_000)

CATALOG_SECONDS = 5.0  # how long a worker that starts waits for its catalog before it accepts connections


def create(settings: Settings, worker: str = "worker-1") -> tuple[ASGIApp, type[HttpToolsProtocol]]:
    """The app of one worker and uvicorn's http protocol class for it."""
    signing = signing_keys(settings.data.folder)
    collector = Collector(settings, redis_url(settings), signing, worker)
    handlers = collector.handlers()
    routes: list[BaseRoute] = [*collector.routes()]
    tasks: list[Life] = []
    holdings: Life = lambda: None  # noqa: E731  # what a worker holds for long, where it holds anything
    knows_its_catalog: Callable[[], bool] = lambda: True  # noqa: E731
    if find_spec("numpy") is not None:
        more, holdings, knows_its_catalog = _recommender(settings, collector, signing, routes, tasks)
        handlers |= more
    if find_spec("duckdb") is not None:
        _archive(settings, collector)
    if find_spec("jinja2") is not None and find_spec("httpx") is not None:
        _console(settings, routes)
    if settings.demo:
        _demo(settings, collector, routes)

    async def settle_memory() -> None:
        """Catalog and model stay: the collector of cycles would walk a hundred thousand items in the middle
        of an answer, for nothing. (They are freed by their counts when another one takes their place.)
        """
        settled: object = None
        while True:
            now = holdings()
            if now != settled and not collector.missing():
                settled = now
                gc.freeze()
            await asyncio.sleep(1.0)

    tasks.append(settle_memory)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        gc.set_threshold(*GC_THRESHOLDS)
        await collector.start()
        running = [asyncio.create_task(task()) for task in tasks]
        # Connections wait in the listening socket, at another worker or a moment longer: better than an
        # answer without offers. A Redis that is away must not keep us from saying so, hence the deadline.
        with suppress(TimeoutError):
            async with asyncio.timeout(CATALOG_SECONDS):
                while not knows_its_catalog():
                    await asyncio.sleep(0.01)
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await collector.stop()

    app = create_app(collector.ingest, handlers, routes, collector.tally, lifespan)
    return app, beacon_protocol(handlers, tally=collector.tally, readable=collector.ingest.readable)


def _recommender(
    settings: Settings,
    collector: Collector,
    signing: tuple[str, ...],
    routes: list[BaseRoute],
    tasks: list[Life],
) -> tuple[dict[str, Handler], Life, Callable[[], bool]]:
    """Offers: needs numpy, so a light collector runs without.

    The handlers, what it holds in memory, and whether the catalog has been read.
    """
    from habitue_recommender.context import ContextEndpoints, append_records
    from habitue_recommender.endpoints import Doors
    from habitue_recommender.endpoints import routes as recommender_routes
    from habitue_recommender.recommender import Recommender
    from habitue_recommender.rulebook.endpoints import RulebookDoors, rulebook_routes
    from habitue_recommender.rulebook.service import RulebookService
    from habitue_recommender.rulebook.store import RulebookStore

    from .rooms import model_loader, recommender_settings

    told = recommender_settings(settings, signing)
    recommender = Recommender(told, settings.data.folder / "models", model_loader(told))
    collector.committer.companion = recommender
    context = ContextEndpoints(collector.ingest, recommender, settings.server.base_path)
    client = Redis.from_url(redis_url(settings))

    async def read_profile(profile_id: str) -> Profile | None:
        """Afresh, with the catalog's changes on the same way."""
        more = recommender.read_commands()
        packed = commands.get(keys.profile(profile_id).encode()) + b"".join(pack(*one) for one in more)
        reply, *others = await collector.committer.call(packed, 1 + len(more))
        recommender.absorb(others)
        if not isinstance(reply, bytes):
            return None
        profile = unpack(profile_id, reply)[1]
        if profile.pointer is not None:
            return await collector.endpoints.profiles.read(USER_PREFIX + profile.pointer)
        return profile

    def visitor_of(value: str) -> str | None:
        visitor = collector.cookie.read(value.encode("latin-1", "replace"), collector.ingest.clock())
        return visitor.anonymous_id if visitor is not None else None

    def name_of(item_id: str) -> str:
        item = recommender.reader.catalog.get(item_id)
        return item.name if item is not None and item.name else item_id

    collector.endpoints.me.name_of = name_of
    doors = Doors(
        recommender=recommender,
        redis=client,
        authorize=lambda request: authorize(collector.ingest, request),
        read_profile=read_profile,
        visitor_of=visitor_of,
        note=lambda records: append_records(collector.ingest, records),
        clock=collector.ingest.clock,
    )
    routes += context.routes()
    routes += recommender_routes(doors)
    clock = collector.ingest.clock
    routes += rulebook_routes(
        RulebookDoors(
            RulebookService(RulebookStore(client, clock), recommender.settings, clock),
            doors.authorize,
            lambda: recommender.settle_rulebook(client),
        )
    )
    collector.readiness.append(lambda: None if recommender.is_ready else "the catalog is being read")
    collector.figures.append(
        lambda: {
            "decisions": context.decisions,
            "records_lost": collector.committer.tally.notes_dropped + recommender.records_lost,
            "model": recommender.digest,
            "items": len(recommender.reader.catalog.items),
            **(recommender.model.figures if recommender.model is not None else {}),
            "ranker_rests": int(recommender.pace.hurried),
            "rulebook_version": recommender.rulebook.version,
            "rulebook_problems": len(recommender.rulebook.problems) + len(recommender.rules.loaded.broken),
            "rulebook_failures": recommender.rules.failures,
        }
    )

    async def run() -> None:
        try:
            await recommender.run(client)
        finally:
            await client.aclose()

    tasks.append(run)
    return (
        context.handlers(),
        lambda: (id(recommender.reader.catalog), recommender.digest),
        lambda: recommender.is_ready,
    )


def _archive(settings: Settings, collector: Collector) -> None:
    """What visitors take along when they ask for it; DuckDB is loaded by the first who does."""

    async def history(profile_ids: list[str]) -> list[dict[str, Any]]:
        from habitue_warehouse.person import events_of

        return await asyncio.to_thread(events_of, settings.data.folder / "archive", profile_ids)

    collector.endpoints.me.history = history


def _console(settings: Settings, routes: list[BaseRoute]) -> None:
    """The way to the console's own process, so that there is one address."""
    if find_spec("habitue_console.proxy") is None:
        return
    from habitue_console.proxy import ConsoleProxy

    routes.append(Mount("/console", ConsoleProxy(settings)))


def _demo(settings: Settings, collector: Collector, routes: list[BaseRoute]) -> None:
    """The shop, beside everything else; ready when catalog, history and a model are in."""
    demo_shop()
    from habitue_shop.app import create_shop
    from habitue_shop.settings import ShopSettings

    shop = create_shop(
        ShopSettings(
            habitue_url=f"http://127.0.0.1:{settings.server.port}",
            write_key=DEMO_KEY,
            secret_key=DEMO_SECRET_KEY,
        )
    )
    routes.append(Mount("/shop", shop))
    routes.append(Route("/", lambda request: RedirectResponse("/shop/"), methods=["GET"]))
    prepared = False

    def missing() -> str | None:
        nonlocal prepared
        prepared = prepared or is_prepared(settings.data.folder)
        if not prepared:
            return "the demo's catalog and history are being imported"
        if collector.numbers().get("model") in (None, "none"):
            return "the model is being loaded"
        return None

    collector.readiness.append(missing)
