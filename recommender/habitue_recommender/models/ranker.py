"""The default: candidates of several sources, put in order by trees that learnt what comes next.

Each source's scores are divided by their sum and blended with fixed weights; the best of the blend are the
candidates, and LambdaRank (Burges, "From RankNet to LambdaRank to LambdaMART", 2010; library LightGBM) orders
them by some eighty features. Where the trees are no better than the blend on sessions that they did not see,
or the shop is too small to learn from, the blend is the answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.models import candidate_kernels, ranking_kernels
from habitue_recommender.models.base import (
    NOTHING,
    CorruptModel,
    Fitting,
    Floats,
    Ints,
    Longs,
    Model,
    Query,
    Ranked,
    Source,
    Workspace,
    mapped,
)
from habitue_recommender.models.embeddings import Embeddings, EmbeddingsSettings
from habitue_recommender.models.facts import FACTS, facts
from habitue_recommender.models.item_item import ItemItem, ItemItemSettings
from habitue_recommender.models.neighbours import Neighbours, NeighboursSettings
from habitue_recommender.models.repeats import Repeats
from habitue_recommender.models.second_hand import SecondHand
from habitue_recommender.models.sequences import Sequences, SequencesSettings
from habitue_recommender.models.trees import Doubles, Trees

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions

RECENT = NeighboursSettings(session_decay_days=3.0)
ALIKE = NeighboursSettings(  # VMIS-kNN: more of the session, no distance, few neighbours
    sample=1_000,
    nearest=150,
    position_decay=3.0,
    distance_decay=1e9,
    session_decay_days=1e4,
    length_power=0.0,
    backward=1.0,
)
SOURCES = ("neighbours", "recent", "alike", "item_item", "sequences", "second_hand", "repeats", "history")
_BLEND = np.array([1.0, 0.5, 0.5, 1.0, 0.5, 0.1, 0.02, 0.1], dtype=np.float32)
_LEAST_BLEND = 1e-9
BLEND_WEIGHT = "blend_weight"  # among the figures of a training: what the gate found best
LEAD = "lead"  # the same: what stands before the blend, as a place in SOURCES and then LEADING_FACTS
LEADING_FACTS = FACTS[:2]
_USUAL_LENGTH = 256  # events of a session, or fewer
_ROOM = 20_000  # candidates that sources may name together, before the best are kept


@dataclass(frozen=True, slots=True)
class RankerSettings:
    candidates: int = 100  # that the trees put in order
    longest: int = 30  # own events that are read, the newest
    trees: int = 100  # 0: the blend
    leaves: int = 31  # 32 at most: the compiled loop has a bit for each
    rows_per_leaf: int = 500
    learning_rate: float = 0.1
    features: float = 0.5  # share of the features that each tree may look at
    learn_from: float = 0.4  # of the sessions, the newest: what the trees learn from
    window: float = 0.1  # of the sessions: after so many the sources they learn by are fitted anew
    most_questions: int = 30_000  # that they learn from: bounds time and memory
    least_questions: int = 2_000  # with fewer, the blend answers
    history_half_life_days: float = 60.0


@dataclass
class Parts:
    """What was fitted; the ranker asks it, and reads the trees' features from it."""

    neighbours: Neighbours
    item_item: ItemItem
    sequences: Sequences
    embeddings: Embeddings | None  # for the trees only, as the facts
    facts: Floats

    @classmethod
    def fit(cls, data: Interactions, fitting: Fitting, for_trees: bool = True) -> Parts:
        def one(model: type[Any], settings: Any) -> Any:
            found = fitting.fitted.get(model.name)
            return found if isinstance(found, model) else model.fit(data, settings, fitting)

        sequences = one(Sequences, SequencesSettings())
        more = replace(fitting, fitted={"sequences": sequences})
        return cls(
            one(Neighbours, NeighboursSettings()),
            one(ItemItem, ItemItemSettings()),
            sequences,
            Embeddings.fit(data, EmbeddingsSettings(), more) if for_trees else None,
            facts(data) if for_trees else np.zeros((0, len(FACTS)), dtype=np.float32),
        )


