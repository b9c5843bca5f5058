"""Consent: what the visitor agreed to, what each request says of it, and which word counts.

Two purposes: `analytics` (keep a profile) and `personalization` (choose offers by it). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from habitue_collector.events import Event


class State(StrEnum):
    __hash__ = str.__hash__  # see events.Kind

    GRANTED = "granted"
    DENIED = "denied"
    PENDING = "pending"  # the visitor has been asked and has not answered, or has not been asked


@dataclass(slots=True, frozen=True)
class Consent:
    """One state per purpose; None where nothing was said (`effective` leaves none of these)."""

    analytics: State | None
    personalization: State | None
    keeps_profile: bool = field(init=False, repr=False, compare=False)
    _record: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        said = (("analytics", self.analytics), ("personalization", self.personalization))
        record = {name: state.value for name, state in said if state is not None}
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "keeps_profile", self.analytics is State.GRANTED)

    @property
    def personalizes(self) -> bool:
        """Offers may follow the profile; without a profile there is nothing to follow."""
        return self.personalization is State.GRANTED and self.analytics is State.GRANTED

    def to_record(self) -> dict[str, str]:
        """As stored on events and profiles. The dict is shared: never change it."""
        return self._record


_STATES: Final = (State.GRANTED, State.DENIED, State.PENDING, None)
_ALL: Final = {(a, p): Consent(a, p) for a in _STATES for p in _STATES}  # there are no others: `is` compares

DENIED: Final = _ALL[State.DENIED, State.DENIED]
GRANTED: Final = _ALL[State.GRANTED, State.GRANTED]
PENDING: Final = _ALL[State.PENDING, State.PENDING]
_NOTHING_SAID: Final = _ALL[None, None]

# How senders spell a state. JSON true/false come from Segment's categoryPreferences.
_SPELLINGS: Final[dict[object, State]] = {
    "granted": State.GRANTED,
    "denied": State.DENIED,
    "pending": State.PENDING,
    True: State.GRANTED,
    False: State.DENIED,
    "true": State.GRANTED,
    "false": State.DENIED,
    "yes": State.GRANTED,
    "no": State.DENIED,
}

# Segment's categories have no fixed names: these are the ones of the common consent managers
# (OneTrust's groups, Cookiebot, Usercentrics, Google's Consent Mode), folded.
_ANALYTICS_CATEGORIES: Final = (
    "analytics",
    "statistics",
    "analyticsstorage",
    "performance",
    "measurement",
    "c0002",
)
_PERSONALIZATION_CATEGORIES: Final = (
    "personalization",
    "personalisation",
    "personalizationstorage",
    "marketing",
    "targeting",
    "advertising",
    "c0004",
)
_FOLD = str.maketrans("", "", " _-")


def read_consent(context: object) -> Consent | None:
    """What a `context` says: `context.consent` in our form or Segment's; None when it says nothing."""
    if type(context) is not dict:
        return None
    said = context.get("consent")
    if not said or type(said) is not dict:
        return None
    analytics = _state(said.get("analytics"))
    personalization = _state(said.get("personalization"))
    if analytics is None and personalization is None:
        preferences = said.get("categoryPreferences")
        if type(preferences) is not dict:
            return None
        folded = {
            key.lower().translate(_FOLD): value for key, value in preferences.items() if type(key) is str
        }
        analytics = _first(folded, _ANALYTICS_CATEGORIES)
        personalization = _first(folded, _PERSONALIZATION_CATEGORIES)
        if analytics is None and personalization is None:
            return None
    return _ALL[analytics, personalization]


def from_record(record: Mapping[str, Any] | None) -> Consent | None:
    """The inverse of `Consent.to_record`."""
    return read_consent({"consent": record}) if record else None


def effective(explicit: Consent | None, stored: Consent | None, key_assumes: bool, gpc: bool) -> Consent:
    """The states to act on, purpose by purpose; never None inside.

    In this order: Global Privacy Control (`Sec-GPC: 1`) denies; what the request says, except that
    "pending" takes back no denial; what the profile remembers; what the write key assumes
    (`consent = "assumed"`: granted, `"required"`: pending).
    """
    if gpc:
        return DENIED
    if stored is None:
        if explicit is None:
            return GRANTED if key_assumes else PENDING
        if explicit.analytics is not None and explicit.personalization is not None:
            return explicit
    default = State.GRANTED if key_assumes else State.PENDING
    said, kept = explicit or _NOTHING_SAID, stored or _NOTHING_SAID
    return _ALL[
        _decide(said.analytics, kept.analytics, default),
        _decide(said.personalization, kept.personalization, default),
    ]


def _decide(explicit: State | None, stored: State | None, default: State) -> State:
    if explicit is not None and explicit is not State.PENDING:
        return explicit
    if stored is State.DENIED:
        return stored
    return explicit or stored or default


def _state(value: object) -> State | None:
    if type(value) is str:
        return _SPELLINGS.get(value) or _SPELLINGS.get(value.lower())
    return _SPELLINGS.get(value) if type(value) is bool else None


def _first(folded: Mapping[str, object], names: tuple[str, ...]) -> State | None:
    for name in names:
        if (state := _state(folded.get(name))) is not None:
            return state
    return None


def strip(event: Event) -> None:
    """Take out of an event whatever could name a person: what is left is a count."""
    event.anonymous_id = event.user_id = event.session_id = event.order_id = None
    event.properties = {}
    event.search_term = None
    context = event.context
    page = context.get("page")
    kept: dict[str, Any] = {
        name: context[name] for name in ("device", "campaign", "referrer") if name in context
    }
    if page and "path" in page:
        kept["page"] = {name: page[name] for name in ("host", "path") if name in page}
    event.context = kept
