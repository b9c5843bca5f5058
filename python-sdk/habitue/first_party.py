"""The shop's own host speaks for Habitue: what a mount knows, whoever serves it. Pure but for the cookie's
asking.

The middlewares (`asgi`, `wsgi`, `django`) make a `Visit` of each request by `visit`, and send what stands
below `mount` on to the server as `proxy` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from habitue.breaker import Breaker
from habitue.proxy import appended
from habitue.questions import Asker
from habitue.transport import Request
from habitue.visit import Consent, Mode, UserId, Visit

CLEARED = "Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
_PUBLIC = ("public", "s-maxage")


@dataclass(frozen=True)
class FirstParty:
    """The settings of one mount.

    `mode`: what holds before the visitor was asked, as `data-consent` of the tag. `patience` (s): how long
    the server may take to begin an answer, `piece_patience` to go on with it; `body_patience`: how long a
    browser may take for its body. `keep_host`: the server sees the shop's `Host`, not its own.
    """

    write_key: str
    secret_key: str
    mount: str = "/h"
    base_path: str = "/h"
    mode: Mode = "required"
    cookie: str = "habitue"
    patience: float = 3.0
    piece_patience: float = 10.0
    body_patience: float = 30.0
    max_body_bytes: int = 4_194_304  # what the server takes
    max_in_flight: int = 256
    keep_host: bool = True
    client: Any = None  # the Client or AsyncClient that the mount was given
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        for name in ("mount", "base_path"):
            path = getattr(self, name)
            if not path.startswith("/") or path.endswith("/") or not path.isascii() or "?" in path:
                raise ValueError(f"{name} begins with a slash and does not end with one: {path!r}")
        if self.mode not in ("required", "assumed"):
            raise ValueError(f"consent is 'required' or 'assumed', not {self.mode!r}")

    def owns(self, path: str) -> bool:
        """Whether a path (without the host's own prefix) is ours to answer."""
        return path.startswith(self.mount) and path[len(self.mount) : len(self.mount) + 1] in ("", "/")

    def visit(
        self,
        header: Callable[[str], str | None],
        cookie: str | None,
        *,
        url: str | None,
        prefix: str,
        scheme: str,
        address: str | None,
        user: Callable[[], UserId] | None,
        consent: Consent | None,
    ) -> Visit:
        """Of one request. `header` takes lower-case names; `prefix` is what stands before our paths."""
        forwarded = {"x-forwarded-proto": scheme}
        chain = appended(header("x-forwarded-for"), address)
        if chain:
            forwarded["x-forwarded-for"] = chain
        language = header("accept-language")
        try:
            visit = Visit(
                cookie=cookie,
                mode=self.mode,
                consent=consent,
                gpc=header("sec-gpc") == "1",
                user=user,
                url=url,
                referrer=header("referer"),
                user_agent=header("user-agent"),
                locale=language.split(",")[0].split(";")[0].strip() if language else None,
                forwarded=forwarded,
                secure=scheme == "https",
                site=self,
            )
        except Exception:  # the shop's own word on consent was none: then nothing may be kept
            visit = Visit(mode="required", site=self)
        visit.prefix = prefix
        return visit

    def settling(self, asker: Asker, visit: Visit) -> Request | None:
        """What must be asked before the answer leaves, so that it carries the right cookie."""
        if visit.leaving:
            return asker.reset(visit, self.cookie)
        if visit.set_cookies:
            return None
        if visit.withdrawn and visit.cookie is not None:
            return asker.mint(visit)
        if visit.concerned and visit.cookie is None and visit.keeps_profile:
            return asker.mint(visit)
        return None

    def needs_settling(self, visit: Visit, cache_control: str | None) -> bool:
        """A page that many may be served from a cache is nobody's: it neither asks nor sets a cookie."""
        if visit.leaving:
            return True
        if is_public(cache_control) or visit.set_cookies:
            return False
        if visit.cookie is None:
            return visit.concerned and visit.keeps_profile
        return visit.withdrawn

    def added_headers(
        self, visit: Visit, cache_control: str | None, vary: str | None
    ) -> list[tuple[str, str]]:
        """What a page's answer gets, after settling: cookies, and a word to caches where it is personal."""
        if is_public(cache_control) and not visit.leaving:
            return []
        cookies = visit.set_cookies
        if not cookies and (visit.leaving or visit.withdrawn) and visit.cookie is not None:
            # The server could not be asked: better nobody than the one who has left.
            cookies = [f"{self.cookie}=; {CLEARED}" + ("; Secure" if visit.secure else "")]
        added = [("set-cookie", cookie) for cookie in cookies]
        if cookies or visit.personal:
            said = [part.strip().lower() for part in (vary or "").split(",")]
            if "cookie" not in said and "*" not in said:
                added.append(("vary", "Cookie"))
            if cache_control is None:
                added.append(("cache-control", "private"))
        return added


def is_public(cache_control: str | None) -> bool:
    """Whether shared caches may keep the answer."""
    if cache_control is None:
        return False
    said = [part.strip().partition("=")[0].lower() for part in cache_control.split(",")]
    return any(word in said for word in _PUBLIC) and "private" not in said and "no-store" not in said


def first_party(
    client: Any,
    path: str,
    write_key: str,
    consent: Mode | Callable[[Any], Consent | None],
    options: dict[str, Any],
) -> tuple[FirstParty, Callable[[Any], Consent | None] | None]:
    """The settings of a mount from its arguments. `consent` is a mode, or asks the request: then the mode is
    `required` for whom it says nothing of."""
    mode: Mode = "required" if callable(consent) else consent
    asked = consent if callable(consent) else None
    options.setdefault("base_path", client.base_path)
    site = FirstParty(write_key, client.secret_key, path.rstrip("/"), mode=mode, client=client, **options)
    return site, asked
