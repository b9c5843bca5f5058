"""What goes through the committer: a request's events on their way in, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from habitue_collector.consent import Consent
from habitue_collector.events import Event
from habitue_collector.profile import Profile

ACCEPTED: dict[str, Any] = {"status": "accepted"}
DUPLICATE: dict[str, Any] = {"status": "accepted", "duplicate": True}
COUNTED: dict[str, Any] = {"status": "accepted", "kept": "counted"}
CLAIMED: dict[str, Any] = {"status": "accepted", "kept": "claimed"}
KEPT = {"counted": COUNTED, "claimed": CLAIMED}


@dataclass(slots=True)
class Intake:
    """One event on its way in, and what became of it.

    `target` is whose profile it is for (a device, or `user:…`), before the device's pointer is
    followed. `kept` says that it is for nobody's. `login` is the user_id that this event proves.
    """

    event: Event
    index: int
    target: str | None
    kept: str | None = None
    login: str | None = None
    server: bool = False
    bot: bool = False
    consent_said: bool = False  # the request itself said that this may be kept
    order_known: bool = False
    claim: tuple[str, int] | None = None  # who owns its order, since when
    claimed_here: bool = False  # and that claim is this very event's
    result: dict[str, Any] | None = None


@dataclass(slots=True)
class Submission:
    """One request's events, in the order of their time, and the callback that answers it.

    `visitor` is the profile that the answer may speak of; with `wants_profile` it is read afresh,
    never from the cache; with `asks_companion` the companion's commands are read too. `consent` is
    what the request said, to be kept with the profile.
    """

    intakes: list[Intake]
    done: Callable[[Submission], None]
    visitor: str | None = None
    wants_profile: bool = False
    asks_companion: bool = False
    claims: bool = False  # it speaks of orders
    consent: Consent | None = None
    received_at: int = 0
    deadline: float = 0.0
    profile: Profile | None = None
    error: str | None = None
    blocker: Coroutine[Any, Any, None] | None = None
    unsettled: bool = False
    refused: bool = False  # it came too late for the device that sent it: that is to send it again
    looks_again: bool = False  # what we knew of its profiles was not enough: read them
    alone: bool = False  # a flush with it failed by a bug of ours: its neighbours are not to suffer
