"""A folder of marketers' documents, one JSON file each, as it lies in git: `rules/<id>.json`, `segments/…`.

Beside them `.habitue.json` remembers which versions were pulled, so that a push never runs over what somebody
changed in the console meanwhile.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from habitue_recommender.rulebook.documents import KINDS, MAX_BODY_BYTES
from habitue_recommender.rulebook.mistakes import Mistake

from .errors import CommandError
from .json_places import JsonPlaces, line_and_column, pretty

PULLED = ".habitue.json"
MAX_FILE_BYTES = 4 * MAX_BODY_BYTES  # with indentation


@dataclass(slots=True)
class DocumentFile:
    """One file: its document, or what keeps it from being one. `place` is "rules/sale"."""

    path: Path
    place: str
    body: Mapping[str, Any] | None = None
    places: JsonPlaces | None = None
    mistakes: list[str] = field(default_factory=list)  # with file, line and column

    def where(self, mistake: Mistake) -> str:
        """The mistake as a line that editors can jump to."""
        line, column = 1, 1
        if self.places is not None:
            line, column = self.places.line_and_column(mistake.field, mistake.position)
        suggestion = f" Did you mean {mistake.suggestion}?" if mistake.suggestion else ""
        message = mistake.message if mistake.message.endswith((".", "!", "?")) else f"{mistake.message}."
        field_name = f"{mistake.field}: " if mistake.field else ""
        return f"{self.path}:{line}:{column}: {field_name}{message}{suggestion}"


class RulesFolder:
    """See the module."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[DocumentFile]:
        """Every file of every kind. Raises CommandError for a folder without any kind's folder."""
        if not self.path.is_dir():
            raise CommandError(f"{self.path} is not a folder")
        if not any((self.path / plural).is_dir() for plural in KINDS.values()):
            there = ", ".join(KINDS.values())
            raise CommandError(
                f"{self.path} has none of the folders {there}; `habitue rules pull` makes them"
            )
        return [
            _read(path, f"{plural}/{path.stem}")
            for plural in KINDS.values()
            for path in sorted((self.path / plural).glob("*.json"))
            if not path.name.startswith(".")
        ]

    def bundle(self, files: list[DocumentFile]) -> dict[str, list[Mapping[str, Any]]]:
        """What an import takes: all documents by the plural of their kind."""
        bundle: dict[str, list[Mapping[str, Any]]] = {plural: [] for plural in KINDS.values()}
        for file in files:
            if file.body is not None:
                bundle[file.place.partition("/")[0]].append(file.body)
        return bundle

    # ---- what was pulled -----------------------------------------------------------------------------

    def pulled(self) -> dict[str, int]:
        """Versions by place, of the last pull or push; empty when there was none."""
        try:
            held = json.loads((self.path / PULLED).read_text("utf-8"))
            versions = held["versions"]
            return {str(place): int(version) for place, version in versions.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise CommandError(
                f"{self.path / PULLED} cannot be read; `habitue rules pull` writes it anew"
            ) from None

    def remember(self, versions: Mapping[str, int]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / PULLED, pretty({"versions": dict(sorted(versions.items()))}))

    # ---- writing ---------------------------------------------------------------------------------------

    def file_of(self, place: str) -> Path:
        return self.path / f"{place}.json"

    def differing(self, documents: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        """The places whose file is not what the server has."""
        for place, body in documents.items():
            if _held(self.file_of(place)) != body:
                yield place

    def write(self, place: str, body: Mapping[str, Any]) -> None:
        path = self.file_of(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, pretty(body))

    def remove(self, place: str) -> None:
        self.file_of(place).unlink(missing_ok=True)


def _read(path: Path, place: str) -> DocumentFile:
    file = DocumentFile(path, place)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            file.mistakes.append(f"{path}:1:1: has more than {MAX_FILE_BYTES:,} bytes.")
            return file
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        file.mistakes.append(f"{path}:1:1: cannot be read as UTF-8 text ({error}).")
        return file
    try:
        body = json.loads(text, parse_constant=_no_number)
        places = JsonPlaces(text)
    except json.JSONDecodeError as error:
        file.mistakes.append(f"{path}:{error.lineno}:{error.colno}: is not JSON: {error.msg}.")
        return file
    except (RecursionError, ValueError) as error:
        said = "goes too deep" if isinstance(error, RecursionError) else str(error)
        file.mistakes.append(f"{path}:1:1: is not JSON that can be used: {said}.")
        return file
    file.places = places
    for twice in places.twice:
        line, column = places.line_and_column(twice)
        file.mistakes.append(f"{path}:{line}:{column}: {twice} is there twice.")
    if not isinstance(body, dict):
        line, column = line_and_column(text, places.offset(""))
        file.mistakes.append(f"{path}:{line}:{column}: is not a JSON object.")
        return file
    body.setdefault("id", path.stem)
    if body["id"] != path.stem:
        line, column = places.line_and_column("id")
        file.mistakes.append(
            f"{path}:{line}:{column}: id: the file of {body['id']!r} is named {path.name}; they go together."
        )
    file.body = body
    return file


def _held(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None


def _write(path: Path, text: str) -> None:
    """As a whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")
