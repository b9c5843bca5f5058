"""How many people a condition is about: asked of a sample of them, at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from habitue_console.documents.current import current
from habitue_console.house import House
from habitue_recommender.conditions import Condition, ConditionError, Source, parse
from habitue_recommender.conditions.tree import Joined, Operator, reads
from habitue_recommender.conditions.write import write
from habitue_recommender.rulebook.mistakes import Mistake
from habitue_recommender.segments.counts import SegmentFigures

_OF_PEOPLE = frozenset({Source.VISITOR, Source.TIME})


@dataclass(frozen=True, slots=True)
class Figures:
    """An answer for the panel: `wrong` when there is no condition to ask, `everybody` when it asks nobody.

    `partly`: the condition also asks of items or pages, and only the rest is counted.
    """

    wrong: bool = False
    everybody: bool = False
    partly: bool = False
    people: int = 0
    share: float = 0.0
    low: int = 0
    high: int = 0
    of: int = 0
    exact: bool = False


async def figures_of(house: House, text: str, gaps: Sequence[Mistake] = ()) -> Figures:
    """See `Figures`. Some 100 ms of a big shop, for 2,000 people."""
    if gaps:
        return Figures(wrong=True)
    if not text.strip():
        return Figures(everybody=True)
    try:
        condition = parse(text)
    except ConditionError:
        return Figures(wrong=True)
    if not condition.reads_visitor:
        return Figures(everybody=True)
    about = about_people(condition)
    if about is None:
        return Figures(everybody=True, partly=True)
    figures = SegmentFigures(house.redis, await current(house), clock=house.clock)
    found = await figures.estimate(about)
    return Figures(
        partly=about is not condition,
        people=found.people,
        share=found.share,
        low=found.low,
        high=found.high,
        of=found.of,
        exact=found.exact,
    )


def about_people(condition: Condition) -> Condition | None:
    """The parts of a condition that are about visitors and time alone; None when no part is."""
    if not condition.reads_item and not condition.reads_page:
        return condition
    tree = condition.tree
    joined = isinstance(tree, Joined) and tree.operator is Operator.AND
    parts = [part for part in (tree.children if joined else (tree,)) if reads(part) <= _OF_PEOPLE]
    return parse(" && ".join(f"({write(part)})" for part in parts)) if parts else None
