"""What goes into these slots? Every request's decision. Pure: no Redis, no HTTP, no clock of its own.

    candidates → eligibility → score → rules → diversity → assignment → offers

The slots of one request share their candidates and never show the same thing twice. Nothing is random: the
same question without a new event has the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from time import perf_counter
from typing import Protocol

from habitue_collector.origins import OriginPattern
from habitue_collector.profile import Profile
from habitue_recommender import decision_ids
from habitue_recommender.assignment import assign
from habitue_recommender.candidates import Candidates, is_below
from habitue_recommender.catalog import Catalog
from habitue_recommender.items import Item
from habitue_recommender.live import Live
from habitue_recommender.offers import Decision, Offer, Ranked
from habitue_recommender.page import Page
from habitue_recommender.served import NO_MODEL, ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import CHEAP, PERSONAL, Slot, Source
from habitue_recommender.trust import patterns
from habitue_recommender.variety import Mixer
from habitue_recommender.visitor import Visitor

_NOBODY = Visitor()
_IMPULSE_PART = 4  # of a mixed slot: one place in four


class Rules(Protocol):
    """The place of the marketers' rules: what `decide` hands them, and what it takes back."""

    def apply(self, slot: Slot, ranked: list[Ranked], candidates: Candidates) -> list[Ranked]:
        """All candidates of a slot, best first, as the rules want them: boosted, buried, pinned, left out."""


def decide(
    slots: Sequence[Slot | str],
    page: Page,
    profile: Profile | None,
    catalog: Catalog,
    model: ServedModel | None,
    live: Live,
    now: int,
    settings: RecommenderSettings,
    *,
    personalize: bool = True,
    rules: Rules | None = None,
    sequence: int = 0,
    clock: Callable[[], float] = perf_counter,
) -> list[Decision]:
    """One decision per asked slot, in order; a slot given as text is one nobody knows.

    Without a profile, without `personalize`, or when the profile denies it, offers follow the page alone.
    `sequence` tells decision ids apart; `clock` (seconds) is only read to keep deadlines.
    """
    decided = consider(
        slots,
        page,
        profile,
        catalog,
        model,
        live,
        now,
        settings,
        personalize=personalize,
        rules=rules,
        sequence=sequence,
        clock=clock,
    )
    return [decision for decision, _ in decided]


def consider(
    slots: Sequence[Slot | str],
    page: Page,
    profile: Profile | None,
    catalog: Catalog,
    model: ServedModel | None,
    live: Live,
    now: int,
    settings: RecommenderSettings,
    *,
    personalize: bool = True,
    rules: Rules | None = None,
    sequence: int = 0,
    clock: Callable[[], float] = perf_counter,
    hosts: tuple[OriginPattern, ...] | None = None,
) -> list[tuple[Decision, Candidates]]:
    """`decide`, with the candidates that each decision was made from (for the 1 % kept whole)."""
    known_hosts = patterns(settings.hosts) if hosts is None else hosts
    personal = personalize and profile is not None and profile.consents.get("personalization") != "denied"

    def gather(visitor: Visitor) -> Candidates:
        return Candidates(page, visitor, catalog, model, live, now, settings, known_hosts)

    mine = gather(Visitor.of(profile) if personal and profile is not None else _NOBODY)
    plain: Candidates | None = None if personal else mine
    visitor_id = profile.profile_id if personal and profile is not None else None
    session = profile.session if profile is not None else None
    used: set[str] = set()
    decided: dict[int, tuple[Decision, Candidates]] = {}
    digest = model.digest if model is not None else NO_MODEL
    # Who can show nothing else takes what was looked at, before those who have the whole shop do.
    for place, slot in sorted(enumerate(slots), key=lambda placed: not _only_looks_back(placed[1])):
        if isinstance(slot, str):
            decided[place] = (Decision("", slot, now, page, digest, "", False, (), unknown=True), mine)
            continue
        arm = assign(settings.salt, slot.id, visitor_id, slot.holdout, slot.variants)
        candidates = mine
        if arm.holdout:  # never personalised: what anybody on this page would be shown
            plain = plain if plain is not None else gather(_NOBODY)
            candidates = plain
        filling = _Filling(slot, candidates, used, rules, clock, settings.deadline_ms)
        offers = filling.fill()
        used.update(offer.item.group for offer in offers)
        decision_id = decision_ids.mint(
            settings.signing_key,
            slot_id=slot.id,
            visitor_id=profile.profile_id if profile is not None else None,
            timestamp=now,
            model=digest,
            sequence=sequence + place,
        )
        decision = Decision(
            decision_id,
            slot.id,
            now,
            page,
            digest,
            arm.variant,
            arm.holdout,
            offers,
            profile_id=profile.profile_id if profile is not None else None,
            session_id=session.session_id if session is not None else None,
            late=filling.late,
            sources={source.value: len(pool) for source, pool in candidates.pools.items()},
            drops={reason.value: count for reason, count in candidates.drops.items()},
            sequence=sequence + place,
        )
        decided[place] = (decision, candidates)
    return [decided[place] for place in range(len(slots))]


