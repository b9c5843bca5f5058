"""What every model is: fitted on interactions, asked with a query, explained, kept as arrays on disk."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from habitue_recommender.kinds import KIND_WEIGHTS
from habitue_recommender.models import kernels

if TYPE_CHECKING:  # serving needs neither duckdb nor scipy
    from habitue_recommender.training.interactions import Interactions


Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

NO_ITEM = -1
_NO_INTS: Ints = np.zeros(0, dtype=np.int32)
_NO_FLOATS: Floats = np.zeros(0, dtype=np.float32)
_NO_BYTES: Bytes = np.zeros(0, dtype=np.uint8)
_DAY = 86_400_000.0


class Ranked(NamedTuple):
    """Items best first (int32) and their scores (float32), which only compare within one answer."""

    items: Ints
    scores: Floats


NOTHING = Ranked(_NO_INTS, _NO_FLOATS)


@dataclass(slots=True)
class Query:
    """What is known of one visitor at one moment, in item indices; -1 stands for an unknown item.

    Arrays that belong together have equal lengths. Ages are milliseconds before now. `anchor` is the
    item of the product page, `basket` what lies in the cart, `category` the path of a category page.
    Absent ages count as 0, absent kinds as views, absent counts as 1.
    """

    session: Ints = field(default_factory=lambda: _NO_INTS)  # oldest → newest
    session_ages: Floats = field(default_factory=lambda: _NO_FLOATS)
    session_kinds: Bytes = field(default_factory=lambda: _NO_BYTES)
    history: Ints = field(default_factory=lambda: _NO_INTS)  # before this session, each item once
    history_counts: Floats = field(default_factory=lambda: _NO_FLOATS)
    history_ages: Floats = field(default_factory=lambda: _NO_FLOATS)
    bought: Ints = field(default_factory=lambda: _NO_INTS)  # ever, each item once
    bought_counts: Floats = field(default_factory=lambda: _NO_FLOATS)  # in how many orders
    bought_ages: Floats = field(default_factory=lambda: _NO_FLOATS)  # since the last of them
    orders: float = 0.0  # how many in all
    first_order_age: float = 0.0
    anchor: int = NO_ITEM
    basket: Ints = field(default_factory=lambda: _NO_INTS)
    category: str | None = None
    n: int = 20
    _trail: tuple[Ints, Floats] | None = field(default=None, init=False, repr=False, compare=False)

    def trail(self) -> Ints:
        """The session, ending with the anchor."""
        return (self._trail or self._walk())[0]

    def trail_weights(self) -> Floats:
        """How much each event of `trail()` says about its item."""
        return (self._trail or self._walk())[1]

    def _walk(self) -> tuple[Ints, Floats]:
        """Of all sources that ask once: a session's arrays never change."""
        session, kinds, anchor = self.session, self.session_kinds, self.anchor
        trail = session
        if anchor != NO_ITEM and not (len(session) and session[-1] == anchor):
            trail = np.empty(len(session) + 1, dtype=np.int32)
            trail[:-1] = session
            trail[-1] = anchor
        weights = np.ones(len(trail), dtype=np.float32)
        if len(kinds):
            weights[: len(session)] = KIND_WEIGHTS[kinds]
        self._trail = trail, weights
        return self._trail

    def history_weights(self, half_life_days: float) -> Floats:
        """Counts damped by a logarithm and halved every `half_life_days`."""
        weights = np.ones(len(self.history), dtype=np.float32)
        if len(self.history_counts):
            weights = np.log1p(self.history_counts).astype(np.float32)
        if len(self.history_ages):
            weights *= np.exp2(self.history_ages / np.float32(-half_life_days * _DAY))
        return weights


@dataclass(frozen=True, slots=True)
class Fitting:
    """How to fit, apart from the model's own settings."""

    seed: int = 0
    threads: int = 1
    fitted: Mapping[str, Model] = field(default_factory=dict)  # on the same data already, by name


class CorruptModel(ValueError):
    """Files of a model do not fit together."""


