"""A loaded artifact as decisions use it: item ids in and out, never a raise into a request."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from habitue_recommender.models.base import NOTHING, Ints, Model, Query, Ranked
from habitue_recommender.vocabulary import Vocabulary

NO_MODEL = "none"  # the digest of decisions made without one

_log = logging.getLogger(__name__)


class Loaded(Protocol):
    """What `artifact.load` gives."""

    @property
    def digest(self) -> str: ...
    @property
    def manifest(self) -> Mapping[str, Any]: ...
    @property
    def vocabulary(self) -> Vocabulary: ...
    @property
    def models(self) -> Mapping[str, Model]: ...


class ServedModel:
    """One artifact and what was already looked up in it. Lives as long as a decision holds it.

    `data_until` is the latest time in what it was trained on (ms; 0: not known). `figures`: when it was
    trained and how good it was beside the one before, as it is published.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.digest = loaded.digest
        data = loaded.manifest.get("data")
        self.data_until = int(data.get("until") or 0) if isinstance(data, Mapping) else 0
        self.figures = _figures(loaded.manifest)
        self._vocabulary = loaded.vocabulary
        self._members = dict(loaded.models)
        # A lookup in the mapped arrays costs 4 µs, and popular items come by in every request.
        self._ids: list[str | None] = [None] * len(loaded.vocabulary)
        self._week: frozenset[str] | None = None
        self._loaded = loaded
        self.late: tuple[str, ...] = getattr(loaded, "late", ())
        self.took = False  # whether late ones were put to work: what they wait for is compiled then
        self.failures = 0

    def index(self, item_id: str) -> int:
        """The index of an item, -1 when the model does not know it."""
        return self._vocabulary.index(item_id)

    def item_id(self, index: int) -> str:
        known = self._ids[index]
        if known is None:
            known = self._ids[index] = self._vocabulary.item_id(index)
        return known

    def late_members(self) -> dict[str, Model]:
        """What can wait until the first pages are answered; slow, for a thread. `take` puts it to work."""
        found: dict[str, Model] = {}
        for name in self.late:
            try:
                found[name] = self._loaded.bring(name)  # type: ignore[attr-defined]  # who has late ones can
            except Exception:  # the others answer
                _log.exception("model %s of artifact %s cannot be served", name, self.digest)
        return found

    def take(self, members: Mapping[str, Model]) -> None:
        self._members.update(members)
        self.late = ()
        self.took = bool(members)

    def has(self, name: str) -> bool:
        return name in self._members

    def score(self, name: str, query: Query) -> Ranked:
        """What one member ranks, best first; nothing when it is missing or fails."""
        member = self._members.get(name)
        if member is None:
            return NOTHING
        try:
            return member.score(query)
        except Exception:  # a model's fault must not cost a visitor the page: the next source answers
            self._failed(name)
            return NOTHING

    def score_named(self, name: str, query: Query) -> tuple[list[str], list[float]]:
        """As `score`, in item ids."""
        ranked = self.score(name, query)
        return self.named(ranked.items), ranked.scores.tolist()

    def named(self, indices: Ints) -> list[str]:
        """The ids of items."""
        ids = self._ids
        return [ids[index] or self.item_id(index) for index in indices.tolist()]

    def because(self, name: str, query: Query, item_id: str) -> str | None:
        """The visitor's own item that speaks most for this one."""
        member = self._members.get(name)
        if member is None:
            return None
        try:
            anchor = member.because(query, self.index(item_id))
        except Exception:  # as above: the offer stands, with a more general reason
            self._failed(name)
            return None
        return self.item_id(anchor) if anchor is not None and 0 <= anchor < len(self._ids) else None

    def because_all(self, name: str, query: Query, item_ids: Sequence[str]) -> list[str | None]:
        """`because` of each item, in one question."""
        member = self._members.get(name)
        if member is None:
            return [None] * len(item_ids)
        try:
            anchors = member.because_all(query, [self.index(item_id) for item_id in item_ids])
        except Exception:  # as above
            self._failed(name)
            return [None] * len(item_ids)
        most = len(self._ids)
        return [
            self.item_id(anchor) if anchor is not None and 0 <= anchor < most else None for anchor in anchors
        ]

    def this_week(self) -> frozenset[str]:
        """Items that are on the list of the last week of the data."""
        if self._week is None:
            popular = self._members.get("popular")
            lister = getattr(popular, "this_week", None)
            self._week = frozenset(self.named(lister(500).items)) if lister is not None else frozenset()
        return self._week

    def _failed(self, name: str) -> None:
        self.failures += 1
        if self.failures < 10:  # the first ones say what it is; a thousand a second would only fill the disk
            _log.exception("model %s of artifact %s failed", name, self.digest)


def _figures(manifest: Mapping[str, Any]) -> dict[str, Any]:
    told = manifest.get("evaluation")
    evaluation: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    quality = {
        f"{name.partition('@')[0]}{end}": value
        for side, end in (("new", ""), ("live", "_before"))
        for name, value in dict(evaluation.get(side) or {}).items()
        if name != "queries"
    }
    created_at = manifest.get("created_at")
    seconds = created_at / 1_000 if isinstance(created_at, int) else 0
    return {"model_trained_at": seconds, "model_quality": quality}
