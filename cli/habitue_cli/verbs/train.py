"""Trains a new model from the archive and makes it live; running servers swap it in within a second.

Training that was interrupted goes on where it stopped. Without anything new since the last time it is done
at once. `--rollback` makes live what was live before. With `--if-better` the new model goes live only when it
answers the last day's visits of a tenth of the people, which it has not learnt, no worse than the live one;
the background process trains in this way by itself.

examples:
  habitue train
  habitue train --since 2026-01-01 --model popular --model neighbours
  habitue train --if-better
  habitue train --no-publish
  habitue train --rollback
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
from collections.abc import Mapping
from pathlib import Path

from habitue_recommender.artifact import ArtifactError, live, prune, publish, rollback
from habitue_recommender.training.retraining import JUDGED, PLAIN, retrain
from habitue_recommender.training.rows import InvalidData
from habitue_recommender.training.train import InvalidTraining, NothingToLearn, TrainingConfig, train
from habitue_recommender.training.trainings import PUBLISHED, STORED, UNCHANGED, Training, note

from .. import source
from ..errors import CommandError
from ..progress import bars
from ..rooms import recommender_settings

KEPT_ARTIFACTS = 5
WHY = ("by hand", "first", "schedule", "new data")
NICE = 10  # a training that nobody waits for leaves the cores to those who answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--model", action="append", metavar="NAME", help="train only this one; repeatable")
    parser.add_argument("--since", type=_day, metavar="DAY", help="learn from this day on (UTC)")
    parser.add_argument("--until", type=_day, metavar="DAY", help="learn from what was before this day (UTC)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-publish", action="store_true", help="store the artifact, do not make it live")
    parser.add_argument("--if-better", action="store_true", help="make it live only if it is no worse")
    parser.add_argument("--why", choices=WHY, default="by hand", help=argparse.SUPPRESS)
    parser.add_argument("--rollback", action="store_true", help="train nothing; make live what was before")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    settings = source.load(arguments, environ)
    folder = settings.data.folder
    models = folder / "models"
    began = time.monotonic()
    try:
        if arguments.rollback:
            print(f"{rollback(models)} is live again")
            return 0
        config = TrainingConfig(since=arguments.since, until=arguments.until, seed=arguments.seed)
        if arguments.model:
            config = TrainingConfig(tuple(arguments.model), {}, config.since, config.until, config.seed)
        if arguments.if_better:
            with_ranker = recommender_settings(settings, ()).ranker
            return _if_better(folder, config, arguments.why, JUDGED if with_ranker else PLAIN)
        before = live(models)
        with bars() as progress:
            digest = train(folder / "archive", models, config, progress)
        verdict = STORED if arguments.no_publish else UNCHANGED if digest == before else PUBLISHED
        seconds = round(time.monotonic() - began, 1)
        done = Training(time.time_ns() // 1_000_000, verdict, digest, "by hand", seconds, before or "")
        note(models, done)
        if arguments.no_publish:
            print(f"{digest} is stored, {live(models) or 'none'} is live")
            return 0
        publish(models, digest)
        prune(models, KEPT_ARTIFACTS)
    except (NothingToLearn, InvalidTraining, InvalidData, ArtifactError) as error:
        raise CommandError(str(error)) from None
    print(f"{digest} is live")
    return 0


def _if_better(folder: Path, config: TrainingConfig, why: str, judged: tuple[str, ...]) -> int:
    if why != "by hand":
        os.nice(NICE)
    with bars() as progress:
        done = retrain(
            folder / "archive", folder / "models", config, why=why, judged=judged, progress=progress
        )
    said = f"hit rate {done.new['hit_rate@20']:.3f}, MRR {done.new['mrr@20']:.3f}" if done.new else done.note
    if done.live:
        said += f"; the live one {done.live['hit_rate@20']:.3f}, {done.live['mrr@20']:.3f}"
    what = {PUBLISHED: "is live", UNCHANGED: "is live: nothing new to learn"}.get(done.verdict, "stays out")
    print(f"{done.digest} {what}{f' ({said})' if said else ''}")
    return 0


def _day(text: str) -> int:
    """A day as milliseconds of its first moment."""
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2026-01-31") from None
    return int(day.timestamp() * 1_000)
