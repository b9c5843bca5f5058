"""What a shop says of its slots: `[slots.<id>]` in habitue.toml, a marketer's document over that. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

from habitue_recommender.assignment import DEFAULT_VARIANT, HOLDOUT_VARIANT, Variant
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes
from habitue_recommender.slots import DEFAULT_SLOTS, MAX_SIZE, Slot, Source

MAX_TITLE, MAX_WORDS = 200, 50
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_KNOWN = tuple(one.name for one in fields(Slot) if one.name != "id")


def parse_slots(table: Any, problems: list[str]) -> dict[str, Slot]:
    """The default slots with the tables of `[slots.*]` laid over them; every problem is one sentence."""
    slots = dict(DEFAULT_SLOTS)
    if not isinstance(table, Mapping):
        problems.append("[slots] holds one table per slot, as in [slots.home-hero]")
        return slots
    for slot_id, raw in table.items():
        where = f"[slots.{slot_id}]"
        if not isinstance(raw, Mapping):
            problems.append(f"{where} is not a table")
            continue
        slot, mistakes = _laid_over(slots.get(slot_id, Slot(slot_id)), raw)
        problems += [
            f"{where} {one.field} {one.message}" if one.unknown else f"{where} {one.field}: {one.message}"
            for one in mistakes
        ]
        if not _can_show(slot):
            problems.append(f"{where} {_NO_SOURCES}")
        slots[slot_id] = slot
    return slots


def parse_slot(raw: object, base: Slot | None = None) -> Slot:
    """A marketer's document laid over the slot as it is without it; raises Mistakes with all that is wrong.

    Members that are absent keep the base's value. `note` is for people. A new slot (no `base`) names its
    sources, or says `"fallback": false` to show contents only.
    """
    if not isinstance(raw, Mapping):
        raise Mistakes([Mistake("", "A slot is a JSON object.")])
    mistakes: list[Mistake] = []
    slot_id = raw.get("id", base.id if base is not None else None)
    if not isinstance(slot_id, str) or _SLOT_ID.fullmatch(slot_id) is None:
        mistakes.append(Mistake("id", "An id has small letters, digits and hyphens, up to 64."))
        slot_id = base.id if base is not None else "slot"
    if not isinstance(raw.get("note", ""), str):
        mistakes.append(Mistake("note", "A note is text."))
    body = {name: value for name, value in raw.items() if name not in ("id", "note")}
    slot, found = _laid_over(base if base is not None else Slot(slot_id), body)
    mistakes += [
        Mistake(one.field, f"{one.message[:1].upper()}{one.message[1:]}.", suggestion=one.suggestion)
        for one in found
    ]
    if "sources" not in {one.field for one in found} and not _can_show(slot):
        mistakes.append(Mistake("sources", f"The slot {_NO_SOURCES}."))
    if mistakes:
        raise Mistakes(mistakes)
    return slot


_NO_SOURCES = f"names no sources; there are {', '.join(Source)}"
_SLOT_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class _Found:
    """One mistake in a table or a document: in the first it becomes a sentence, in the other a Mistake."""

    field: str
    message: str
    suggestion: str = ""
    unknown: bool = False


def _laid_over(slot: Slot, raw: Mapping[str, Any]) -> tuple[Slot, list[_Found]]:
    """The slot with what `raw` says of it, and what is wrong with that."""
    found: list[_Found] = []
    changes: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in _KNOWN:
            close = get_close_matches(str(name), _KNOWN, n=1)
            message = f"is not a setting; there are {', '.join(sorted(_KNOWN))}"
            found.append(_Found(str(name), message, close[0] if close else "", unknown=True))
            continue
        try:
            changes[name] = _parse(name, value)
        except ValueError as error:
            found.append(_Found(name, str(error), _meant(name, value)))
    return replace(slot, **changes), found


def _can_show(slot: Slot) -> bool:
    """Whether something can ever stand there: without sources only contents, where that is meant."""
    return bool(slot.sources) or not slot.fallback


def _meant(name: str, value: Any) -> str:
    """The source that was probably meant by the first word that is none."""
    if name != "sources" or not isinstance(value, list | tuple):
        return ""
    wrong = next((word for word in value if isinstance(word, str) and word not in set(Source)), "")
    close = get_close_matches(wrong, list(Source), n=1) if wrong else []
    return str(close[0]) if close else ""


def _parse(name: str, value: Any) -> Any:
    """One setting of a slot; raises ValueError with a sentence."""
    if name == "sources":
        words = _words(value)
        for word in words:
            if word not in set(Source):
                raise ValueError(f"{_short(word)} is not a source; there are {', '.join(Source)}")
        if len(set(words)) != len(words):
            raise ValueError("a source is there twice")
        return tuple(Source(word) for word in words)
    if name == "page_types":
        return _words(value)
    if name == "title":
        if not isinstance(value, str):
            raise ValueError(f"{_short(value)} is not text")
        if len(value) > MAX_TITLE:
            raise ValueError(f"a title has up to {MAX_TITLE} characters")
        return value
    if name == "template":
        if not isinstance(value, str) or (value and _WORD.fullmatch(value) is None):
            raise ValueError(f"{_short(value)} is not a word of letters, digits, hyphens and underscores")
        return value
    if name in ("same_category", "fallback", "enabled"):
        if not isinstance(value, bool):
            raise ValueError(f"{_short(value)} is not true or false")
        return value
    if name in ("new_share", "diversity", "novelty", "rotation", "holdout"):
        return _share(value)
    if name == "variants":
        return _variants(value)
    least, most = {"size": (1, MAX_SIZE), "deadline_ms": (1, 10_000)}.get(name, (0, MAX_SIZE))
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{_short(value)} is not a whole number from {least} to {most}")
    return value


def _short(value: Any) -> str:
    """What was said, for a sentence about it."""
    said = repr(value)
    return said if len(said) <= 60 else f"{said[:57]}…"


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{_short(value)} is not a list of words")
    if len(value) > MAX_WORDS:
        raise ValueError(f"a list has up to {MAX_WORDS} words")
    return tuple(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{_short(value)} is not a share from 0 to 1")
    return float(value)


def _variants(value: Any) -> tuple[Variant, ...]:
    if not isinstance(value, Mapping):
        raise ValueError("variants are names with a share, as in variants = {b = 0.5}")
    if len(value) > MAX_WORDS or not all(_WORD.fullmatch(str(name)) for name in value):
        raise ValueError("a variant is a word of letters, digits, hyphens and underscores")
    variants = tuple(Variant(name, _share(share)) for name, share in value.items())
    if {variant.name for variant in variants} & {DEFAULT_VARIANT, HOLDOUT_VARIANT}:
        raise ValueError(f"{DEFAULT_VARIANT!r} and {HOLDOUT_VARIANT!r} are taken")
    if sum(variant.share for variant in variants) > 1 + 1e-9:
        raise ValueError("the shares sum to more than 1")
    return variants
