"""A document while somebody writes it: what was typed, what is wrong with it, the document it makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from habitue_console.drafts.rows import add_row, drop_row, move_row, rows_of, without_empty
from habitue_console.drafts.shapes import ABSENT, SHAPES, Reading, Table, Typed, indices
from habitue_recommender.rulebook.mistakes import Mistake

MAX_FIELDS = 2_000
MAX_VALUE = 20_000  # characters of one field; the parsers' own limits are far below


@dataclass(frozen=True, slots=True)
class DraftKind:
    """How documents of one kind are written.

    `lists` are the lists of the form and the fields without which a row of them counts as empty; `when` is
    where the condition stands.
    """

    name: str
    shape: Table
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    when: str = ""
    unsaid: Mapping[str, Any] = field(default_factory=dict)  # what a document means that does not say it


RULE = DraftKind(
    "rule",
    SHAPES["rule"],
    {
        "consequence.pin": ("item_id",),
        "consequence.include.items": (),
        "consequence.fallback": (),
    },
    "condition.when",
    {"enabled": True},
)
SEGMENT = DraftKind("segment", SHAPES["segment"], {"webhooks": ()}, "when")
CONTENT = DraftKind("content", SHAPES["content"], when="when", unsaid={"enabled": True})
SLOT = DraftKind("slot", SHAPES["slot"], {"sources": (), "variants": ("name",)})


@dataclass(frozen=True, slots=True)
class Draft:
    """See the module. A form's template asks it for values and mistakes by their place."""

    kind: DraftKind
    typed: Typed
    mistakes: tuple[Mistake, ...] = ()

    # ---- for templates -----------------------------------------------------------------------------

    def value(self, path: str) -> str:
        values = self.typed.get(path)
        return values[0] if values else ""

    def values(self, path: str) -> list[str]:
        return self.typed.get(path, [])

    def ticked(self, path: str, word: str = "") -> bool:
        values = self.typed.get(path, ())
        return word in values if word else any(values)

    def rows(self, path: str) -> list[int]:
        return indices(self.typed, path)

    def wrong(self, path: str) -> list[Mistake]:
        """The mistakes to show at one place; those deeper inside it are shown at theirs."""
        return [one for one in self.mistakes if one.field == path]

    def wrong_below(self, *starts: str) -> bool:
        """Whether anything at or below these places is wrong: a folded part with a mistake is open."""
        return any(
            one.field == start or one.field.startswith(start + ".")
            for one in self.mistakes
            for start in starts
        )

    def says(self, *starts: str) -> bool:
        """Whether anything was typed at or below these places."""
        return any(
            (name == start or name.startswith(start + ".")) and any(value.strip() for value in values)
            for name, values in self.typed.items()
            for start in starts
        )

    # ---- to and from documents ---------------------------------------------------------------------

    @classmethod
    def of(cls, kind: DraftKind, body: Mapping[str, Any], zone: ZoneInfo) -> Draft:
        """A document as it stands in its form."""
        return cls(kind, kind.shape.write({**kind.unsaid, **body}, "", zone))

    @classmethod
    def read(cls, kind: DraftKind, pairs: Iterable[tuple[str, Any]]) -> Draft:
        """What a form sent; files and what is past all bounds is passed over."""
        typed: Typed = {}
        for count, (name, value) in enumerate(pairs):
            if count >= MAX_FIELDS:
                break
            if isinstance(value, str) and len(name) < 200:
                said = value.replace("\r\n", "\n").replace("\x00", "")[:MAX_VALUE]
                typed.setdefault(name, []).append(said)
        return cls(kind, typed)

    def tidy(self) -> Draft:
        """Without empty rows, so that the rows of the form and of the document have the same numbers.

        After the step of a button, which counts the rows as they were shown.
        """
        typed = self.typed
        for path, needs in self.kind.lists.items():
            typed = without_empty(typed, path, needs=needs)
        if "consequence.pin" in self.kind.lists:
            typed = _placed(typed, "consequence.pin")
        return replace(self, typed=typed)

    def document(self, zone: ZoneInfo) -> dict[str, Any]:
        """The body that this form makes; the parser of its kind says whether it can be."""
        body = self.kind.shape.read(Reading(self.typed, zone), "")
        return {} if body is ABSENT else dict(body)

    def with_mistakes(self, mistakes: Iterable[Mistake]) -> Draft:
        return replace(self, mistakes=tuple(mistakes))

    # ---- one step, by the button that was pressed --------------------------------------------------

    def step(self, step: str) -> Draft:
        """`add:PATH`, `drop:PATH.N`, `up:PATH.N`, `down:PATH.N`, `choose:FIELD=VALUE`; else as it is."""
        what, _, where = step.partition(":")
        if what == "choose":
            name, _, value = where.partition("=")
            return replace(self, typed={**self.typed, name: [value]}) if name in self.typed else self
        if what == "add":
            if where not in self.kind.lists and not where.startswith("builder."):
                return self
            return replace(self, typed=add_row(self.typed, where))
        path, _, last = where.rpartition(".")
        if not path or not last.isdecimal() or len(last) > 5:
            return self
        if what == "drop":
            return replace(self, typed=drop_row(self.typed, path, int(last)))
        if what in ("up", "down"):
            return replace(self, typed=move_row(self.typed, path, int(last), -1 if what == "up" else 1))
        return self


def _placed(typed: Typed, path: str) -> Typed:
    """A pinned item without a position gets the next free one: most people pin one, and mean the first."""
    taken = {row["position"][0].strip() for row in rows_of(typed, path) if row.get("position")}
    placed = dict(typed)
    for index in indices(typed, path):
        name = f"{path}.{index}.position"
        if not any(value.strip() for value in typed.get(name, ())):
            free = next(str(place) for place in range(1, 1_000) if str(place) not in taken)
            taken.add(free)
            placed[name] = [free]
    return placed
