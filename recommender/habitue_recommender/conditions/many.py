"""The test of a condition for many items of one request at once. Pure.

What a part asks of the item alone is a column that somebody keeps (`Table`), so that hundreds of candidates
are compared with what the request says by a few operations on arrays: some microseconds for 500, where a
closure called for each takes a hundred. What has no such form is called item by item, and only for those
that the other parts leave open. The answers are those of `Condition.test`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import eq, ge, gt, le, lt, ne
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import Asked
from habitue_recommender.conditions.binding import JOINT, Bind, bound
from habitue_recommender.conditions.closures import numbers_of, test_of, texts_of, value_of
from habitue_recommender.conditions.fields import ANY, BOOL, NUMBER, Source
from habitue_recommender.conditions.leaves import FLIPPED, Test
from habitue_recommender.conditions.tree import (
    Compare,
    Joined,
    Literal,
    Node,
    Not,
    Operator,
    Read,
    Sum,
    reads,
)
from habitue_recommender.conditions.values import Get, shown, text
from habitue_recommender.conditions.write import write

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Many = Callable[[Asked, "Table"], Mask]

EXACT = float(2**53)
"""Up to here a float64 tells whole numbers apart; what lies above is compared one by one."""

_ITEM = frozenset({Source.ITEM})


class Table(Protocol):
    """Some items, and what conditions ask of each of them alone: columns by the text of what is asked."""

    items: Sequence[Item]
    ids: Sequence[str]
    kept: dict[str, Any]  # for who asks about one request only

    def truths(self, asked: str, test: Test) -> Mask: ...

    def numbers(self, asked: str, get: Get) -> Floats | None:
        """NaN is missing; None when one of them is beyond `EXACT`."""
        ...

    def codes(self, asked: str, get: Get) -> tuple[Codes, Mapping[str, int]]:
        """A number for each text, and which one; -1 is of no text."""
        ...


class _Inexact(Exception):
    """A number that a float64 cannot hold."""


Answer = Mask | bool
_Ask = Callable[[Asked, Table], Answer]
_Number = Callable[[Asked, Table], Floats | float]


class _Part(NamedTuple):
    ask: _Ask | None  # None: item by item only
    bind: Bind


def many(node: Node) -> Many | None:
    """For many items of a request; None where a call for each is all there is."""
    part = _part(node)
    ask = part.ask
    if ask is None:
        return None

    def answers(asked: Asked, table: Table) -> Mask:
        try:
            return _whole(ask(asked, table), table)
        except _Inexact:
            return _one_by_one(part.bind(asked), asked, table)

    return answers


def _whole(answer: Answer, table: Table) -> Mask:
    if answer is True or answer is False:
        return np.full(len(table.items), answer, dtype=np.bool_)
    return answer


def _one_by_one(test: Test, asked: Asked, table: Table) -> Mask:
    items = table.items
    return np.fromiter(map(test, repeat(asked), items), np.bool_, len(items))


def _part(node: Node) -> _Part:
    return _Part(_quick(node), bound(node))


def _quick(node: Node) -> _Ask | None:
    sources = reads(node)
    if Source.ITEM not in sources:
        test = test_of(node)
        return lambda asked, table: bool(test(asked, None))  # type: ignore[arg-type]  # it reads no item
    if sources == _ITEM:
        test, key = test_of(node), write(node)
        return lambda asked, table: table.truths(key, test)
    if isinstance(node, Joined):
        return _joined(node)
    if isinstance(node, Not):
        inner = _quick(node.operand)
        return None if inner is None else lambda asked, table: _inverse(inner(asked, table))
    if isinstance(node, Compare) and node.operator is not Operator.IN:
        return _comparison(node)
    return _joint(node) if isinstance(node, Read) else None


def _inverse(answer: Answer) -> Answer:
    return not answer if answer is True or answer is False else ~answer


# ---- and, or ---------------------------------------------------------------------------------------


def _joined(node: Joined) -> _Ask | None:
    """What is quick first; the rest is asked about those items only of which it decides."""
    parts = [_part(one) for one in node.parts]
    quick = [part.ask for part in parts if part.ask is not None]
    slow = [part.bind for part in parts if part.ask is None]
    if not quick:
        return None
    is_and = node.operator is Operator.AND

    def ask(asked: Asked, table: Table) -> Answer:
        so_far: Answer = is_and
        for one in quick:
            answer = one(asked, table)
            if answer is is_and:
                continue
            if answer is (not is_and):
                return not is_and
            if isinstance(so_far, bool):
                so_far = answer
                continue
            so_far = so_far & answer if is_and else so_far | answer
        return _rest(so_far, slow, asked, table, is_and) if slow else so_far

    return ask


def _rest(so_far: Answer, slow: Sequence[Bind], asked: Asked, table: Table, is_and: bool) -> Answer:
    items = table.items
    mask = _whole(so_far, table).copy()
    for bind in slow:
        open_ = (mask if is_and else ~mask).nonzero()[0]
        if not len(open_):
            break
        test = bind(asked)
        mask[open_] = [test(asked, items[at]) for at in open_.tolist()]
    return mask


# ---- comparisons -----------------------------------------------------------------------------------

_COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: eq,
    Operator.UNEQUAL: ne,
    Operator.LESS: lt,
    Operator.LESS_OR_EQUAL: le,
    Operator.MORE: gt,
    Operator.MORE_OR_EQUAL: ge,
}


def _comparison(node: Compare) -> _Ask | None:
    """Of numbers on both sides, or of the item's text with one of the request."""
    left, right, operator = node.left, node.right, node.operator
    kinds = (left.type, right.type)
    if any(isinstance(side, Literal) and side.value in (None, "") for side in (left, right)):
        return None
    if NUMBER in kinds:
        one, other, compare = _number(left), _number(right), _COMPARE[operator]
        if one is None or other is None:
            return None
        # NaN is missing: unlike everything, and neither more nor less.
        return lambda asked, table: _plain(compare(one(asked, table), other(asked, table)))
    if BOOL in kinds or kinds == (ANY, ANY):
        return None
    if Source.ITEM in reads(right):
        left, right, operator = right, left, FLIPPED[operator]
    if operator not in (Operator.EQUAL, Operator.UNEQUAL):
        return None
    if Source.ITEM in reads(right) or reads(left) != _ITEM:
        return None
    return _same_text(left, right, operator is Operator.EQUAL)


