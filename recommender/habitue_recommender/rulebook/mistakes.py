"""What is wrong with a document that a person wrote: each mistake at its place, in words. Pure.

Rules, segments, slots and contents come from forms, files and the API. Whoever reads one gathers all its
mistakes and raises them together, so that a person corrects them in one go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

MOST_MISTAKES = 50  # told of one document; past it nobody reads on
_MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong.

    `field` is its place in the document ("consequence.pin.0.position"; "" is the document itself). In a
    text, `position` (0-based) and `length` say which characters; `suggestion` is what was probably meant.
    """

    field: str
    message: str
    position: int | None = None
    length: int | None = None
    suggestion: str = ""

    def to_public(self) -> dict[str, Any]:
        public: dict[str, Any] = {"field": self.field, "message": self.message[:_MOST_TEXT]}
        if self.position is not None:
            public["position"] = self.position
            public["length"] = self.length if self.length is not None else 1
        if self.suggestion:
            public["suggestion"] = self.suggestion[:_MOST_TEXT]
        return public

    def __str__(self) -> str:
        said = f"{self.field}: {self.message}" if self.field else self.message
        return f"{said} (did you mean {self.suggestion}?)" if self.suggestion else said


class Mistakes(ValueError):  # the word of the house, not ...Error
    """All mistakes of one document, in the order they were found."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)[:MOST_MISTAKES]
        super().__init__("; ".join(str(mistake) for mistake in self.mistakes))

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self.mistakes)

    def __len__(self) -> int:
        return len(self.mistakes)

    def to_public(self) -> list[dict[str, Any]]:
        return [mistake.to_public() for mistake in self.mistakes]
