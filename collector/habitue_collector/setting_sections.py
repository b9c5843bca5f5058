"""The sections of `habitue.toml`: every setting with its default and its sentence for docs/settings.md."""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

PREFIX = "HABITUE_"


def _setting(default: Any, about: str) -> Any:
    """A dataclass field with its sentence for docs/settings.md."""
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata={"about": about})
    return field(default=default, metadata={"about": about})


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens. In the environment without the section's name: `HABITUE_PORT`."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on; 0 takes a free one and says which.")
    workers: int = _setting(0, "Web worker processes; 0 is one per core.")
    base_path: str = _setting(
        "/h", "Where the browser's endpoints live, so that the shop can mount them on its own host."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    country_header: str | None = _setting(
        None,
        "Header in which a trusted proxy names the visitor's country, as `CF-IPCountry`; believed from"
        " `trusted_proxies` alone.",
    )
    public_url: str | None = _setting(None, "The address that browsers use, when a proxy stands before us.")


@dataclass(frozen=True, slots=True)
class Redis:
    """Where profiles and the log live."""

    url: str | None = _setting(None, "A Redis ≥ 6.2 or Valkey; empty: a private one is started.")
    fsync: Literal["always", "everysec", "no"] = _setting(
        "always",
        "Append-only file policy of the private Redis; docs/operations.md says what each one can lose.",
    )


@dataclass(frozen=True, slots=True)
class Data:
    """The data directory."""

    folder: Path = _setting(Path(".habitue"), "Redis, archive, models, keys and pid files live here.")


@dataclass(frozen=True, slots=True)
class Cookie:
    """The one first-party cookie."""

    name: str = _setting("habitue", "Its name.")
    lifetime_days: int = _setting(395, "Rolling lifetime; 13 months.")
    domain: str | None = _setting(None, "Share it below this domain; empty: the shop's own host only.")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is kept."""

    anonymous_profile_days: int = _setting(395, "A profile without login, after its last event.")
    user_profile_days: int = _setting(
        1186, "A profile of a user who logged in, after its last event; 39 months."
    )
    bot_profile_hours: int = _setting(24, "The profile of a bot.")
    trim_lag_seconds: int = _setting(600, "How long an archived event stays in the Redis log.")
    event_days: int = _setting(1186, "Events in the archive.")
    decision_days: int = _setting(90, "Decisions in the archive.")
    snapshot_days: int = _setting(90, "Daily profile snapshots in the archive.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is bounded, and by how much."""

    queue_events: int = _setting(
        20_000, "Events waiting for Redis per worker; past it beacons are answered 503."
    )
    queue_bytes: int = _setting(
        33_554_432,
        "Bytes of the requests that carry them, unpacked; past it beacons are answered 503, too. A worker"
        " needs about three times as much memory for them.",
    )
    network_events_per_second: int = _setting(
        0,
        "Events that one public network (/24, /48) may send a worker with browser keys, on average and ten"
        " times as many at once; past it 429. 0: no limit. Needs `trusted_proxies` where a proxy stands"
        " before us.",
    )
    dead_letters: int = _setting(10_000, "Refused events kept for the console.")
    decision_deadline_ms: int = _setting(150, "Past this a slot is answered by the fallback.")


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose shop it is."""

    name: str = _setting("Shop", "Shown in the console and on the visitor's page.")
    hosts: tuple[str, ...] = _setting(
        (), "The shop's own hosts; learnt catalog items are shown only with a URL on one of them."
    )
    currency: str = _setting("EUR", "The currency that totals are converted to.")
    currency_table: dict[str, float] = _setting(
        {}, "Worth of one unit of other currencies in the shop's own."
    )
    timezone: str = _setting("UTC", "The shop's clock, for schedules and days.")


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How other systems are told who enters and leaves a segment."""

    allow_private: bool = _setting(
        False,
        "Let them be told at private, loopback and link-local addresses and by plain http too: whoever may"
        " edit a segment then reaches what this machine reaches.",
    )


SECTIONS: dict[str, type[Any]] = {
    "server": Server,
    "redis": Redis,
    "data": Data,
    "cookie": Cookie,
    "lifetimes": Lifetimes,
    "limits": Limits,
    "shop": Shop,
    "webhooks": Webhooks,
}


def variable(section: str, name: str) -> str:
    """The environment variable of a setting: `HABITUE_REDIS_URL`, and for [server] `HABITUE_PORT`."""
    return f"{PREFIX}{name if section == 'server' else f'{section}_{name}'}".upper()


def describe() -> str:
    """The tables of docs/settings.md, printed from the dataclasses."""
    lines: list[str] = []
    for section, kind in SECTIONS.items():
        lines += [f"## [{section}]", "", (kind.__doc__ or "").splitlines()[0], ""]
        lines += ["| setting | variable | default | |", "|---|---|---|---|"]
        lines += [
            f"| `{item.name}` | `{variable(section, item.name)}` | {_shown(item)} |"
            f" {item.metadata['about']} |"
            for item in fields(kind)
        ]
        lines.append("")
    return "\n".join(lines)


def _shown(item: Field[Any]) -> str:
    default = item.default if item.default is not MISSING else None
    return "" if default in (None, (), "") else f"`{default}`"
