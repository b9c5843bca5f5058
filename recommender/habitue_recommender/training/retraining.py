"""Training by itself: when it is due, and whether what came out may go live.

The newest day's sessions of a tenth of the people, always the same ones, are kept out of the training and
are the questions that the new artifact and the live one answer. The live one has not seen them either: it
kept the same people out of its own last day, and what came later it does not know. So both are asked what
neither was taught, and what goes live is the artifact that was judged, not another one like it. A live one
that was trained by hand kept nobody out: of what it may have learnt, nothing is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from habitue_recommender import artifact
from habitue_recommender.artifact import ArtifactError, LoadedModel, exclusive
from habitue_recommender.models import Model, Query
from habitue_recommender.training import plan as training_plan
from habitue_recommender.training import trainings
from habitue_recommender.training.interactions import Interactions, InvalidData, from_archive
from habitue_recommender.training.questions import Question, questions
from habitue_recommender.training.sessions import take
from habitue_recommender.training.train import InvalidTraining, NothingToLearn, TrainingConfig, train_on
from habitue_recommender.training.trainings import FAILED, PUBLISHED, REFUSED, STORED, UNCHANGED, Training
from habitue_warehouse.rollup_reader import Hours, RollupReader

DAY = 86_400_000
HOUR = 3_600_000
K = 20
WINDOW = DAY  # of the newest sessions
HELD_OUT = 26  # of 256: the people whose newest sessions are asked about
LEAST_QUESTIONS = 200  # below that, chance decides: what was trained goes live
MOST_QUESTIONS = 2_000
KEPT_ARTIFACTS = 5
FIRST_SESSIONS = 500  # before the first model is worth its training
LEAST_PAUSE = HOUR
_CHANCE = 1.64  # standard errors: an equal artifact is refused once in twenty times
PLAIN = ("neighbours", "sequences", "item_item", "popular", "ranker")
JUDGED = ("ranker", *PLAIN[:-1])
"""The members of an artifact in the order in which they would answer a page: with the ranker, or without."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one artifact answered: per question the reciprocal of the right item's rank, 0 where it missed."""

    ranks: NDArray[np.float64]

    @property
    def figures(self) -> dict[str, float]:
        count = max(1, len(self.ranks))
        return {
            f"hit_rate@{K}": float(np.count_nonzero(self.ranks) / count),
            f"mrr@{K}": float(self.ranks.sum() / count),
            "queries": len(self.ranks),
        }

    def is_no_worse_than(self, other: Judgement) -> bool:
        """Hits and ranks together, question by question: not less by more than chance would make it."""
        difference = (self.ranks + (self.ranks > 0)) - (other.ranks + (other.ranks > 0))
        error = difference.std() / np.sqrt(max(1, len(difference)))
        return bool(difference.mean() >= -_CHANCE * error)


def due(archive_dir: Path, models_dir: Path, now: int, *, every_hours: float, growth: float) -> str | None:
    """Why a training is due now ("first", "schedule", "new data"), or None. `every_hours` 0: never."""
    if every_hours <= 0:
        return None
    log = trainings.read(models_dir)
    tried_at = log[-1].at if log else 0
    known = next((one for one in artifact.artifacts(models_dir) if one.live), None)
    tried_at = max(tried_at, known.created_at if known is not None else 0)
    if now - tried_at < LEAST_PAUSE:
        return None
    data: Mapping[str, Any] = known.manifest.get("data", {}) if known is not None else {}
    (row,) = RollupReader(archive_dir).rows(
        "SELECT coalesce(sum(sessions), 0)::BIGINT AS sessions FROM visits WHERE span = 'hour'",
        Hours(int(data.get("until") or 0), now + HOUR),
    )
    new = int(row["sessions"])
    if known is None:
        return "first" if new >= FIRST_SESSIONS else None
    if new and now - tried_at >= every_hours * HOUR:
        return "schedule"
    if growth > 0 and new >= max(FIRST_SESSIONS, growth * int(data.get("sessions") or 0)):
        return "new data"
    return None


