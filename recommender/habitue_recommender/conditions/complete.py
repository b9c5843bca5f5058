"""What could come next in a condition that is being typed, for an editor. Pure.

The text before the caret is read word by word; whatever is wrong in it, some answer is given and nothing is
raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from habitue_recommender.conditions.check import SEGMENTS
from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.fields import (
    ANY,
    BOOL,
    DATE,
    FIELDS,
    LIST,
    MAP,
    NUMBER,
    PATH,
    TEXT,
    Field,
    Type,
)
from habitue_recommender.conditions.names import look_up
from habitue_recommender.conditions.tokens import MAX_LENGTH, Kind, Token, quoted, tokens
from habitue_recommender.conditions.tree import COMPARISONS, Name, Part, Read

MOST = 50  # completions of one answer


class CompletionKind(StrEnum):
    FIELD = "field"
    OPERATOR = "operator"
    VALUE = "value"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Completion:
    """`text` is to stand where `start` to `end` (0-based, the end not included) stands now."""

    text: str
    kind: CompletionKind
    start: int
    end: int
    label: str = ""
    help: str = ""

    def to_public(self) -> dict[str, str | int]:
        return {
            "text": self.text,
            "kind": self.kind.value,
            "start": self.start,
            "end": self.end,
            "label": self.label,
            "help": self.help,
        }


_PARTIAL = re.compile(r"[A-Za-z_][\w.]*$", re.ASCII)
_TEXTS = (TEXT, PATH, DATE)
_COMPARED = {one.value for one in COMPARISONS}
_JOINING = (("&&", "and"), ("||", "or"))
_EQUALITY = (("==", "is"), ("!=", "is not"))
_ORDER = (("<", "is less than"), ("<=", "is at most"), (">", "is more than"), (">=", "is at least"))
_IN = (("in [", "is one of"),)
_METHODS = ((".contains(", "contains"), (".startsWith(", "starts with"), (".endsWith(", "ends with"))
_OPERATORS: Mapping[Type, tuple[tuple[str, str], ...]] = {
    NUMBER: (*_ORDER, *_EQUALITY, *_IN),
    TEXT: (*_EQUALITY, *_IN, *_METHODS),
    PATH: (*_EQUALITY, *_IN, *_METHODS),
    DATE: (*_ORDER, *_EQUALITY),
    BOOL: _JOINING,
    ANY: (*_EQUALITY, *_ORDER, *_IN, *_METHODS),
}
_FUNCTIONS = (
    ("size(", "how many", "How many entries a list has, or characters a text."),
    ("lower(", "in small letters", "A text in small letters."),
)

Values = Mapping[str, Sequence[str]]


def complete(text: str, position: int, values: Values | None = None) -> list[Completion]:
    """What could stand at the caret, likeliest first, at most 50.

    `values` are the shop's own, by `Field.suggests`: {"brands": […], "categories": […], "segments": […]}.
    """
    if len(text) > MAX_LENGTH:
        return []
    position = max(0, min(position, len(text)))
    before = text[:position]
    known = values or {}
    found = _found(before, text, position, known)
    return [one for one, _ in zip(found, range(MOST), strict=False)]


def _found(before: str, text: str, position: int, values: Values) -> Iterator[Completion]:
    opened = _open_quote(before)
    if opened is not None:
        yield from _in_quotes(before, text, opened, values)
        return
    partial = _PARTIAL.search(before)
    start = partial.start() if partial else position
    try:
        words = tokens(before[:start])[:-1]
    except ConditionError:
        return
    end = position
    if partial and (rest := re.match(r"[\w.]*", text[position:], re.ASCII)):
        end = position + rest.end()
    if _wants_operand(words):
        yield from _operands(words, before[start:], start, end, values)
    elif partial:
        yield from _joined(start, end, before[start:])
    else:
        yield from _operators(words, position)


def _open_quote(before: str) -> int | None:
    """Where the text begins that the caret is in."""
    at = 0
    while at < len(before):
        if before[at] in "\"'":
            closing = at + 1
            while closing < len(before) and before[closing] != before[at]:
                closing += 2 if before[closing] == "\\" else 1
            if closing >= len(before):
                return at
            at = closing
        at += 1
    return None


def _wants_operand(words: Sequence[Token]) -> bool:
    if not words:
        return True
    last = words[-1]
    if last.kind is Kind.SIGN:
        return last.text not in (")", "]")
    return last.kind is Kind.NAME and last.text == "in"


# ---- fields and values ---------------------------------------------------------------------------


def _operands(
    words: Sequence[Token], written: str, start: int, end: int, values: Values
) -> Iterator[Completion]:
    compared = _compared_with(words)
    if words and words[-1].text == "[" and not _is_list(words):
        for one in _values_of(_field_before(words, len(words) - 1), values, key=True):
            yield Completion(f"{one}]", CompletionKind.VALUE, start, end)
        return
    if compared is not None and not written:
        kind = compared.type
        if kind is BOOL:
            for word in ("true", "false"):
                yield Completion(word, CompletionKind.VALUE, start, end)
        for one in _values_of(compared, values):
            yield Completion(one, CompletionKind.VALUE, start, end)
    if words and words[-1].text == "in":
        yield from _containers(written, start, end)
        return
    if _is_list(words):
        return
    if compared is None and not written and _starts_relation(words):
        for name, what in (("segments", SEGMENTS), ("categories", "item.category")):
            for one in values.get(name, ())[:3]:
                yield Completion(f"{quoted(one)} in {what}", CompletionKind.VALUE, start, end)
    yield from _fields(written, start, end, compared)


def _fields(written: str, start: int, end: int, compared: Read | None = None) -> Iterator[Completion]:
    lowered = written.lower()
    ranked: list[tuple[int, Field]] = []
    for name, field in FIELDS.items():
        if compared is not None and not _goes_with(compared.type, field.type):
            continue
        if name.startswith(lowered) or (field.type is MAP and lowered == f"{name}."):
            ranked.append((0, field))
        elif lowered and (f".{lowered}" in name or lowered in field.label.lower()):
            ranked.append((1 + name.startswith("page.item."), field))
    for text, label, help_ in _FUNCTIONS:
        if lowered and text.startswith(lowered):
            yield Completion(text, CompletionKind.FUNCTION, start, end, label, help_)
    ranked.sort(key=lambda one: one[0])
    for _, field in ranked:
        text = f'{field.name}["' if field.type is MAP else field.name
        yield Completion(text, CompletionKind.FIELD, start, end, field.label, field.help)
    whole = FIELDS.get(written.removesuffix("."))
    for text, label in _OPERATORS.get(whole.type, ()) if whole is not None else ():
        if text.startswith("."):  # a whole name, and the caret right behind it
            yield Completion(f"{written.removesuffix('.')}{text}", CompletionKind.OPERATOR, start, end, label)
        elif not written.endswith("."):
            yield Completion(f"{written} {text}", CompletionKind.OPERATOR, start, end, label)


def _goes_with(one: Type, other: Type) -> bool:
    return other in (one, ANY) or one is ANY or (one in _TEXTS and other in _TEXTS)


def _containers(written: str, start: int, end: int) -> Iterator[Completion]:
    """What `in` can look into."""
    for name, field in FIELDS.items():
        if field.type in (LIST, PATH) and written.lower() in name:
            yield Completion(name, CompletionKind.FIELD, start, end, field.label, field.help)


def _in_quotes(before: str, text: str, opened: int, values: Values) -> Iterator[Completion]:
    """The caret is in a text: the values of the field it is compared with."""
    quote = before[opened]
    written = before[opened + 1 :].lower()
    end = len(before)
    rest = text[end:]
    closing = re.match(r"[^\"'\\\n]*", rest)
    inside = closing.end() if closing else 0
    if rest[inside : inside + 1] == quote:  # the text is already closed: all of it is replaced
        end += inside + 1
    try:
        words = tokens(before[:opened])[:-1]
    except ConditionError:
        return
    key = bool(words) and words[-1].text == "[" and not _is_list(words)
    field = _field_before(words, len(words) - 1) if key else _compared_with(words)
    close = "]" if key and text[end : end + 1] != "]" else ""
    if field is None and _starts_relation(words):
        for name, what in (("segments", SEGMENTS), ("categories", "item.category")):
            for one in values.get(name, ()):
                if written in one.lower():
                    yield Completion(f"{quoted(one)} in {what}", CompletionKind.VALUE, opened, end)
        return
    options = _values_of(field, values, key=key)
    first = [one for one in options if one[1:].lower().startswith(written)]
    for one in (*first, *(one for one in options if one not in first and written in one.lower())):
        yield Completion(one + close, CompletionKind.VALUE, opened, end)


def _values_of(read: Read | None, values: Values, key: bool = False) -> list[str]:
    if read is None:
        return []
    if read.type in (NUMBER, BOOL) and not key:
        return []
    own = () if read.key is not None and read.field.suggests in ("attributes", "traits") else None
    suggested = values.get(read.field.suggests, ()) if own is None else own
    return [quoted(one) for one in (*read.field.values, *suggested)]


def _compared_with(words: Sequence[Token]) -> Read | None:
    """The field that stands before a comparison, a list or a method whose value is being typed."""
    at = len(words) - 1
    while at >= 0 and (words[at].kind in (Kind.TEXT, Kind.NUMBER) or words[at].text in (",", "[")):
        at -= 1  # entries of a list
    if at < 0:
        return None
    word = words[at]
    if word.text == "(" and at >= 3 and words[at - 2].text == ".":
        return _field_before(words, at - 2)
    if word.text in _COMPARED:
        return _field_before(words, at)
    return None


def _field_before(words: Sequence[Token], at: int) -> Read | None:
    """The field that ends right before a place."""
    parts: list[Part] = []
    place = at - 1
    while place >= 0:
        word = words[place]
        if word.text == "]" and place >= 2 and words[place - 1].kind is Kind.TEXT:
            parts.insert(0, Part(str(words[place - 1].value), 0, 0, True))
            place -= 3
            continue
        if word.kind is not Kind.NAME:
            return None
        parts.insert(0, Part(word.text, 0, 0))
        if place < 1 or words[place - 1].text != ".":
            break
        place -= 2
    try:
        return look_up(Name(tuple(parts))) if parts and not parts[0].quoted else None
    except ConditionError:
        return None


def _is_list(words: Sequence[Token]) -> bool:
    """Whether the last `[` that is open belongs to a list and not to a name."""
    depth = 0
    for at in range(len(words) - 1, -1, -1):
        if words[at].text == "]":
            depth += 1
        elif words[at].text == "[":
            if depth == 0:
                return at > 0 and words[at - 1].text == "in"
            depth -= 1
    return False


def _starts_relation(words: Sequence[Token]) -> bool:
    return not words or words[-1].text in ("&&", "||", "!", "(")


# ---- operators -----------------------------------------------------------------------------------


def _operators(words: Sequence[Token], position: int) -> Iterator[Completion]:
    """Behind a whole operand: what it can be compared by, or what joins it to the next part."""
    read = _field_before(words, len(words))
    before = _start_of(words)
    compared = before >= 0 and words[before].text in _COMPARED
    if read is not None and not compared:
        for text, label in _OPERATORS.get(read.type, _JOINING):
            start = words[-1].end if text.startswith(".") else position
            yield Completion(text, CompletionKind.OPERATOR, start, position, label)
        if read.type in (BOOL, ANY):
            return
    elif words[-1].kind is Kind.TEXT and not compared:
        yield Completion("in", CompletionKind.OPERATOR, position, position, "is in")
        return
    if compared or words[-1].text == ")" or read is None:
        yield from _joined(position, position, "")


def _start_of(words: Sequence[Token]) -> int:
    """The place before the operand that ends the words."""
    at = len(words) - 1
    if at >= 0 and words[at].text == "]":
        while at >= 0 and words[at].text != "[":
            at -= 1
        at -= 1
        if at >= 0 and words[at].text == "in":
            return at
    while at >= 1 and words[at].kind is Kind.NAME and words[at - 1].text == ".":
        at -= 2
    return at - 1


def _joined(start: int, end: int, written: str) -> Iterator[Completion]:
    for text, label in _JOINING:
        if not written or label.startswith(written.lower()):
            yield Completion(text, CompletionKind.OPERATOR, start, end, label)
