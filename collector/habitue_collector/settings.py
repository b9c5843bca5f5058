"""Every setting of the house: one `habitue.toml`, every value also as `HABITUE_…`.

`Settings.load(environ, path)` is a function of its arguments: the environment is handed in, the file
(and the keys that `habitue keys create` wrote) are read. All problems are collected into one message.
The environment wins over the file. The sections with their defaults stand in `setting_sections`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from .origins import LOOPBACK, OriginPattern, is_loopback
from .setting_sections import (
    PREFIX,
    SECTIONS,
    Cookie,
    Data,
    Lifetimes,
    Limits,
    Redis,
    Server,
    Shop,
    Webhooks,
    describe,
    variable,
)
from .setting_values import SettingsError, no_such, read_rows, read_section, read_toml, toml_value
from .store.redis_url import RedisUrl
from .write_keys import (
    DEMO_KEY,
    DEMO_SECRET_KEY,
    KEYS_FILE,
    MIN_SECRET_LENGTH,
    WriteKey,
    created_keys,
    read_created,
)

__all__ = [  # what it is made of is imported from here, too
    "DEMO_KEY",
    "DEMO_SECRET_KEY",
    "KEYS_FILE",
    "MIN_SECRET_LENGTH",
    "PREFIX",
    "SECTIONS",
    "Cookie",
    "Data",
    "Lifetimes",
    "Limits",
    "Redis",
    "Server",
    "Settings",
    "SettingsError",
    "Shop",
    "Webhooks",
    "WriteKey",
    "created_keys",
    "demo_settings",
    "describe",
    "doubts",
    "variable",
]

CONFIG_FILE = "habitue.toml"


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
        created = () if base.demo else read_created(sections["data"].folder, problems)
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
        created = read_created(self.data.folder, problems)
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


def _read_document(environ: Mapping[str, str], path: Path | None, problems: list[str]) -> dict[str, Any]:
    named = path or (Path(environ[f"{PREFIX}CONFIG"]) if environ.get(f"{PREFIX}CONFIG") else None)
    if named is not None and not named.exists():
        problems.append(f"the settings file {named} is not there")
        return {}
    found = named or Path(CONFIG_FILE)
    return read_toml(found, problems) if found.exists() else {}


def _json(text: str, where: str, problems: list[str], otherwise: Any) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problems.append(f"{where} is not JSON: {error}")
        return otherwise
