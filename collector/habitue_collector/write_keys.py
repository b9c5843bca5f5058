"""The keys that clients send: what each may do, and where `habitue keys` keeps those it made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from .origins import LOOPBACK, OriginPattern
from .setting_values import SettingsError, read_rows, read_toml

KEYS_FILE = "keys/keys.toml"  # inside the data folder: what `habitue keys create` wrote
DEMO_KEY = "demo"
DEMO_SECRET_KEY = "demo-secret"
MIN_SECRET_LENGTH = 24  # characters; a secret key opens every profile


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


def created_keys(data: Path) -> tuple[WriteKey, ...]:
    """The keys that `habitue keys` and the console made. Raises SettingsError when the file is broken."""
    problems: list[str] = []
    keys = read_created(data, problems)
    if problems:
        raise SettingsError(problems)
    return keys


def read_created(data: Path, problems: list[str]) -> tuple[WriteKey, ...]:
    path = data / KEYS_FILE
    if not path.exists():
        return ()
    return read_rows(WriteKey, read_toml(path, problems).get("keys", []), str(path), "key", problems)
