"""What a load's clients know: what they sent, what was acknowledged, and whose it may be.

`problems` compares that with what a server kept. An event belongs to the person who its browser was
between the first attempt and the acknowledgement. When a login or logout fell into that time either
side is right, but only one of them; everywhere else there is one right answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import orjson

from habitue_collector import touches
from habitue_collector.profile import digest
from habitue_collector.store import keys
from habitue_warehouse.partitions import literals, live_paths


@dataclass(slots=True)
class Epoch:
    """A stretch of a browser's life under one identity. `device` None: not told yet."""

    device: str | None = None
    user: str | None = None


@dataclass(slots=True)
class Told:
    """One event as its sender knows it. `items` are those whose count it raises."""

    event_id: str
    items: tuple[str, ...] = ()
    order: str | None = None


@dataclass(slots=True)
class Post:
    """Events that travel, and are acknowledged, together.

    `first` and `last` are the epochs of the browser in which it may have been taken in; `user` is whom
    a backend named instead.
    """

    epochs: list[Epoch]
    events: list[Told]
    first: int = 0
    last: int = 0
    user: str | None = None
    attempts: int = 0
    acknowledged: bool = False

    def persons(self) -> set[str]:
        """The profiles that may have it in the end."""
        if self.user is not None:
            return {f"user:{self.user}"}
        return {person(self.epochs, number) for number in range(self.first, self.last + 1)}


def person(epochs: list[Epoch], number: int) -> str:
    """Where what was done in an epoch is in the end: a login takes along what nobody browsed."""
    epoch = epochs[number]
    if epoch.user is not None:
        return f"user:{epoch.user}"
    if number + 1 < len(epochs) and epochs[number + 1].device == epoch.device:
        return f"user:{epochs[number + 1].user}"
    return epoch.device or "unknown"


@dataclass(slots=True)
class Kept:
    """What a server kept: every event's place (`None`: nobody's) in log and archive, and the profiles."""

    places: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    archived: int = 0
    only_in_log: int = 0


def read_kept(redis: Any, archive: Path) -> Kept:
    """Log and archive as one: an entry that is in both is one, by its stream id."""
    kept = Kept()
    known: set[tuple[int, int, int]] = set()
    paths = live_paths(archive, "events")
    if paths:
        connection = duckdb.connect()
        rows = connection.execute(
            "SELECT bucket, log_ms, log_seq, event_id, profile_id FROM"
            f" read_parquet({literals(paths)}, union_by_name=true, hive_partitioning=false)"
        ).fetchall()
        connection.close()
        for bucket, log_ms, log_seq, event_id, profile_id in rows:
            known.add((bucket, log_ms, log_seq))
            kept.places[event_id].append(profile_id)
        kept.archived = len(rows)
    for bucket in range(keys.BUCKETS):
        for stream_id, entry in redis.xrange(keys.log(bucket)):
            log_ms, _, log_seq = stream_id.partition(b"-")
            if b"event" in entry and (bucket, int(log_ms), int(log_seq)) not in known:
                record = orjson.loads(entry[b"event"])
                kept.places[record["event_id"]].append(record.get("profile_id"))
                kept.only_in_log += 1
    for key in redis.scan_iter("*:profile:*", count=2_000):
        profile_id = key.decode().split(":profile:", 1)[1]
        kept.profiles[profile_id] = orjson.loads(redis.get(key)[16:])
    return kept


