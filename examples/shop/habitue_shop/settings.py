"""What the shop must know to run: where it is mounted, where Habitue answers, which keys it holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class ShopSettings:
    """Settings of the demo shop.

    `habitue_url` is where the shop's backend reaches the collector; its pages use the same origin.
    `session_secret` signs the shop's own session cookie, which has nothing to do with Habitue's.
    """

    habitue_url: str = "http://127.0.0.1:8000"
    write_key: str = "demo"
    secret_key: str = "demo-secret"
    path: str = "/shop"
    session_secret: str = "the demo shop's sessions hold nothing worth stealing"
    consent: str = "assumed"  # for the tag; a demo has no consent tool to ask its visitors with
    habitue_cookie: str = "habitue"
