"""Every setting of the house: one `habitue.toml`, every value also as `HABITUE_…`.

`Settings.load(environ, path)` is a function of its arguments: the environment is handed in, the file
(and the keys that `habitue keys create` wrote) are read. All problems are collected into one message.
The environment wins over the file. `docs/settings.md` is printed from here and tested.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from .origins import LOOPBACK, OriginPattern, is_loopback
from .setting_values import no_such, read_rows, read_section, read_toml, toml_value
from .store.redis_url import RedisUrl

PREFIX = "HABITUE_"
CONFIG_FILE = "habitue.toml"
KEYS_FILE = "keys/keys.toml"  # inside the data folder: what `habitue keys create` wrote
DEMO_KEY = "demo"
DEMO_SECRET_KEY = "demo-secret"
MIN_SECRET_LENGTH = 24  # characters; a secret key opens every profile


class SettingsError(ValueError):
    """The settings cannot be used. `problems` has one sentence each; the text lists all of them."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"- {problem}" for problem in problems))


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


@dataclass(frozen=True)
class WriteKey:
    """One key. A browser key is public; a server key is secret and proves who calls.

    `consent` says what counts when an event carries none: `required` (counted without any id) or
    `assumed` (the shop asked before it sent).
    """

    key: str = field(repr=False)
    kind: Literal["browser", "server"] = "browser"
    consent: Literal["required", "assumed"] | None = None
    aliases: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    name: str = ""

    @cached_property
    def secret(self) -> bool:
        return self.kind == "server"

    @cached_property
    def consent_assumed(self) -> bool:
        return (self.consent or ("assumed" if self.secret else "required")) == "assumed"

    @cached_property
    def _patterns(self) -> tuple[OriginPattern, ...]:
        return tuple(OriginPattern.parse(origin) for origin in self.origins)

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may use the key; without `origins`, this machine's pages only."""
        if not self.origins:
            return _LOOPBACK_ONLY.matches(origin)
        return any(pattern.matches(origin) for pattern in self._patterns)


_LOOPBACK_ONLY = OriginPattern.parse(LOOPBACK)


