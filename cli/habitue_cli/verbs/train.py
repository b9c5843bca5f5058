"""Trains a new model from the archive and makes it live; running servers swap it in within a second.

Training that was interrupted goes on where it stopped. Without anything new since the last time it is done
at once. `--rollback` makes live what was live before.

examples:
  habitue train
  habitue train --since 2026-01-01 --model popular --model neighbours
  habitue train --no-publish
  habitue train --rollback
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Mapping

from habitue_recommender.artifact import ArtifactError, live, prune, publish, rollback
from habitue_recommender.rows import InvalidData
from habitue_recommender.train import InvalidTraining, NothingToLearn, TrainingConfig, train

from .. import source
from ..errors import CommandError
from ..progress import bars

KEPT_ARTIFACTS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source.add_arguments(parser)
    parser.add_argument("--model", action="append", metavar="NAME", help="train only this one; repeatable")
    parser.add_argument("--since", type=_day, metavar="DAY", help="learn from this day on (UTC)")
    parser.add_argument("--until", type=_day, metavar="DAY", help="learn from what was before this day (UTC)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-publish", action="store_true", help="store the artifact, do not make it live")
    parser.add_argument("--rollback", action="store_true", help="train nothing; make live what was before")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    folder = source.load(arguments, environ).data.folder
    models = folder / "models"
    try:
        if arguments.rollback:
            print(f"{rollback(models)} is live again")
            return 0
        config = TrainingConfig(since=arguments.since, until=arguments.until, seed=arguments.seed)
        if arguments.model:
            config = TrainingConfig(tuple(arguments.model), {}, config.since, config.until, config.seed)
        with bars() as progress:
            digest = train(folder / "archive", models, config, progress)
        if arguments.no_publish:
            print(f"{digest} is stored, {live(models) or 'none'} is live")
            return 0
        publish(models, digest)
        prune(models, KEPT_ARTIFACTS)
    except (NothingToLearn, InvalidTraining, InvalidData, ArtifactError) as error:
        raise CommandError(str(error)) from None
    print(f"{digest} is live")
    return 0


def _day(text: str) -> int:
    """A day as milliseconds of its first moment; argparse reports the ValueError."""
    day = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC)
    return int(day.timestamp() * 1_000)
