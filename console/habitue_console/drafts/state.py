"""Whether a document is at work just now: off, scheduled, active, ended, or broken. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class State(StrEnum):
    ACTIVE = "active"
    SCHEDULED = "scheduled"  # its time comes
    ENDED = "ended"
    OFF = "off"
    BROKEN = "broken"  # does not compile: it is left out of every decision


def state_of(body: Mapping[str, Any], now: datetime, zone: ZoneInfo, *, broken: bool = False) -> State:
    """By its switch and its dates; a document outside its weekdays or hours is still active."""
    if broken:
        return State.BROKEN
    if body.get("enabled") is False:
        return State.OFF
    validity = body.get("validity")
    if isinstance(validity, Mapping):
        until, start = (_moment(validity.get(name), zone) for name in ("until", "from"))
        if until is not None and until <= now:
            return State.ENDED
        if start is not None and start > now:
            return State.SCHEDULED
    return State.ACTIVE


def resting(body: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> bool:
    """Whether an active document waits for its weekday or hour."""
    validity = body.get("validity")
    if not isinstance(validity, Mapping):
        return False
    local = now.astimezone(zone)
    weekdays, hours = validity.get("weekdays"), validity.get("hours")
    if isinstance(weekdays, list) and weekdays and WEEKDAYS[local.weekday()] not in weekdays:
        return True
    if isinstance(hours, list) and len(hours) == 2 and all(isinstance(one, str) for one in hours):
        start, end = hours
        clock = local.strftime("%H:%M")
        return not (start <= clock < end if start <= end else clock >= start or clock < end)
    return False


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
