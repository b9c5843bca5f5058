"""Folds every profile again from the archive and compares it with the live one.

It also works while the server runs: what the log holds and the archive does not yet is applied on top.
The exit code is 1 when they differ (--check says so too, for whoever wants to read it in a script).
`--restore` writes the rebuilt profiles into a Redis that has none; `--output` writes them as JSON lines.

examples:
  habitue replay
  habitue replay --output profiles.jsonl
  HABITUE_REDIS_URL=redis://new-host/0 habitue replay --restore
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import orjson

from habitue_warehouse.replay import NotEmpty, check, replay, restore

from .. import source
from ..connection import connected
from ..errors import CommandError
from ..progress import Progress

SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="compare with the live profiles: the default")
    what.add_argument("--restore", action="store_true", help="write into a Redis that holds no profiles")
    what.add_argument("--output", type=Path, metavar="FILE", help="write the rebuilt profiles as JSON lines")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = source.load(arguments, environ)
    archive, lifetimes = settings.data.folder / "archive", settings.lifetimes
    with Progress("Replaying") as progress:
        if arguments.output is not None:
            count = 0
            with arguments.output.open("wb") as file:
                for profile in replay(archive, lifetimes=lifetimes, progress=progress):
                    record = {"profile_id": profile.profile_id, **profile.to_record()}
                    file.write(orjson.dumps(record) + b"\n")
                    count += 1
            said = f"{count} profiles written to {arguments.output}"
        else:
            with connected(settings) as redis:
                if arguments.restore:
                    try:
                        count = restore(redis, archive, lifetimes=lifetimes, progress=progress)
                    except NotEmpty as error:
                        raise CommandError(str(error)) from None
                    said = f"{count} profiles restored"
                else:
                    checked = check(redis, archive, lifetimes=lifetimes, progress=progress)
                    differ = len(checked.differences)
                    said = f"{checked.profiles} profiles replayed, {differ} differ from the live ones"
    print(said)
    if arguments.restore or arguments.output is not None:
        return 0
    for difference in checked.differences[:SHOWN]:
        print(f"  {difference.profile_id}: {', '.join(difference.members)}")
    return 1 if checked.differences else 0
