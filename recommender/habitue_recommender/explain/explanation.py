"""The whole decision in plain words: what came, what fell away and why, what stands there. Pure.

    candidates → cannot be offered → scores → rules → mix and limits → shown

An `Explanation` is made of the very decision that would be answered, watched by a `Trace`; nothing is
computed a second time in another way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from habitue_recommender.candidates import Candidates
from habitue_recommender.decide import consider
from habitue_recommender.explain import sayings
from habitue_recommender.explain.sayings import Saying, Translate, untranslated
from habitue_recommender.explain.trace import Note, Step, Trace
from habitue_recommender.offers import Decision, Offer
from habitue_recommender.page import Page
from habitue_recommender.slots import MAX_SLOTS_PER_REQUEST, Slot

if TYPE_CHECKING:
    from habitue_collector.profile import Profile
    from habitue_recommender.recommender import Recommender
    from habitue_recommender.rulebook.book import Rulebook

MAX_LINES = 100  # of one part; how many more there are is said


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, mostly to one item."""

    said: Saying
    item_id: str | None = None
    name: str = ""

    def to_public(self, translate: Translate = untranslated) -> dict[str, Any]:
        line: dict[str, Any] = {"text": self.said.text(translate)}
        if self.item_id is not None:
            line |= {"item_id": self.item_id, "name": self.name}
        return line