class Asker:
    """Candidates, features and order of one query after another, from fitted parts."""

    def __init__(self, parts: Parts, settings: RankerSettings) -> None:
        self.parts = parts
        self._settings = settings
        self._items = parts.neighbours.items
        self._space = _Space(self._items, settings.candidates)
        ways = (parts.neighbours, parts.neighbours.asked_with(RECENT), parts.neighbours.asked_with(ALIKE))
        beyond, repeats = SecondHand.beyond(parts.item_item), Repeats.of(self._items)
        self.sources: tuple[tuple[str, Source], ...] = (
            *zip(SOURCES, ways, strict=False),
            ("item_item", parts.item_item),
            ("sequences", parts.sequences),
            ("second_hand", beyond),
            ("repeats", repeats),
        )
        for _, source in self.sources:
            source.share(self._space)
        self._kin = _Kin.of(ways)
        asked = (*ways, parts.item_item, parts.sequences, beyond, repeats)
        self._position_decays = np.array([one.settings.position_decay for one in asked])
        self._longest = np.array([one.settings.longest for one in asked], dtype=np.int64)
        self._width = beyond.settings.width
        self._told: tuple[Query, Floats, Floats] | None = None

    def _past(self, query: Query) -> tuple[Floats, Floats]:
        """What each item of the history weighs: for the features, and for the source."""
        told = self._told
        if told is None or told[0] is not query:
            weights = query.history_weights(self._settings.history_half_life_days)
            own = self.parts.item_item.settings
            source = weights
            if len(weights):
                if own.history_half_life_days != self._settings.history_half_life_days:
                    source = query.history_weights(own.history_half_life_days)
                source = source * np.float32(own.history_weight)
            told = self._told = (query, weights, source)
        return told[1], told[2]

    def candidates(self, query: Query, keep: int) -> tuple[Ints, Floats, Floats, int]:
        """The `keep` best of the blend: (items, blend, score of each source, how many there were)."""
        parts, kin, space = self.parts, self._kin, self._space
        one, similar, following = parts.neighbours, parts.item_item, parts.sequences
        found: tuple[Ints, Floats, Floats, int] = candidate_kernels.candidates(
            query.trail(),
            query.trail_weights(),
            query.history,
            self._past(query)[1],
            one.item_importance,
            one.item_starts,
            one.item_sessions,
            one.session_starts,
            one.session_items,
            one.session_times,
            one.session_ordered,
            kin.samples,
            kin.nearests,
            kin.decays,
            kin.distance_decays,
            kin.lengths,
            kin.length_powers,
            kin.backwards,
            similar.starts,
            similar.similar,
            similar.similarities,
            following.starts,
            following.others,
            following.strengths,
            self._width,
            self._position_decays,
            self._longest,
            _BLEND,
            space.slots,
            space.union,
            space.table,
            keep,
        )
        return found

    def table(self, rows: int) -> Floats:
        """A table of features to be filled, the calling thread's own."""
        return self._space.features[:rows]

    def features(
        self, query: Query, items: Ints, blend: Floats, scores: Floats, found: int, out: Floats
    ) -> int:
        """Fill `out`, a row for each item; returns how many columns there are."""
        asked = [*self._looked_at(query, items, blend, scores, found), out]
        return int(ranking_kernels.features(*asked))

    def ordered(
        self, query: Query, found: tuple[Ints, Floats, Floats, int], trees: Trees, blend_weight: float
    ) -> Ranked:
        """The candidates as the trees see them, the first of them in their order."""
        splits, table = trees.splits, self._space.features
        if splits is not None:
            asked = [*self._looked_at(query, *found), table, *splits, blend_weight, _LEAST_BLEND, query.n]
            return Ranked(*ranking_kernels.ordered(*asked))
        items, blend, _, _ = found
        head = min(len(table), len(items))
        self.features(query, items[:head], blend[:head], found[2][:head], found[3], table[:head])
        values = blended(trees.score(table[:head]), blend[:head], blend_weight)
        return Ranked(*ranking_kernels.by_value(values, items, blend, query.n))

    def speakers(self, query: Query, items: Ints, found: Ints, scores: Floats) -> Ints:
        """The visitor's own item that speaks most for each; -1 for none."""
        parts = self.parts
        one, similar, following = parts.neighbours, parts.item_item, parts.sequences
        anchors: Ints = candidate_kernels.speakers(
            items,
            found,
            scores,
            _BLEND,
            query.trail(),
            query.trail_weights(),
            query.history,
            self._past(query)[1],
            one.item_importance,
            one.item_starts,
            one.item_sessions,
            self._kin.samples,
            similar.starts,
            similar.similar,
            similar.similarities,
            following.starts,
            following.others,
            following.strengths,
            self._position_decays,
            self._longest,
        )
        return anchors

    def _looked_at(
        self, query: Query, items: Ints, blend: Floats, scores: Floats, found: int
    ) -> tuple[Any, ...]:
        """What features are made of, in the order in which `ranking_kernels.features` wants it."""
        parts = self.parts
        if parts.embeddings is None:
            raise ValueError("fitted for the blend alone")
        return (
            items,
            blend,
            scores,
            found,
            query.trail(),
            query.trail_weights(),
            query.session_ages,
            query.history,
            self._past(query)[0],
            query.history_ages,
            parts.sequences.starts,
            parts.sequences.others,
            parts.sequences.forward,
            parts.sequences.backward,
            parts.sequences.direct,
            parts.sequences.totals,
            parts.item_item.starts,
            parts.item_item.similar,
            parts.item_item.similarities,
            parts.embeddings.vectors,
            parts.facts,
            self._settings.longest,
            self._space.slots,
        )


