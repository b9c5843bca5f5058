"""How the shop does today: visits, orders and revenue against the same weekday, what sells, what offers do.

Everything comes from the rollups (`habitue_warehouse.rollups`), a few kilobytes a question. It blocks: call
it in a thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from habitue_warehouse.rollup_reader import Hours, RollupReader
from habitue_warehouse.rollup_tables import HOUR_MS
from habitue_warehouse.schema import DAY_MS

WEEKS = 4  # of the same weekday that today is compared with
OFFER_DAYS = 7
SELLING = 8  # items in the list of what sells
_TELLING = 0.05  # of a usual day, before which nothing is said against it


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of today by hour of the shop's day, beside the average of the same weekday."""

    hours: tuple[float, ...]  # of today, up to and with the hour that goes on
    usual: tuple[float, ...]  # of the whole day
    so_far: float
    usual_so_far: float | None  # None: nothing is known of that weekday
    usual_day: float | None

    @property
    def is_early(self) -> bool:
        """Whether so little of a usual day is over that one order more or less would be a landslide."""
        return bool(self.usual_so_far) and (self.usual_so_far or 0.0) < _TELLING * (self.usual_day or 0.0)

    @property
    def change(self) -> float | None:
        """How much more than usual by now: 0.1 is ten per cent more."""
        return self.so_far / self.usual_so_far - 1 if self.usual_so_far else None


@dataclass(frozen=True, slots=True)
class Sold:
    """One item and what it did; `name` and `image_url` are the catalog's."""

    item_id: str
    quantity: float
    revenue: float
    views: int
    carts: int
    currency: str = ""


@dataclass(slots=True)
class SlotFigures:
    """What one slot showed in the last days, and what became of it; revenue in the shop's currency."""

    slot: str
    decisions: int = 0
    offers: int = 0
    viewed: int = 0
    clicked: int = 0
    orders: int = 0
    bought: int = 0
    revenue: float = 0.0
    held_out: int = 0  # answers for people who are never personalised, among `decisions`
    variants: int = 1
    days: list[float | None] = field(default_factory=list)  # clicks by views, each day, oldest first

    @property
    def click_rate(self) -> float | None:
        return self.clicked / self.viewed if self.viewed else None


@dataclass(frozen=True, slots=True)
class Day:
    """The shop's day up to now."""

    at: int
    weeks: int  # of the same weekday that are known
    labels: tuple[str, ...]
    visits: Measure
    orders: Measure
    revenue: Measure
    events: Measure
    other_currencies: Mapping[str, float]  # revenue that has no rate in the shop's table
    sold: tuple[Sold, ...]
    sold_days: int  # how far back `sold` had to look
    slots: tuple[SlotFigures, ...]


