"""The console's words: from the source into locale/<language>/LC_MESSAGES/console.po and .mo (Babel)."""

from __future__ import annotations

import fcntl
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOM = Path(__file__).parents[1] / "console" / "habitue_console"
LANGUAGES = ("de", "pl")
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
OPTIONS = {
    "**/templates/**.html": {
        "extensions": "jinja2.ext.i18n,jinja2.ext.do,jinja2.ext.loopcontrols",
        "newstyle_gettext": "true",
        "silent": "false",
    }
}
# Always the same, so that only words make a difference between two runs.
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def extracted() -> Catalog:
    """Every string of the console."""
    found = Catalog(project="Habitue", charset="utf-8", creation_date=SINCE)
    for _, _, message, _, context in extract_from_dir(ROOM, METHODS, OPTIONS, keywords=KEYWORDS):
        found.add(message, context=context)
    return found


def path_of(language: str) -> Path:
    return ROOM / "locale" / language / "LC_MESSAGES" / "console.po"


def translated(language: str) -> Catalog:
    """What the translators have written."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language, project="Habitue", creation_date=SINCE, revision_date=SINCE)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """The .mo of a catalog."""
    made = BytesIO()
    write_mo(made, catalog)
    return made.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """The strings without a translation, and those whose placeholders do not fit."""
    found = []
    for message in catalog:
        if not message.id:
            continue
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        said = message.id if isinstance(message.id, str) else message.id[0]
        if not all(forms) or message.fuzzy:
            found.append(said)
        else:
            found += [f"{said}: {error}" for error in message.check(catalog)]
    return found


def updated(language: str) -> Catalog:
    """The translators' words for the strings of now; what nobody says any more is kept below, marked."""
    catalog = translated(language)
    for message in list(catalog.obsolete.values()):  # it may be said again
        if catalog.get(message.id) is None:
            catalog.add(message.id, message.string)
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.creation_date = catalog.revision_date = SINCE
    catalog.fuzzy = False
    return catalog


def problems() -> Iterator[str]:
    """What keeps the words from being complete, as sentences."""
    for language in LANGUAGES:
        wanted, known = updated(language), translated(language)
        for said in missing(wanted):
            yield f"{language}: no translation of {said!r}"
        ids = {message.id if isinstance(message.id, str) else tuple(message.id) for message in known}
        for message in wanted:
            key = message.id if isinstance(message.id, str) else tuple(message.id)
            if key not in ids:
                yield f"{language}: not in console.po yet: {key!r}"
        path = path_of(language).with_suffix(".mo")
        if not path.exists() or path.read_bytes() != compiled(known):
            yield f"{language}: console.mo is older than console.po: run scripts/words"


def write(tidy: bool = False) -> None:
    """Both languages up to date; `tidy` forgets what nobody says any more."""
    for language in LANGUAGES:
        catalog = updated(language)
        if tidy:
            catalog.obsolete.clear()
        _write(language, catalog)
        print(f"{language}: {len(catalog)} strings, {len(missing(catalog))} without a translation")


def _write(language: str, catalog: Catalog) -> None:
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = BytesIO()
    write_po(made, catalog, no_location=True, sort_output=True, width=0, omit_header=False)
    path.write_bytes(made.getvalue())
    path.with_suffix(".mo").write_bytes(compiled(translated(language)))


def fill(language: str, file: Path) -> None:
    """Take over translations from JSON: {"English": "Wort"}, by number {"%(num)s rule": ["…", "…", "…"]}."""
    given = json.loads(file.read_text("utf-8"))
    path = path_of(language)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        catalog = updated(language)
        for message in catalog:
            said = message.id if isinstance(message.id, str) else message.id[0]
            if message.id and said in given:
                word = given.pop(said)
                message.string = tuple(word) if isinstance(word, list) else word
        _write(language, catalog)
    path.with_suffix(".lock").unlink(missing_ok=True)
    for said in given:
        print(f"nobody says {said!r}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["check"]:
            found = list(problems())
            print("\n".join(found) or "Every string is translated.")
            sys.exit(bool(found))
        case ["missing", language]:
            print(json.dumps(dict.fromkeys(missing(updated(language)), ""), indent=1, ensure_ascii=False))
        case ["fill", language, file]:
            fill(language, Path(file))
        case ["tidy"]:
            write(tidy=True)
        case _:
            write()