@dataclass(frozen=True)
class Settings:
    """The whole, by section, as in the file."""

    server: Server = field(default_factory=Server)
    redis: Redis = field(default_factory=Redis)
    data: Data = field(default_factory=Data)
    cookie: Cookie = field(default_factory=Cookie)
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    limits: Limits = field(default_factory=Limits)
    shop: Shop = field(default_factory=Shop)
    webhooks: Webhooks = field(default_factory=Webhooks)
    keys: tuple[WriteKey, ...] = ()
    created: frozenset[str] = frozenset()  # those of `keys` that KEYS_FILE holds: they can be changed live
    demo: bool = False
    rooms: Mapping[str, Any] = field(default_factory=dict)  # tables that the rooms above read themselves

    @classmethod
    def load(
        cls, environ: Mapping[str, str], path: Path | None = None, base: Settings | None = None
    ) -> Settings:
        """Settings from a file and the environment, over `base`; raises SettingsError with every problem.

        Without `path`, `HABITUE_CONFIG` or `habitue.toml` in the working directory is read, if there. The
        demo reads no file and takes no keys but its own.
        """
        problems: list[str] = []
        base = base or cls()
        document = {} if base.demo else _read_document(environ, path, problems)
        sections = {
            name: read_section(getattr(base, name), name, document.pop(name, {}), environ, variable, problems)
            for name in SECTIONS
        }
        tables = document.pop("keys", [])
        if (text := environ.get(f"{PREFIX}KEYS")) and not base.demo:
            tables = _json(text, f"{PREFIX}KEYS", problems, [])
        rooms = {name: document.pop(name) for name in ROOMS if name in document}
        _rooms_from_environment(rooms, environ, problems)
        problems += [no_such("section", f"[{name}]", name, [*SECTIONS, *ROOMS, "keys"]) for name in document]
        keys = base.keys + read_rows(WriteKey, tables, "[[keys]]", "key", problems)
        created = () if base.demo else _read_created(sections["data"].folder, problems)
        settings = cls(
            **sections,
            keys=keys + created,
            created=frozenset(key.key for key in created),
            demo=base.demo,
            rooms=rooms,
        )
        problems += settings._contradictions()
        if problems:
            raise SettingsError(problems)
        return settings

    def with_created_keys(self) -> Settings:
        """The same with the keys that KEYS_FILE holds now. Raises SettingsError; the demo has its own two."""
        if self.demo:
            return self
        problems: list[str] = []
        created = _read_created(self.data.folder, problems)
        others = tuple(key for key in self.keys if key.key not in self.created)
        settings = replace(self, keys=others + created, created=frozenset(key.key for key in created))
        problems += settings._contradictions()
        if problems:
            raise SettingsError(problems)
        return settings

    def find_key(self, text: str) -> WriteKey | None:
        """The key that a client named, by itself or by an alias; None when there is none."""
        return self._by_name.get(text)

    @cached_property
    def _by_name(self) -> dict[str, WriteKey]:
        return {name: key for key in self.keys for name in (key.key, *key.aliases)}

    @cached_property
    def secret_keys(self) -> tuple[str, ...]:
        """The server keys, as they sign `user_hash`."""
        return tuple(key.key for key in self.keys if key.secret)

    @property
    def exposed(self) -> bool:
        """Whether anybody but this machine is meant to reach the server."""
        hosts = [self.server.host]
        if self.server.public_url:
            hosts.append(self.server.public_url.split("://")[-1].split("/")[0].rsplit(":", 1)[0])
        return not all(is_loopback(host) for host in hosts)

    def refusals(self) -> list[str]:
        """Why a server must not start with these settings; empty when it may."""
        if self.demo:
            return []
        reasons = [
            f"the key {name!r} is the demo's and known to everybody: make your own with `habitue keys create`"
            for name in (DEMO_KEY, DEMO_SECRET_KEY)
            if name in self._by_name
        ]
        if self.server.country_header and not self.server.trusted_proxies:
            reasons.append(
                "[server] country_header is believed from trusted proxies alone: name them in trusted_proxies"
            )
        if not self.exposed:
            return reasons
        browser = [key for key in self.keys if not key.secret]
        if not browser:
            reasons.append(
                "no browser key: every beacon would be refused. Run `habitue keys create --kind browser`"
            )
        if not self.secret_keys:
            reasons.append(
                "no server key: nobody could read a profile or prove a login."
                " Run `habitue keys create --kind server`"
            )
        reasons += [
            f"the browser key {key.name or key.key!r} names no origins: say which pages may use it,"
            ' as in origins = ["https://www.shop.example"]'
            for key in browser
            if not key.origins
        ]
        if not self.shop.hosts:
            reasons.append(
                '[shop] hosts is empty: name the shop\'s own hosts, as in hosts = ["www.shop.example"]'
            )
        return reasons

    def _contradictions(self) -> list[str]:
        problems: list[str] = []
        names: dict[str, int] = {}
        for key in self.keys:
            for name in (key.key, *key.aliases):
                names[name] = names.get(name, 0) + 1
            if key.secret and len(key.key) < MIN_SECRET_LENGTH and key.key != DEMO_SECRET_KEY:
                problems.append(
                    f"a server key is shorter than {MIN_SECRET_LENGTH} characters and could be guessed:"
                    " `habitue keys create --kind server` makes a good one"
                )
            for origin in key.origins:
                try:
                    OriginPattern.parse(origin)
                except ValueError as error:
                    problems.append(f"[[keys]] origins: {error}")
        problems += [
            f"the key or alias {name!r} is there {count} times" for name, count in names.items() if count > 1
        ]
        if not 0 <= self.server.port <= 65_535:
            problems.append(f"[server] port: {self.server.port} is not a port")
        if self.server.workers < 0:
            problems.append(f"[server] workers: {self.server.workers} is less than none; 0 is one per core")
        if not self.server.base_path.startswith("/") or self.server.base_path.endswith("/"):
            problems.append(
                f"[server] base_path: {self.server.base_path!r} must begin with a slash and not end with one"
            )
        for network in self.server.trusted_proxies:
            try:
                ip_network(network, strict=False)
            except ValueError:
                problems.append(f"[server] trusted_proxies: {network!r} is not an address or network")
        if not _COOKIE_NAME.fullmatch(self.cookie.name):
            problems.append(f"[cookie] name: {self.cookie.name!r} cannot be a cookie's name")
        if self.cookie.domain is not None and not _COOKIE_DOMAIN.fullmatch(self.cookie.domain):
            problems.append(f"[cookie] domain: {self.cookie.domain!r} cannot be a cookie's domain")
        if self.cookie.lifetime_days <= 0:
            problems.append("lifetime_days must be more than 0")
        if self.lifetimes.trim_lag_seconds < 0:
            problems.append("trim_lag_seconds must be 0 or more")
        if self.redis.url is not None:
            try:
                RedisUrl.parse(self.redis.url)
            except ValueError as error:
                problems.append(f"[redis] url: {error}")
        for section in (self.lifetimes, self.limits):
            problems += [
                f"{item.name} must be more than 0"
                for item in fields(section)
                if getattr(section, item.name) <= 0 and item.name not in _MAY_BE_NONE
            ]
        if self.limits.network_events_per_second < 0:
            problems.append("network_events_per_second must be 0 or more")
        try:
            ZoneInfo(self.shop.timezone)
        except (KeyError, ValueError, OSError):
            problems.append(f"[shop] timezone: {self.shop.timezone!r} is unknown; write Europe/Berlin or UTC")
        return problems


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
ROOMS = ("recommender", "slots")  # handed on as they are: those rooms know what may stand there


