"""A condition as a form: rows of field, operator and value, joined by all or any, with groups one level deep.

The form and the text are two views of the same thing: whatever a form can say, `to_form` finds again. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from habitue_recommender.conditions.check import SEGMENTS
from habitue_recommender.conditions.condition import Condition
from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.fields import (
    ANY,
    BOOL,
    DATE,
    FIELDS,
    LIST,
    NUMBER,
    PATH,
    TEXT,
    Field,
    Type,
)
from habitue_recommender.conditions.grammar import MAX_LIST, MAX_NODES, grow
from habitue_recommender.conditions.leaves import FLIPPED
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
    Scalar,
)

Value = Scalar | tuple[Scalar, ...]

ALL, SOME = "all", "any"


@dataclass(frozen=True, slots=True)
class RowOperator:
    """What a row can ask. `takes`: "value", "list" or "nothing"; `{field}` and `{value}` stand in `text`."""

    code: str
    label: str
    takes: str
    text: str


_ROW_OPERATORS = (
    RowOperator("is", "is", "value", "{field} == {value}"),
    RowOperator("is_not", "is not", "value", "{field} != {value}"),
    RowOperator("less", "is less than", "value", "{field} < {value}"),
    RowOperator("at_most", "is at most", "value", "{field} <= {value}"),
    RowOperator("more", "is more than", "value", "{field} > {value}"),
    RowOperator("at_least", "is at least", "value", "{field} >= {value}"),
    RowOperator("one_of", "is one of", "list", "{field} in {value}"),
    RowOperator("none_of", "is none of", "list", "!({field} in {value})"),
    RowOperator("has", "has", "value", "{value} in {field}"),
    RowOperator("has_not", "has not", "value", "!({value} in {field})"),
    RowOperator("contains", "contains", "value", "{field}.contains({value})"),
    RowOperator("contains_not", "does not contain", "value", "!{field}.contains({value})"),
    RowOperator("starts", "starts with", "value", "{field}.startsWith({value})"),
    RowOperator("ends", "ends with", "value", "{field}.endsWith({value})"),
    RowOperator("yes", "yes", "nothing", "{field}"),
    RowOperator("no", "no", "nothing", "!{field}"),
    RowOperator("empty", "is empty", "nothing", "{field} == null"),
    RowOperator("not_empty", "is not empty", "nothing", "{field} != null"),
    RowOperator("none", "is empty", "nothing", "size({field}) == 0"),
    RowOperator("some", "is not empty", "nothing", "size({field}) > 0"),
)
ROW_OPERATORS: Mapping[str, RowOperator] = {one.code: one for one in _ROW_OPERATORS}

_NUMERIC = ("is", "is_not", "less", "at_most", "more", "at_least")
_ORDERED = _NUMERIC[2:]
_TEXTUAL = ("is", "is_not", "one_of", "none_of", "contains", "contains_not", "starts", "ends")
_EMPTY = ("empty", "not_empty")
_OPERATORS_OF: Mapping[Type, tuple[str, ...]] = {
    TEXT: (*_TEXTUAL, *_EMPTY),
    PATH: ("has", "has_not", *_TEXTUAL, *_EMPTY),
    DATE: _NUMERIC,
    NUMBER: (*_NUMERIC, "one_of", "none_of", *_EMPTY),
    BOOL: ("yes", "no"),
    LIST: ("has", "has_not", "some", "none"),
    ANY: (*_NUMERIC, *_TEXTUAL[2:], "has", "has_not", *_EMPTY),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a form. `field` is written as in the text: `item.price`, `item.attributes["color"]`."""

    field: str
    operator: str
    value: Value = None

    def to_public(self) -> dict[str, Any]:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"field": self.field, "operator": self.operator, "value": value}


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of which all must hold, or any."""

    join: str
    rows: tuple[Row, ...]

    def to_public(self) -> dict[str, Any]:
        return {"join": self.join, "rows": [row.to_public() for row in self.rows]}


@dataclass(frozen=True, slots=True)
class Form:
    """Rows and groups of which all must hold, or any. An empty one is always so."""

    join: str = ALL
    rows: tuple[Row | Group, ...] = ()

    def to_public(self) -> dict[str, Any]:
        return {"join": self.join, "rows": [row.to_public() for row in self.rows]}

    @classmethod
    def parse(cls, raw: Any) -> Form:
        """From JSON, as `to_public` gives it. Raises ValueError on what is no form.

        Values are taken as they were typed: a number field's "49.90" becomes a number.
        """
        join, rows = _joined(raw)
        form = cls(join, tuple(_row_or_group(one) for one in rows))
        if sum(1 for _ in _lines(form)) > MAX_NODES:
            raise ValueError(f"a form has at most {MAX_NODES} rows")
        return form


def operators_of(field: str) -> tuple[RowOperator, ...]:
    """What a row of this field can ask; nothing of a field that there is not."""
    read = _read(field)
    if read is None:
        return ()
    codes = ("has", "has_not") if read.field.name == SEGMENTS else _OPERATORS_OF.get(read.type, ())
    return tuple(ROW_OPERATORS[code] for code in codes)


def field_of(field: str) -> tuple[Field, str | None] | None:
    """The field and the key of what stands in a row; None when there is none."""
    read = _read(field)
    return (read.field, read.key) if read else None


def field_text(name: str, key: str | None = None) -> str:
    """How a row names a field."""
    return shown(Read(FIELDS[name], key))


# ---- form → text ---------------------------------------------------------------------------------


def from_form(form: Form) -> str:
    """The text of a form; "" of an empty one. What no field can take is told by `parse`, at its place."""
    return "".join(piece for _, piece in _pieces(form))


def row_at(form: Form, position: int) -> tuple[int, ...]:
    """Which row of a form stands at a place of its text: (row,) or (group, row); () for none."""
    start = 0
    for place, piece in _pieces(form):
        start += len(piece)
        if position < start and place:
            return place
    places = [place for place, _ in _pieces(form) if place]
    return places[-1] if places else ()


def _pieces(form: Form) -> Iterator[tuple[tuple[int, ...], str]]:
    sign = _sign(form.join)
    rows = [(number, row) for number, row in enumerate(form.rows) if isinstance(row, Row) or row.rows]
    for place, (number, row) in enumerate(rows):
        if place:
            yield (), sign
        if isinstance(row, Row):
            yield (number,), _written(row)
            continue
        grouped = len(row.rows) > 1 and len(rows) > 1
        if grouped:
            yield (), "("
        for inner, one in enumerate(row.rows):
            if inner:
                yield (), _sign(row.join)
            yield (number, inner), _written(one)
        if grouped:
            yield (), ")"


def _sign(join: str) -> str:
    return " || " if join == SOME else " && "


def _written(row: Row) -> str:
    operator = ROW_OPERATORS.get(row.operator)
    if operator is None:
        raise ValueError(f"{row.operator!r} is not an operator of a form")
    if operator.takes == "list":
        entries = row.value if isinstance(row.value, tuple) else (row.value,)
        value = "[" + ", ".join(_scalar(one) for one in entries if one is not None) + "]"
    else:
        value = _scalar(row.value[0] if isinstance(row.value, tuple) and row.value else row.value)
    # Filled in one go: a value may hold whatever it likes, braces too.
    return operator.text.format(field=row.field, value=value)


def _scalar(value: Value) -> str:
    if isinstance(value, tuple):
        return "[]"
    if isinstance(value, bool | str | None):
        return shown(Literal(value))
    return shown(Literal(value)) if abs(value) < 1e16 else quoted(str(value))


# ---- text → form ---------------------------------------------------------------------------------


def to_form(condition: Condition) -> Form | None:
    """The rows of a condition; None when it can only be shown as text.

    A browser gives values back as texts, and `"7"` of an attribute that may be a number would come back as 7.
    """
    form = _shown(condition.tree)
    return form if form is None or Form.parse(form.to_public()) == form else None


def _shown(tree: Node) -> Form | None:
    if not isinstance(tree, Joined):
        row = _row(tree)
        return None if row is None else Form(ALL, (row,))
    rows: list[Row | Group] = []
    for part in tree.parts:
        one = _group(part) if isinstance(part, Joined) else _row(part)
        if one is None:
            return None
        rows.append(one)
    return Form(_join(tree), tuple(rows))


def _join(node: Joined) -> str:
    return SOME if node.operator is Operator.OR else ALL


def _group(node: Joined) -> Group | None:
    rows = [_row(part) for part in node.parts]
    known = tuple(row for row in rows if row is not None)
    return Group(_join(node), known) if len(known) == len(rows) else None


_COMPARED = {
    Operator.EQUAL: "is",
    Operator.UNEQUAL: "is_not",
    Operator.LESS: "less",
    Operator.LESS_OR_EQUAL: "at_most",
    Operator.MORE: "more",
    Operator.MORE_OR_EQUAL: "at_least",
}
_CALLED = {".contains": "contains", ".startsWith": "starts", ".endsWith": "ends"}
_OPPOSITES = {
    "is": "is_not",
    "is_not": "is",
    "one_of": "none_of",
    "has": "has_not",
    "contains": "contains_not",
    "yes": "no",
    "empty": "not_empty",
    "not_empty": "empty",
    "none": "some",
}


def _row(node: Node) -> Row | None:
    if isinstance(node, Not):
        row = _row(node.operand)
        opposite = _OPPOSITES.get(row.operator) if row else None
        return None if row is None or opposite is None else Row(row.field, opposite, row.value)
    if isinstance(node, Read):
        if node.type is BOOL:
            return Row(shown(node), "yes")
        return Row(shown(node), "is", True) if node.type is ANY else None
    if isinstance(node, Call):
        return _called(node)
    if isinstance(node, Compare):
        return _member(node) if node.operator is Operator.IN else _compared(node)
    return None


def _called(node: Call) -> Row | None:
    of, *rest = node.arguments
    code = _CALLED.get(node.function)
    if code is None or not isinstance(of, Read) or not isinstance(rest[0], Literal):
        return None
    return _allowed(of, code, rest[0].value)


def _compared(node: Compare) -> Row | None:
    left, right, operator = node.left, node.right, node.operator
    if isinstance(left, Literal):
        left, right, operator = right, left, FLIPPED[operator]
    if not isinstance(right, Literal):
        return None
    value, code = right.value, _COMPARED[operator]
    if isinstance(left, Call) and left.function == "size" and isinstance(left.arguments[0], Read):
        asked = {("is", 0): "none", ("more", 0): "some", ("is_not", 0): "some", ("at_least", 1): "some"}
        found = asked.get((code, value)) if type(value) is int else None
        return None if found is None else _allowed(left.arguments[0], found, None)
    if not isinstance(left, Read):
        return None
    if code in ("is", "is_not"):
        if value is None or value == "":
            return _allowed(left, "empty" if code == "is" else "not_empty", None)
        if left.type is BOOL:
            return Row(shown(left), "yes" if (value is True) == (code == "is") else "no")
    return _allowed(left, code, value)


def _member(node: Compare) -> Row | None:
    left, right = node.left, node.right
    if isinstance(right, ListOf):
        values = tuple(one.value for one in right.items)
        return _allowed(left, "one_of", values) if isinstance(left, Read) else None
    if isinstance(left, Literal) and isinstance(right, Read):
        return _allowed(right, "has", left.value)
    return None


def _allowed(read: Read, code: str, value: Value) -> Row | None:
    return Row(shown(read), code, value) if code in _OPERATORS_OF.get(read.type, ()) else None


# ---- what came from a browser --------------------------------------------------------------------


def _read(field: str) -> Read | None:
    try:
        node = grow(field)
        return look_up(node) if isinstance(node, Name) else None
    except ConditionError:
        return None


def _joined(raw: Any) -> tuple[str, list[Any]]:
    if not isinstance(raw, Mapping):
        raise ValueError("a form is an object with join and rows")
    join, rows = raw.get("join", ALL), raw.get("rows", [])
    if join not in (ALL, SOME):
        raise ValueError("join is all or any")
    if not isinstance(rows, list | tuple) or len(rows) > MAX_NODES:
        raise ValueError(f"rows is a list of at most {MAX_NODES}")
    return join, list(rows)


def _row_or_group(raw: Any) -> Row | Group:
    if isinstance(raw, Mapping) and "rows" in raw:
        join, rows = _joined(raw)
        return Group(join, tuple(_row_of(one) for one in rows))
    return _row_of(raw)


def _row_of(raw: Any) -> Row:
    if not isinstance(raw, Mapping):
        raise ValueError("a row is an object with field, operator and value")
    field, code, value = raw.get("field"), raw.get("operator"), raw.get("value")
    if not isinstance(field, str) or (read := _read(field)) is None:
        raise ValueError(f"there is no field {field!r:.80}")
    operator = ROW_OPERATORS.get(code) if isinstance(code, str) else None
    if operator is None:
        raise ValueError(f"there is no operator {code!r:.80}")
    if operator.takes == "nothing":
        return Row(shown(read), operator.code)
    entries = value if isinstance(value, list | tuple) else [value]
    if len(entries) > MAX_LIST:
        raise ValueError(f"a list has at most {MAX_LIST} entries")
    kind = NUMBER if read.type is ANY and operator.code in _ORDERED else read.type
    typed = tuple(_typed(one, kind) for one in entries)
    if operator.takes == "list":
        return Row(shown(read), operator.code, typed)
    return Row(shown(read), operator.code, typed[0] if typed else "")


def _typed(value: Any, kind: Type) -> Scalar:
    if not isinstance(value, str | int | float | bool | None):
        raise ValueError("a value is a text, a number, true or false")
    if isinstance(value, str) and kind is NUMBER:
        try:
            number = float(value.strip().replace(",", ".") if "." not in value else value)
        except ValueError:
            return value
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return value


def _lines(form: Form) -> Iterator[Row]:
    for row in form.rows:
        if isinstance(row, Group):
            yield from row.rows
        else:
            yield row
