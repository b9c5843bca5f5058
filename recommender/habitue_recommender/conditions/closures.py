"""From a checked tree to closures: a test that answers in some hundred nanoseconds. Pure.

Each closure knows its field and its constant; nothing is looked up by name or type while it runs, and
nothing of the text is ever executed. Missing values make comparisons false, `!=` is the opposite of `==`.

What makes the same test quicker for one request is `binding`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from habitue_recommender.catalog.items import Item
from habitue_recommender.conditions.asked import Asked
from habitue_recommender.conditions.fields import ANY, BOOL, LIST, MAP, NUMBER, PATH, Source
from habitue_recommender.conditions.leaves import (
    COMPARE,
    FLIPPED,
    NO,
    YES,
    OneOf,
    Test,
    empty_test,
    number_test,
    numbers_test,
    quick_test,
    text_test,
    texts_test,
    truth_test,
)
from habitue_recommender.conditions.tree import (
    Call,
    Compare,
    Joined,
    ListOf,
    Literal,
    Node,
    Not,
    Operator,
    Read,
    Sum,
    reads,
)
from habitue_recommender.conditions.values import (
    AFFINITIES,
    Get,
    folded_part,
    getter,
    holds,
    number,
    path_holds,
    size,
    text,
    truth,
)

_ITEM = frozenset({Source.ITEM})
_EQUALITY = (Operator.EQUAL, Operator.UNEQUAL)


# ---- tests ---------------------------------------------------------------------------------------


def test_of(node: Node) -> Test:
    """The test that a checked node stands for."""
    if not reads(node) and not isinstance(node, Literal):
        return YES if _test(node)(None, None) else NO  # type: ignore[arg-type]  # it reads neither
    return _test(node)


def _test(node: Node) -> Test:
    if isinstance(node, Joined):
        return joined(node.operator, [test_of(part) for part in node.parts])
    if isinstance(node, Not):
        return negated(test_of(node.operand))
    if isinstance(node, Compare):
        return _membership(node) if node.operator is Operator.IN else _comparison(node)
    if isinstance(node, Call):
        return _method(node)
    if isinstance(node, Literal):
        return YES if node.value is True else NO
    get = value_of(node)
    if node.type is BOOL:
        return get
    return lambda asked, item: truth(get(asked, item)) is True


def joined(operator: Operator, tests: Sequence[Test]) -> Test:
    """All of these (&&) or one of them (||), those that are always so left out."""
    neutral, decisive = (YES, NO) if operator is Operator.AND else (NO, YES)
    if decisive in tests:
        return decisive
    tests = [test for test in tests if test is not neutral]
    if not tests:
        return neutral
    if len(tests) == 1:
        return tests[0]
    return _all(tests) if operator is Operator.AND else _any(tests)


def _all(tests: Sequence[Test]) -> Test:
    first, second, *rest = tests
    if not rest:
        return lambda asked, item: first(asked, item) and second(asked, item)
    if len(rest) == 1:
        (third,) = rest
        return lambda asked, item: first(asked, item) and second(asked, item) and third(asked, item)
    others = tuple(tests)

    def every(asked: Asked, item: Item) -> bool:
        for test in others:  # noqa: SIM110  # `all` with a generator takes twice as long
            if not test(asked, item):
                return False
        return True

    return every


def _any(tests: Sequence[Test]) -> Test:
    first, second, *rest = tests
    if not rest:
        return lambda asked, item: first(asked, item) or second(asked, item)
    if len(rest) == 1:
        (third,) = rest
        return lambda asked, item: first(asked, item) or second(asked, item) or third(asked, item)
    others = tuple(tests)

    def some(asked: Asked, item: Item) -> bool:
        for test in others:  # noqa: SIM110  # `any` with a generator takes twice as long
            if test(asked, item):
                return True
        return False

    return some


def negated(test: Test) -> Test:
    if test is YES:
        return NO
    if test is NO:
        return YES
    return lambda asked, item: not test(asked, item)


def _comparison(node: Compare) -> Test:
    left, right, operator = node.left, node.right, node.operator
    if not reads(left):
        left, right, operator = right, left, FLIPPED[operator]
    if isinstance(right, Sum) and not reads(right):
        value = value_of(right)(None, None)  # type: ignore[arg-type]  # it reads neither
        if value is None:  # a division by nothing
            return YES if operator is Operator.UNEQUAL else NO
        right = Literal(value)
    if isinstance(right, Literal):
        if right.value is None or (right.value == "" and operator in _EQUALITY):
            return empty_test(value_of(left), operator)
        return against(left, operator, right, right.value)
    return _two_sides(left, operator, right)


def against(left: Node, operator: Operator, right: Node, value: Any) -> Test:
    """`left` compared with the value that `right` has."""
    kinds = (left.type, right.type)
    quick = quick_test(left, operator, value) if isinstance(left, Read) else None
    if quick is not None:
        return quick
    if NUMBER in kinds:
        return number_test(numbers_of(left), operator, number(value))
    if BOOL in kinds:
        return truth_test(_truths(left), operator, truth(value))
    return text_test(texts_of(left), operator, text(value))


def _two_sides(left: Node, operator: Operator, right: Node) -> Test:
    kinds = (left.type, right.type)
    if NUMBER in kinds:
        return _two(numbers_of(left), numbers_of(right), operator)
    if BOOL in kinds:
        return _two(_truths(left), _truths(right), operator)
    if kinds == (ANY, ANY):
        one, other = value_of(left), value_of(right)
        by_number = _two(_as(number, one), _as(number, other), operator)
        by_text = _two(_as(text, one), _as(text, other), operator)

        def either(asked: Asked, item: Item) -> bool:
            numbers = number(one(asked, item)) is not None and number(other(asked, item)) is not None
            return by_number(asked, item) if numbers else by_text(asked, item)

        return either
    return _two(texts_of(left), texts_of(right), operator)


def _two(left: Get, right: Get, operator: Operator) -> Test:
    """Two values of one type; when one of them is missing, nothing but `!=` holds."""
    compare = COMPARE[operator]
    missing = operator is Operator.UNEQUAL

    def test(asked: Asked, item: Item) -> bool:
        one, other = left(asked, item), right(asked, item)
        if one is None or other is None or one == "" or other == "":
            return missing
        return compare(one, other)

    return test


# ---- in ------------------------------------------------------------------------------------------


def _membership(node: Compare) -> Test:
    left, right = node.left, node.right
    if isinstance(right, ListOf):
        return _one_of(left, right)
    if isinstance(left, Literal):
        return within(text(left.value), right)
    needles, get = texts_of(left), value_of(right)
    if right.type is PATH:
        return lambda asked, item: (
            (part := folded_part(needles(asked, item))) != "" and path_holds(get(asked, item), part)
        )
    if right.type in (LIST, MAP):
        return lambda asked, item: (needle := needles(asked, item)) != "" and needle in get(asked, item)
    return lambda asked, item: holds(get(asked, item), needles(asked, item))


def _one_of(left: Node, entries: ListOf) -> Test:
    texts = frozenset(one.value for one in entries.items if isinstance(one.value, str))
    numbers = frozenset(one.value for one in entries.items if isinstance(one.value, int | float))
    if left.type is NUMBER:
        return numbers_test(numbers_of(left), numbers)
    if left.type is not ANY:
        quick = quick_test(left, Operator.IN, OneOf(texts)) if isinstance(left, Read) else None
        return quick or texts_test(texts_of(left), texts)
    by_text, by_number = texts_test(texts_of(left), texts), numbers_test(numbers_of(left), numbers)
    if not numbers:
        return by_text
    return by_number if not texts else joined(Operator.OR, [by_text, by_number])


def within(needle: str, right: Node) -> Test:
    """Whether a text is in what `right` reads."""
    get = value_of(right)
    if right.type is PATH:
        part = folded_part(needle)
        if not part:
            return NO
        if isinstance(right, Read) and reads(right) == _ITEM:
            return _in_category(part)
        return lambda asked, item: path_holds(get(asked, item), part)
    if isinstance(right, Read) and right.field.name in AFFINITIES:
        share = getter(right.field.name, needle)
        return lambda asked, item: share(asked, item) > 0
    if right.type in (LIST, MAP):
        return lambda asked, item: needle in get(asked, item)
    return lambda asked, item: holds(get(asked, item), needle)


_MOST_CATEGORIES = 5_000


class _Verdicts(dict[str, bool]):
    """Category → whether it has this part. Thousands of items share some hundred categories."""

    __slots__ = ("part",)

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def __missing__(self, category: str) -> bool:
        if len(self) >= _MOST_CATEGORIES:
            self.clear()
        verdict = self[category] = path_holds(category, self.part)
        return verdict


def _in_category(part: str) -> Test:
    verdicts = _Verdicts(part)
    return lambda asked, item: verdicts[item.category]


# ---- functions -----------------------------------------------------------------------------------


def _method(node: Call) -> Test:
    of, part = node.arguments
    if isinstance(part, Literal):
        return _searched(node.function, texts_of(of), text(part.value))
    get, parts = texts_of(of), texts_of(part)
    find = _METHODS[node.function]
    return lambda asked, item: (needle := parts(asked, item)) != "" and find(get(asked, item), needle)


def _searched(function: str, get: Get, needle: str) -> Test:
    if function == ".contains":
        return lambda asked, item: needle in get(asked, item)
    if function == ".startsWith":
        return lambda asked, item: get(asked, item).startswith(needle)
    return lambda asked, item: get(asked, item).endswith(needle)


_METHODS: dict[str, Callable[[str, str], bool]] = {
    ".contains": lambda whole, part: part in whole,
    ".startsWith": str.startswith,
    ".endsWith": str.endswith,
}


# ---- values --------------------------------------------------------------------------------------


def value_of(node: Node) -> Get:
    """How the value of a checked node is read."""
    if isinstance(node, Literal):
        value = node.value
        return lambda asked, item: value
    if isinstance(node, Read):
        return getter(node.field.name, node.key)
    if isinstance(node, Sum):
        return _sum(node)
    if isinstance(node, Call) and node.function == "size":
        (of,) = node.arguments
        get = value_of(of)
        if of.type is PATH:
            return lambda asked, item: len([one for one in get(asked, item).split("/") if one])
        return lambda asked, item: size(get(asked, item))
    if isinstance(node, Call) and node.function == "lower":
        texts = texts_of(node.arguments[0])
        return lambda asked, item: texts(asked, item).lower()
    return test_of(node)


def _sum(node: Sum) -> Get:
    left, right, operate = numbers_of(node.left), numbers_of(node.right), _SUMS[node.operator]

    def value(asked: Asked, item: Item) -> float | int | None:
        one, other = left(asked, item), right(asked, item)
        if one is None or other is None:
            return None
        try:
            return operate(one, other)
        except (ZeroDivisionError, OverflowError):
            return None

    return value


_SUMS: dict[Operator, Callable[[float, float], float]] = {
    Operator.PLUS: lambda one, other: one + other,
    Operator.MINUS: lambda one, other: one - other,
    Operator.TIMES: lambda one, other: one * other,
    Operator.BY: lambda one, other: one / other,
}


def _as(form: Callable[[Any], Any], get: Get) -> Get:
    return lambda asked, item: form(get(asked, item))


def numbers_of(node: Node) -> Get:
    return value_of(node) if node.type is NUMBER else _as(number, value_of(node))


def _truths(node: Node) -> Get:
    return value_of(node) if node.type is BOOL else _as(truth, value_of(node))


def texts_of(node: Node) -> Get:
    return _as(text, value_of(node)) if node.type in (ANY, NUMBER, BOOL) else value_of(node)
