"""What goes into these slots? Every request's decision. Pure: no Redis, no HTTP, no clock of its own.

    candidates → eligibility → score → rules → diversity → assignment → offers

The slots of one request share their candidates and never show the same thing twice. Nothing is random: the
same question without a new event has the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter

from habitue_collector.origins import OriginPattern
from habitue_collector.profile import Profile
from habitue_recommender import decision_ids
from habitue_recommender.assignment import Assignment, assign
from habitue_recommender.candidates import Candidates
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.trust import patterns
from habitue_recommender.explain.trace import Trace
from habitue_recommender.filling import Filling
from habitue_recommender.live import Live
from habitue_recommender.offers import EMPTIED, Decision
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.ruling import Ruling
from habitue_recommender.served import NO_MODEL, ServedModel
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import PERSONAL, SLOT_DISABLED, UNKNOWN_SLOT, Slot
from habitue_recommender.visitor import Visitor

_NOBODY = Visitor()


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
    rulebook: Rulebook | None = None,
    sequence: int = 0,
    clock: Callable[[], float] = perf_counter,
) -> list[Decision]:
    """One decision per asked slot, in order; a slot given as text is one nobody knows.

    Without a profile, without `personalize`, or when the profile denies it, offers follow the page alone, and
    so do the rules of the `rulebook`.
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
        rulebook=rulebook,
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
    rulebook: Rulebook | None = None,
    sequence: int = 0,
    clock: Callable[[], float] = perf_counter,
    hosts: tuple[OriginPattern, ...] | None = None,
    trace: Trace | None = None,
) -> list[tuple[Decision, Candidates]]:
    """`decide`, with the candidates that each decision was made from (for the 1 % kept whole).

    A `trace` is told of every step.
    """
    known_hosts = patterns(settings.hosts) if hosts is None else hosts
    personal = personalize and profile is not None and profile.consents.get("personalization") != "denied"

    def gather(visitor: Visitor) -> Candidates:
        return Candidates(page, visitor, catalog, model, live, now, settings, known_hosts, trace)

    mine = gather(Visitor.of(profile) if personal and profile is not None else _NOBODY)
    plain: Candidates | None = None if personal else mine
    visitor_id = profile.profile_id if personal and profile is not None else None
    session = profile.session if profile is not None else None
    ruling: Ruling | None = None
    if rulebook is not None and not rulebook.is_idle:
        person = profile if personal else None
        ruling = Ruling(rulebook, page, person, catalog, now, settings.salt, mine.new_since, trace)
    decided: dict[int, tuple[Decision, Candidates]] = {}
    fillings: list[tuple[int, Slot, Assignment, Filling]] = []
    pinned: set[str] = set()  # groups that a rule gave a place, whatever else comes
    digest = model.digest if model is not None else NO_MODEL
    for place, slot in enumerate(slots):
        if isinstance(slot, str) or not slot.enabled:
            slot_id, reason = (slot, UNKNOWN_SLOT) if isinstance(slot, str) else (slot.id, SLOT_DISABLED)
            nothing = Decision("", slot_id, now, page, digest, "", False, (), reason=reason)
            decided[place] = (nothing, mine)
            continue
        arm = assign(settings.salt, slot.id, visitor_id, slot.holdout, slot.variants)
        candidates = mine
        if arm.holdout:  # never personalised: what anybody on this page would be shown
            plain = plain if plain is not None else gather(_NOBODY)
            candidates = plain
        ruled = ruling.of(slot, candidates, arm.holdout) if ruling is not None else None
        filling = Filling(slot, candidates, ruled, pinned, clock, settings.deadline_ms, trace)
        fillings.append((place, slot, arm, filling))
    used = pinned.copy() if pinned else pinned
    # Who can show nothing else takes what was looked at, before those who have the whole shop do.
    for place, slot, arm, filling in sorted(fillings, key=lambda filling: not _only_looks_back(filling[1])):
        offers = filling.fill(used)
        used.update(offer.item.group for offer in offers)
        decision_id = decision_ids.mint(
            settings.signing_key,
            slot_id=slot.id,
            visitor_id=profile.profile_id if profile is not None else None,
            timestamp=now,
            model=digest,
            sequence=sequence + place,
        )
        candidates, ruled = filling.candidates, filling.ruled
        drops = {reason.value: count for reason, count in candidates.drops.items()}
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
            drops=drops if ruled is None else _summed(drops, ruled.drops),
            sequence=sequence + place,
            reason=EMPTIED if ruled is not None and ruled.drops and not offers else "",
            rules=ruled.rules() if ruled is not None else (),
            rulebook=rulebook.version if rulebook is not None else 0,
        )
        decided[place] = (decision, candidates)
    return [decided[place] for place in range(len(slots))]


def _summed(drops: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    return {reason: drops.get(reason, 0) + more.get(reason, 0) for reason in (*drops, *more)}


def _only_looks_back(slot: Slot) -> bool:
    return PERSONAL.issuperset(slot.order())
