"""Rules, segments, slots and contents as files, so that they can live in git.

One JSON file for each document: rules/<id>.json, segments/…, slots/…, contents/…. `pull` writes what the
server has, `check` says what is wrong in the files (with file, line and column) without a server, `push`
changes the server: all documents or none. What somebody changed in the console since the last pull is never
run over, unless --force says so.

Without --url the documents of this installation's own Redis are meant. With --url another server is asked by
its secret key (--key, or HABITUE_SECRET_KEY).

examples:
  habitue rules pull marketing
  habitue rules check marketing
  habitue rules push marketing --dry-run
  habitue rules push marketing --note "spring sale"
  HABITUE_SECRET_KEY=… habitue rules push marketing --url https://habitue.shop.example --prune
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterable, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Any

from habitue_collector.secret_keys import signing_keys
from habitue_recommender.rulebook.check import mistakes_in
from habitue_recommender.rulebook.mistakes import Mistake

from .. import json_places, log, source
from ..errors import CommandError
from ..progress import Progress
from ..rooms import recommender_settings
from ..rules_folder import DocumentFile, RulesFolder
from ..rules_server import Held, OverHttp, Overtaken, OwnRedis, Refusal, Server

_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("action", choices=("pull", "push", "check"))
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument(
        "--force", action="store_true", help="push over what others changed since the last pull"
    )
    parser.add_argument("--prune", action="store_true", help="push: take out what has no file here")
    parser.add_argument("--author", help="who changes it; default HABITUE_AUTHOR or your login")
    parser.add_argument("--note", default="", help="why; stands in the history")
    parser.add_argument("--url", help="another server, as https://habitue.shop.example")
    parser.add_argument("--key", help="its secret key; default HABITUE_SECRET_KEY")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("rules")
    folder = RulesFolder(arguments.folder)
    if arguments.action == "check":
        return 0 if _check(folder, arguments, environ) is not None else 1
    server: Server
    if arguments.url:
        server = OverHttp(arguments.url, arguments.key or environ.get("HABITUE_SECRET_KEY", ""))
    else:
        server = OwnRedis(source.load(arguments, environ))
    if arguments.action == "pull":
        return _pull(folder, server, arguments.dry_run)
    return _push(folder, server, arguments, environ)


# ---- pull ----------------------------------------------------------------------------------------------


def _pull(folder: RulesFolder, server: Server, dry_run: bool) -> int:
    with Progress("Reading documents"):
        held = server.documents()
    before = folder.pulled() if folder.path.is_dir() else {}
    differing = list(folder.differing({place: one.body for place, one in held.items()}))
    gone = [place for place in before if place not in held and folder.file_of(place).exists()]
    with Progress("Writing files") as progress:
        for done, place in enumerate(differing, 1):
            if dry_run:
                _show(place, _on_disk(folder, place), held[place].body)
            else:
                folder.write(place, held[place].body)
            progress(done, len(differing))
    for place in gone:
        print(f"{place} is no longer on the server{'' if dry_run else ': its file is removed'}")
        if not dry_run:
            folder.remove(place)
    if not dry_run:
        folder.remember({place: one.version for place, one in held.items()})
    would = "would be " if dry_run else ""
    print(f"{len(held)} documents, {len(differing)} files {would}written, {len(gone)} {would}removed")
    return 0


# ---- check ---------------------------------------------------------------------------------------------


def _check(
    folder: RulesFolder, arguments: argparse.Namespace, environ: Mapping[str, str]
) -> list[DocumentFile] | None:
    """The files when nothing is wrong with them; else says what, and gives None."""
    with Progress("Reading files"):
        files = folder.read()
    by_place = {file.place: file for file in files}
    said = [mistake for file in files for mistake in file.mistakes]
    settings = source.load(arguments, environ)
    parsed = recommender_settings(settings, signing_keys(settings.data.folder))
    found = mistakes_in({file.place: file.body for file in files if file.body is not None}, parsed)
    for place, mistakes in found.items():
        said += [by_place[place].where(mistake) for mistake in mistakes]
    for line in said:
        print(line, file=sys.stderr)
    count = f"{len(files)} {'document' if len(files) == 1 else 'documents'}"
    if said:
        print(f"{count}, {len(said)} {'mistake' if len(said) == 1 else 'mistakes'}", file=sys.stderr)
        return None
    print(f"{count}, no mistakes")
    return files


# ---- push ----------------------------------------------------------------------------------------------


def _push(
    folder: RulesFolder, server: Server, arguments: argparse.Namespace, environ: Mapping[str, str]
) -> int:
    files = folder.read()
    if said := [mistake for file in files for mistake in file.mistakes]:
        for line in said:
            print(line, file=sys.stderr)
        return 1
    with Progress("Reading documents"):
        held = server.documents()
    pulled = folder.pulled()
    try:
        with Progress("Checking" if arguments.dry_run else "Saving"):
            done = server.push(
                folder.bundle(files),
                expected=None if arguments.force else pulled,
                prune=arguments.prune,
                dry_run=arguments.dry_run,
                author=arguments.author or environ.get("HABITUE_AUTHOR") or _login(),
                note=arguments.note,
            )
    except Refusal as refusal:
        for line in _refused(refusal, files):
            print(line, file=sys.stderr)
        print("nothing was changed", file=sys.stderr)
        return 1
    except Overtaken as overtaken:
        raise CommandError(_overtaken(overtaken)) from None
    if arguments.dry_run:
        _show_all(done, files, held)
        overtaken_places = [] if arguments.force else _overtaken_places(done, held, pulled)
        for place in overtaken_places:
            one = held[place]
            print(f"{place} was changed by {one.author} ({one.at}) since it was pulled", file=sys.stderr)
    else:
        folder.remember({place: one.version for place, one in server.documents().items()})
    would = "would be " if arguments.dry_run else ""
    print(
        f"{len(done['added'])} {would}added, {len(done['changed'])} {would}changed, "
        f"{len(done['deleted'])} {would}taken out, {done['unchanged']} as they were"
    )
    return 1 if arguments.dry_run and overtaken_places else 0


def _overtaken_places(
    done: Mapping[str, Any], held: Mapping[str, Held], pulled: Mapping[str, int]
) -> list[str]:
    """What a push would be refused for."""
    touched = (*done["changed"], *done["deleted"])
    return [place for place in touched if place in held and held[place].version != pulled.get(place, 0)]


def _refused(refusal: Refusal, files: Iterable[DocumentFile]) -> Iterable[str]:
    by_place = {file.place: file for file in files}
    for one in refusal.mistakes:
        mistake = Mistake(
            str(one.get("field", "")),
            str(one.get("message", "")),
            one.get("position"),
            one.get("length"),
            str(one.get("suggestion", "")),
        )
        place = str(one.get("document", ""))
        file = by_place.get(place)
        yield file.where(mistake) if file is not None else f"{place}: {mistake}"


def _overtaken(overtaken: Overtaken) -> str:
    if overtaken.author is None:
        return f"{overtaken.place} is not on the server (any more). Pull first, or push --force."
    done = "deleted" if overtaken.deleted else "changed"
    return (
        f"{overtaken.place} was {done} by {overtaken.author} ({overtaken.at}) since it was pulled. "
        "Nothing was changed. Pull first, or push --force."
    )


def _show_all(done: Mapping[str, Any], files: Iterable[DocumentFile], held: Mapping[str, Held]) -> None:
    bodies = {file.place: file.body for file in files}
    for place in (*done["added"], *done["changed"], *done["deleted"]):
        before = held[place].body if place in held else None
        _show(place, before, bodies.get(place))


def _show(place: str, before: object, after: object) -> None:
    """The lines that differ, with those around them."""
    what = "new" if before is None else "taken out" if after is None else "changed"
    print(f"{place} ({what})")
    old = [] if before is None else list(json_places.lines(before))
    new = [] if after is None else list(json_places.lines(after))
    colours = {"-": _RED, "+": _GREEN} if sys.stdout.isatty() else {}
    for line in list(unified_diff(old, new, n=2, lineterm=""))[2:]:
        if not line.startswith("@@"):
            colour = colours.get(line[0], "")
            print(f"  {colour}{line}{_PLAIN if colour else ''}")


def _on_disk(folder: RulesFolder, place: str) -> object:
    import json

    try:
        return json.loads(folder.file_of(place).read_text("utf-8-sig"))
    except (OSError, ValueError):
        return None


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return "cli"