@dataclass(frozen=True, slots=True)
class Part:
    """One step of the decision; `more` lines were left out."""

    step: str
    title: str
    lines: tuple[Line, ...]
    more: int = 0

    def to_public(self, translate: Translate = untranslated) -> dict[str, Any]:
        return {
            "step": self.step,
            "title": translate(self.title),
            "lines": [line.to_public(translate) for line in self.lines],
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """One offer where it stands, and how it came there; `position` counts from 1."""

    position: int
    offer: Offer
    story: tuple[Saying, ...]

    @property
    def because(self) -> Saying:
        """The reason that the visitor reads."""
        return _reason(self.offer)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One slot's decision and its parts in their order; `places` are what is shown."""

    slot: str
    title: str
    decision: Decision
    parts: tuple[Part, ...]
    places: tuple[Place, ...]
    _told: _Told | None = field(default=None, repr=False, compare=False)

    def about(self, item_id: str) -> tuple[Saying, ...]:
        """What happened to one item: why it stands there, or why it does not."""
        return () if self._told is None else tuple(self._told.story(item_id))

    def to_public(self, translate: Translate = untranslated, locale: str = "en") -> dict[str, Any]:
        """As the API and the console show it."""
        return {
            "slot": self.slot,
            "title": self.title,
            **self.decision.to_public(locale),
            "parts": [part.to_public(translate) for part in self.parts],
            "places": [
                {
                    "position": place.position,
                    "item_id": place.offer.item.item_id,
                    "story": [said.text(translate) for said in place.story],
                }
                for place in self.places
            ],
        }


def explain(
    slots: Sequence[str],
    page: Page,
    profile: Profile | None,
    *,
    recommender: Recommender,
    rulebook: Rulebook,
    now: int,
    personalize: bool = True,
) -> list[Explanation]:
    """What these slots would show here, now, and why; nothing is noted or counted anywhere.

    A deadline is not kept: who asks for the reasons waits for them, and sees what a visitor sees whose
    answer is in time.
    """
    trace = Trace()
    asked = [rulebook.slots.get(one, one) for one in dict.fromkeys(slots)][:MAX_SLOTS_PER_REQUEST]
    decided = consider(
        asked,
        page,
        profile,
        recommender.reader.catalog,
        recommender.model,
        recommender.live,
        now,
        recommender.settings,
        personalize=personalize,
        clock=_stopped,
        rulebook=rulebook,
        trace=trace,
    )
    segments = tuple(sorted(rulebook.segments_of(profile, now)))
    return [
        _Told(one, decision, candidates, trace, rulebook, profile, personalize, segments).explanation()
        for one, (decision, candidates) in zip(asked, decided, strict=True)
    ]


def _stopped() -> float:
    return 0.0


class _Told:
    """One slot's decision being put into words."""

    def __init__(
        self,
        slot: Slot | str,
        decision: Decision,
        candidates: Candidates,
        trace: Trace,
        rulebook: Rulebook,
        profile: Profile | None,
        personalize: bool,
        segments: tuple[str, ...],
    ) -> None:
        self._slot = slot
        self._decision = decision
        self._candidates = candidates
        self._notes = list(trace.of(decision.slot))
        self._rulebook = rulebook
        self._profile = profile
        self._personalize = personalize
        self._segments = segments
        self._by_item: dict[str, list[Note]] = {}
        for note in self._notes:
            if note.item_id is not None:
                self._by_item.setdefault(note.item_id, []).append(note)

    def explanation(self) -> Explanation:
        slot = self._slot
        if isinstance(slot, str):
            unknown = Part("who", sayings.STEP_WHO, (Line(Saying(sayings.UNKNOWN_SLOT)),))
            return Explanation(slot, "", self._decision, (unknown,), (), self)
        if not slot.enabled:
            off = Part("who", sayings.STEP_WHO, (Line(Saying(sayings.DISABLED_SLOT)),))
            return Explanation(slot.id, slot.title, self._decision, (off,), (), self)
        parts = (
            _part("who", sayings.STEP_WHO, self._who(slot)),
            _part(Step.CANDIDATES, sayings.STEP_CANDIDATES, self._sources(slot)),
            _part(Step.DROPPED, sayings.STEP_DROPPED, self._dropped()),
            _part(Step.SCORE, sayings.STEP_SCORE, self._scores()),
            _part(Step.RULE, sayings.STEP_RULES, self._rules()),
            _part(Step.DIVERSITY, sayings.STEP_CHOOSING, self._choosing()),
            _part(Step.CHOSEN, sayings.STEP_FINAL, self._shown()),
        )
        places = tuple(
            Place(position, offer, tuple(self._way(offer.item.item_id)))
            for position, offer in enumerate(self._decision.offers, 1)
        )
        return Explanation(slot.id, slot.title, self._decision, parts, places, self)

    # ---- the parts -------------------------------------------------------------------------------

    def _who(self, slot: Slot) -> Iterator[Line]:
        profile, decision = self._profile, self._decision
        if profile is None:
            yield Line(Saying(sayings.NOBODY))
        elif not self._personalize or profile.consents.get("personalization") == "denied":
            yield Line(Saying(sayings.REFUSED))
        elif decision.holdout:
            yield Line(Saying(sayings.HOLDOUT, {"share": sayings.Share(slot.holdout)}))
        else:
            yield Line(Saying(sayings.PERSONAL))
            if self._segments:
                yield Line(Saying(sayings.SEGMENTS, {"segments": ", ".join(self._segments)}))
            else:
                yield Line(Saying(sayings.NO_SEGMENT))
        if slot.variants and not decision.holdout:
            yield Line(Saying(sayings.VARIANT, {"variant": decision.variant}))
        if self._candidates.model is None:
            yield Line(Saying(sayings.NO_MODEL))

    def _sources(self, slot: Slot) -> Iterator[Line]:
        candidates = self._candidates
        if slot.same_category and candidates.category:
            yield Line(Saying(sayings.ONLY_CATEGORY, {"category": candidates.category}))
        asked = {note.data.get("source") for note in self._notes if note.step == Step.CANDIDATES}
        for source in slot.order():
            pool = candidates.pools.get(source)
            name = sayings.source(source.value)
            if pool is None or (asked and source.value not in asked):
                yield Line(Saying(sayings.NOT_ASKED, {"source": name}))
            elif not len(pool):
                yield Line(Saying(sayings.NONE_FROM_SOURCE, {"source": name}))
            else:
                yield Line(Saying(sayings.FROM_SOURCE, {"count": len(pool), "source": name}))
        if self._decision.late:
            yield Line(Saying(sayings.LATE, {"deadline_ms": slot.deadline_ms}))

    def _dropped(self) -> Iterator[Line]:
        dropped: dict[tuple[str, str], None] = {}  # each once, though several sources bring it
        for note in self._notes:
            if note.step == Step.DROPPED and note.item_id is not None:
                dropped[note.item_id, str(note.data.get("reason"))] = None
        if not dropped:
            yield Line(Saying(sayings.NOTHING_DROPPED))
        for reason, count in Counter(reason for _, reason in dropped).most_common():
            yield Line(Saying(sayings.DROPPED_MANY, {"count": count, "why": sayings.drop(reason)}))
        for item_id, reason in dropped:
            yield self._line(sayings.drop(reason), item_id)

    def _scores(self) -> Iterator[Line]:
        place = 0
        for note in self._notes:
            if note.step == Step.SCORE and note.item_id is not None:
                place += 1
                yield self._line(_ranked(note, place), note.item_id)

    def _rules(self) -> Iterator[Line]:
        none = True
        for note in self._notes:
            if note.step in (Step.RULE, Step.CAP):
                none = False
                yield self._line(self._rule(note), note.item_id)
        if none:
            yield Line(Saying(sayings.NO_RULE))

    def _choosing(self) -> Iterator[Line]:
        none = True
        told: set[tuple[str | None, str]] = set()
        for note in self._notes:
            if note.step != Step.DIVERSITY:
                continue
            said = _chosen_for_less(note)
            if (note.item_id, said.sentence) not in told:  # once for each round of the choosing
                told.add((note.item_id, said.sentence))
                none = False
                yield self._line(said, note.item_id)
        if none:
            yield Line(Saying(sayings.NOTHING_PASSED))

    def _shown(self) -> Iterator[Line]:
        if not self._decision.offers:
            yield Line(Saying(sayings.EMPTY))
        for position, offer in enumerate(self._decision.offers, 1):
            yield Line(_stands(position, offer), offer.item.item_id, offer.item.name)

    # ---- one item --------------------------------------------------------------------------------

    def story(self, item_id: str) -> Iterator[Saying]:
        """What happened to an item, whether it is shown or not."""
        if isinstance(self._slot, str) or not self._slot.enabled:
            missing = isinstance(self._slot, str)
            yield Saying(sayings.UNKNOWN_SLOT if missing else sayings.DISABLED_SLOT)
            return
        if any(offer.item.item_id == item_id for offer in self._decision.offers):
            yield from self._way(item_id)
            return
        known = self._candidates.catalog.get(item_id)
        if known is None and item_id not in self._by_item:
            yield Saying(sayings.NOT_IN_CATALOG)
            return
        told = list(self._way(item_id))
        yield from told
        steps = {note.step for note in self._by_item.get(item_id, ())}
        if steps & {Step.SCORE, Step.RULE} and not steps & {Step.DROPPED, Step.CAP, Step.DIVERSITY}:
            yield Saying(sayings.LOST, {"size": self._slot.size})
        elif not told:
            yield Saying(sayings.NO_CANDIDATE)

    def _way(self, item_id: str) -> Iterator[Saying]:
        """The steps of one item, each once."""
        for source, pool in self._candidates.pools.items():
            if isinstance(self._slot, str) or source not in self._slot.order():
                continue
            for place, (item, score) in enumerate(zip(pool.items, pool.scores, strict=True), 1):
                if item.item_id == item_id:
                    yield Saying(
                        sayings.WAS_CANDIDATE,
                        {"place": place, "source": sayings.source(source.value), "score": round(score, 4)},
                    )
        told: set[str] = set()
        for note in self._by_item.get(item_id, ()):
            said = self._said(note)
            if said is not None and (text := said.text()) not in told:
                told.add(text)
                yield said
        for position, offer in enumerate(self._decision.offers, 1):
            if offer.item.item_id == item_id:
                yield _stands(position, offer)

    def _said(self, note: Note) -> Saying | None:
        if note.step == Step.DROPPED:
            return sayings.drop(str(note.data.get("reason")))
        if note.step in (Step.RULE, Step.CAP):
            return self._rule(note)
        if note.step == Step.DIVERSITY:
            return _chosen_for_less(note)
        return None

    def _rule(self, note: Note) -> Saying:
        """What a rule did, by the rule's own name."""
        data = note.data
        rule_id = str(data.get("rule", ""))
        effect = str(data.get("effect", "cap" if note.step == Step.CAP else ""))
        values: dict[str, str | int | float | Saying]
        values = {name: value for name, value in data.items() if isinstance(value, str | int | float)}
        if "dimension" in data:
            dimension = str(data["dimension"])
            values["dimension"] = Saying(sayings.DIMENSIONS.get(dimension, dimension))
        what = Saying(
            sayings.EFFECTS.get(effect, sayings.RULE_DID),
            values | {"rule": self._rule_name(rule_id), "effect": effect.replace("_", " ")},
        )
        before, after = data.get("before"), data.get("after")
        if isinstance(before, int | float) and isinstance(after, int | float):
            return Saying(
                sayings.CHANGED, {"what": what, "before": round(before, 4), "after": round(after, 4)}
            )
        return what

    def _rule_name(self, rule_id: str) -> str:
        rules: Mapping[str, Any] = getattr(self._rulebook, "rules", {})
        rule = rules.get(rule_id) if isinstance(rules, Mapping) else None
        return str(getattr(rule, "name", "") or rule_id)

    def _line(self, said: Saying, item_id: str | None) -> Line:
        if item_id is None:
            return Line(said)
        item = self._candidates.catalog.get(item_id)
        return Line(said, item_id, item.name if item is not None else "")


def _part(step: str, title: str, lines: Iterator[Line]) -> Part:
    shown: list[Line] = []
    more = 0
    for line in lines:
        if len(shown) < MAX_LINES:
            shown.append(line)
        else:
            more += 1
    return Part(str(step), title, tuple(shown), more)


def _ranked(note: Note, place: int) -> Saying:
    score = note.data.get("score", 0.0)
    return Saying(
        sayings.RANKED,
        {
            "place": place,
            "score": round(float(score), 4),
            "source": sayings.source(str(note.data.get("source", ""))),
        },
    )


def _stands(position: int, offer: Offer) -> Saying:
    return Saying(sayings.SHOWN, {"position": position, "reason": _reason(offer)})


def _reason(offer: Offer) -> Saying:
    if not offer.reasons:
        return Saying("")
    reason = offer.reasons[0]
    # Asked with its gaps in their own places, a reason gives its sentence.
    sentence = replace(reason, anchor="{anchor}", category="{category}").text()
    return Saying(sentence, {"anchor": reason.anchor, "category": reason.category})


def _chosen_for_less(note: Note) -> Saying:
    data = note.data
    if "why" in data:
        return sayings.passed(str(data["why"]))
    before, after = float(data.get("before", 0.0)), float(data.get("after", 0.0))
    return Saying(sayings.MIXED, {"before": round(before, 4), "after": round(after, 4)})