@dataclass(slots=True)
class Ledger:
    """All that the clients of one load know. `cast` begins the names of its items, orders and users."""

    cast: str
    posts: list[Post] = field(default_factory=list)
    browsers: list[list[Epoch]] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)  # of each order
    statuses: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)  # answers that nobody should get
    repeats: int = 0  # answered as duplicates
    again: int = 0  # attempts after the first
    given_up: int = 0

    @property
    def acknowledged(self) -> set[str]:
        return {event.event_id for post in self.posts if post.acknowledged for event in post.events}

    @property
    def orders(self) -> set[str]:
        """Those of which some report was acknowledged."""
        return {e.order for post in self.posts if post.acknowledged for e in post.events if e.order}

    @property
    def doubtful(self) -> int:
        """Events that a login or logout overtook, so that either side is right."""
        return sum(len(post.events) for post in self.posts if len(post.persons()) > 1)

    def problems(self, kept: Kept) -> list[str]:
        """What is wrong, one sentence each; empty when all promises were kept."""
        return [*self.strange, *self._events(kept), *self._counts(kept), *self._orders(kept)]

    def lost(self, kept: Kept) -> set[str]:
        return {event_id for event_id in self.acknowledged if not kept.places.get(event_id)}

    def doubled(self, kept: Kept) -> set[str]:
        told = (event.event_id for post in self.posts for event in post.events)
        return {event_id for event_id in told if len(kept.places.get(event_id, ())) > 1}

    def _events(self, kept: Kept) -> list[str]:
        problems = [f"lost: event {event_id}" for event_id in sorted(self.lost(kept))]
        problems += [
            f"doubled: event {event_id} in {kept.places[event_id]}" for event_id in sorted(self.doubled(kept))
        ]
        homes = self._homes()
        for post in self.posts:
            persons = post.persons()
            for event in post.events:
                for place in kept.places.get(event.event_id, ()):
                    if (found := homes.get(place or "", place)) not in persons:
                        problems.append(f"misplaced: event {event.event_id} at {found}, not {persons}")
        return problems

    def _counts(self, kept: Kept) -> list[str]:
        """Each person's item counters against the events that are theirs."""
        homes = self._homes()
        expected: dict[str, Counter[str]] = defaultdict(Counter)
        bought: Counter[str] = Counter()
        for post in self.posts:
            for event in post.events:
                for place in kept.places.get(event.event_id, ())[:1]:
                    for item in event.items:
                        expected[homes.get(place or "", place or "nobody")][item] += 1
        for order in self._known_orders(kept):
            bought[_bought_item(order)] += 1
        found: dict[str, Counter[str]] = defaultdict(Counter)
        found_bought: Counter[str] = Counter()
        for profile_id, state in kept.profiles.items():
            for item, entry in state.get("recent_items", {}).items():
                if item.startswith(f"{self.cast}-"):
                    if item in bought or item.endswith("-o"):
                        found_bought[item] += touches.count(entry)
                    else:
                        found[profile_id][item] += touches.count(entry)
        problems = [
            f"counted wrong: {who} has {dict(found[who] - expected[who])} too many,"
            f" {dict(expected[who] - found[who])} too few"
            for who in sorted(found.keys() | expected.keys())
            if found[who] != expected[who]
        ]
        if bought != found_bought:
            problems.append(
                f"bought wrong: {dict(found_bought - bought)} too many, {dict(bought - found_bought)} too few"
            )
        return problems

    def _known_orders(self, kept: Kept) -> dict[str, set[str]]:
        """Every order of which the server took in a report, and who may own it."""
        owners: dict[str, set[str]] = defaultdict(set)
        for post in self.posts:
            for event in post.events:
                if event.order is not None and kept.places.get(event.event_id):
                    owners[event.order] |= post.persons()
        return owners

    def _orders(self, kept: Kept) -> list[str]:
        names = {digest(order): order for order in self.values}
        holders: dict[str, list[str]] = defaultdict(list)
        problems = []
        for profile_id, state in kept.profiles.items():
            summary = state.get("orders")
            mine = [names[e["order"]] for e in (summary or {"listed": ()})["listed"] if e["order"] in names]
            if summary is None or not mine:
                continue
            for order in mine:
                holders[order].append(profile_id)
            value = sum(self.values[order] for order in mine)
            if summary["count"] != len(mine) or summary["by_currency"] != {"EUR": value}:
                problems.append(f"summed wrong: {profile_id} has {summary}, not {len(mine)} orders, {value}")
        for order, owners in self._known_orders(kept).items():
            found = holders.pop(order, [])
            if len(found) != 1 or found[0] not in owners:
                problems.append(f"order {order} counted for {found or 'nobody'}, owned by one of {owners}")
        problems += [f"order {order} counted for {found}, never reported" for order, found in holders.items()]
        return problems

    def _homes(self) -> dict[str, str]:
        """Device → the person who has in the end what the device did while nobody was logged in."""
        return {
            epoch.device: person(epochs, number)
            for epochs in self.browsers
            for number, epoch in enumerate(epochs)
            if epoch.device is not None and epoch.user is None
        }


def _bought_item(order: str) -> str:
    """Orders are called `<cast>-<browser>-order<number>`; what is bought with them `<cast>-<browser>-o`."""
    return order.rsplit("-", 1)[0] + "-o"
