"""Values of settings: what TOML or a variable's text means for the type that a dataclass names.

Problems are collected as sentences, so that one start tells all of them.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_Kind = TypeVar("_Kind")


class SettingsError(ValueError):
    """The settings cannot be used. `problems` has one sentence each; the text lists all of them."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"- {problem}" for problem in problems))


def read_toml(path: Path, problems: list[str]) -> dict[str, Any]:
    """A TOML file as a dict; empty, with the problem noted, when it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path} is not TOML: {error}")
    except OSError as error:
        problems.append(f"{path} cannot be read: {os.strerror(error.errno or 0)}")
    return {}


def read_section(
    base: _Kind,
    name: str,
    table: Any,
    environ: Mapping[str, str],
    variable: Callable[[str, str], str],
    problems: list[str],
) -> _Kind:
    """One section as its dataclass: the environment's word, else the table's, else `base`'s."""
    if not isinstance(table, dict):
        problems.append(f"[{name}] is a table of settings, not {table!r}")
        table = {}
    known, hints = _names(type(base)), get_type_hints(type(base))
    problems += [
        no_such("setting", f"[{name}] {other}", other, known) for other in sorted(set(table) - set(known))
    ]
    values: dict[str, Any] = {}
    for setting in known:
        where, value = f"[{name}] {setting}", table.get(setting)
        if (text := environ.get(variable(name, setting))) is not None:
            where, value = variable(name, setting), _from_text(text, hints[setting])
        if value is None:
            continue
        if value == "" and _optional(hints[setting]):
            values[setting] = None
            continue
        try:
            values[setting] = _checked(value, hints[setting])
        except ValueError as error:
            problems.append(f"{where}: {error}")
    return replace(base, **values)  # type: ignore[type-var]  # every section is a dataclass


def read_rows(
    kind: type[_Kind], tables: Any, where: str, needed: str, problems: list[str]
) -> tuple[_Kind, ...]:
    """A list of tables (`[[keys]]`) as dataclasses; the faulty ones are left out and named by number."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(f"{where} is a list of tables, each with {needed}")
        return ()
    known, hints = _names(kind), get_type_hints(kind)
    rows = []
    for number, table in enumerate(tables, 1):
        place = f"{where} number {number}"
        found = len(problems)
        problems += [
            no_such("setting", f"{place}, {other}", other, known) for other in sorted(set(table) - set(known))
        ]
        values: dict[str, Any] = {}
        for setting in [setting for setting in known if setting in table]:
            try:
                values[setting] = _checked(table[setting], hints[setting])
            except ValueError as error:
                problems.append(f"{place}, {setting}: {error}")
        if not table.get(needed):
            problems.append(f"{place} has no {needed}")
        if len(problems) == found:
            rows.append(kind(**values))
    return tuple(rows)


def no_such(what: str, place: str, said: str, known: Sequence[str]) -> str:
    """The sentence about a name that is not one, with what was meant, or else all that there are."""
    close = get_close_matches(said.lower(), known, 1, 0.6)
    meant = f"did you mean {close[0]!r}? There" if close else "there"
    return f"{place} is not a {what}; {meant} are {', '.join(known)}"


def toml_value(text: str) -> Any:
    """A variable's text as TOML would read it; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _names(kind: type[Any]) -> list[str]:
    return [item.name for item in fields(kind)]


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and type(None) in get_args(hint)


def _from_text(text: str, hint: Any) -> Any:
    """What a variable's text means for a type, as TOML would have said it; unfit text is left as it is."""
    origin = get_origin(hint)
    if origin is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if origin is dict:
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        return {name.strip(): _number(value) for name, _, value in pairs}
    if hint in (int, float):
        return _number(text)
    if hint is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            text.lower(), text
        )
    return text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _checked(value: Any, hint: Any) -> Any:
    """The value in the type that the dataclass wants; raises ValueError with a sentence."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _checked(value, next(argument for argument in arguments if argument is not type(None)))
    if origin is Literal:
        if value in arguments:
            return value
        raise ValueError(f"{value!r} is none of {', '.join(map(str, arguments))}")
    if origin is tuple:
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        raise ValueError(f"{value!r} is not a list of texts")
    if origin is dict:
        if isinstance(value, dict) and all(_is_number(number) and number > 0 for number in value.values()):
            return {str(name): float(number) for name, number in value.items()}
        raise ValueError(f"{value!r} is not a table of positive numbers")
    if hint is Path and isinstance(value, str):
        return Path(value).expanduser()
    if hint is float and _is_number(value):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    raise ValueError(f"{value!r} is not {words.get(hint, hint)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
