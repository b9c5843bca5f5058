"""The catalog learns from product views: what a page said of an item that no feed has named yet. Pure.

A write key is public, so anybody can send a product view of anything. Hence: what a feed said is never
touched; an item needs a name and a URL on the shop's own hosts; there is a most number of learnt items, and a
rate for each item and each network address; pictures come from named hosts only; and nobody takes an item off
the offers alone: that one is out of stock must be said by a backend, or from two networks on one day.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from habitue_collector.events import Event, Kind
from habitue_collector.events import Item as EventItem
from habitue_recommender.catalog.catalog import DAY, Catalog
from habitue_recommender.catalog.items import Availability, InvalidItem, Item, parse_fields
from habitue_recommender.catalog.trust import on_hosts, patterns
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.visitor import HOUR

_REMEMBERED = 20_000  # items and addresses whose rate is watched
_WITNESSES = 2  # networks of one day: what names a network changes at midnight, so days do not add up


class Learner:
    """Give it every event that passes; it gives back what `store_items(…, verified=False)` should write.

    `refused` counts what was not taken, by reason. One process should do it, so that rates hold.
    """

    def __init__(self, settings: RecommenderSettings) -> None:
        self._settings = settings
        self._hosts = patterns(settings.hosts)
        self._image_hosts = (*self._hosts, *patterns(settings.image_hosts))
        self._told: OrderedDict[str, int] = OrderedDict()
        self._networks: OrderedDict[str, tuple[int, int]] = OrderedDict()  # → (hour, new items)
        self._gone: OrderedDict[str, tuple[int, frozenset[str]]] = OrderedDict()  # → (day, who said so)
        self._unwritten: set[str] = set()  # told, and not seen in the catalog yet
        self.refused: dict[str, int] = {}

    def learn(
        self, event: Event, catalog: Catalog, now: int, *, bot: bool = False, server: bool = False
    ) -> list[dict[str, Any]]:
        """The items to write for one event; nearly always none. `server`: it came with the secret key."""
        if event.kind is not Kind.PRODUCT_VIEW or bot:
            return []
        changes = []
        for spoken in event.items[:1]:  # a product page is about one
            known = catalog.get(spoken.item_id)
            if known is not None and known.verified:
                continue
            fields = self._fields(spoken, event)
            if fields is not None and not server and not self._is_agreed(fields, event, now):
                del fields["availability"]
            if fields is not None and self._may_change(fields, known, event, catalog, now):
                changes.append(fields)
        return changes

    def expired(self, catalog: Catalog, now: int, limit: int = 1_000) -> list[str]:
        """Learnt items that nobody looked at for long: to be deleted."""
        since = now - self._settings.learn_days * DAY
        learnt = (item for item in catalog.items.values() if not item.verified)
        return [item.item_id for item in learnt if item.updated_at < since][:limit]

    def _fields(self, spoken: EventItem, event: Event) -> dict[str, Any] | None:
        page = event.context.get("page")
        said = page.get("url") if isinstance(page, dict) else None
        raw: dict[str, Any] = {
            "item_id": spoken.item_id,
            "name": spoken.name,
            "url": spoken.url or said,
            "brand": spoken.brand or "",
            "category": spoken.category or "",
            "price": spoken.price,
        }
        if isinstance(event.currency, str):
            raw["currency"] = event.currency
        if spoken.availability is not None:
            raw["availability"] = spoken.availability
        if spoken.group_id is not None:
            raw["group_id"] = spoken.group_id
        beside = {"list_price": spoken.list_price, "platform_id": spoken.platform_id}
        if attributes := {name: value for name, value in beside.items() if value is not None}:
            raw["attributes"] = attributes
        try:
            fields = parse_fields(raw)
        except InvalidItem as problem:
            self._refuse(problem.reason.value)
            return None
        if not fields["name"]:
            self._refuse("missing_name")
            return None
        if not on_hosts(fields["url"], self._hosts):
            self._refuse("foreign_url")
            return None
        try:
            image = parse_fields({"item_id": spoken.item_id, "image_url": spoken.image_url})["image_url"]
        except InvalidItem:
            image = ""
        fields["image_url"] = image if on_hosts(image, self._image_hosts) else ""
        return fields

    def _is_agreed(self, fields: dict[str, Any], event: Event, now: int) -> bool:
        """Whether what is said of its availability may be learnt: for "gone" one voice is not enough."""
        item_id = fields["item_id"]
        said = fields.get("availability")
        if said != Availability.OUT_OF_STOCK:
            if said is not None:
                self._gone.pop(item_id, None)
            return True
        today = now // DAY
        day, voices = self._gone.get(item_id, (today, frozenset()))
        if day != today:
            voices = frozenset()
        network = event.context.get("network")
        if isinstance(network, str) and network and len(voices) < _WITNESSES:
            voices |= {network}
        _remember(self._gone, item_id, (today, voices))
        return len(voices) >= _WITNESSES

    def _may_change(
        self, fields: dict[str, Any], known: Item | None, event: Event, catalog: Catalog, now: int
    ) -> bool:
        item_id = fields["item_id"]
        interval = self._settings.learn_interval_minutes * 60_000
        if known is not None:
            self._unwritten.discard(item_id)
            same = all(getattr(known, name) == value for name, value in fields.items())
            if same and now - known.updated_at < DAY:  # once a day is enough to show that it lives
                return False
            if now - known.updated_at < interval:
                self._refuse("item_rate")
                return False
        if now - self._told.get(item_id, -interval) < interval:
            return False
        if known is None and not self._may_add(item_id, event, catalog, now):
            return False
        _remember(self._told, item_id, now)
        return True

    def _may_add(self, item_id: str, event: Event, catalog: Catalog, now: int) -> bool:
        if catalog.unverified + len(self._unwritten) >= self._settings.learn_items:
            self._unwritten = {one for one in self._unwritten if catalog.get(one) is None}
            if catalog.unverified + len(self._unwritten) >= self._settings.learn_items:
                self._refuse("too_many_items")
                return False
        network = event.context.get("network")
        if isinstance(network, str) and network:
            hour, count = self._networks.get(network, (now // HOUR, 0))
            if hour == now // HOUR and count >= self._settings.learn_per_network:
                self._refuse("network_rate")
                return False
            _remember(self._networks, network, (now // HOUR, count + 1 if hour == now // HOUR else 1))
        self._unwritten.add(item_id)
        return True

    def _refuse(self, reason: str) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + 1


def _remember(where: OrderedDict[str, Any], name: str, value: Any) -> None:
    where[name] = value
    where.move_to_end(name)
    if len(where) > _REMEMBERED:
        where.popitem(last=False)
