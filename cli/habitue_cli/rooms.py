"""The settings of rooms that the collector does not know, from the same file."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from habitue_collector.secret_keys import assignment_salt
from habitue_collector.settings import Settings, SettingsError
from habitue_recommender.settings import RecommenderSettings

if TYPE_CHECKING:  # a process that decides nothing needs no numpy
    from habitue_recommender.recommender import Load


def recommender_settings(settings: Settings, signing: tuple[str, ...]) -> RecommenderSettings:
    """`[recommender]` and `[slots.*]`, with what the house gives. Raises SettingsError."""
    problems: list[str] = []
    parsed = RecommenderSettings.parse(
        settings.rooms.get("recommender"),
        settings.rooms.get("slots"),
        problems=problems,
        hosts=settings.shop.hosts,
        signing_keys=tuple(key.encode() for key in signing),
        salt=assignment_salt(settings.data.folder),
        deadline_ms=settings.limits.decision_deadline_ms,
        timezone=settings.shop.timezone,
    )
    if problems:
        raise SettingsError(problems)
    if settings.demo:  # everybody who tries it, and every simulated visitor, comes from one address
        parsed = replace(parsed, live_per_network=1_000)
    return parsed


def model_loader(settings: RecommenderSettings) -> Load:
    """How an artifact is loaded for decisions: the ranker only where it is asked, and after the rest.

    Its kernels take 20 s of CPU to compile, once per machine, and a first start has three processes wait.
    Until it is there its strongest source answers alone.
    """
    from habitue_recommender import artifact

    if settings.ranker:
        return partial(artifact.load, late=("ranker",))
    return partial(artifact.load, without=("ranker",))
