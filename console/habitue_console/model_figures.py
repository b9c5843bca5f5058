"""What the artifacts say of themselves: what was learnt from, how good it is, what the gates said.

Manifests are read from the disk: call it in a thread. Hit rate: how often what somebody looked at next was
among the first twenty. MRR: how far up it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from habitue_recommender import artifact
from habitue_recommender.training import trainings

from .words import N_

_ORDERED = N_("the learnt order is better than the fixed blend")
_BLENDED = N_("the fixed blend answers: the learnt order was no better")
_RHYTHM = N_("the learnt rhythm is better than counting")
_COUNTED = N_("counting answers: the learnt rhythm was no better")


@dataclass(frozen=True, slots=True)
class Gate:
    """One comparison that a training made by itself: what won, by how much."""

    label: str
    text: str
    passed: bool
    figure: float
    than: float


@dataclass(frozen=True, slots=True)
class Trained:
    """One artifact. Figures are None where the training was too small to judge itself."""

    digest: str
    created_at: int
    live: bool
    sessions: int
    items: int
    people: int
    data_until: int
    megabytes: float
    seconds: float
    models: tuple[str, ...]
    hit_rate: float | None
    mrr: float | None
    simple_hit_rate: float | None  # of the fixed blend, which the trees have to beat
    gates: tuple[Gate, ...]
    members: tuple[tuple[str, Mapping[str, float]], ...]
    evaluation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Models:
    """Newest first. `earlier`: what was live before and still lies there. `pinned`: the live one is held."""

    artifacts: tuple[Trained, ...]
    log: tuple[trainings.Training, ...]
    earlier: str = ""
    pinned: bool = False

    @property
    def can_go_back(self) -> bool:
        return bool(self.earlier)

    @property
    def live(self) -> Trained | None:
        return next((one for one in self.artifacts if one.live), None)


def read(models: Path) -> Models:
    """Everything of the page Models; nothing of a folder that is not there."""
    try:
        found = tuple(_trained(one) for one in artifact.artifacts(models))
        earlier, pinned = artifact.earlier(models) or "", artifact.pinned(models)
        return Models(found, tuple(trainings.read(models)), earlier, pinned)
    except (artifact.ArtifactError, OSError):
        return Models((), ())


def _trained(one: artifact.ListedArtifact) -> Trained:
    told = one.manifest
    data, figures = _mapping(told.get("data")), _mapping(told.get("figures"))
    ranker = _mapping(figures.get("ranker"))
    evaluation = _mapping(told.get("evaluation"))
    judged = _mapping(evaluation.get("new"))
    used_trees = bool(ranker.get("trees"))
    return Trained(
        one.digest,
        one.created_at,
        one.live,
        int(data.get("sessions", 0)),
        int(data.get("items", 0)),
        int(data.get("people", 0)),
        int(data.get("until", 0) or 0),
        sum(float(_mapping(member).get("megabytes", 0)) for member in figures.values()),
        sum(float(_mapping(member).get("fit_seconds", 0)) for member in figures.values()),
        tuple(told.get("models", ())),
        _either(judged.get("hit_rate@20"), ranker.get("trees_hit_rate" if used_trees else "blend_hit_rate")),
        _either(judged.get("mrr@20"), ranker.get("trees_mrr" if used_trees else "blend_mrr")),
        ranker.get("blend_hit_rate"),
        tuple(_gates(ranker, _mapping(figures.get("repurchase")))),
        tuple((name, _mapping(member)) for name, member in figures.items()),
        evaluation,
    )


def _gates(ranker: Mapping[str, float], repurchase: Mapping[str, float]) -> list[Gate]:
    gates = []
    if "trees_hit_rate" in ranker:
        passed = bool(ranker.get("trees"))
        text = _ORDERED if passed else _BLENDED
        gates.append(
            Gate(
                N_("Order of candidates"),
                text,
                passed,
                ranker["trees_hit_rate"],
                ranker.get("blend_hit_rate", 0.0),
            )
        )
    elif ranker:
        gates.append(
            Gate(N_("Order of candidates"), N_("not learnt yet: the fixed blend answers"), False, 0.0, 0.0)
        )
    learnt, counted = repurchase.get("ndcg@20"), repurchase.get("ndcg@20 of the decayed count")
    if learnt is not None and counted is not None:
        passed = learnt >= counted
        text = _RHYTHM if passed else _COUNTED
        gates.append(Gate(N_("Buying again"), text, passed, learnt, counted))
    return gates


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _either(first: Any, second: Any) -> float | None:
    value = first if first is not None else second
    return float(value) if isinstance(value, int | float) else None
