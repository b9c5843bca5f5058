"""The recommender of one worker: catalog, rulebook, model and live counts, and the answers made from them.

`answer` is plain CPU work on what the worker holds. What it wants from Redis before that travels with the
profile's read: `read_commands` and `absorb`. `run` keeps everything fresh beside it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from habitue_collector.consent import Consent
from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender import decision_ids, live
from habitue_recommender.assignment import assign
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.store import CatalogReader
from habitue_recommender.catalog.trust import patterns
from habitue_recommender.decide import consider
from habitue_recommender.offers import Decision
from habitue_recommender.pace import LOOK_SECONDS, Pace
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.follower import TICK_SECONDS, Documents, RulebookReader, is_cancelled
from habitue_recommender.sections import order_sections, parse_sections
from habitue_recommender.served import NO_MODEL, Loaded, ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import MAX_SLOTS_PER_REQUEST, Slot

LIVE_FILE = "live"  # <data>/models/live: the digest of the artifact to serve
_TICK_SECONDS = 1.0
_BREATH_SECONDS = 0.001  # between two steps of what nobody waits for
_RETRY_TICKS = 30  # before an artifact that could not be loaded is tried again
_MAX_RECORDS = 10_000  # decisions waiting for the next flush; past it they are counted and let go
_MAX_SLOT_LENGTH = 100

_log = logging.getLogger(__name__)

Load = Callable[[Path], Loaded]


class Recommender:
    """See the module. `load` reads an artifact's folder (`artifact.load`); `clock` gives milliseconds."""

    def __init__(
        self,
        settings: RecommenderSettings,
        models: Path,
        load: Load,
        clock: Callable[[], int] = lambda: time_ns() // 1_000_000,
        locale: str = "en",
    ) -> None:
        self.settings = settings
        self.reader = CatalogReader()
        self.rules = RulebookReader(self._compile)
        self.model: ServedModel | None = None
        self.live = live.NOTHING_LIVE
        self.records_lost = 0
        self._models = models
        self._load = load
        self._clock = clock
        self._locale = locale
        self._hosts = patterns(settings.hosts)
        self._live_packed: bytes | None = None
        self._live_read_at = 0
        self._records: list[dict[str, Any]] = []
        # A random start: two workers that decide in the same millisecond make different ids.
        self._sequence = int.from_bytes(os.urandom(6), "big")
        self._every = round(1 / settings.record_share) if settings.record_share > 0 else 0
        self._wake = asyncio.Event()
        self._failed: tuple[str, int] = ("", 0)
        self.pace = Pace()
        self._hurried = replace(settings, ranker=0)

    @property
    def is_ready(self) -> bool:
        """Whether offers can be answered: the catalog is in. A model may come later."""
        return self.reader.loaded

    @property
    def hurried(self) -> bool:
        """Whether who does something now is answered without the ranker until they do something else.

        It is noted on the profile with the event, and not asked when they are answered: a page that is
        loaded again without a new event has the same list, whichever worker answers. Nobody in particular
        is always asked for: their list is that of the page.
        """
        return self.pace.hurried

    @property
    def digest(self) -> str:
        """Which artifact answers."""
        return self.model.digest if self.model is not None else NO_MODEL

    @property
    def rulebook(self) -> Rulebook:
        """What marketers wrote, as it works now."""
        return self.rules.rulebook

    # ---- what a decision wants to know of Redis ----------------------------------------------------

    def read_commands(self) -> list[tuple[bytes, ...]]:
        """To be pipelined with the profile's read; the replies go to `absorb`."""
        commands = [self.reader.changes_command(), self.rules.version_command()]
        now = self._clock()
        if now - self._live_read_at >= live.PUBLISH_EVERY:
            self._live_read_at = now
            commands.append((b"GET", keys.LIVE_POPULAR.encode()))
        return commands

    def absorb(self, replies: Sequence[Any]) -> None:
        """Take in the replies of one `read_commands`, errors among them."""
        if replies and not isinstance(replies[0], Exception):
            self.reader.absorb(replies[0])
            if self.reader.reload_wanted:
                self._wake.set()
        if len(replies) > 1:
            self.rules.absorb(replies[1])
        if len(replies) > 2 and (replies[2] is None or isinstance(replies[2], bytes)):
            self._take_live(replies[2])

    def _take_live(self, packed: bytes | None) -> None:
        if packed != self._live_packed:
            self._live_packed = packed
            self.live = live.parse(packed)

    # ---- answers -----------------------------------------------------------------------------------

    def answer(
        self,
        slots: Any,
        page: Any,
        profile: Profile | None,
        consent: Consent,
        now: int | None = None,
        anonymous_id: str | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Offers by slot id, as they go on the wire; `slots` and `page` as the request says them.

        The decisions wait in `decision_records` for the next flush.
        """
        answered: dict[str, dict[str, Any]] = {}
        for decision, more in self._decided(slots, page, profile, consent, now, anonymous_id):
            answered[decision.slot] = decision.to_public(self._locale) | more
        return answered

    def packed_answer(
        self,
        slots: Any,
        page: Any,
        profile: Profile | None,
        consent: Consent,
        now: int | None = None,
        anonymous_id: str | None = None,
    ) -> tuple[bytes, int]:
        """`answer` as JSON, and how many slots it has."""
        packed = [
            orjson.dumps(decision.slot) + b":" + decision.pack(self._locale, **more)
            for decision, more in self._decided(slots, page, profile, consent, now, anonymous_id)
        ]
        return b"{%b}" % b",".join(packed), len(packed)

    def _decided(
        self,
        slots: Any,
        page: Any,
        profile: Profile | None,
        consent: Consent,
        now: int | None,
        anonymous_id: str | None,
    ) -> Iterator[tuple[Decision, dict[str, str]]]:
        """The decisions, noted, and what else is said of their slots."""
        for decision, candidates in self.decide(slots, page, profile, consent, now):
            template = ""
            if not decision.unknown:
                self._note(decision, candidates, profile if consent.keeps_profile else None, anonymous_id)
                template = self.rulebook.slots[decision.slot].template
            yield decision, {"template": template} if template else {}

    def decide(
        self, slots: Any, page: Any, profile: Profile | None, consent: Consent, now: int | None = None
    ) -> list[tuple[Decision, Candidates]]:
        """The decisions behind `answer`, with what they were made from; nothing is noted."""
        asked = self._asked(slots)
        if not asked:
            return []
        self._sequence += len(asked)
        return consider(
            asked,
            page if isinstance(page, Page) else Page.parse(page),
            profile if consent.keeps_profile else None,
            self.reader.catalog,
            self.model,
            self.live,
            self._clock() if now is None else now,
            self._hurried if profile is not None and profile.hurried else self.settings,
            personalize=consent.personalizes,
            sequence=self._sequence,
            hosts=self._hosts,
            rulebook=self.rulebook,
        )

    def sections(self, names: Any, profile: Profile | None, consent: Consent) -> list[str]:
        """A page's sections in the order for this visitor; the shop's own for who is not personalised."""
        asked = parse_sections(names)
        if profile is None or not consent.keeps_profile or not consent.personalizes:
            return asked
        if profile.consents.get("personalization") == "denied":
            return asked
        holdout = max((slot.holdout for slot in self.rulebook.slots.values()), default=0.0)
        if assign(self.settings.salt, "", profile.profile_id, holdout).holdout:
            return asked
        return order_sections(asked, profile)

    def read_decision_id(self, text: object) -> decision_ids.DecisionId | None:
        """What a decision_id that came back says; None when it is not one of ours."""
        return decision_ids.read(self.settings.signing_keys, text)

    def decision_records(self) -> list[dict[str, Any]]:
        """The decisions since the last call, for the log."""
        records, self._records = self._records, []
        return records

    def _asked(self, slots: Any) -> list[Slot | str]:
        if not isinstance(slots, list | tuple):
            return []
        names = dict.fromkeys(
            name for name in slots if isinstance(name, str) and 0 < len(name) <= _MAX_SLOT_LENGTH
        )
        known = self.rulebook.slots
        return [known.get(name, name) for name in list(names)[:MAX_SLOTS_PER_REQUEST]]

    def _note(
        self,
        decision: Decision,
        candidates: Candidates,
        profile: Profile | None,
        anonymous_id: str | None,
    ) -> None:
        if len(self._records) >= _MAX_RECORDS:
            self.records_lost += 1
            return
        if anonymous_id is None and profile is not None and not profile.is_user:
            anonymous_id = profile.profile_id
        record = decision.to_record(anonymous_id if profile is not None else None)
        if profile is not None and profile.state.get("bot"):
            record["bot"] = True
        if self._every and decision.sequence % self._every == 0:
            record["full"] = {
                "candidates": candidates.to_record(),
                "drops": decision.drops,
                "profile": profile.to_record() if profile is not None else None,
            }
        self._records.append(record)

    # ---- beside the answers ------------------------------------------------------------------------

    async def run(self, redis: Redis) -> None:
        """Keep all of it fresh until cancelled; survives Redis, broken artifacts and broken rulebooks."""
        # Beside the rest: a catalog that is read anew takes a second, and no rule waits for it.
        beside = [
            asyncio.create_task(self.rules.run(redis)),
            asyncio.create_task(self._keep_warm()),
            asyncio.create_task(self._keep_whole()),
            asyncio.create_task(self._keep_pace()),
        ]
        try:
            await self._keep_fresh(redis)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _keep_fresh(self, redis: Redis) -> None:
        while not is_cancelled():
            self._wake.clear()
            try:
                await self.refresh(redis)
            except (RedisError, OSError) as error:
                _log.warning("the recommender waits for Redis: %s", error)
                await asyncio.sleep(_TICK_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._wake.wait()

    async def refresh_catalog(self, redis: Redis) -> None:
        """Follow the catalog's changes now: for who has no profile to read them with."""
        await self.reader.follow(lambda command: _execute(redis, command))
        if self.reader.reload_wanted:
            self._wake.set()

    async def settle_catalog(self, redis: Redis) -> None:
        """As `refresh_catalog`, and wait for what has to be loaded anew: for who just changed it."""
        await self.refresh_catalog(redis)
        await self._reload(redis)

    async def settle_rulebook(self, redis: Redis) -> None:
        """Work with the newest rulebook from here on: for who just changed it."""
        await self.rules.follow(redis)

    def _compile(self, documents: Documents, version: int, previous: Rulebook | None) -> Rulebook:
        return Rulebook.compile(documents, settings=self.settings, version=version, previous=previous)

    async def _keep_warm(self) -> None:
        """Find out beforehand what the rulebook asks of items, a millisecond at a time.

        It works meanwhile: a decision finds out by itself what is not known yet, and takes longer for it.
        """
        warmed: tuple[Rulebook, Catalog] | None = None
        while True:
            rulebook, catalog = self.rulebook, self.reader.catalog
            if warmed is None or warmed[0] is not rulebook or warmed[1] is not catalog:
                try:
                    for _ in rulebook.warming(catalog):
                        await asyncio.sleep(_BREATH_SECONDS)
                        if rulebook is not self.rulebook or catalog is not self.reader.catalog:
                            break
                    else:
                        warmed = rulebook, catalog
                except Exception:  # what nobody waits for is not worth a worker
                    warmed = rulebook, catalog
                    _log.exception("rulebook %d cannot be warmed", rulebook.version)
            await asyncio.sleep(TICK_SECONDS)

    async def _keep_whole(self) -> None:
        """Bring what an artifact has beside what the first pages need, when those can be answered."""
        while True:
            model = self.model
            if model is not None and model.late and self.is_ready:
                model.take(await asyncio.to_thread(model.late_members))
                _log.info("model %s is whole", model.digest)
            await asyncio.sleep(_TICK_SECONDS)

    async def _keep_pace(self) -> None:
        """See when answers become dearer than there is time, from the thread that gives them."""
        while True:
            self.pace.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _reload(self, redis: Redis) -> bool:
        if not await self.reader.reload_if_wanted(redis):
            return False
        # Half a million objects that live on: 100 ms in every full collection if it had to look at them.
        gc.freeze()
        return True

    async def refresh(self, redis: Redis) -> None:
        """One round of everything: rulebook, model, catalog (anew where that is wanted), live counts."""
        await self.settle_rulebook(redis)
        await self.swap_model()
        if not await self._reload(redis):
            await self.refresh_catalog(redis)
        packed: Any = await redis.get(keys.LIVE_POPULAR)
        self._take_live(packed)

    async def swap_model(self) -> bool:
        """Serve the artifact that `live` names, if it is another one; True when it changed.

        Loaded in a thread and exchanged by one assignment: decisions under way keep the one they began with.
        """
        found = await asyncio.to_thread(self._look)
        if found is None:
            return False
        self.model = found
        _log.info("serving model %s", found.digest)
        return True

    def _look(self) -> ServedModel | None:
        try:
            digest = (self._models / LIVE_FILE).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None
        if not digest or digest == self.digest or Path(digest).name != digest:
            return None
        failed, ticks = self._failed
        if failed == digest and ticks > 0:
            self._failed = (digest, ticks - 1)
            return None
        try:
            found = ServedModel(self._load(self._models / digest))
            if self.model is not None and self.model.took:  # lists go from one whole model to the next
                found.take(found.late_members())
            return found
        except Exception:  # whatever is wrong with it, the one that serves goes on
            self._failed = (digest, _RETRY_TICKS)
            _log.exception("model %s cannot be served", digest)
            return None


async def _execute(redis: Redis, command: tuple[bytes, ...]) -> Any:
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # published without types
