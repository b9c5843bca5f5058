"""What the recommender can be told: `[recommender]` and `[slots.*]` in habitue.toml.

`RecommenderSettings.parse` is a function of its arguments; the house's own settings (shop hosts, deadline)
are handed in as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from habitue_recommender.slot_settings import parse_slots
from habitue_recommender.slots import DEFAULT_SLOTS, Slot
from habitue_recommender.training.quiet_hours import QuietHours


@dataclass(frozen=True, slots=True)
class RecommenderSettings:
    """Every value with its default. `signing_keys` (newest last) and `salt` come from the data folder."""

    slots: Mapping[str, Slot] = field(default_factory=lambda: dict(DEFAULT_SLOTS))
    hosts: tuple[str, ...] = ()  # the shop's own hosts; `*.shop.example` and `loopback` as for origins
    image_hosts: tuple[str, ...] = ()  # where learnt pictures may come from, beside `hosts`
    signing_keys: tuple[bytes, ...] = (b"unset: decision ids of tests",)
    salt: bytes = b""  # of holdout and variants; changing it draws everybody anew
    timezone: str = "UTC"  # the shop's clock, for the schedules of rules
    deadline_ms: int = 150  # no slot may take longer, whatever it says of itself
    candidates: int = 500  # asked of each model
    ranker: int = 1  # 1: the learnt order answers where session neighbours would; 0: they do
    affinity_weight: float = 0.5  # how far a visitor's categories and brands lift what is popular or new
    just_bought_days: float = 7.0  # an item is not offered again for so long after it was bought
    cap_impressions: int = 12  # an offer in view this often …
    cap_days: float = 7.0  # … and last within so many days rests for the others
    record_share: float = 0.01  # decisions kept with all candidates and the profile
    live_per_network: int = 3  # visitors counted per item and network address in "popular right now"
    live_least: int = 2  # distinct visitors before anything is called popular right now
    learn_items: int = 10_000  # learnt, unverified items kept at most
    learn_per_network: int = 60  # new items an hour that one network address may teach
    learn_interval_minutes: int = 10  # a learnt item changes at most this often
    learn_days: int = 60  # a learnt item that nobody looked at for so long is forgotten

    train_every_hours: float = 24.0  # between two trainings by itself; 0: only by `habitue train`
    # so many times more visits than it learnt from make the next one due earlier; 0: never
    train_growth: float = 0.2
    train_quiet_hours: tuple[str, ...] = ()  # "18:00-22:00", the shop's clock: no training begins then
    train_memory_mb: int = 0  # a training by itself that takes more is ended; 0: half of the machine's

    @property
    def signing_key(self) -> bytes:
        return self.signing_keys[-1]

    @classmethod
    def parse(
        cls, recommender: Any = None, slots: Any = None, *, problems: list[str], **given: Any
    ) -> RecommenderSettings:
        """From the two tables of habitue.toml; `given` are values from elsewhere. Problems are sentences."""
        values: dict[str, Any] = dict(given)
        raw = {} if recommender is None else recommender
        if not isinstance(raw, Mapping):
            problems.append("[recommender] is not a table")
            raw = {}
        for name, value in raw.items():
            default = _TUNABLE.get(name)
            if default is None:
                problems.append(
                    f"[recommender] {name} is not a setting; there are {', '.join(sorted(_TUNABLE))}"
                )
            elif isinstance(default, tuple):
                if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
                    values[name] = tuple(value)
                else:
                    problems.append(f"[recommender] {name}: {value!r} is not a list of words")
            elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                problems.append(f"[recommender] {name}: {value!r} is not a number from 0 up")
            elif isinstance(default, int) and not isinstance(value, int):
                problems.append(f"[recommender] {name}: {value!r} is not a whole number")
            else:
                values[name] = type(default)(value)
        try:
            QuietHours.parse(values.get("train_quiet_hours", ()))
        except ValueError as error:
            problems.append(f"[recommender] train_quiet_hours: {error}")
        values["slots"] = parse_slots({} if slots is None else slots, problems)
        return cls(**values)


_TUNABLE: dict[str, Any] = {
    one.name: one.default
    for one in fields(RecommenderSettings)
    if isinstance(one.default, int | float | tuple)
    and one.name not in ("signing_keys", "hosts", "deadline_ms")  # told elsewhere
}