def _plain(answer: Any) -> Answer:
    return answer if isinstance(answer, np.ndarray) else bool(answer)


def _same_text(left: Node, right: Node, wanted: bool) -> _Ask:
    get, value, key = texts_of(left), value_of(right), write(left)

    def ask(asked: Asked, table: Table) -> Answer:
        known = text(value(asked, None))  # type: ignore[arg-type]  # it reads no item
        if not known:
            return not wanted
        codes, code_of = table.codes(key, get)
        code = code_of.get(known)
        if code is None:
            return not wanted
        return _plain(codes == code if wanted else codes != code)

    return ask


# ---- numbers ---------------------------------------------------------------------------------------


def _number(node: Node) -> _Number | None:
    """A number for each item, or one for all of them; NaN is missing."""
    sources = reads(node)
    if Source.ITEM not in sources:
        get = numbers_of(node)
        return lambda asked, table: _exact(get(asked, None))  # type: ignore[arg-type]  # it reads no item
    if sources == _ITEM:
        return _column(write(node), numbers_of(node))
    if isinstance(node, Read) and node.field.name == "item.shown":
        return _shown
    if isinstance(node, Sum):
        one, other = _number(node.left), _number(node.right)
        return None if one is None or other is None else _sum(node.operator, one, other)
    return None


def _exact(value: float | int | None) -> float:
    if value is None:
        return np.nan
    if not -EXACT <= value <= EXACT and value == value:
        raise _Inexact
    return float(value)


def _column(key: str, get: Get) -> _Number:
    def ask(asked: Asked, table: Table) -> Floats:
        found = table.numbers(key, get)
        if found is None:
            raise _Inexact
        return found

    return ask


def _shown(asked: Asked, table: Table) -> Floats:
    found: Floats | None = table.kept.get("item.shown")
    if found is None:
        counts = [shown(asked, item_id) for item_id in table.ids]
        found = table.kept["item.shown"] = np.array(counts, dtype=np.float64)
    return found


def _sum(operator: Operator, one: _Number, other: _Number) -> _Number:
    def ask(asked: Asked, table: Table) -> Floats | float:
        left, right = np.asarray(one(asked, table)), np.asarray(other(asked, table))
        if operator is Operator.BY:  # by nothing: missing
            with np.errstate(over="ignore"):
                result = np.divide(left, np.where(right == 0.0, np.nan, right))
        elif operator is Operator.TIMES:
            result = left * right
        else:
            result = left + right if operator is Operator.PLUS else left - right
        if (np.abs(result) > EXACT).any():
            raise _Inexact
        return result if result.ndim else float(result)

    return ask


# ---- fields of item and visitor at once ------------------------------------------------------------


def _joint(node: Read) -> _Ask | None:
    name = node.field.name
    if name == "item.new":
        since = _column("item.first_seen", lambda asked, item: item.first_seen)
        return lambda asked, table: _plain(since(asked, table) > asked.known.new_since)
    if name not in JOINT:
        return None
    many = JOINT[name]

    def ask(asked: Asked, table: Table) -> Answer:
        found: Mask | None = table.kept.get(name)
        if found is None:
            held = asked.known[many]
            if not held:
                return False
            found = table.kept[name] = np.fromiter(
                map(held.__contains__, table.ids), np.bool_, len(table.ids)
            )
        return found

    return ask
