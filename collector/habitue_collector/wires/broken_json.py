"""JSON as shops' templates really print it, read as far as it is safe.

Themes build JSON-LD from text: with commas at the end of lists, newlines inside strings, comments, CDATA
marks, quotes nobody escaped, values that were empty, as JavaScript (`{name: 'x'}`), and with a locale's
decimals (`89,90`). One pass over the text writes what was meant; what still is no JSON then is nothing.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final

import orjson

MAX_LENGTH = 32_000  # characters; an event has no more
MAX_DEPTH = 60
MAX_MENDED = 200  # places; what has more of them is no JSON that somebody meant
_WRAPPING: Final = re.compile(r"(?://|/\*)?[ \t]{0,3}(?:<!\[CDATA\[|\]\]>|<!--|-->)[ \t]{0,3}(?:\*/)?")
_WORD: Final = re.compile(r"[^\s,:{}\[\]\"]+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_CENTS: Final = re.compile(r",(\d{1,2})(?=\s{0,20}[,}\]])")  # behind a number: a locale's decimals
_NAME: Final = re.compile(r"[A-Za-z_$@][\w$@:-]*")
_GROUPED: Final = re.compile(r"\d+|\d{1,3}(?:\.\d{3})+")
_BARE_KEY: Final = re.compile(r"\s{0,200}[A-Za-z_$@][\w$@]{0,60}\s{0,20}:\s{0,20}[\"'\d{\[]")
_PLAIN: Final = re.compile(r"""[^"'\\\x00-\x1f]+""")
_SPACE: Final = re.compile(r"\s{0,200}")
_ESCAPES: Final = '"\\/bfnrt'
_HEX4: Final = re.compile(r"[0-9A-Fa-f]{4}")


def read_json(text: str) -> Any:
    """The parsed value; a list when several values stand one after the other; None when it is hopeless."""
    text = text[:MAX_LENGTH]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    if '"' not in text and "&" in text:  # a template escaped the whole block
        text = unescape(text)
    text = _WRAPPING.sub(" ", text).strip("\ufeff \t\r\n;")
    values = _Mender(text).mend()
    try:
        read = orjson.loads(values)
    except orjson.JSONDecodeError:
        return None
    return read[0] if isinstance(read, list) and len(read) == 1 else read


