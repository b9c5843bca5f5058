"""Segments: named sets of visitors, each a condition on what is known of a visitor and on the time. Pure.

A segment can name others. Who is in which is answered in the order in which they depend on each other; a
circle has no such order, so its members are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from habitue_collector.profile import Profile
from habitue_recommender.conditions import Asked, Condition, Source
from habitue_recommender.conditions.tree import Read, walk
from habitue_recommender.page import Page
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.rulebook.reader import MAX_NAME, MAX_NOTE, Reader
from habitue_recommender.webhooks.addresses import read_webhooks

_FIELDS = ("id", "name", "note", "when", "webhooks")
_PAGE = Page()
_MOST_STEPS = 200  # looked at to show somebody a circle
_OF_VISITORS = frozenset({Source.VISITOR, Source.TIME})


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of visitors: those for whom `condition` holds."""

    id: str
    condition: Condition = field(repr=False)
    name: str = ""
    note: str = ""
    webhooks: tuple[str, ...] = ()  # addresses that are told of who enters and leaves

    @property
    def needs(self) -> frozenset[str]:
        """The ids of the segments that it names."""
        return self.condition.segments


def parse_segment(raw: object) -> Segment:
    """A segment's document. Raises `Mistakes`, all of them."""
    reader = Reader(raw, _FIELDS)
    segment_id, name, note = reader.id(), reader.text("name", MAX_NAME), reader.text("note", MAX_NOTE)
    webhooks = read_webhooks(reader)
    before = len(reader.mistakes)
    condition = reader.condition("when")
    if condition is None:
        if len(reader.mistakes) == before:
            reader.wrong("when", "say who is in this segment", "visitor.orders.count >= 3")
        raise Mistakes(reader.mistakes)
    reader.mistakes += _not_of_visitors(condition)
    if segment_id in condition.segments:
        reader.mistakes.append(_circle(condition, (segment_id, segment_id)))
    reader.finish()
    return Segment(segment_id, condition, name, note, webhooks)


def _not_of_visitors(condition: Condition) -> Iterator[Mistake]:
    """Who is in a segment does not depend on the page that somebody is on, nor on what is offered."""
    for node in walk(condition.tree):
        if isinstance(node, Read) and not node.field.reads <= _OF_VISITORS:
            yield Mistake(
                "when",
                f"A segment is about visitors and time; {node.field.name} is about a "
                f"{'page' if Source.PAGE in node.field.reads else 'single item'}.",
                node.at,
                node.length,
                _OF_VISITOR.get(node.field.name, ""),
            )


_OF_VISITOR = {
    "item.in_cart": "size(visitor.cart.items) > 0",
    "item.viewed": "size(visitor.viewed) > 0",
    "item.bought": "size(visitor.bought) > 0",
}


class Segments:
    """All segments of a shop, in the order in which they depend on each other."""

    def __init__(self, ordered: Mapping[str, Segment]) -> None:
        self.by_id = ordered
        self._tests = tuple((one.id, one.condition.test) for one in ordered.values())
        self._timed = _timed(ordered)

    @classmethod
    def of(cls, segments: Mapping[str, Segment]) -> tuple[Segments, dict[str, Mistakes]]:
        """Those that have an order, and what is wrong with each of the others.

        A segment that nobody knows has no members, so naming one is no mistake here.
        """
        waiting = {one: {other for other in segments[one].needs if other in segments} for one in segments}
        named_by: dict[str, list[str]] = {}
        for one in sorted(segments):
            for other in waiting[one]:
                named_by.setdefault(other, []).append(one)
        ordered: dict[str, Segment] = {}
        ready = sorted(one for one, needs in waiting.items() if not needs)
        for one in ready:  # which grows while it is walked through
            ordered[one] = segments[one]
            del waiting[one]
            for other in named_by.get(one, ()):
                waiting[other].discard(one)
                if not waiting[other]:
                    ready.append(other)
        circles: dict[str, Mistakes] = {}
        for one in sorted(waiting):
            way = _way_back(one, waiting)
            if way:
                circles[one] = Mistakes([_circle(segments[one].condition, way)])
            else:  # it is in no circle itself, but names one that is
                bad = min(waiting[one])
                circles[one] = Mistakes([_named_circle(segments[one].condition, bad)])
        return cls(ordered), circles

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.by_id.values())

    def __contains__(self, segment_id: object) -> bool:
        return segment_id in self.by_id

    def reads_time(self, segment_id: str) -> bool:
        """Whether somebody enters or leaves it because time passes; also through one that it names."""
        return segment_id in self._timed

    def of_profile(self, profile: Profile | None, now: int, zone: tzinfo = UTC) -> frozenset[str]:
        """The ids of the segments that this visitor is in; some 0.2 µs for each."""
        return self.of_asked(Asked(_PAGE, profile, now, zone=zone)) if self._tests else frozenset()

    def of_asked(self, asked: Asked) -> frozenset[str]:
        """The same for a request, whose device, country and language then count."""
        members: set[str] = set()
        # Those found so far are what the later ones ask about.
        asked.known["visitor.segments"] = members
        for segment_id, test in self._tests:
            if test(asked, None):
                members.add(segment_id)
        found = asked.known["visitor.segments"] = frozenset(members)
        return found


def _timed(ordered: Mapping[str, Segment]) -> frozenset[str]:
    timed: set[str] = set()
    for one, segment in ordered.items():
        if segment.condition.reads_time or not timed.isdisjoint(segment.needs):
            timed.add(one)
    return frozenset(timed)


def _way_back(start: str, needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    """A shortest way from a segment over those it names back to itself; () when there is none near."""
    before: dict[str, str] = {}
    frontier = [start]
    while frontier and len(before) < _MOST_STEPS:
        found: list[str] = []
        for one in frontier:
            for other in sorted(needs.get(one, ())):
                if other == start:
                    way = [start, one]
                    while way[-1] != start:
                        way.append(before[way[-1]])
                    return tuple(reversed(way)) if one != start else (start, start)
                if other not in before:
                    before[other] = one
                    found.append(other)
        frontier = found
    return ()


def _circle(condition: Condition, way: tuple[str, ...]) -> Mistake:
    position, length = condition.place_of(way[1])
    circle = " → ".join(way if len(way) <= 8 else (*way[:6], "…", way[-1]))
    return Mistake("when", f"The segment names itself: {circle}.", position, length)


def _named_circle(condition: Condition, segment_id: str) -> Mistake:
    position, length = condition.place_of(segment_id)
    return Mistake("when", f"“{segment_id}” belongs to a circle of segments.", position, length)
