"""When something is in force: from, until, weekdays and hours, on the shop's own clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from habitue_recommender.rulebook.reader import Reader

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIELDS = ("from", "until", "weekdays", "hours")
_DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the shop's clock shows it: `weekday` 0 is Monday, `minute` counts from midnight."""

    now: int
    weekday: int
    minute: int

    @classmethod
    def of(cls, now: int, zone: ZoneInfo) -> Moment:
        local = datetime.fromtimestamp(now / 1_000, UTC).astimezone(zone)
        return cls(now, local.weekday(), local.hour * 60 + local.minute)


@dataclass(frozen=True, slots=True)
class Validity:
    """`since` ≤ now < `until` (ms), on `weekdays` (none: each), between two minutes of the day.

    Hours that pass midnight (22:00 to 06:00) belong to the day on which they began.
    """

    since: int | None = None
    until: int | None = None
    weekdays: frozenset[int] = frozenset()
    hours: tuple[int, int] | None = None

    def holds(self, moment: Moment) -> bool:
        if self.since is not None and moment.now < self.since:
            return False
        if self.until is not None and moment.now >= self.until:
            return False
        weekday = moment.weekday
        if self.hours is not None:
            begin, end = self.hours
            if begin < end:
                if not begin <= moment.minute < end:
                    return False
            elif moment.minute < end:  # past midnight: yesterday's
                weekday = (weekday - 1) % 7
            elif moment.minute < begin:
                return False
        return not self.weekdays or weekday in self.weekdays

    def is_over(self, now: int) -> bool:
        """Whether it never comes again."""
        return self.until is not None and self.until <= now


ALWAYS = Validity()


def read_validity(reader: Reader, now: int | None = None) -> Validity:
    """The field `validity` of a document. With `now`, an end that lies in the past is a mistake."""
    if not reader.has("validity"):
        return ALWAYS
    inside = reader.inside("validity", FIELDS)
    since, until = inside.moment("from"), inside.moment("until")
    if since is not None and until is not None and until <= since:
        inside.wrong("until", "this is not after “from”, so it would never be in force")
    elif until is not None and now is not None and until <= now:
        inside.wrong("until", "this lies in the past, so it would never be in force")
    weekdays = frozenset(WEEKDAYS.index(day) for day in inside.words("weekdays", 7, WEEKDAYS))
    return Validity(since, until, weekdays, _hours(inside))


def _hours(reader: Reader) -> tuple[int, int] | None:
    if not reader.has("hours"):
        return None
    value = reader.raw["hours"]
    if not isinstance(value, list | tuple) or len(value) != 2:
        if value != []:
            reader.wrong("hours", "this is not a beginning and an end", '["08:00", "20:00"]')
        return None
    minutes = [_minute(one) for one in value]
    for place, minute in enumerate(minutes):
        if minute is None:
            reader.wrong(f"hours.{place}", "this is not a time of the day", "08:00")
    begin, end = minutes
    if begin is None or end is None:
        return None
    if begin == end:
        reader.wrong("hours", "this begins and ends at the same minute; leave it out for the whole day")
        return None
    return (begin, end)


def _minute(value: object) -> int | None:
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":":
        return None
    hour, minute = value[:2], value[3:]
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= _DAY else None