class Trade:
    """Asks the rollups of one archive. `rates`: worth of one unit of other currencies in `currency`."""

    def __init__(self, archive: Path, zone: ZoneInfo, currency: str, rates: Mapping[str, float]) -> None:
        self._reader = RollupReader(archive)
        self._zone = zone
        self._rates = {**rates, currency: 1.0, "": 1.0}

    def day(self, now: int) -> Day:
        """Everything of the page Today that is not of this very minute."""
        days = [self._bounds(now, weeks * 7) for weeks in range(WEEKS + 1)]
        spans = tuple(Hours(-(-start // HOUR_MS) * HOUR_MS, end) for start, end in days)
        hours = round((days[0][1] - days[0][0]) / HOUR_MS)  # 23 or 25 when the clocks change
        other: dict[str, float] = defaultdict(float)

        def money(row: Mapping[str, Any]) -> float:
            rate = self._rates.get(row["currency"])
            if rate is None:
                if row["hour"] >= spans[0].since:
                    other[row["currency"]] += row["revenue"]
                return 0.0
            return float(row["revenue"]) * rate

        orders = self._reader.rows(
            "SELECT hour, currency, sum(orders) AS orders, sum(revenue - refunded) AS revenue"
            " FROM orders GROUP BY ALL",
            spans,
        )
        visits = self._reader.rows(
            "SELECT hour, sum(sessions) AS sessions FROM visits WHERE span = 'hour' GROUP BY ALL", spans
        )
        events = self._reader.rows(
            "SELECT hour, sum(events) AS events FROM traffic WHERE NOT bot GROUP BY ALL", spans
        )
        known = [place for place, span in enumerate(spans) if place and _any(events, span)]

        def measure(rows: list[dict[str, Any]], value: Callable[[Mapping[str, Any]], float]) -> Measure:
            return _measure(rows, value, spans, known, hours, now)

        sold, sold_days = self._sold(spans[0], now)
        return Day(
            now,
            len(known),
            tuple(f"{hour:02d}" for hour in range(hours)),
            measure(visits, lambda row: row["sessions"]),
            measure(orders, lambda row: row["orders"]),
            measure(orders, money),
            measure(events, lambda row: row["events"]),
            dict(other),
            sold,
            sold_days,
            self.slots(now),
        )

    def slots(self, now: int, days: int = OFFER_DAYS) -> tuple[SlotFigures, ...]:
        """Every slot that answered in the last days, the busiest first."""
        today = self._bounds(now, 0)[0]
        span = Hours(today - (days - 1) * DAY_MS, now + HOUR_MS)
        rows = self._reader.rows(
            "SELECT slot, variant, holdout, currency, hour, sum(decisions) AS decisions,"
            " sum(offers) AS offers, sum(viewed) AS viewed, sum(clicked) AS clicked, sum(orders) AS orders,"
            " sum(bought) AS bought, sum(revenue) AS revenue FROM offers GROUP BY ALL",
            span,
        )
        found: dict[str, SlotFigures] = {}
        daily: dict[str, list[list[int]]] = {}
        variants: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            one = found.setdefault(row["slot"], SlotFigures(row["slot"]))
            for name in ("decisions", "offers", "viewed", "clicked", "orders", "bought"):
                setattr(one, name, getattr(one, name) + int(row[name]))
            one.revenue += float(row["revenue"] or 0.0) * self._rates.get(row["currency"], 0.0)
            if row["holdout"]:
                one.held_out += int(row["decisions"])
            variants[row["slot"]].add(row["variant"])
            day = min(max(int((row["hour"] - span.since) // DAY_MS), 0), days - 1)
            counts = daily.setdefault(row["slot"], [[0, 0] for _ in range(days)])
            counts[day][0] += int(row["viewed"])
            counts[day][1] += int(row["clicked"])
        for name, one in found.items():
            one.days = [clicked / viewed if viewed else None for viewed, clicked in daily[name]]
            one.variants = len(variants[name])
        return tuple(sorted(found.values(), key=lambda one: (-one.viewed, -one.decisions, one.slot)))

    def _sold(self, today: Hours, now: int) -> tuple[tuple[Sold, ...], int]:
        """What sold today; of a day without an order yet, what sold in the last week."""
        for table, span, days in (
            ("top_items", today, 1),
            ("items", Hours(now // DAY_MS * DAY_MS - 6 * DAY_MS, now + HOUR_MS), 7),
        ):
            rows = self._reader.rows(
                "SELECT item_id, sum(quantity) AS quantity, sum(revenue) AS revenue,"
                f" sum(views)::BIGINT AS views, sum(carts)::BIGINT AS carts, max(currency) AS currency"
                f" FROM {table} GROUP BY item_id HAVING sum(quantity) > 0"
                f" ORDER BY quantity DESC, revenue DESC, item_id LIMIT {SELLING}",
                span,
            )
            if rows:
                return tuple(Sold(**row) for row in rows), days
        return (), 7

    def _bounds(self, now: int, days_before: int) -> tuple[int, int]:
        """The shop's day so long ago: its midnights."""
        day = datetime.fromtimestamp(now / 1_000, self._zone).date() - timedelta(days=days_before)
        start, end = (
            datetime.combine(one, time(), self._zone).timestamp() for one in (day, day + timedelta(days=1))
        )
        return int(start * 1_000), int(end * 1_000)


def _any(rows: list[dict[str, Any]], span: Hours) -> bool:
    return any(span.since <= row["hour"] < span.until for row in rows)


def _measure(
    rows: list[dict[str, Any]],
    value: Callable[[Mapping[str, Any]], float],
    spans: tuple[Hours, ...],
    known: list[int],
    hours: int,
    now: int,
) -> Measure:
    days = [[0.0] * hours for _ in spans]
    for row in rows:
        for place, span in enumerate(spans):
            if span.since <= row["hour"] < span.until:
                days[place][min((row["hour"] - span.since) // HOUR_MS, hours - 1)] += float(value(row) or 0)
    usual = tuple(
        sum(days[place][hour] for place in known) / len(known) if known else 0.0 for hour in range(hours)
    )
    passed, part = divmod(max(0, now - spans[0].since), HOUR_MS)
    passed = min(passed, hours - 1)
    so_far = sum(usual[:passed]) + usual[passed] * part / HOUR_MS
    return Measure(
        tuple(days[0][: passed + 1]),
        usual,
        sum(days[0]),
        so_far if known else None,
        sum(usual) if known else None,
    )
