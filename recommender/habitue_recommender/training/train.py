"""Training: archive → interactions → models → artifact.

The same data and settings make the same artifact, so a second run finds it done, and an interrupted
one goes on with the first model that is missing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rich.progress import Progress

from habitue_recommender.artifact import VERSION, ArtifactError, Draft, exclusive, load
from habitue_recommender.models import MODELS, TRAINED, Fitting, Model
from habitue_recommender.training.interactions import Interactions, from_archive


class NothingToLearn(ValueError):
    """The archive holds no interactions; the text says so."""


class InvalidTraining(ValueError):
    """The training's configuration names something that does not exist."""


@dataclass(frozen=True)
class TrainingConfig:
    """What to train and how; the defaults are meant for every shop."""

    models: tuple[str, ...] = TRAINED
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # model → setting → value
    since: int | None = None  # ms: what happened before is not learnt from
    until: int | None = None  # ms: nor what happened from then on
    seed: int = 0
    threads: int = 0  # 0: as many as there are cores

    def resolved(self) -> dict[str, Any]:
        """Each model's whole settings. Raises `InvalidTraining`."""
        for name in (*self.models, *self.settings):
            if name not in MODELS:
                raise InvalidTraining(f"there is no model {name!r}; there are {', '.join(MODELS)}")
        resolved = {}
        for name in self.models:
            try:
                resolved[name] = MODELS[name].settings_type()(**self.settings.get(name, {}))
            except TypeError as error:
                raise InvalidTraining(f"settings of {name}: {error}") from error
        return resolved


def train(
    archive_dir: Path | str,
    models_dir: Path | str,
    config: TrainingConfig | None = None,
    progress: Progress | None = None,
) -> str:
    """Train on the archive and store the artifact; returns its digest. It is not live before `publish`.

    Raises `NothingToLearn`, `InvalidTraining`, `InvalidData` (unreadable archive) or `ArtifactError`
    (another training is running), each with a sentence.
    """
    config = config or TrainingConfig()
    config.resolved()
    models_dir = Path(models_dir)
    with exclusive(models_dir):
        step = progress.add_task("reading the archive", total=1) if progress else None
        data = from_archive(archive_dir, config.since, config.until)
        if progress and step is not None:
            progress.advance(step)
        return train_on(data, models_dir, config, progress)


def train_on(
    data: Interactions, models_dir: Path, config: TrainingConfig, progress: Progress | None = None
) -> str:
    """As `train`, on interactions in memory; the caller holds `exclusive(models_dir)`."""
    if data.item_count == 0:
        raise NothingToLearn(
            "there is nothing to learn from yet: no product was viewed or bought by anybody who may be"
            " remembered; until then, offers come from what is popular right now"
        )
    settings = config.resolved()
    digest = _digest(data, settings, config.seed)
    if _complete(models_dir, digest):
        return digest
    draft = Draft(models_dir, digest)
    figures: dict[str, dict[str, float]] = {}
    for name in config.models:
        step = progress.add_task(f"training {name}", total=1) if progress else None
        began = time.perf_counter()
        model = draft.finished(name)
        if model is None:
            beside = {other: draft.finished(other) for other in MODELS[name].reads if other in figures}
            fitted = {other: one for other, one in beside.items() if one is not None}
            model = MODELS[name].fit(data, settings[name], replace(_fitting(config), fitted=fitted))
            draft.add(model)
        figures[name] = {
            "fit_seconds": round(time.perf_counter() - began, 3),
            "megabytes": round(model.megabytes, 3),
            **model.figures,
        }
        del model  # one at a time in memory
        if progress and step is not None:
            progress.advance(step)
    draft.publishable(
        data.vocabulary,
        {
            "created_at": time.time_ns() // 1_000_000,
            "models": list(config.models),
            "config": {name: asdict(one) for name, one in settings.items()},
            "seed": config.seed,
            "data": {
                "digest": data.digest(),
                "items": data.item_count,
                "sessions": len(data.sessions),
                "baskets": len(data.baskets),
                "people": len(data.people),
                "until": data.now,
            },
            "figures": figures,
        },
    )
    return digest


def fit(name: str, data: Interactions, config: TrainingConfig | None = None) -> Model:
    """One model, in memory."""
    config = config or TrainingConfig()
    if name not in MODELS:
        raise InvalidTraining(f"there is no model {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name].fit(data, replace(config, models=(name,)).resolved()[name], _fitting(config))


def _fitting(config: TrainingConfig) -> Fitting:
    return Fitting(config.seed, config.threads or _cores())


def _cores() -> int:
    """Those that this process may use: two threads that wait for each other on one are slower than one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _digest(data: Interactions, settings: Mapping[str, Any], seed: int) -> str:
    told = {name: asdict(one) for name, one in settings.items()}
    text = json.dumps([VERSION, data.digest(), told, seed], sort_keys=True)
    return blake2b(text.encode(), digest_size=10).hexdigest()


def _complete(models_dir: Path, digest: str) -> bool:
    try:
        load(models_dir / digest, verify=True)
    except ArtifactError:
        return False
    return True
