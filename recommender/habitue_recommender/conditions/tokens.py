"""A condition's text as words and signs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from habitue_recommender.conditions.errors import ConditionError

MAX_LENGTH = 2_000  # characters
MAX_NUMBER = 1e15


class Kind(StrEnum):
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str  # as it stands there
    at: int
    value: str | float | int = ""  # of a text or a number

    @property
    def end(self) -> int:
        return self.at + len(self.text)


_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_AFTER_NUMBER = re.compile(r"[\w.,]*\w")
_SIGN = re.compile(r"&&|\|\||==|!=|<=|>=|[<>!()\[\],.+*/-]")
# What people write who know another language, or whose editor is too clever.
_MEANT = {
    "===": "==",
    "!==": "!=",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "&": "&&",
    "|": "||",
    "×": "*",
    "÷": "/",
    "–": "-",
    "−": "-",
    ";": "",
}
_MEANT_FIRST = re.compile("|".join(re.escape(sign) for sign in sorted(_MEANT, key=len, reverse=True)))
_QUOTES = {"“": "”“", "”": "”", "„": "“”", "«": "»", "»": "«", "‘": "’‘", "’": "’", "‚": "‘’", "`": "`´"}
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}


def tokens(text: str) -> list[Token]:
    """The whole text, with an END behind the last. Raises ConditionError."""
    found: list[Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at >= len(text):
            found.append(Token(Kind.END, "", len(text)))
            return found
        token = _token(text, at)
        found.append(token)
        at = token.end


def _token(text: str, at: int) -> Token:
    if match := _NAME.match(text, at):
        return Token(Kind.NAME, match[0], at)
    if match := _NUMBER.match(text, at):
        return _number(text, at, match)
    if text[at] in "\"'":
        return _text(text, at)
    meant = _MEANT_FIRST.match(text, at)
    match = _SIGN.match(text, at)
    if match and (meant is None or len(match[0]) >= len(meant[0])):
        return Token(Kind.SIGN, match[0], at)
    if meant:
        found = meant[0]
        raise ConditionError(
            "write_operator" if _MEANT[found] else "unknown_character",
            at,
            len(found),
            _MEANT[found],
            {"found": found, "meant": _MEANT[found]},
        )
    if text[at] == "=":
        raise ConditionError("two_equal_signs", at, 1, "==")
    if text[at] in _QUOTES:
        raise _clever_quotes(text, at)
    raise ConditionError("unknown_character", at, 1, "", {"found": text[at]})


def _clever_quotes(text: str, at: int) -> ConditionError:
    ends = [place for sign in _QUOTES[text[at]] if (place := text.find(sign, at + 1)) > 0]
    end = min(ends, default=-1)
    if end < 0:
        return ConditionError("unknown_character", at, 1, '"', {"found": text[at]})
    meant = quoted(text[at + 1 : end])
    return ConditionError("straight_quotes", at, end + 1 - at, meant, {"meant": meant})


def _number(text: str, at: int, match: re.Match[str]) -> Token:
    written = match[0]
    after = _AFTER_NUMBER.match(text, match.end())
    if after:  # 3x, 1.2.3, 49,90; but not the comma between the entries of a list
        rest = after[0]
        decimals = re.fullmatch(r",(\d{1,2})", rest) if "." not in written else None
        if not rest.startswith(",") or (decimals and not _in_list(text, at)):
            suggestion = f"{written}.{decimals[1]}" if decimals else ""
            whole = written + rest
            raise ConditionError("bad_number", at, len(whole), suggestion, {"found": whole[:40]})
    value: float | int = int(written) if written.isdecimal() and len(written) < 16 else float(written)
    if value > MAX_NUMBER:
        raise ConditionError("number_too_large", at, len(written))
    return Token(Kind.NUMBER, written, at, value)


def _in_list(text: str, at: int) -> bool:
    return text.rfind("[", 0, at) > text.rfind("]", 0, at)


def _text(text: str, at: int) -> Token:
    quote = text[at]
    value: list[str] = []
    place = at + 1
    while place < len(text):
        sign = text[place]
        if sign == quote:
            return Token(Kind.TEXT, text[at : place + 1], at, "".join(value))
        if sign == "\\":
            meant = _ESCAPES.get(text[place + 1 : place + 2])
            if meant is None:
                found = text[place : place + 2]
                raise ConditionError("bad_escape", place, len(found), "\\\\" + found[1:], {"found": found})
            value.append(meant)
            place += 2
        else:
            value.append(sign)
            place += 1
    raise ConditionError("text_not_closed", at, len(text) - at, text[at:] + quote, {"quote": quote})


def quoted(text: str) -> str:
    """A text as a condition writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
