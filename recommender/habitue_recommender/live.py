"""What happens right now: distinct visitors per item in the last hour, counted from the passing log.

Only events of people who consented are counted (the others carry no profile), bots never, and of one network
address at most a few people per item, so nobody makes an item popular from one machine. `LiveCounts` lives in
the background process and publishes; workers `parse` what it published.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from habitue_collector import order_lines
from habitue_collector.store import keys
from habitue_recommender.conditions.fields import DEVICES

MINUTE = 60_000
BUCKET = 5 * MINUTE
BUCKETS = 12
WINDOW = BUCKET * BUCKETS
TOP = 200  # items published overall and per top-level category
PUBLISH_EVERY = 1_000  # milliseconds

KINDS = frozenset({"product_view", "product_click", "add_to_cart", "wishlist_add", "purchase"})

_USUAL_HALF_LIFE = 24 * 12  # buckets: what was usual a day ago counts half
_WARM_AFTER = 2 * BUCKETS  # two hours seen before anything can be said to be more than usual
_TREND_LEAST = 5  # distinct visitors
_TREND_RATIO = 2.0
_MAX_ARRIVED = 100_000  # visitors of whom is known how they came
_ARRIVALS = 30  # campaigns and sites that are published, those of most people
_OF_ARRIVAL = 40  # items of each, and of each kind of device
_MAX_MARKS = 500_000  # (item, visitor) pairs held: some 100 MB; past it new ones are counted as overflow


@dataclass(frozen=True, slots=True)
class Live:
    """What was published last: items with their distinct visitors in the last hour, most first."""

    at: int = 0
    overall: tuple[tuple[str, int], ...] = ()
    categories: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    trending: Mapping[str, float] = field(default_factory=dict)  # item → times its usual number
    # By how people came, as `arrival` and `with_device` name it: what they look at.
    arrivals: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)

    def is_stale(self, now: int) -> bool:
        """Whether nobody published for so long that "right now" would be a lie."""
        return now - self.at > WINDOW


NOTHING_LIVE = Live()


def parse(packed: bytes | None) -> Live:
    """What `LiveCounts.publish` wrote; nothing when there is none or it cannot be read."""
    if not packed:
        return NOTHING_LIVE
    try:
        raw = orjson.loads(packed)
        return Live(
            int(raw["at"]),
            _pairs(raw["overall"]),
            {category: _pairs(pairs) for category, pairs in raw["categories"].items()},
            {str(item_id): float(ratio) for item_id, ratio in raw["trending"]},
            {arrival: _pairs(pairs) for arrival, pairs in raw.get("arrivals", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return NOTHING_LIVE


def _pairs(raw: Any) -> tuple[tuple[str, int], ...]:
    return tuple((str(item_id), int(count)) for item_id, count in raw)


def arrival(campaign: str | None, referrer: str | None) -> str:
    """How somebody came, in one word: by a campaign, else from a site; "" when neither is known."""
    if campaign:
        return f"campaign:{campaign}"
    return f"referrer:{referrer}" if referrer else ""


def with_device(device: str) -> str:
    """With what somebody came, in one word; "" when that is not known."""
    return f"device:{device}" if device in DEVICES else ""


def _is_order_line(record: Mapping[str, Any]) -> bool:
    """Whether it is a line of an order that came by itself; its profile has it as bought."""
    return record.get("name") == order_lines.LINE and bool(record.get("order_id"))


def _arrival(context: Mapping[str, Any]) -> str:
    """What an event says of it, in the words that the profile's session has."""
    campaign, referrer = context.get("campaign"), context.get("referrer")
    name = campaign.get("name") if isinstance(campaign, Mapping) else None
    site = None
    if isinstance(referrer, Mapping) and referrer.get("kind") not in (None, "internal", "direct"):
        site = str(referrer.get("host") or referrer["kind"])[:64]
    return arrival(str(name)[:64] if name else None, site)


class Store(Protocol):
    """What `publish` needs of a Redis client."""

    def set(self, name: str, value: bytes, /) -> Awaitable[Any]: ...


@dataclass(slots=True)
class _Seen:
    """The people of the last hour at one item."""

    visitors: dict[str, tuple[int, str]] = field(default_factory=dict)  # → (last bucket, network)
    networks: dict[str, int] = field(default_factory=dict)
    count: int = 0  # each network for at most `per_network` people