class _Mender:
    """Writes the text again as one JSON list of all values in it; every step moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = ["["]
        self.open: list[str] = []  # the closing marks still owed
        self.keys: list[bool] = []  # of each open container: does a key come next?
        self.empty = True  # nothing since the last "[", "{" or ","
        self.owes_value = False  # a colon stands, its value does not yet
        self.left = MAX_MENDED

    def mend(self) -> str:
        text, end = self.text, len(self.text)
        while self.at < end and self.left > 0 and len(self.open) < MAX_DEPTH:
            letter = text[self.at]
            if letter.isspace():
                found = _SPACE.match(text, self.at)
                self.at = found.end() if found is not None else self.at + 1
            elif letter == "/" and text[self.at + 1 : self.at + 2] in ("/", "*"):
                self._skip_comment()
            elif letter in "{[":
                self._begin()
                self.out.append(letter)
                self.open.append("}" if letter == "{" else "]")
                self.keys.append(letter == "{")
                self.empty = True
                self.at += 1
            elif letter in "}]":
                self._close(letter)
                self.at += 1
            elif letter == ",":
                self._comma()
                self.at += 1
            elif letter == ":":
                if self.open and self.open[-1] == "}" and self.keys[-1] and not self.empty:
                    self.out.append(":")
                    self.keys[-1] = False
                    self.owes_value = True
                self.at += 1
            elif letter in "\"'":
                self._begin()
                self.out.append(self._string(letter))
            else:
                self._word()
        while self.open:
            self._close(self.open[-1])
        self._drop_comma()
        self.out.append("]")
        return "".join(self.out)

    def _begin(self) -> None:
        """A value or a key begins; two without a comma between them get one."""
        if not self.empty and not self.owes_value:
            self.left -= 1
            self.out.append(",")
            if self.open and self.open[-1] == "}":
                self._settle_key()
        self.empty = False
        self.owes_value = False

    def _settle_key(self) -> None:
        if self.keys[-1]:  # a key without a value went before
            self.out.insert(len(self.out) - 1, ":null")
        self.keys[-1] = True

    def _comma(self) -> None:
        if self.owes_value:
            self.out.append("null")
            self.owes_value = False
        if self.empty:
            self.left -= 1
            return
        self.out.append(",")
        if self.open and self.open[-1] == "}":
            self._settle_key()
        self.empty = True

    def _close(self, letter: str) -> None:
        if letter not in self.open:
            self.left -= 1
            return
        while self.open:
            owed = self.open.pop()
            key_next = self.keys.pop()
            if self.owes_value:
                self.out.append("null")
                self.owes_value = False
            elif owed == "}" and key_next and not self.empty:
                self.out.append(":null")
            self._drop_comma()
            self.out.append(owed)
            self.empty = False
            if owed == letter:
                return

    def _drop_comma(self) -> None:
        if self.out[-1] == ",":
            self.out.pop()

    def _skip_comment(self) -> None:
        block = self.text[self.at + 1] == "*"
        end = self.text.find("*/" if block else "\n", self.at + 2)
        self.at = len(self.text) if end < 0 else end + (2 if block else 1)

    def _word(self) -> None:
        """A number, true, false, null, a bare name as a key; anything else is null."""
        found = _WORD.match(self.text, self.at)
        assert found is not None  # every letter that is no mark of JSON matches
        word = found[0].rstrip(";")
        self.at = found.end()
        if not word:
            return
        is_key = bool(self.open) and self.open[-1] == "}" and not self.owes_value
        cents = _CENTS.match(self.text, self.at) if self.owes_value and _GROUPED.fullmatch(word) else None
        if cents is not None:
            word, self.at = f"{word.replace('.', '')}.{cents[1]}", cents.end()
        self._begin()
        if is_key:
            self.out.append(f'"{word}"' if _NAME.fullmatch(word) else '"?"')
        elif word in ("true", "false", "null") or _NUMBER.fullmatch(word):
            self.out.append(word)
        else:
            self.left -= 1
            self.out.append("null")

    def _string(self, quote: str) -> str:
        """The string that begins here; a quote inside it that cannot be its end is escaped."""
        text, end = self.text, len(self.text)
        in_key = bool(self.open) and self.open[-1] == "}" and self.keys[-1]
        in_object = bool(self.open) and self.open[-1] == "}"
        at = self.at + 1
        out = ['"']
        while at < end and self.left > 0:
            plain = _PLAIN.match(text, at)
            if plain is not None:
                out.append(plain[0])
                at = plain.end()
                continue
            letter = text[at]
            if letter == "\\":
                following = text[at + 1 : at + 2]
                if following and following in _ESCAPES:
                    out.append(letter + following)
                    at += 2
                elif following == "u" and _HEX4.match(text, at + 2):
                    out.append(text[at : at + 6])
                    at += 6
                else:  # `\'` and other languages' escapes
                    at += 1
                continue
            if letter == quote and self._ends(at, in_key, in_object):
                at += 1
                break
            if letter in "\"'":
                if letter == quote:
                    self.left -= 1
                out.append(letter if letter == "'" else '\\"')
            else:  # a control character
                out.append(" " if letter in "\r\n\t" else "")
            at += 1
        self.at = at
        out.append('"')
        return "".join(out)

    def _ends(self, at: int, in_key: bool, in_object: bool) -> bool:
        """Whether the quote at this place closes the string: what follows must be able to go on."""
        following, place = self._next(at + 1)
        if following == "":
            return True
        if in_key:
            return following == ":"
        if following in "}]/":
            return True
        if following == ",":
            after, _ = self._next(place + 1)
            if after in "\"'}/]" or not in_object:
                return True
            return _BARE_KEY.match(self.text, place + 1) is not None  # JavaScript's own writing
        # A missing comma: the next line begins with a key.
        return following in "\"'" and "\n" in self.text[at + 1 : place]

    def _next(self, at: int) -> tuple[str, int]:
        """The next letter that is no space, within a bounded distance."""
        found = _SPACE.match(self.text, at)
        at = found.end() if found is not None else at
        return self.text[at : at + 1], at
