"""Why a condition holds or does not: each of its comparisons with what was read for it. Pure.

For pages that explain; a decision has no time for this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import NO_ITEM, Asked
from habitue_recommender.conditions.closures import test_of, value_of
from habitue_recommender.conditions.condition import Condition
from habitue_recommender.conditions.fields import MAP
from habitue_recommender.conditions.names import shown
from habitue_recommender.conditions.tree import Joined, Node, Not, Read, walk

MOST_ENTRIES = 20  # shown of a list


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: its text and place in the condition, its answer, and the values it was given.

    `decides` says that the whole would be otherwise if this one were. A value that is missing is None.
    """

    text: str
    position: int
    length: int
    holds: bool
    decides: bool
    values: dict[str, Any]

    def to_public(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "position": self.position,
            "length": self.length,
            "holds": self.holds,
            "decides": self.decides,
            "values": self.values,
        }


def why(condition: Condition, asked: Asked, item: Item | None = None) -> tuple[Finding, ...]:
    """Every comparison of a condition for one request and item, in the order of the text."""
    of = item if item is not None else NO_ITEM
    leaves = list(_leaves(condition.tree))
    answers = [test_of(leaf)(asked, of) for leaf in leaves]
    whole = _answer(condition.tree, iter(answers))
    findings = []
    for place, (leaf, holds) in enumerate(zip(leaves, answers, strict=True)):
        turned = [not one if other == place else one for other, one in enumerate(answers)]
        findings.append(
            Finding(
                condition.text[leaf.at : leaf.at + leaf.length],
                leaf.at,
                leaf.length,
                holds,
                _answer(condition.tree, iter(turned)) is not whole,
                {shown(read): _value(read, asked, of) for read in walk(leaf) if isinstance(read, Read)},
            )
        )
    return tuple(findings)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Joined | Not):
        for child in node.children:
            yield from _leaves(child)
    else:
        yield node


def _answer(node: Node, answers: Iterator[bool]) -> bool:
    """The answer of a tree whose comparisons answered so, in order; all of them are taken."""
    if isinstance(node, Not):
        return not _answer(node.operand, answers)
    if isinstance(node, Joined):
        parts = [_answer(part, answers) for part in node.parts]
        return all(parts) if node.operator.value == "&&" else any(parts)
    return next(answers)


def _value(read: Read, asked: Asked, item: Item) -> Any:
    """What was read, as JSON has it."""
    value = value_of(read)(asked, item)
    if isinstance(value, frozenset | set | list):
        return sorted(map(str, value))[:MOST_ENTRIES]
    if read.type is MAP:
        return dict(list(value.items())[:MOST_ENTRIES])
    return None if value == "" else value
