"""Who may look at the console: this machine, or whoever knows a secret key (pure)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping

from habitue_collector.origins import is_loopback

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def is_this_machine(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a person at this machine asks.

    A proxy on this machine makes everybody's address a loopback one, so nothing may have been forwarded;
    and a page elsewhere may point its own name here (DNS rebinding), so the name asked for must be ours.
    """
    if peer is None or not is_loopback(peer) or any(name in headers for name in _FORWARDED):
        return False
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return is_loopback(name)


def knows_a_secret(authorization: str | None, secrets: Iterable[str]) -> bool:
    """`Bearer KEY`, or Basic with the key as user or password: what a browser's own prompt sends."""
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        said = [value.strip()]
    elif scheme.lower() == "basic":
        try:
            said = base64.b64decode(value, validate=True).decode("utf-8").split(":", 1)
        except (binascii.Error, UnicodeDecodeError):
            return False
    else:
        return False
    matches = [hmac.compare_digest(one.encode(), secret.encode()) for one in said for secret in secrets]
    return any(matches)