def demo_settings(data: Path, port: int = 8000, host: str = "127.0.0.1", workers: int = 2) -> Settings:
    """What the demo runs with: known keys, every loopback origin and *.test, consent assumed.

    `Settings.load(environ, base=demo_settings(…))` lets the environment change the rest.
    """
    return Settings(
        server=Server(host=host, port=port, workers=workers),
        data=Data(folder=data),
        lifetimes=Lifetimes(trim_lag_seconds=60),  # a year of history need not stay in Redis for long
        shop=Shop(name="Thistle & Oat", hosts=(LOOPBACK, "*.test"), currency="USD"),
        keys=(
            WriteKey(
                DEMO_KEY, "browser", "assumed", aliases=("1",), origins=(LOOPBACK, "*.test"), name="demo shop"
            ),
            WriteKey(DEMO_SECRET_KEY, "server", "assumed", name="demo backend"),
        ),
        demo=True,
    )


_MAY_BE_NONE = ("trim_lag_seconds", "network_events_per_second")
# RFC 6265: a name is a token; of a domain nothing may end the attribute.
_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_COOKIE_DOMAIN = re.compile(r"[0-9A-Za-z.\-]+")
# What programs beside the settings read: they are no slips of the pen.
_OTHER_VARIABLES = frozenset(
    {"AUTHOR", "CONFIG", "CONSENT", "DEBUG", "KEYS", "SECRET_KEY", "URL", "WRITE_KEY"}
)


def _rooms_from_environment(rooms: dict[str, Any], environ: Mapping[str, str], problems: list[str]) -> None:
    """`HABITUE_RECOMMENDER_…` holds a value as TOML writes it; `HABITUE_SLOTS` all slots, as JSON."""
    prefix = f"{PREFIX}RECOMMENDER_"
    said = {name: text for name, text in environ.items() if name.startswith(prefix) and text}
    if said:
        table = rooms.get("recommender", {})
        if isinstance(table, dict):
            told = {name.removeprefix(prefix).lower(): toml_value(text) for name, text in said.items()}
            rooms["recommender"] = {**table, **told}
    if text := environ.get(f"{PREFIX}SLOTS"):
        rooms["slots"] = _json(text, f"{PREFIX}SLOTS", problems, {})


def doubts(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like a setting and are none, each as a sentence: one wrong letter says nothing."""
    known = [variable(section, item.name) for section, kind in SECTIONS.items() for item in fields(kind)]
    known += [f"{PREFIX}{name}" for name in ("CONFIG", "KEYS", "SLOTS")]
    names = {name.removeprefix(PREFIX): name for name in known}
    found = []
    for name in sorted(environ):
        short = name.removeprefix(PREFIX)
        if short == name or short in names or short in _OTHER_VARIABLES or short.startswith("RECOMMENDER_"):
            continue
        if close := get_close_matches(short, names, 1, 0.74):
            found.append(f"{name} is not a setting; did you mean {names[close[0]]}?")
    return found


def variable(section: str, name: str) -> str:
    """The environment variable of a setting: `HABITUE_REDIS_URL`, and for [server] `HABITUE_PORT`."""
    return f"{PREFIX}{name if section == 'server' else f'{section}_{name}'}".upper()


def _read_document(environ: Mapping[str, str], path: Path | None, problems: list[str]) -> dict[str, Any]:
    named = path or (Path(environ[f"{PREFIX}CONFIG"]) if environ.get(f"{PREFIX}CONFIG") else None)
    if named is not None and not named.exists():
        problems.append(f"the settings file {named} is not there")
        return {}
    found = named or Path(CONFIG_FILE)
    return read_toml(found, problems) if found.exists() else {}


def created_keys(data: Path) -> tuple[WriteKey, ...]:
    """The keys that `habitue keys` and the console made. Raises SettingsError when the file is broken."""
    problems: list[str] = []
    keys = _read_created(data, problems)
    if problems:
        raise SettingsError(problems)
    return keys


def _read_created(data: Path, problems: list[str]) -> tuple[WriteKey, ...]:
    path = data / KEYS_FILE
    if not path.exists():
        return ()
    return read_rows(WriteKey, read_toml(path, problems).get("keys", []), str(path), "key", problems)


def _json(text: str, where: str, problems: list[str], otherwise: Any) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problems.append(f"{where} is not JSON: {error}")
        return otherwise


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