@dataclass(frozen=True, slots=True)
class _Kin:
    """The ways in which kindred sessions are weighed, a row or value for each."""

    samples: Longs
    nearests: Longs
    decays: Doubles  # ms
    distance_decays: Floats
    lengths: Doubles  # n ** power for sessions of n events
    length_powers: Doubles
    backwards: Doubles

    @classmethod
    def of(cls, ways: tuple[Neighbours, ...]) -> Self:
        settings = [one.settings for one in ways]
        powers = np.array([one.length_power for one in settings])
        return cls(
            np.array([one.sample for one in settings], dtype=np.int64),
            np.array([one.nearest for one in settings], dtype=np.int64),
            np.array([one.session_decay_days * 86_400_000.0 for one in settings]),
            np.stack([one.distance_decay for one in ways]),
            np.maximum(np.arange(_USUAL_LENGTH), 1.0) ** powers[:, None],
            powers,
            np.array([one.backward for one in settings]),
        )


class _Space(Workspace):
    def __init__(self, items: int, candidates: int) -> None:
        super().__init__(items)
        self.features: Floats = np.zeros((candidates, len(feature_names())), dtype=np.float32)
        room = min(items, _ROOM)
        self.slots: Ints = np.full(items, -1, dtype=np.int32)
        self.union: Ints = np.zeros(room, dtype=np.int32)
        self.table: Floats = np.zeros((room, len(SOURCES)), dtype=np.float32)


def feature_names() -> tuple[str, ...]:
    """What each column of the trees' table is."""
    names = [f"{source} {what}" for source in SOURCES for what in ("score", "share", "place")]
    names += ["blend", "blend share", "blend place", "sources"]
    names += [
        *("after any", "after most", "before any"),
        *("after last count", "after last", "next to last count", "next to last", "before last"),
        *("after last lift", "after second", "before second", "next to second", "after third"),
        *("similar to any", "similar to most", "similar items", "similar to last", "similar to second"),
        *("similar to third", "similar share"),
    ]
    names += ["direction of last", "direction of second", "direction of session"]
    names += FACTS
    names += ["times here", "latest here", "weight here", "is last", "age here"]
    names += ["in history", "newest in history"]
    names += ["length", "different", "pause", "found", "history", "last leads on"]
    names += [f"last item's {fact}" for fact in FACTS]
    names += [f"best of {source}" for source in SOURCES[:5]]
    return tuple(names)


