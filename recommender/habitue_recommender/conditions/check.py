"""A tree against what there is: every name looked up, every comparison one that can hold. Pure.

What is wrong is told at its place, with what was probably meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.fields import (
    ANY,
    BOOL,
    DATE,
    LIST,
    MAP,
    NULL,
    NUMBER,
    PATH,
    TEXT,
    Type,
)
from habitue_recommender.conditions.names import look_up, shown
from habitue_recommender.conditions.tokens import quoted
from habitue_recommender.conditions.tree import (
    Call,
    Compare,
    Joined,
    ListOf,
    Literal,
    Name,
    Node,
    Not,
    Operator,
    Read,
    Sum,
    walk,
)

SEGMENTS = "visitor.segments"
METHODS = (".startsWith", ".contains", ".endsWith")
FUNCTIONS = ("size", "lower")
_TEXTS = frozenset({TEXT, PATH, DATE})
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_IN_WORDS = {
    TEXT: "a text",
    PATH: "a category",
    DATE: "a date",
    NUMBER: "a number",
    BOOL: "a yes or no",
    LIST: "a list",
    MAP: "many values",
    ANY: "a value",
    NULL: "nothing",
}
_EQUALITY = frozenset({Operator.EQUAL, Operator.UNEQUAL})


def check(node: Node) -> Node:
    """The tree with its names looked up; true or false in the end. Raises ConditionError."""
    checked = _value(node)
    return _test(checked)


def _test(node: Node, behind_not: bool = False) -> Node:
    """A node that stands where true or false is needed."""
    kind = node.type
    if kind in (BOOL, ANY):
        return node
    meant = ""
    if isinstance(node, Read):
        name = shown(node)
        if kind is NUMBER:
            meant = f"{name} > 0"
        elif kind in _TEXTS:
            meant = f'{name} != ""'
        elif kind is LIST and node.field.name != SEGMENTS:
            meant = f"size({name}) > 0"
    meant = f"({meant})" if meant and behind_not else meant
    raise _error("needs_test", node, meant, found=_IN_WORDS[kind])


def _value(node: Node) -> Node:
    span = {"at": node.at, "length": node.length}
    if isinstance(node, Name):
        return _whole(look_up(node))
    if isinstance(node, Joined):
        return Joined(node.operator, tuple(_test(_value(part)) for part in node.parts), **span)
    if isinstance(node, Not):
        return Not(_test(_value(node.operand), behind_not=True), **span)
    if isinstance(node, Sum):
        return Sum(node.operator, _number(_value(node.left)), _number(_value(node.right)), **span)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, Compare):
        if node.operator is Operator.IN:
            return _membership(node)
        return _comparison(node)
    if isinstance(node, ListOf):
        raise _error("list_misplaced", node)
    return node


def _whole(read: Read) -> Read:
    """A field read by itself: one that holds many needs a key."""
    if read.type is MAP:
        raise _error("key_missing", read, f'{read.field.name}["…"]', name=read.field.name)
    return read


def _number(node: Node) -> Node:
    if node.type not in (NUMBER, ANY):
        raise _error("not_a_number", node, _as_number(node), found=_IN_WORDS[node.type])
    return node


def _call(node: Call) -> Call:
    name, arguments = node.function, node.arguments
    span = {"at": node.at, "length": node.length}
    if name in METHODS:
        plain = name[1:]
        if len(arguments) != 2:
            raise _error("takes_arguments", node, name=plain, count="one text")
        of, part = _value(arguments[0]), arguments[1]
        if of.type is LIST and isinstance(part, Literal):
            meant = f"{quoted(str(part.value))} in {shown(of)}"
            raise _error("takes_type", node, meant, name=plain, expected="a text", found=_IN_WORDS[LIST])
        if of.type not in (TEXT, PATH, DATE, ANY):
            raise _error("takes_type", of, name=plain, expected="a text", found=_IN_WORDS[of.type])
        part = _value(part)
        if part.type not in (TEXT, PATH, DATE, ANY):
            meant = quoted(str(part.value)) if isinstance(part, Literal) and part.value is not None else ""
            raise _error("takes_type", part, meant, name=plain, expected="a text", found=_IN_WORDS[part.type])
        return Call(name, (of, part), **span)
    if name not in FUNCTIONS:
        raise _unknown_function(node)
    if len(arguments) != 1:
        raise _error("takes_arguments", node, name=name, count="one value")
    (argument,) = arguments
    of = look_up(argument) if isinstance(argument, Name) else _value(argument)
    if name == "size":
        if isinstance(of, Read) and of.field.name == SEGMENTS:
            raise _error("segment_named", node, meant=f'"vip" in {SEGMENTS}')
        takes: tuple[Type, ...] = (LIST, MAP, TEXT, PATH, ANY)
        expected = "a list or a text"
    else:
        takes, expected = (TEXT, PATH, ANY), "a text"
    if of.type not in takes:
        raise _error("takes_type", of, name=name, expected=expected, found=_IN_WORDS[of.type])
    return Call(name, (of,), **span)


def _unknown_function(node: Call) -> ConditionError:
    name = node.function.lstrip(".")
    known = [*(method[1:] for method in METHODS), *FUNCTIONS]
    close = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), close, 1, 0.6)
    # The name stands in front of the whole call, or behind the value that it is called on.
    at = node.at if not node.function.startswith(".") else node.arguments[0].at + node.arguments[0].length + 1
    return ConditionError("unknown_function", at, len(name), close[found[0]] if found else "", {"name": name})


# ---- comparisons ---------------------------------------------------------------------------------


def _comparison(node: Compare) -> Compare:
    left, right = _side(node.left, node.right), _side(node.right, node.left)
    operator = node.operator
    for side in (left, right):
        if side.type is LIST:
            raise _listed(side, right if side is left else left)
    if operator in _EQUALITY:
        if not _alike(left.type, right.type):
            raise _cannot_compare(left, right)
    else:
        for side, other in ((left, right), (right, left)):
            if side.type in (BOOL, NULL):
                raise _error("no_order", side, found=_IN_WORDS[side.type])
            if not _alike(side.type, other.type):
                raise _cannot_compare(left, right)
    _known_value(left, right)
    _known_value(right, left)
    return Compare(operator, left, right, at=node.at, length=node.length)


def _side(node: Node, other: Node) -> Node:
    """One side of a comparison; a word that is no field, beside a text, wants quotes."""
    try:
        return _value(node)
    except ConditionError as error:
        if error.code != "unknown_field" or not isinstance(node, Name) or len(node.parts) > 1:
            raise
        try:
            beside = _value(other).type
        except ConditionError:
            raise error from None
        meant = quoted(node.text) if beside in (*_TEXTS, ANY) else error.suggestion
        raise ConditionError(error.code, error.position, error.length, meant, error.values) from None


def _alike(left: Type, right: Type) -> bool:
    if ANY in (left, right) or NULL in (left, right):
        return True
    return left is right or (left in _TEXTS and right in _TEXTS)


def _listed(side: Node, other: Node) -> ConditionError:
    meant = ""
    if isinstance(side, Read) and isinstance(other, Literal) and isinstance(other.value, str):
        meant = f"{quoted(other.value)} in {shown(side)}"
        start = min(side.at, other.at)
        end = max(side.at + side.length, other.at + other.length)
        return ConditionError("list_compared", start, end - start, meant)
    return _error("list_compared", side, meant)


def _cannot_compare(left: Node, right: Node) -> ConditionError:
    literal, other = (left, right) if isinstance(left, Literal) else (right, left)
    meant = ""
    if isinstance(literal, Literal):
        if other.type is NUMBER:
            meant = _as_number(literal)
        elif other.type in _TEXTS and literal.type is NUMBER:
            meant = quoted(str(literal.value))
        elif other.type is BOOL and str(literal.value).lower() in ("true", "yes", "1"):
            meant = "true"
        elif other.type is BOOL and str(literal.value).lower() in ("false", "no", "0"):
            meant = "false"
    return _error("cannot_compare", literal, meant, left=_capital(left), right=_IN_WORDS[right.type])


def _capital(node: Node) -> str:
    words = _IN_WORDS[node.type]
    return f"{shown(node)} ({words})" if isinstance(node, Read) else words.capitalize()


def _as_number(node: Node) -> str:
    """The number that a text in quotes holds, as it is written without them."""
    if not isinstance(node, Literal) or not isinstance(node.value, str):
        return ""
    found = re.fullmatch(r"\s*(-?\d{1,12})(?:[.,](\d{1,6}))?\s*\S{0,3}\s*", node.value, re.ASCII)
    return "" if found is None else found[1] + (f".{found[2]}" if found[2] else "")


def _known_value(side: Node, literal: Node) -> None:
    """A literal beside a field whose values are all known is one of them."""
    if not isinstance(literal, Literal) or literal.value in (None, ""):
        return
    lowered = str(literal.value).lower()
    if isinstance(side, Call) and side.function == "lower" and literal.value != lowered:
        raise _error("never_so", literal, quoted(lowered))
    if side.type is DATE and not _DATE.fullmatch(str(literal.value)):
        raise _error("not_a_date", literal)
    if not isinstance(side, Read):
        return
    found = str(literal.value)
    form = _WRITTEN.get(side.field.name)
    if form is not None and form(found) != found:
        meant = quoted(form(found))
        raise _error("written_like", literal, meant, name=shown(side), meant=meant)
    if not side.field.closed or found in side.field.values:
        return
    plain = {one.replace("_", ""): one for one in side.field.values}
    lowered = re.sub(r"[\s_-]", "", found.lower())
    prefix = [one for one in plain if lowered and (one.startswith(lowered) or lowered.startswith(one))]
    close = prefix or get_close_matches(lowered, plain, 1, 0.6)
    meant = quoted(plain[close[0]]) if close else ""
    values = ", ".join(side.field.values)
    raise _error("unknown_value", literal, meant, name=shown(side), found=found[:40], values=values)


_WRITTEN: Mapping[str, Callable[[str], str]] = {
    "visitor.country": str.upper,
    "visitor.language": lambda tag: tag.replace("_", "-").partition("-")[0].lower(),
    "item.currency": str.upper,
    "page.item.currency": str.upper,
}


def _membership(node: Compare) -> Compare:
    span = {"at": node.at, "length": node.length}
    right: Node = node.right
    if isinstance(right, ListOf):
        left = _value(node.left)
        if left.type is LIST and isinstance(left, Read):
            each = [f"{shown(entry)} in {shown(left)}" for entry in right.items[:5]]
            meant = f"({' || '.join(each)})" if len(each) > 1 else "".join(each)
            raise _error("list_compared", node, meant)
        if left.type in (LIST, BOOL, NULL):
            raise _error(
                "list_compared" if left.type is LIST else "no_order", left, found=_IN_WORDS[left.type]
            )
        for entry in right.items:
            if not _alike(left.type, entry.type):
                raise _cannot_compare(left, entry)
            _known_value(left, entry)
        return Compare(Operator.IN, left, right, **span)
    right = look_up(right) if isinstance(right, Name) else _value(right)
    if isinstance(right, Read) and right.field.name == SEGMENTS:
        left = node.left
        if not isinstance(left, Literal) or not isinstance(left.value, str):
            meant = quoted(left.text) if isinstance(left, Name) else ""
            raise _error("segment_named", left, meant, meant=f'"vip" in {SEGMENTS}')
        return Compare(Operator.IN, left, right, **span)
    left = _value(node.left)
    if right.type in (TEXT, DATE):
        meant = f"{shown(right)}.contains({shown(left)})"
        raise _error("text_not_list", node, meant if isinstance(right, Read) else "")
    if right.type not in (LIST, PATH, MAP, ANY):
        meant = f"[{shown(right)}]" if isinstance(right, Literal) and right.value is not None else ""
        raise _error("not_a_list", right, meant, found=_IN_WORDS[right.type])
    if left.type not in (TEXT, PATH, ANY) and not (right.type is ANY and left.type is NUMBER):
        meant = quoted(str(left.value)) if isinstance(left, Literal) and left.type is NUMBER else ""
        raise _error("cannot_compare", left, meant, left=_capital(left), right="what is in this list")
    return Compare(Operator.IN, left, right, **span)


def _error(code: str, node: Node, suggestion: str = "", /, **values: str) -> ConditionError:
    return ConditionError(code, node.at, max(1, node.length), suggestion, values)


def segments_named(node: Node) -> frozenset[str]:
    """The segments that a checked tree names."""
    return frozenset(
        str(one.left.value)
        for one in walk(node)
        if isinstance(one, Compare)
        and isinstance(one.right, Read)
        and one.right.field.name == SEGMENTS
        and isinstance(one.left, Literal)
    )


def fields_named(node: Node) -> frozenset[str]:
    """The names of the fields that a checked tree reads: keys of FIELDS."""
    return frozenset(one.field.name for one in walk(node) if isinstance(one, Read))