@dataclass
class Model(ABC):
    """A model is a dataclass of arrays, a count of items and `settings`; that is what is stored."""

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()  # models whose arrays it uses, when they are in the same artifact
    items: int

    @property
    def figures(self) -> dict[str, float]:
        """What its fitting found out about itself, for the manifest."""
        return {}

    @classmethod
    @abstractmethod
    def fit(cls, data: Interactions, settings: Any, fitting: Fitting) -> Self:
        """Learn from interactions; any amount of them, none included."""

    @abstractmethod
    def score(self, query: Query) -> Ranked:
        """At most `query.n` items, best first, equal scores by index; empty when it has nothing to say."""

    def because(self, query: Query, item: int) -> int | None:
        """The visitor's own item that speaks most for this one, or None."""
        return None

    def because_all(self, query: Query, items: Sequence[int]) -> list[int | None]:
        """`because` of each item: for a dozen offers one question."""
        return [self.because(query, item) for item in items]

    def _ask(self, query: Query) -> tuple[Ints, Floats]:
        """The items that a query asks with, and the weight of each."""
        raise NotImplementedError(f"{self.name} is not asked with items")

    def _asked(self, query: Query) -> tuple[Ints, Floats]:
        """`_ask`, once for all questions about one query: its score, and why each of its offers is there."""
        last = self.__dict__.get("_last_asked")
        if last is None or last[0] is not query:
            last = self.__dict__["_last_asked"] = (query, self._ask(query))
        asked: tuple[Ints, Floats] = last[1]
        return asked

    def warm(self) -> None:
        """Compile, or load from the disk cache, whatever a request would else wait for."""
        if self.items:
            one = np.zeros(1, dtype=np.int32)
            for query in (Query(session=one), Query(history=one), Query(basket=one), Query(anchor=0)):
                self.score(query)
                self.because(query, min(1, self.items - 1))

    @property
    def megabytes(self) -> float:
        """The size of its arrays."""
        return sum(array.nbytes for array in self._arrays().values()) / 1e6

    def save(self, folder: Path) -> None:
        """One `.npy` per array and `model.json` for the rest."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        plain = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in self._arrays()}
        settings = plain.pop("settings")
        plain["settings"] = {one.name: getattr(settings, one.name) for one in fields(settings)}
        (folder / "model.json").write_text(json.dumps(plain, indent=1, sort_keys=True))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Memory-map what `save` wrote: reads nothing until it is asked. Raises `CorruptModel`."""
        try:
            plain = json.loads((folder / "model.json").read_text())
            plain["settings"] = cls.settings_type()(**plain["settings"])
            for one in fields(cls):
                if one.name not in plain:
                    plain[one.name] = mapped(folder / f"{one.name}.npy")
            return cls(**plain)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CorruptModel(f"{folder}: {error}") from error

    @classmethod
    @abstractmethod
    def settings_type(cls) -> type[Any]:
        """The dataclass of this model's settings; its defaults are the product's."""

    def _arrays(self) -> dict[str, NDArray[Any]]:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def mapped(path: Path) -> NDArray[Any]:
    """A stored array, memory-mapped and shared between processes.

    Copy-on-write rather than read-only: kernels are then compiled for one type of array, not two,
    and nothing ever writes to it.
    """
    if path.stat().st_size == 0:
        raise ValueError(f"{path.name} is empty")
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


class Workspace(threading.local):
    """A thread's own scratch arrays: a column of scores, all 0 between two queries, and what was touched."""

    def __init__(self, items: int) -> None:
        self.scores: Floats = np.zeros(items, dtype=np.float32)
        self.touched: Ints = np.zeros(items, dtype=np.int32)


class Source(Model):
    """A model whose scores can be mixed with those of others: it leaves them in a shared workspace."""

    def __post_init__(self) -> None:
        self._workspace = Workspace(self.items)

    def share(self, space: Workspace) -> None:
        """Use another one's workspace: a column of scores for each of ten sources is too much memory."""
        self._workspace = space

    @abstractmethod
    def scatter(self, query: Query, space: Workspace) -> int:
        """Leave scores above 0 in `space.scores`; returns how many of `space.touched` name them."""

    def score(self, query: Query) -> Ranked:
        if query.n <= 0:
            return NOTHING
        own = self._workspace
        return Ranked(*kernels.best(own.scores, own.touched, self.scatter(query, own), query.n))