@dataclass
class Ranker(Model):
    name: ClassVar[str] = "ranker"
    reads: ClassVar[tuple[str, ...]] = ("neighbours", "item_item", "sequences")

    settings: RankerSettings
    parts: Parts
    trees: Trees | None  # None: the blend is the answer
    learnt: dict[str, float]  # figures of the training: what the gate saw
    shared: tuple[str, ...] = ()  # parts that stand beside this model as models of their own

    def __post_init__(self) -> None:
        self._asker = Asker(self.parts, self.settings)

    @classmethod
    def settings_type(cls) -> type[RankerSettings]:
        return RankerSettings

    @classmethod
    def fit(cls, data: Interactions, settings: RankerSettings, fitting: Fitting) -> Self:
        # Imported here: serving needs no LightGBM.
        from habitue_recommender.models.ranker_training import learn

        trees, learnt = learn(data, settings, fitting)
        parts = Parts.fit(data, fitting, for_trees=trees is not None)
        if learnt.get(LEAD, -1) >= len(SOURCES):
            parts.facts = facts(data)
        shared = tuple(name for name in cls.reads if name in fitting.fitted)
        made = cls(data.item_count, settings, parts, trees, learnt, shared)
        if trees is not None:
            made.warm()  # compiled here, where nobody waits: no worker has to
        return made

    @property
    def figures(self) -> dict[str, float]:
        return {**self.learnt, "trees": float(self.settings.trees if self.trees is not None else 0)}

    def score(self, query: Query) -> Ranked:
        if query.n <= 0 or self.items == 0:
            return NOTHING
        found = self._candidates(query)
        items, blend, scores, _ = found
        if len(items) == 0:
            return NOTHING
        if self.trees is None:
            if (lead := int(self.learnt.get(LEAD, -1))) >= 0:
                return _led(items, self._leading(lead, items, scores), query.n)
            return Ranked(items[: query.n], blend[: query.n])
        return self._asker.ordered(query, found, self.trees, self.learnt.get(BLEND_WEIGHT, 0.0))

    def _leading(self, lead: int, items: Ints, scores: Floats) -> Floats:
        if lead < len(SOURCES):
            return scores[:, lead]
        popularity: Floats = self.parts.facts[items, lead - len(SOURCES)]
        return popularity

    def because(self, query: Query, item: int) -> int | None:
        return self.because_all(query, (item,))[0]

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        """The visitor's own item, as the source sees it that speaks most for each offer."""
        found, _, scores, _ = self._candidates(query)
        anchors = self._asker.speakers(query, np.array(items, dtype=np.int32), found, scores)
        return [one if one >= 0 else None for one in anchors.tolist()]

    def _candidates(self, query: Query) -> tuple[Ints, Floats, Floats, int]:
        """Of all questions about one query once: its score, and why each of its offers is there."""
        last = self.__dict__.get("_last_candidates")
        if last is None or last[0] is not query or last[1] != query.n:
            most = max(self.settings.candidates, query.n)
            last = self.__dict__["_last_candidates"] = (
                query,
                query.n,
                self._asker.candidates(query, most),
            )
        found: tuple[Ints, Floats, Floats, int] = last[2]
        return found

    @property
    def megabytes(self) -> float:
        return sum(part.megabytes for part in self._models().values()) + super().megabytes

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, part in self._models().items():
            if name not in self.shared:
                part.save(folder / name)
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        plain = {
            "items": self.items,
            "settings": asdict(self.settings),
            "learnt": self.learnt,
            "shared": list(self.shared),
            "features": list(feature_names()),
            "trees": self.trees is not None,
        }
        (folder / "model.json").write_text(json.dumps(plain, indent=1, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            plain = json.loads((folder / "model.json").read_text())
            if plain["features"] != list(feature_names()):
                raise ValueError("its trees look at other features than this version has")
            shared = tuple(plain["shared"])

            def part(model: type[Any]) -> Any:
                return model.load((folder.parent if model.name in shared else folder) / model.name)

            parts = Parts(
                part(Neighbours),
                part(ItemItem),
                part(Sequences),
                part(Embeddings) if plain["trees"] else None,
                mapped(folder / "facts.npy"),
            )
            trees = Trees.load(folder) if plain["trees"] else None
            settings = RankerSettings(**plain["settings"])
            return cls(plain["items"], settings, parts, trees, plain["learnt"], shared)
        except CorruptModel:
            raise
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CorruptModel(f"{folder}: {error}") from error

    def _models(self) -> dict[str, Model]:
        parts = self.parts
        models: tuple[Model, ...] = (
            parts.neighbours,
            parts.item_item,
            parts.sequences,
            *([parts.embeddings] if parts.embeddings is not None else []),
        )
        return {model.name: model for model in models}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"facts": self.parts.facts}
        return arrays if self.trees is None else {**arrays, **self.trees.arrays()}


def blended(values: NDArray[np.float64], blend: Floats, weight: float) -> NDArray[np.float64]:
    """What the trees say, and so much of the logarithm of the blend.

    Trees of few questions are surest about the first places and rough about the others.
    """
    if weight == 0.0:
        return values
    return values + weight * np.log(np.maximum(blend, _LEAST_BLEND))


def _led(items: Ints, scores: Floats, n: int) -> Ranked:
    """One source first, what it does not name in the order of the blend."""
    order = np.argsort(-scores, kind="stable")[:n]
    return Ranked(items[order], (1.0 / np.arange(1, len(order) + 1)).astype(np.float32))


class Blend(Ranker):
    """The sources alone, with fixed weights: what the trees have to beat."""

    name: ClassVar[str] = "blend"

    @classmethod
    def fit(cls, data: Interactions, settings: RankerSettings, fitting: Fitting) -> Self:
        return cls(data.item_count, settings, Parts.fit(data, fitting, for_trees=False), None, {}, ())
