"""People as CSV for a spreadsheet or a mailing tool; no cell of it is ever taken for a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from habitue_collector.events import USER_PREFIX
from habitue_collector.profile import Profile
from habitue_recommender.rulebook.documents import iso

COLUMNS = (
    "profile_id",
    "user_id",
    "first_seen",
    "last_seen",
    "visits",
    "orders",
    "order_value",
    "currency",
    "country",
    "language",
)
TRAITS = ("email",)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MARK = "\ufeff"  # Excel reads UTF-8 only with it


def head(traits: Sequence[str] = TRAITS) -> bytes:
    """The first line, with the mark of UTF-8 before it."""
    return (_MARK + _lines([[*COLUMNS, *map(safe, traits)]])).encode()


def rows(profiles: Iterable[Profile], traits: Sequence[str] = TRAITS) -> bytes:
    """One line for each person; traits that somebody does not have are empty."""
    return _lines([_row(profile, traits) for profile in profiles]).encode("utf-8", "replace")


def safe(value: Any) -> Any:
    """A cell that a spreadsheet shows as it is: what looks like a formula gets an apostrophe before it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return "" if value is None else value
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = text.replace("\0", "")
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text


def _row(profile: Profile, traits: Sequence[str]) -> list[Any]:
    orders, session, said = profile.orders, profile.session, profile.traits
    profile_id = profile.profile_id
    currency = next(iter(orders.by_currency), "")
    cells = (
        profile_id,
        profile_id[len(USER_PREFIX) :] if profile.is_user else "",
        "" if profile.first_seen is None else iso(profile.first_seen),
        "" if profile.last_seen is None else iso(profile.last_seen),
        profile.visits,
        orders.count,
        orders.value,
        currency,
        session.country if session is not None else "",
        session.language if session is not None else "",
        *(said.get(name) for name in traits),
    )
    return [safe(cell) for cell in cells]


def _lines(table: list[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue()
