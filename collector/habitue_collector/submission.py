"""What goes through the committer: a request's events on their way in, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from habitue_collector.consent import Consent
from habitue_collector.events import Event
from habitue_collector.profile import Profile

if TYPE_CHECKING:
    from habitue_collector.pipeline import Opened

ACCEPTED: dict[str, Any] = {"status": "accepted"}
DUPLICATE: dict[str, Any] = {"status": "accepted", "duplicate": True}
COUNTED: dict[str, Any] = {"status": "accepted", "kept": "counted"}
CLAIMED: dict[str, Any] = {"status": "accepted", "kept": "claimed"}
KEPT = {"counted": COUNTED, "claimed": CLAIMED}


class Intake:
    """One event on its way: through the steps, into a profile, and what became of it.

    `raw` is what was sent, until the first step has read it; `event` is there from then on. `target` is
    whose profile it is for (a device, or `user:…`), before the device's pointer is followed; `owner` whose
    it would be with consent. `kept` says that it is for nobody's. `login` is the user_id that it proves.
    """

    # Not a dataclass: a constructor of fifteen arguments would be what costs most of all the steps.
    __slots__ = (
        "bot",
        "claim",
        "claimed_here",
        "consent_said",
        "event",
        "index",
        "kept",
        "login",
        "order_known",
        "owner",
        "raw",
        "result",
        "said",
        "server",
        "target",
    )

    event: Event
    claim: tuple[str, int] | None  # who owns its order, since when
    claimed_here: bool  # and that claim is this very event's
    consent_said: bool  # the request itself said that this may be kept
    said: Consent | None  # its own word on consent, where the request has another or none

    def __init__(self, raw: Any, index: int, server: bool = False) -> None:
        self.raw: Any = raw
        self.index = index
        self.server = server
        self.bot = self.consent_said = self.order_known = self.claimed_here = False
        self.target: str | None = None
        self.owner: str | None = None
        self.kept: str | None = None
        self.login: str | None = None
        self.said = self.claim = None
        self.result: dict[str, Any] | None = None

    @classmethod
    def of(cls, event: Event, index: int, target: str | None, *, server: bool = False) -> Intake:
        """An event that needs no steps, for one profile."""
        intake = cls(None, index, server)
        intake.event = event
        intake.target = target
        return intake


new_intake: Callable[[type[Intake]], Intake] = object.__new__  # for who writes every field itself


class Submission:
    """One request's events, in the order of their time, and the callback that answers it.

    `visitor` is the profile that the answer may speak of; with `wants_profile` it is read afresh,
    never from the cache; with `asks_companion` the companion's commands are read too. `consent` is
    what the request said, to be kept with the profile. `size` is how long the request's JSON was, in bytes.
    """

    __slots__ = (
        "alone",
        "asks_companion",
        "blocker",
        "claims",
        "consent",
        "deadline",
        "done",
        "error",
        "intakes",
        "looks_again",
        "opened",
        "profile",
        "received_at",
        "refused",
        "size",
        "then",
        "unsettled",
        "visitor",
        "wants_profile",
    )

    alone: bool  # a flush with it failed by a bug of ours: its neighbours are not to suffer
    claims: bool  # it speaks of orders
    deadline: float  # loop time; there once the committer has taken it
    opened: Opened  # of who was opened: the request behind it, and what `done` calls with both
    then: Callable[[Opened, Submission | None], None]
    looks_again: bool  # what we knew of its profiles was not enough: read them
    refused: bool  # it came too late for the device that sent it: that is to send it again
    unsettled: bool

    def __init__(
        self,
        intakes: list[Intake],
        done: Callable[[Submission], None],
        received_at: int,
        visitor: str | None = None,
        consent: Consent | None = None,
        wants_profile: bool = False,
        asks_companion: bool = False,
    ) -> None:
        self.intakes = intakes
        self.done = done
        self.received_at = received_at
        self.visitor = visitor
        self.consent = consent
        self.wants_profile = wants_profile
        self.asks_companion = asks_companion
        self.size = 0
        self.alone = self.claims = self.looks_again = self.refused = self.unsettled = False
        self.profile: Profile | None = None
        self.error: str | None = None
        self.blocker: Coroutine[Any, Any, None] | None = None


new_submission: Callable[[type[Submission]], Submission] = object.__new__  # as `new_intake`
