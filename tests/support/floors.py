"""A recommender as decisions, previews and effects want one, made of a catalog and a model; and rulebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.live import NOTHING_LIVE, Live
from habitue_recommender.recommender import Recommender
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.served import ServedModel
from habitue_recommender.settings import RecommenderSettings

SETTINGS = RecommenderSettings()


@dataclass
class _Reader:
    catalog: Catalog


@dataclass
class _Floor:
    reader: _Reader
    model: ServedModel | None
    live: Live = NOTHING_LIVE
    settings: RecommenderSettings = field(default_factory=RecommenderSettings)


def recommender_of(
    catalog: Catalog, model: ServedModel | None = None, live: Live = NOTHING_LIVE
) -> Recommender:
    """What a worker's recommender holds, without the worker."""
    return cast(Recommender, _Floor(_Reader(catalog), model, live, SETTINGS))


def book(
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    segments: Mapping[str, str] | None = None,
    contents: Mapping[str, Mapping[str, Any]] | None = None,
    slots: Mapping[str, Mapping[str, Any]] | None = None,
) -> Rulebook:
    """A rulebook that compiled whole; segments are given as expressions."""
    rulebook = Rulebook.compile(
        {
            "rule": dict(rules or {}),
            "segment": {one: {"name": one, "when": when} for one, when in (segments or {}).items()},
            "content": dict(contents or {}),
            "slot": dict(slots or {}),
        },
        settings=SETTINGS,
    )
    assert not rulebook.problems, rulebook.problems
    return rulebook


def rule(
    consequence: Mapping[str, Any], when: str = "", *, slots: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """One rule's document."""
    return {"condition": {"slots": list(slots), "when": when}, "consequence": dict(consequence), **more}
