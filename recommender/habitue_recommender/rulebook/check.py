"""Do the documents fit together? What one of them cannot know of itself. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from habitue_recommender.conditions import Condition
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.rulebook.contents import Content, parse_content
from habitue_recommender.rulebook.documents import CONTENT, KINDS, RULE, SEGMENT, SLOT
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.rules import Rule, parse_rule
from habitue_recommender.segments.segment import Segment, Segments, parse_segment
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slot_settings import parse_slot
from habitue_recommender.slots import Slot

Parsed = Rule | Segment | Content | Slot
Place = tuple[str, str]  # kind, id
Whole = Mapping[Place, Parsed]


def parse(kind: str, raw: object, settings: RecommenderSettings, now: int | None = None) -> Parsed:
    """A document by its kind; with `now` (ms) as somebody saves it. Raises Mistakes."""
    if kind == RULE:
        return parse_rule(raw, now=now)
    if kind == CONTENT:
        return parse_content(raw, now=now)
    if kind == SEGMENT:
        return parse_segment(raw)
    document_id = raw.get("id") if isinstance(raw, Mapping) else None
    return parse_slot(raw, settings.slots.get(document_id) if isinstance(document_id, str) else None)


def check(
    whole: Whole, changed: Collection[Place], settings: RecommenderSettings, hurt: Collection[Place] = ()
) -> dict[Place, list[Mistake]]:
    """What does not fit in the `whole`, as far as the changed documents have to do with it.

    A changed place that is not in the whole was taken out; what is `hurt` is there, and could not be read.
    """
    segments = {document_id for kind, document_id in (*whole, *hurt) if kind == SEGMENT}
    slots = {document_id for kind, document_id in (*whole, *hurt) if kind == SLOT} | settings.slots.keys()
    sizes = {slot.id: slot.size for slot in settings.slots.values()}
    sizes |= {one.id: one.size for one in whole.values() if isinstance(one, Slot)}
    circles = Segments.of({one.id: one for one in whole.values() if isinstance(one, Segment)})[1]
    found: dict[Place, list[Mistake]] = {}
    for place in changed:
        kind, document_id = place
        document = whole.get(place)
        if document is None:
            gone = document_id not in (segments if kind == SEGMENT else slots)
            if kind in (SEGMENT, SLOT) and gone:
                found[place] = list(_missed(whole, kind, document_id))
            continue
        mistakes = [*_unknown_slots(document, slots), *_unknown_segments(document, segments)]
        if document_id in circles and isinstance(document, Segment):
            mistakes += circles[document_id]
        if isinstance(document, Content):
            mistakes += _behind_the_end(document, sizes)
        elif isinstance(document, Slot):
            mistakes += _cut_off(whole, document, sizes)
        found[place] = mistakes
    return {place: mistakes for place, mistakes in found.items() if mistakes}


def contradictions(
    documents: Mapping[str, Mapping[str, Mapping[str, Any]]],
    rules: Iterable[str],
    settings: RecommenderSettings,
) -> dict[Place, list[Mistake]]:
    """Where one of these rules wants what another one forbids, or its place."""
    rulebook = Rulebook.compile(documents, settings=settings)
    found = {(RULE, rule_id): rulebook.contradictions(rule_id) for rule_id in rules}
    return {place: mistakes for place, mistakes in found.items() if mistakes}


def mistakes_in(
    bodies: Mapping[str, Mapping[str, Any]], settings: RecommenderSettings
) -> dict[str, list[Mistake]]:
    """What is wrong with these documents, all that there are, by "rules/sale"."""
    kinds = {plural: kind for kind, plural in KINDS.items()}
    whole: dict[Place, Parsed] = {}
    found: dict[Place, list[Mistake]] = {}
    documents: dict[str, dict[str, Mapping[str, Any]]] = {kind: {} for kind in KINDS}
    for address, body in bodies.items():
        plural, _, document_id = address.partition("/")
        place = (kinds[plural], document_id)
        try:
            whole[place] = parse(kinds[plural], body, settings)
            documents[kinds[plural]][document_id] = body
        except Mistakes as mistakes:
            found[place] = list(mistakes)
    found |= check(whole, whole.keys(), settings, found.keys())
    for place, more in contradictions(documents, documents[RULE], settings).items():
        found.setdefault(place, []).extend(more)
    return {f"{KINDS[kind]}/{document_id}": one for (kind, document_id), one in found.items()}


def condition_of(document: Parsed) -> tuple[str, Condition | None]:
    """Where a document's condition stands in it, and the condition."""
    if isinstance(document, Rule):
        return "condition.when", document.condition
    if isinstance(document, Slot):
        return "", None
    return "when", document.condition


def slots_of(document: Parsed) -> tuple[str, frozenset[str]]:
    """Where a document names slots, and which."""
    if isinstance(document, Rule):
        return "condition.slots", document.slots
    if isinstance(document, Content):
        return "slots", document.slots
    return "", frozenset()


def _unknown_slots(document: Parsed, slots: Collection[str]) -> Iterator[Mistake]:
    field, named = slots_of(document)
    for one in sorted(named - set(slots)):
        close = get_close_matches(one, sorted(slots), n=1)
        there = ", ".join(sorted(slots))
        yield Mistake(
            field, f"There is no slot “{one}”; there are {there}.", suggestion=close[0] if close else ""
        )


def _unknown_segments(document: Parsed, segments: Collection[str]) -> Iterator[Mistake]:
    field, condition = condition_of(document)
    if condition is None:
        return
    for one in sorted(condition.segments - set(segments)):
        close = get_close_matches(one, sorted(segments), n=1)
        position, length = condition.place_of(one)
        yield Mistake(field, f"There is no segment “{one}”.", position, length, close[0] if close else "")


def _largest(named: Collection[str], sizes: Mapping[str, int]) -> tuple[int, str]:
    """The most places that one of these slots has, and which; (0, "") where none is known."""
    return max(((sizes[one], one) for one in named if one in sizes), default=(0, ""))


def _behind_the_end(content: Content, sizes: Mapping[str, int]) -> Iterator[Mistake]:
    size, slot = _largest(content.slots, sizes)
    if size and content.position > size:
        message = f"The slot {slot} has {size} places, and this would be no. {content.position}."
        yield Mistake("position", message)


def _cut_off(whole: Whole, slot: Slot, sizes: Mapping[str, int]) -> Iterator[Mistake]:
    """What stands behind the last place of a slot that has become smaller, and in no other one."""
    for (kind, _), document in sorted(whole.items(), key=lambda one: one[0]):
        if not isinstance(document, Rule | Content) or not document.enabled:
            continue
        named = slots_of(document)[1]
        if slot.id not in named:
            continue
        places = [document.position] if isinstance(document, Content) else _pinned(document)
        last = max(places, default=0)
        if last > _largest(named, sizes)[0]:
            yield Mistake(
                "size",
                f"The {kind} “{document.name or document.id}” stands at position {last}; change that first.",
            )


def _pinned(rule: Rule) -> list[int]:
    return [pin.position for pin in rule.consequence.pins]


def _missed(whole: Whole, kind: str, document_id: str) -> Iterator[Mistake]:
    """Who would name something that is gone."""
    for (other_kind, other_id), document in sorted(whole.items(), key=lambda one: one[0]):
        condition = condition_of(document)[1]
        if kind == SEGMENT:
            needs = condition is not None and document_id in condition.segments
        else:
            needs = document_id in slots_of(document)[1]
        if needs:
            yield Mistake("", f"The {other_kind} “{other_id}” names it; change that first.")
