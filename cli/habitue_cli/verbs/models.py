"""Which models there are, which one answers, and the way back.

`list` shows them newest first, with what the judge measured. `rollback` makes live what was live before and
holds it: until `unpin`, or until somebody publishes another one by hand, trainings by themselves only store
what they make. `pin` holds what is live now. `publish` makes any stored one live, also one that a training
kept out. Running servers follow within a second.

examples:
  habitue models
  habitue models rollback
  habitue models pin
  habitue models publish 3fa0c2
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from habitue_recommender import artifact
from habitue_recommender.artifact import ArtifactError, ListedArtifact
from habitue_recommender.training import trainings

from .. import source
from ..errors import CommandError

ACTIONS = ("list", "rollback", "pin", "unpin", "publish")
SHOWN = 8  # trainings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("action", choices=ACTIONS, nargs="?", default="list")
    parser.add_argument("digest", nargs="?", default="", help="publish: the model, or how its name begins")
    parser.add_argument("--json", action="store_true", help="list: one JSON object")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    models = source.load(arguments, environ).data.folder / "models"
    try:
        if arguments.action == "list":
            print(_json(models) if arguments.json else _table(models))
        elif arguments.action == "rollback":
            print(f"{artifact.rollback(models)} is live again, and held until `habitue models unpin`")
        elif arguments.action == "publish":
            digest = _named(models, arguments.digest)
            artifact.publish(models, digest)
            print(f"{digest} is live")
        else:
            live = artifact.live(models)
            if live is None:
                raise CommandError("no model is live; `habitue train` makes the first one")
            artifact.pin(models, arguments.action == "pin")
            held = "is held" if arguments.action == "pin" else "may be followed by a better one"
            print(f"{live} {held}")
    except ArtifactError as error:
        raise CommandError(str(error)) from None
    return 0


def _named(models: Path, beginning: str) -> str:
    if not beginning:
        raise CommandError("say which one, or how its name begins; `habitue models` lists them")
    found = [one.digest for one in artifact.artifacts(models) if one.digest.startswith(beginning)]
    if len(found) != 1:
        there = "no model begins" if not found else f"{len(found)} models begin"
        raise CommandError(f"{there} with {beginning!r}; `habitue models` lists them")
    return found[0]


def _json(models: Path) -> str:
    told: dict[str, Any] = {
        "live": artifact.live(models),
        "earlier": artifact.earlier(models),
        "pinned": artifact.pinned(models),
        "models": [
            {
                name: one.manifest.get(name)
                for name in ("digest", "created_at", "data", "evaluation", "models")
            }
            for one in artifact.artifacts(models)
        ],
        "trainings": [asdict(one) for one in trainings.read(models)],
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


def _table(models: Path) -> str:
    found = artifact.artifacts(models)
    if not found:
        return "There are no models yet; `habitue train` makes the first one."
    pinned, earlier = artifact.pinned(models), artifact.earlier(models)
    lines = [f"{'model':<20}  {'trained':<16}  {'visits':>9}  {'items':>8}  {'hit rate':>8}  {'MRR':>6}"]
    lines += [f"{_line(one)}  {_what(one, pinned, earlier)}".rstrip() for one in found]
    log = trainings.read(models)[-SHOWN:]
    if log:
        lines += ["", "last trainings"]
        lines += [_training(one) for one in reversed(log)]
    return "\n".join(lines)


def _line(one: ListedArtifact) -> str:
    data, evaluation = one.manifest.get("data") or {}, one.manifest.get("evaluation") or {}
    measured = evaluation.get("new") or {}
    rates = [f"{measured[name]:.3f}" if name in measured else "-" for name in ("hit_rate@20", "mrr@20")]
    sizes = f"{data.get('sessions', 0):>9,}  {data.get('items', 0):>8,}"
    return f"{one.digest:<20}  {_when(one.created_at)}  {sizes}  {rates[0]:>8}  {rates[1]:>6}"


def _what(one: ListedArtifact, pinned: bool, earlier: str | None) -> str:
    if one.live:
        return "live, held" if pinned else "live"
    return "rollback goes here" if one.digest == earlier else ""


def _training(one: trainings.Training) -> str:
    said = f"{_when(one.at)}  {one.verdict:<9}  {one.digest or '-':<20}  {one.why}, {one.seconds:.0f} s"
    if one.new:
        said += f"; hit rate {one.new.get('hit_rate@20', 0):.3f}, MRR {one.new.get('mrr@20', 0):.3f}"
    if one.live:
        said += f" (live one {one.live.get('hit_rate@20', 0):.3f}, {one.live.get('mrr@20', 0):.3f})"
    return f"{said}; {one.note}" if one.note else said


def _when(at: int) -> str:
    return f"{dt.datetime.fromtimestamp(at / 1_000, dt.UTC):%Y-%m-%d %H:%M}"
