"""The words of the console and of the visitor's page: from the source into each room's
locale/<language>/LC_MESSAGES/<domain>.po and .mo (Babel).
"""

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

from habitue_collector.languages import LANGUAGES

ROOT = Path(__file__).parents[1]
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
Methods = list[tuple[str, str]]
# By gettext's domain: where the strings stand, and what has any.
ROOMS: dict[str, tuple[Path, Methods]] = {
    "console": (
        ROOT / "console" / "habitue_console",
        [("**.py", "python"), ("**/templates/**.html", "jinja2")],
    ),
    "visitor": (ROOT / "collector" / "habitue_collector", [("me_page.py", "python")]),
}
OPTIONS = {
    "**/templates/**.html": {
        "extensions": "jinja2.ext.i18n,jinja2.ext.do,jinja2.ext.loopcontrols",
        "newstyle_gettext": "true",
        "silent": "false",
    }
}
CATALOGS = tuple((domain, language) for domain in ROOMS for language in TRANSLATED)
# Always the same, so that only words make a difference between two runs.
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def extracted(domain: str) -> Catalog:
    """Every string of a room."""
    found = Catalog(project="Habitue", charset="utf-8", creation_date=SINCE)
    folder, methods = ROOMS[domain]
    for _, _, message, _, context in extract_from_dir(folder, methods, OPTIONS, keywords=KEYWORDS):
        found.add(message, context=context)
    return found


def path_of(domain: str, language: str) -> Path:
    return ROOMS[domain][0] / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def translated(domain: str, language: str) -> Catalog:
    """What the translators have written."""
    path = path_of(domain, language)
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


def updated(domain: str, language: str) -> Catalog:
    """The translators' words for the strings of now; what nobody says any more is kept below, marked."""
    catalog = translated(domain, language)
    for message in list(catalog.obsolete.values()):  # it may be said again
        if catalog.get(message.id) is None:
            catalog.add(message.id, message.string)
    catalog.update(extracted(domain), no_fuzzy_matching=True)
    catalog.creation_date = catalog.revision_date = SINCE
    catalog.fuzzy = False
    return catalog


def problems() -> Iterator[str]:
    """What keeps the words from being complete, as sentences."""
    for domain, language in CATALOGS:
        wanted, known = updated(domain, language), translated(domain, language)
        for said in missing(wanted):
            yield f"{language}: no translation of {said!r}"
        ids = {message.id if isinstance(message.id, str) else tuple(message.id) for message in known}
        for message in wanted:
            key = message.id if isinstance(message.id, str) else tuple(message.id)
            if key not in ids:
                yield f"{language}: not in {domain}.po yet: {key!r}"
        path = path_of(domain, language).with_suffix(".mo")
        if not path.exists() or path.read_bytes() != compiled(known):
            yield f"{language}: {domain}.mo is older than {domain}.po: run scripts/words"


def write(tidy: bool = False) -> None:
    """All catalogs up to date; `tidy` forgets what nobody says any more."""
    for domain, language in CATALOGS:
        catalog = updated(domain, language)
        if tidy:
            catalog.obsolete.clear()
        _write(domain, language, catalog)
        print(f"{domain} {language}: {len(catalog)} strings, {len(missing(catalog))} without a translation")


def _write(domain: str, language: str, catalog: Catalog) -> None:
    path = path_of(domain, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = BytesIO()
    write_po(made, catalog, no_location=True, sort_output=True, width=0, omit_header=False)
    path.write_bytes(made.getvalue())
    path.with_suffix(".mo").write_bytes(compiled(translated(domain, language)))


def fill(domain: str, language: str, file: Path) -> None:
    """Take over translations from JSON: {"English": "Wort"}, by number {"%(num)s rule": ["…", "…", "…"]}."""
    given = json.loads(file.read_text("utf-8"))
    path = path_of(domain, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        catalog = updated(domain, language)
        for message in catalog:
            said = message.id if isinstance(message.id, str) else message.id[0]
            if message.id and said in given:
                word = given.pop(said)
                message.string = tuple(word) if isinstance(word, list) else word
        _write(domain, language, catalog)
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
            for domain in ROOMS:
                empty = dict.fromkeys(missing(updated(domain, language)), "")
                print(json.dumps(empty, indent=1, ensure_ascii=False))
        case ["fill", language, file]:
            fill("console", language, Path(file))
        case ["fill", domain, language, file] if domain in ROOMS:
            fill(domain, language, Path(file))
        case ["tidy"]:
            write(tidy=True)
        case _:
            write()