def retrain(
    archive_dir: Path | str,
    models_dir: Path | str,
    config: TrainingConfig | None = None,
    *,
    why: str = "by hand",
    judged: Sequence[str] = JUDGED,
    progress: Progress | None = None,
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Training:
    """Train, judge, and make live what is no worse than what is; the log of trainings has it either way.

    `judged`: who answers pages. Each artifact is judged by the first of them that it has, which is what
    visitors would see of it. Raises what `train` raises, after noting it.
    """
    models_dir = Path(models_dir)
    began, at = time.monotonic(), clock()
    try:
        done = _retrain(Path(archive_dir), models_dir, config or TrainingConfig(), judged, progress, at)
    except (NothingToLearn, InvalidTraining, InvalidData, ArtifactError) as error:
        trainings.note(models_dir, Training(at, FAILED, why=why, note=str(error)))
        raise
    done = replace(done, at=at, why=why, seconds=round(time.monotonic() - began, 1))
    trainings.note(models_dir, done)
    return done


def _retrain(
    archive_dir: Path,
    models_dir: Path,
    config: TrainingConfig,
    judged: Sequence[str],
    progress: Progress | None,
    now: int,
) -> Training:
    before = artifact.live(models_dir)
    live = _loaded(models_dir, before)
    with exclusive(models_dir):
        plan = training_plan.begin(models_dir, now)
        if plan.is_hopeless:
            _end(models_dir)
            raise InvalidTraining(
                f"it did not come to an end {training_plan.MOST_TRIES} times; is memory short?"
            )
        try:
            data = from_archive(archive_dir, config.since, config.until or plan.until)
            training_plan.write(models_dir, replace(plan, until=data.now + 1 if data.now else None))
            learnt, asked = hold_out(data)
            asking = ask(learnt, unseen(asked, live))
            enough = len(asking) >= LEAST_QUESTIONS
            digest = train_on(learnt if enough else data, models_dir, config, progress)
        except (NothingToLearn, InvalidTraining, InvalidData):
            _end(models_dir)  # the same would happen again
            raise
        _end(models_dir)
    if digest == before:
        return Training(0, UNCHANGED, digest, live_digest=before)
    new = artifact.load(models_dir / digest)
    name = _answering(new, judged)
    if not enough or not name:
        if live is not None and (shrunk := _shrunk(new, live)):
            return Training(0, REFUSED, digest, live_digest=live.digest, note=shrunk)
        return _publish(models_dir, digest, before, "too few visits of the last day to compare by")
    result = judge(new, name, asking, data)
    evaluation: dict[str, Any] = {"judged": name, "until": data.now, "new": result.figures}
    if live is None:
        artifact.annotate(models_dir, digest, evaluation=evaluation)
        return replace(_publish(models_dir, digest, before, ""), new=result.figures)
    answered = _answering(live, judged)
    if not answered:
        return _publish(models_dir, digest, before, "nothing of the live one can be asked")
    old = judge(live, answered, asking, data)
    evaluation |= {"live": old.figures, "live_digest": live.digest, "live_judged": answered}
    artifact.annotate(models_dir, digest, evaluation=evaluation)
    if not result.is_no_worse_than(old):
        return Training(0, REFUSED, digest, live_digest=live.digest, new=result.figures, live=old.figures)
    return replace(_publish(models_dir, digest, before, ""), new=result.figures, live=old.figures)


def _answering(loaded: LoadedModel, judged: Sequence[str]) -> str:
    """The member that answers the pages; empty when the artifact has none of them."""
    return next(
        (one for one in judged if one in loaded.models and artifact.has_learnt(loaded.manifest, one)), ""
    )


def _end(models_dir: Path) -> None:
    training_plan.finish(models_dir)
    artifact.sweep(models_dir)


def _shrunk(new: LoadedModel, live: LoadedModel) -> str:
    """A sentence when the data is much less than it was: an archive that was lost is no reason to forget."""
    visits, before = (int(one.manifest["data"].get("sessions") or 0) for one in (new, live))
    if visits * 2 >= before:
        return ""
    return f"learnt from {visits} visits, the live one from {before}; `habitue models publish` overrules"


def unseen(asked: Interactions, live: LoadedModel | None) -> Interactions:
    """Without the visits that the live artifact may have learnt: one that kept nobody out knew them all."""
    if live is None or live.manifest.get("evaluation"):
        return asked
    until = int(live.manifest["data"].get("until") or 0)
    sessions = asked.sessions
    began = sessions.timestamps[sessions.starts[:-1]]
    return replace(asked, sessions=sessions.take(np.flatnonzero(began > until)))


def _publish(models_dir: Path, digest: str, before: str | None, note: str) -> Training:
    if before is not None and artifact.pinned(models_dir):
        held = "what is live is held; `habitue models unpin` lets go"
        return Training(0, STORED, digest, live_digest=before, note=held)
    artifact.publish(models_dir, digest)
    artifact.prune(models_dir, KEPT_ARTIFACTS)
    return Training(0, PUBLISHED, digest, live_digest=before or "", note=note)


def _loaded(models_dir: Path, digest: str | None) -> LoadedModel | None:
    """The live artifact; a damaged one is nothing to be compared with."""
    try:
        return artifact.load(models_dir / digest) if digest else None
    except ArtifactError:
        return None


def hold_out(data: Interactions, window: int = WINDOW) -> tuple[Interactions, Interactions]:
    """(what is learnt from, the held-out people's sessions of the last `window` ms), in the same indices."""
    since = data.now - window
    chosen = np.asarray([_is_chosen(person) for person in data.people] + [False], dtype=np.bool_)
    sessions, baskets = data.sessions, data.baskets
    out = chosen[sessions.visitors] & (sessions.ends >= since)  # visitors of -1 are the False at the end
    starts, places = take(
        baskets.starts, np.flatnonzero(~(chosen[baskets.users] & (baskets.timestamps >= since)))
    )
    kept = np.flatnonzero(~(chosen[baskets.users] & (baskets.timestamps >= since)))
    learnt = replace(
        data,
        sessions=sessions.take(np.flatnonzero(~out)),
        baskets=replace(
            baskets,
            starts=starts,
            items=baskets.items[places],
            timestamps=baskets.timestamps[kept],
            users=baskets.users[kept],
            in_session=baskets.in_session[kept],
        ),
    )
    return learnt, replace(data, sessions=sessions.take(np.flatnonzero(out)))


def ask(known: Interactions, asked: Interactions, most: int = MOST_QUESTIONS) -> list[Question]:
    """Questions about every part of the window alike, at most `most`."""
    wanted = int(np.maximum(asked.sessions.lengths - 1, 0).sum()) if len(asked.sessions) else 0
    every = max(1, -(-wanted // most))
    return list(islice(questions(known, asked, K), 0, None, every))


def judge(loaded: LoadedModel, name: str, asking: Sequence[Question], data: Interactions) -> Judgement:
    """What one member of an artifact answers; `data` has the indices that the questions speak of."""
    there = loaded.vocabulary.indices(data.vocabulary)
    model = loaded.models[name]
    return Judgement(np.asarray([_rank(model, one, there) for one in asking], dtype=np.float64))


def _rank(model: Model, question: Question, there: NDArray[np.int32]) -> float:
    wanted = int(there[question.next_item]) if question.next_item >= 0 else -1
    if wanted < 0:
        return 0.0
    place = np.flatnonzero(model.score(_in(question.query, there)).items[:K] == wanted)
    return 1.0 / (1 + int(place[0])) if len(place) else 0.0


def _in(query: Query, there: NDArray[np.int32]) -> Query:
    """The same question in another vocabulary; what that one does not know is left out."""
    session, history = there[query.session], there[query.history]
    seen, known = session >= 0, history >= 0
    return replace(
        query,
        session=session[seen],
        session_ages=_where(query.session_ages, seen),
        session_kinds=_where(query.session_kinds, seen),
        history=history[known],
        history_counts=_where(query.history_counts, known),
        history_ages=_where(query.history_ages, known),
    )


def _where(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    return values[mask] if len(values) == len(mask) else values


def _is_chosen(person: str) -> bool:
    return blake2b(person.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0] < HELD_OUT
