"""Is the house well? What a marketer or an operator should look at, each with what to do about it (pure).

Texts are English and marked for the translators; `values` fills their places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from habitue_warehouse.schema import DAY_MS

from .words import N_

GOOD, WARN, BAD = "good", "warn", "bad"
OLD_MODEL_DAYS = 8
MANY_REFUSED = 0.01  # of what was sent in a day
MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list: how it is, what is meant, a sentence, and the page that helps.

    Numbers among `values` are written in the reader's language by who shows them.
    """

    state: str
    label: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    href: str = ""


@dataclass(frozen=True, slots=True)
class KeyTraffic:
    """Events of one key in the last days, and how many of them were only counted."""

    source: str
    events: int
    counted: int

    @property
    def is_mostly_counted(self) -> bool:
        return self.counted > self.events * MOSTLY


def look(
    *,
    now: int,
    workers: int,
    figures: Mapping[str, Mapping[str, Any]],
    redis: Mapping[str, Any] | None,
    model: Mapping[str, Any] | None,
    refused: int,
    accepted: int,
    keys: Sequence[KeyTraffic],
    items: int | None,
    unverified: int,
) -> list[Finding]:
    """Everything there is to say, the bad first.

    `refused`, `accepted`: events of the last 24 hours; `items`: None while the catalog is being read.
    """
    found = [
        _redis(redis),
        _processes(workers, figures),
        _model(model, now),
        _refused(refused, accepted),
        _catalog(items, unverified),
        *_keys(keys),
    ]
    return sorted(found, key=lambda one: (BAD, WARN, GOOD).index(one.state))


def _redis(info: Mapping[str, Any] | None) -> Finding:
    if not info:
        return Finding(BAD, "Redis", N_("does not answer: events are refused with 503 and come again"))
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > most * 0.9:
        return Finding(
            BAD, "Redis", N_("%(percent)s%% of its memory are in use"), {"percent": round(used * 100 / most)}
        )
    if info.get("aof_enabled") and info.get("aof_last_write_status") != "ok":
        return Finding(BAD, "Redis", N_("cannot write its append-only file: is the disk full?"))
    if not info.get("aof_enabled"):
        return Finding(WARN, "Redis", N_("keeps nothing on disk: a restart of it loses profiles"))
    return Finding(
        GOOD, "Redis", N_("answers, %(megabytes)s MB in use"), {"megabytes": round(used / 1_048_576)}
    )


def _processes(workers: int, figures: Mapping[str, Mapping[str, Any]]) -> Finding:
    label = N_("Processes")
    up = sum(name.startswith("worker-") for name in figures)
    if up < workers:
        return Finding(BAD, label, N_("%(up)s of %(workers)s workers answer"), {"up": up, "workers": workers})
    if "presence" not in figures:
        return Finding(
            WARN,
            label,
            N_("the background process is silent: nothing is archived, learnt or counted just now"),
        )
    return Finding(GOOD, label, N_("%(workers)s workers and the background process"), {"workers": up})


def _model(model: Mapping[str, Any] | None, now: int) -> Finding:
    label = N_("Model")
    if model is None:
        return Finding(WARN, label, N_("none yet: what is popular answers"), href="/models")
    days = max(0, now - int(model.get("created_at", 0))) // DAY_MS
    state = WARN if days > OLD_MODEL_DAYS else GOOD
    if days == 0:
        return Finding(state, label, N_("trained today"), href="/models")
    return Finding(state, label, N_("trained %(days)s days ago"), {"days": days}, "/models")


def _refused(refused: int, accepted: int) -> Finding:
    label = N_("Refused events")
    if not refused:
        return Finding(GOOD, label, N_("none in the last 24 hours"), href="/events/refused")
    share = refused / max(1, refused + accepted)
    return Finding(
        WARN if share > MANY_REFUSED else GOOD,
        label,
        N_("%(refused)s in the last 24 hours, %(percent)s%% of what was sent"),
        {"refused": refused, "percent": round(share * 100, 1)},
        "/events/refused",
    )


def _catalog(items: int | None, unverified: int) -> Finding:
    label = N_("Catalog")
    if items is None:
        return Finding(GOOD, label, N_("is being read"), href="/catalog")
    if not items:
        return Finding(
            BAD, label, N_("is empty: nothing can be offered before items are imported"), href="/catalog"
        )
    if unverified > items * MOSTLY:
        return Finding(
            WARN, label, N_("%(percent)s%% of the items were only seen on pages: import the shop's feed"),
            {"percent": round(unverified * 100 / items)}, "/catalog",
        )  # fmt: skip
    return Finding(GOOD, label, N_("%(items)s items"), {"items": items}, "/catalog")


def _keys(keys: Sequence[KeyTraffic]) -> list[Finding]:
    return [
        Finding(
            WARN,
            N_("Consent"),
            N_("%(percent)s%% of the events of the key “%(key)s” were only counted: no consent was told"),
            {"percent": round(one.counted * 100 / max(1, one.events)), "key": one.source},
            "/settings",
        )
        for one in keys
        if one.is_mostly_counted
    ]
