"""What is wrong with a condition, at its place and in words. Pure.

All sentences stand in one table, so that languages can come: the console translates by `code` and `values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SENTENCES: dict[str, str] = {
    "empty": "There is no condition yet.",
    "not_text": "A condition is text.",
    "too_long": "A condition has at most {most} characters, this one has {length}.",
    "too_many_parts": "A condition has at most {most} parts; this one has more.",
    "too_deep": "Parentheses and sums go at most {most} deep.",
    "list_too_long": "A list has at most {most} entries.",
    "unknown_character": "“{found}” means nothing here.",
    "text_not_closed": "This text is not closed: {quote} is missing.",
    "straight_quotes": "A text stands in straight quotes: {meant}.",
    "bad_escape": "“{found}” means nothing inside a text; a backslash is written twice.",
    "bad_number": "“{found}” is not a number; numbers are written like 50 or 49.90.",
    "number_too_large": "This number is too large.",
    "two_equal_signs": "Comparing is written with two equal signs: ==.",
    "write_operator": "“{found}” is written {meant}.",
    "expected": "Here should be {expected}, not “{found}”.",
    "expected_at_end": "The condition breaks off: {expected} is missing.",
    "chained_comparison": "Two comparisons are joined with &&.",
    "left_over": "“{found}” is too much here. Parts are joined with && (and) or || (or).",
    "unknown_field": "There is no field “{name}”.",
    "key_too_many": "“{name}” is one value; nothing more can be taken out of it.",
    "key_missing": "“{name}” holds many values: name the one that is meant.",
    "unknown_function": "There is no function “{name}”.",
    "takes_arguments": "{name} takes {count}.",
    "takes_type": "{name} takes {expected}, and this is {found}.",
    "needs_test": "This is {found}, so it is neither true nor false: compare it with something.",
    "cannot_compare": "{left} and {right} cannot be compared.",
    "no_order": "{found} has no order: use == or !=.",
    "unknown_value": "{name} is never “{found}”; it is one of {values}.",
    "written_like": "{name} is written like {meant}.",
    "never_so": "lower() gives small letters, and this has others.",
    "not_a_date": "A date is written like 2026-12-24.",
    "list_compared": "A list is not compared: ask whether something is in it.",
    "text_not_list": "“in” looks into a list; for a part of a text there is contains.",
    "not_a_list": "“in” looks into a list, and this is {found}.",
    "list_of_literals": "A list holds texts or numbers, nothing else.",
    "list_misplaced": "A list only stands after “in”.",
    "segment_named": "A segment is named in quotes: {meant}.",
    "not_a_number": "This is {found}; only numbers can be added, multiplied and ordered so.",
}


class ConditionError(ValueError):
    """A text that is no condition.

    `position` (0-based) and `length` mark the characters in question; `suggestion`, when there is one, is
    what was probably meant in their place.
    """

    def __init__(
        self,
        code: str,
        position: int = 0,
        length: int = 1,
        suggestion: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.values: dict[str, Any] = dict(values or {})
        self.message = SENTENCES[code].format(**self.values)
        self.position = position
        self.length = length
        self.suggestion = suggestion
        super().__init__(self.message)

    def to_public(self) -> dict[str, Any]:
        public: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "position": self.position,
            "length": self.length,
        }
        if self.suggestion:
            public["suggestion"] = self.suggestion
        return public