def _only_looks_back(slot: Slot | str) -> bool:
    return not isinstance(slot, str) and PERSONAL.issuperset(slot.order())


class _Filling:
    """One slot being filled."""

    def __init__(
        self,
        slot: Slot,
        candidates: Candidates,
        used: set[str],
        rules: Rules | None,
        clock: Callable[[], float],
        deadline_ms: int,
    ) -> None:
        self._slot = slot
        self._candidates = candidates
        self._used = used  # groups in other slots of this page
        self._rules = rules
        self._clock = clock
        self._until = clock() + min(slot.deadline_ms, deadline_ms) / 1000.0
        self._order = slot.order()
        self._chosen: list[Ranked] = []
        self._mixer = Mixer(slot, candidates.visitor)
        self._groups: set[str] = set()
        self._per_category: dict[str, int] = {}
        self._per_brand: dict[str, int] = {}
        self.late = False

    def fill(self) -> tuple[Offer, ...]:
        slot, candidates = self._slot, self._candidates
        inside = candidates.category if slot.same_category else ""
        if inside and not candidates.catalog.has_category(inside):
            inside = ""
        fresh = self._take_new(inside)
        ranked: Iterable[Ranked] = self._ranked(inside)
        if self._rules is not None:
            ranked = self._rules.apply(slot, list(ranked), candidates)
        self._take(ranked, slot.size)
        if len(self._chosen) < slot.size:
            self._take(self._rested(inside), slot.size)
        if inside and not self._chosen:  # an empty shelf is worse than its neighbour
            self._take(self._ranked(""), slot.size)
        self._place(fresh)
        return tuple(
            Offer(
                one.item,
                round(one.score, 4),
                one.source,
                (candidates.reason(one.source, one.item),),
            )
            for one in self._chosen
        )

    # ---- candidates of this slot -----------------------------------------------------------------

    def _ranked(self, inside: str) -> Iterator[Ranked]:
        """Candidates of all sources in their order; a source is asked when those before did not fill."""
        steps = len(self._order)
        for step, source in enumerate(self._order):
            if source not in CHEAP and self._is_late():
                continue
            floor = (steps - step - 1) / steps
            pool: Iterable[tuple[Item, float]] = self._candidates.pool(source)
            if source is Source.IMPULSE and not PERSONAL.issuperset(self._order):
                # It comes first, and leaves room for what the slot is there for.
                pool = islice(pool, max(1, self._slot.size // _IMPULSE_PART))
            for item, score in pool:
                if not inside or is_below(item.category, inside):
                    # Whatever an earlier source has stands before what a later one has.
                    yield Ranked(item, floor + score / steps, source)

    def _rested(self, inside: str) -> Iterator[Ranked]:
        """What was seen often enough and would else rest; only of sources that were asked anyway."""
        for source in self._order:
            pool = self._candidates.pools.get(source)
            for item in pool.rested if pool is not None else ():
                if not inside or is_below(item.category, inside):
                    yield Ranked(item, 0.0, source)

    def _is_late(self) -> bool:
        self.late = self.late or self._clock() > self._until
        return self.late

    # ---- choosing: once on the page, and not too much of one kind --------------------------------

    def _take(self, ranked: Iterable[Ranked], size: int) -> None:
        self._mixer.take(ranked, size - len(self._chosen), self._fits, self._add)

    def _fits(self, item: Item) -> bool:
        slot = self._slot
        if item.group in self._used or item.group in self._groups:
            return False
        if slot.max_per_category and self._per_category.get(item.category, 0) >= slot.max_per_category:
            return False
        return not (slot.max_per_brand and self._per_brand.get(item.brand, 0) >= slot.max_per_brand)

    def _add(self, one: Ranked) -> None:
        item = one.item
        self._chosen.append(one)
        self._groups.add(item.group)
        if item.category:  # what has no category is not of the same one
            self._per_category[item.category] = self._per_category.get(item.category, 0) + 1
        if item.brand:
            self._per_brand[item.brand] = self._per_brand.get(item.brand, 0) + 1

    # ---- new items: a small, fixed part of the places --------------------------------------------

    def _take_new(self, inside: str) -> int:
        """Reserve the new items' share; gives how many places it took."""
        places = round(self._slot.size * self._slot.new_share)
        if not places or Source.NEW_ITEMS not in self._order:
            return 0
        candidates = self._candidates
        pool = candidates.fresh()
        self._take(
            (
                Ranked(item, score / len(self._order), Source.NEW_ITEMS)
                for item, score in pool
                if candidates.matches(item) and (not inside or is_below(item.category, inside))
            ),
            places,
        )
        return len(self._chosen)

    def _place(self, fresh: int) -> None:
        """Put the reserved new items behind the first half: seen, but not before what fits best."""
        if not fresh or len(self._chosen) == fresh:
            return
        new, rest = self._chosen[:fresh], self._chosen[fresh:]
        middle = min(len(rest), self._slot.size // 2)
        self._chosen = rest[:middle] + new + rest[middle:]
