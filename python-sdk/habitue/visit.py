"""Whose request is being answered? It travels from the middleware to the SDK's calls by a contextvar."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from os import urandom
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from habitue.events import InvalidArgument, encode, identifier

if TYPE_CHECKING:
    from habitue.first_party import FirstParty

Consent = Mapping[str, str | bool | None]
Mode = Literal["required", "assumed"]
UserId = str | int | UUID | None
PURPOSES = ("analytics", "personalization")
MAX_COOKIE = 512
_STATES = {True: "granted", False: "denied", "granted": "granted", "denied": "denied", "pending": "pending"}
DENIED = {"analytics": "denied", "personalization": "denied"}
PENDING = {"analytics": "pending", "personalization": "pending"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the events of one request to the server come from. Nobody in particular: they name it themselves.

    `nonce` stands for a visitor who has no good cookie (yet); `consent` is JSON, as it goes over the wire.
    """

    cookie: str = ""
    nonce: str = ""
    consent: str = ""

    @property
    def named(self) -> bool:
        return bool(self.cookie or self.nonce or self.consent)


NOBODY = Sender()


class Visit:
    """One request of one visitor: the cookie, the consent, who is logged in, the page.

    `consent` is what this request says (None: nothing; then the cookie's being there counts, and without
    a cookie the `mode`, as for the tag: `required` keeps nothing of anybody, `assumed` everything).
    `user` is called when somebody asks who is logged in, so a login during the request counts.
    """

    def __init__(
        self,
        *,
        cookie: str | None = None,
        mode: Mode = "assumed",
        consent: Consent | None = None,
        gpc: bool = False,
        user: Callable[[], UserId] | None = None,
        user_id: UserId = None,
        url: str | None = None,
        referrer: str | None = None,
        user_agent: str | None = None,
        locale: str | None = None,
        forwarded: Mapping[str, str] | None = None,
        secure: bool = False,
        site: FirstParty | None = None,
    ) -> None:
        good = cookie is not None and 0 < len(cookie) <= MAX_COOKIE and cookie.isascii()
        self.cookie = cookie if good and cookie and cookie.isprintable() and " " not in cookie else None
        self.mode = mode
        self.gpc = gpc
        self.url = url
        self.referrer = referrer
        self.user_agent = user_agent
        self.locale = locale
        self.forwarded = dict(forwarded or {})
        self.secure = secure
        self.site = site
        self.prefix = ""  # what stands before the mount's path in addresses
        self.set_cookies: list[str] = []
        self.personal = False  # what the page shows depends on who looks at it
        self.helped = False  # the page has the files that rendered offers need
        self.concerned = False  # the server was told something of this visitor
        self.leaving = False  # logged out: the device's next profile begins with the answer
        self.withdrawn = False
        self._said: dict[str, str] | None = None
        self._user = user
        self._user_id = user_id
        self._nonce: str | None = None
        self._sender: Sender | None = None
        self._context: dict[str, Any] | None = None
        self._encoded: bytes | None = None
        self._encoded_for: UserId = None
        if consent is not None:
            self.say(consent)

    # ---- consent -----------------------------------------------------------------------------

    def say(self, consent: Consent) -> None:
        """What the visitor agrees to, for the rest of this request; purposes left out stay as they are."""
        said = dict(self._said or {})
        for purpose in PURPOSES:
            value = consent.get(purpose)
            if value is not None:
                state = _STATES.get(value)
                if state is None:
                    raise InvalidArgument(f"consent is granted, denied, pending or a boolean, not {value!r}")
                said[purpose] = state
        self._said = said or None
        self._sender = None

    @property
    def consent(self) -> Mapping[str, str] | None:
        """What is said to the server; None: its profile and its key decide."""
        if self.gpc:
            return DENIED
        if self._said is not None:
            return self._said
        return PENDING if self.cookie is None and self.mode == "required" else None

    @property
    def keeps_profile(self) -> bool:
        consent = self.consent
        return consent is None or consent.get("analytics", "granted") == "granted"

    @property
    def personalizes(self) -> bool:
        consent = self.consent
        return self.keeps_profile and (
            consent is None or consent.get("personalization", "granted") == "granted"
        )

    # ---- who ---------------------------------------------------------------------------------

    @property
    def user_id(self) -> str | None:
        """Who is logged in, as the shop knows it now."""
        try:
            user_id = self._user() if self._user is not None else self._user_id
            return identifier(user_id, "user_id") if user_id not in (None, "") else None
        except Exception:  # the shop's own function, or an id that the server would refuse
            return None

    @property
    def nonce(self) -> str:
        """Stands for a visitor without a cookie: whatever happens in this request happens to one visitor."""
        if self._nonce is None:
            self._nonce = urandom(16).hex()
        return self._nonce

    @property
    def sender(self) -> Sender:
        """Who events of this request come from."""
        if self._sender is None:
            consent = self.consent
            self._sender = Sender(
                self.cookie or "",
                self.nonce if self.cookie is None and self.keeps_profile else "",
                encode(consent).decode() if consent is not None else "",
            )
        return self._sender

    def found(self, set_cookie: str) -> None:
        """The server answered with a cookie: it goes on to the browser."""
        name_value = set_cookie.partition(";")[0]
        value = name_value.partition("=")[2]
        if self.secure and value and "; secure" not in set_cookie.lower():
            set_cookie += "; Secure"
        self.set_cookies = [set_cookie]
        self.cookie = value or None
        self._sender = None

    def logout(self) -> None:
        """The next person at this device is somebody else; takes effect with the answer."""
        self.leaving = self.cookie is not None

    # ---- context -----------------------------------------------------------------------------

    @property
    def context(self) -> dict[str, Any]:
        """What events of this request say of the page and the browser."""
        if self._context is None:
            page = {name: text for name, text in (("url", self.url), ("referrer", self.referrer)) if text}
            said: dict[str, Any] = {"page": page} if page else {}
            if self.user_agent:
                said["userAgent"] = self.user_agent[:1_024]
            if self.locale:
                said["locale"] = self.locale[:35]
            self._context = said
        return self._context

    def context_with_proof(self, user_id: str | None, secret_key: str) -> dict[str, Any]:
        if user_id is None:
            return self.context
        return {**self.context, "user_hash": user_hash(secret_key, user_id)}

    def encoded_context(self, user_id: str | None, secret_key: str) -> bytes:
        """The same as JSON, made once per request and user."""
        if self._encoded is None or self._encoded_for != user_id:
            self._encoded = encode(self.context_with_proof(user_id, secret_key))
            self._encoded_for = user_id
        return self._encoded


def user_hash(secret_key: str, user_id: str | int | UUID) -> str:
    """The proof of a login for the page: hex HMAC-SHA256(secret key, user_id)."""
    return hmac.digest(secret_key.encode(), str(user_id).encode("utf-8", "replace"), "sha256").hex()


_current: ContextVar[Visit | None] = ContextVar("habitue_visit", default=None)


def current_visit() -> Visit | None:
    """The visit that this code answers; None outside of a request."""
    return _current.get()


@contextmanager
def visiting(visit: Visit | None) -> Iterator[Visit | None]:
    """Calls within are about this visitor: `with visiting(Visit(cookie=…)):`, as in a background job."""
    token = _current.set(visit)
    try:
        yield visit
    finally:
        _current.reset(token)


def enter(visit: Visit | None) -> Any:
    """For middlewares; give what comes back to `leave`."""
    return _current.set(visit)


def leave(token: Any) -> None:
    try:
        _current.reset(token)
    except ValueError:  # another context: a framework moved us; nothing of ours is left there
        _current.set(None)


__all__ = [
    "NOBODY",
    "Consent",
    "Mode",
    "Sender",
    "UserId",
    "Visit",
    "current_visit",
    "enter",
    "leave",
    "user_hash",
    "visiting",
]