class LiveCounts:
    """Feed it every log record that passes, in any order; replays and late records do no harm.

    `category_of` names an item's category path: the catalog's word, never the event's.
    """

    def __init__(
        self, category_of: Callable[[str], str | None] | None = None, *, per_network: int = 3, least: int = 2
    ) -> None:
        self._category_of = category_of or (lambda item_id: None)
        self._per_network = max(1, per_network)
        self._least = max(1, least)
        self._items: dict[str, _Seen] = {}
        self._usual: dict[str, float] = {}
        self._usual_weight = 0.0  # how much of the average is behind us: it began with nothing
        self._marks = 0
        self._arrived: dict[str, tuple[str, str, int]] = {}  # visitor → (how they came, with what, bucket)
        self._arrivals: dict[str, tuple[tuple[str, int], ...]] = {}
        self._bucket = 0
        self._buckets_seen = 0
        self._changed = True
        self._published = b""
        self._published_at = -PUBLISH_EVERY
        self.overflow = 0  # pairs not counted because there was no room

    def observe(self, records: Iterable[Mapping[str, Any]], now: int) -> None:
        """Take in `event` records of the log (`Event.to_record()` with `profile_id`, `kept`, `bot`)."""
        self._advance(now)
        oldest = self._bucket - BUCKETS + 1
        for record in records:
            visitor = record.get("profile_id")
            if not visitor or record.get("bot") or record.get("kept"):
                continue
            self._note_arrival(visitor, record.get("context") or {})
            if record.get("kind") not in KINDS and not _is_order_line(record):
                continue
            # When it happened, not when we got it: a year of imported orders is not happening now.
            happened = min(int(record.get("timestamp") or now), int(record.get("received_at") or now))
            bucket = min(happened // BUCKET, self._bucket)
            if bucket < oldest:
                continue
            context = record.get("context") or {}
            network = str(context.get("network") or "")
            for item in record.get("items") or ():
                self._mark(str(item.get("item_id") or ""), visitor, bucket, network)

    def _note_arrival(self, visitor: str, context: Mapping[str, Any]) -> None:
        """Only the first page of a visit says how somebody came, all of them with what."""
        how = _arrival(context) if "campaign" in context or "referrer" in context else ""
        device = with_device(context.get("device") or "")
        if not how and not device:
            return
        known = self._arrived.get(visitor)
        if known is not None:
            self._arrived[visitor] = (how or known[0], device or known[1], self._bucket)
        elif len(self._arrived) < _MAX_ARRIVED:
            self._arrived[visitor] = (how, device, self._bucket)

    def _mark(self, item_id: str, visitor: str, bucket: int, network: str) -> None:
        if not item_id:
            return
        seen = self._items.get(item_id)
        if seen is None:
            seen = self._items[item_id] = _Seen()
        known = seen.visitors.get(visitor)
        if known is not None:
            if bucket > known[0]:
                seen.visitors[visitor] = (bucket, known[1])
            return
        if self._marks >= _MAX_MARKS:
            self.overflow += 1
            return
        self._marks += 1
        seen.visitors[visitor] = (bucket, network)
        self._count(seen, network)

    def _count(self, seen: _Seen, network: str) -> None:
        """Count one more person of a network, unless it has had its share."""
        here = seen.networks[network] = seen.networks.get(network, 0) + 1
        # Without an address nothing can be capped: such events came from a backend with a secret key.
        if here <= self._per_network or not network:
            seen.count += 1
            self._changed = True

    def _advance(self, now: int) -> None:
        """Forget who was last here more than an hour ago; learn what is usual."""
        bucket = now // BUCKET
        if bucket <= self._bucket:
            return
        passed = bucket - self._bucket if self._bucket else 1
        self._learn_usual(min(passed, 10 * _USUAL_HALF_LIFE))
        self._buckets_seen += passed
        self._bucket = bucket
        oldest = bucket - BUCKETS + 1
        self._marks = 0
        for item_id, seen in list(self._items.items()):
            seen.visitors = {who: mark for who, mark in seen.visitors.items() if mark[0] >= oldest}
            if not seen.visitors:
                del self._items[item_id]
                continue
            seen.networks, seen.count = {}, 0
            for _, network in seen.visitors.values():
                self._count(seen, network)
            self._marks += len(seen.visitors)
        self._count_arrivals(oldest)
        self._changed = True

    def _count_arrivals(self, oldest: int) -> None:
        """What people look at who came the same way; once in a bucket, for it looks at every mark."""
        self._arrived = {who: mark for who, mark in self._arrived.items() if mark[2] >= oldest}
        counts: dict[str, dict[str, dict[str, int]]] = {}
        for item_id, seen in self._items.items():
            for who, (_, network) in seen.visitors.items():
                if (mark := self._arrived.get(who)) is not None:
                    for way in mark[:2]:
                        if way:
                            networks = counts.setdefault(way, {}).setdefault(item_id, {})
                            networks[network] = networks.get(network, 0) + 1
        most = self._per_network
        totals = {
            way: {
                item_id: sum(min(count, most) if network else count for network, count in networks.items())
                for item_id, networks in items.items()
            }
            for way, items in counts.items()
        }
        devices = [way for way in map(with_device, DEVICES) if way in totals]
        ways = [way for way in totals if way not in devices]
        largest = sorted(ways, key=lambda way: (-sum(totals[way].values()), way))[:_ARRIVALS]
        self._arrivals = {}
        for way in (*largest, *devices):
            enough = [(item_id, count) for item_id, count in totals[way].items() if count >= self._least]
            enough.sort(key=lambda pair: (-pair[1], pair[0]))
            if enough:
                self._arrivals[way] = tuple(enough[:_OF_ARRIVAL])

    def _learn_usual(self, passed: int) -> None:
        keep = math.pow(0.5, passed / _USUAL_HALF_LIFE)
        usual = {item_id: value * keep for item_id, value in self._usual.items() if value * keep > 0.01}
        for item_id, seen in self._items.items():
            usual[item_id] = usual.get(item_id, 0.0) + (1.0 - keep) * seen.count
        self._usual = usual
        self._usual_weight = self._usual_weight * keep + (1.0 - keep)

    # ---- reading ---------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Distinct visitors per item, capped per network; only items above the least number."""
        return {item_id: seen.count for item_id, seen in self._items.items() if seen.count >= self._least}

    def snapshot(self, now: int) -> Live:
        """What would be published at `now`."""
        self._advance(now)
        counts = sorted(self.counts().items(), key=lambda pair: (-pair[1], pair[0]))
        categories: dict[str, list[tuple[str, int]]] = {}
        for item_id, count in counts:
            category = self._category_of(item_id)
            if category:
                top = categories.setdefault(category.split("/", 1)[0], [])
                if len(top) < TOP:
                    top.append((item_id, count))
        return Live(
            self._bucket * BUCKET,
            tuple(counts[:TOP]),
            {category: tuple(top) for category, top in sorted(categories.items())},
            self._trending(counts),
            self._arrivals,
        )

    def _trending(self, counts: list[tuple[str, int]]) -> dict[str, float]:
        if self._buckets_seen < _WARM_AFTER:
            return {}
        weight = self._usual_weight
        ratios = {
            item_id: round((count + 1.0) / (self._usual.get(item_id, 0.0) / weight + 1.0), 2)
            for item_id, count in counts
            if count >= _TREND_LEAST
        }
        strongest = sorted(ratios.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]
        return {item_id: ratio for item_id, ratio in strongest if ratio >= _TREND_RATIO}

    async def publish(self, redis: Store, now: int) -> bool:
        """Write what changed for the workers, at most once a second; True when it was written."""
        if now - self._published_at < PUBLISH_EVERY:
            return False
        self._advance(now)
        if not self._changed:
            return False
        self._changed = False
        self._published_at = now
        live = self.snapshot(now)
        packed = orjson.dumps(
            {
                "at": live.at,
                "overall": live.overall,
                "categories": live.categories,
                "trending": list(live.trending.items()),
                "arrivals": live.arrivals,
            }
        )
        if packed == self._published:
            return False
        await redis.set(keys.LIVE_POPULAR, packed)
        self._published = packed
        return True
