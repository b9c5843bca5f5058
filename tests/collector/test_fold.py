"""profile = fold(events): the same in any order of delivery, small whatever comes, equal to its replay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.house import (
    House,
    buys,
    house,
    identify,
    page,
    track,
    user_hash,
    views,
    visitor_of,
)

from habitue_collector import fold
from habitue_collector.events import Event, Item, Kind
from habitue_collector.exposures import MAX_EXPOSURES, MAX_WORN
from habitue_collector.profile import (
    HOUR,
    MAX_BOUGHT,
    MAX_CART,
    MAX_RECENT_ITEMS,
    MAX_SEEN,
    MAX_TRAITS,
    SEEN_HOURS,
    Profile,
    digest,
    unpack,
)
from habitue_collector.settings import demo_settings
from habitue_collector.store import keys

NOW = 1_700_000_000_000


def event(kind: Kind, at: int = 0, *, number: int = 0, items: tuple[Item, ...] = (), **more: Any) -> Event:
    return Event(
        f"{kind}-{at}-{number}", kind, str(kind), NOW + at, NOW + at + 100, items=list(items), **more
    )


def folded(*events: Event) -> Profile:
    profile = Profile("p")
    for one in events:
        fold.fold(profile, one, one.received_at)
    return profile


# ---- any order of delivery -------------------------------------------------------------------

statements = st.lists(
    st.tuples(
        st.integers(0, 10_000_000),
        st.sampled_from(["plan", "size", "city"]),
        st.text(max_size=5) | st.integers(-5, 5),
        st.sampled_from(["analytics", "personalization"]),
        st.sampled_from(["granted", "denied"]),
    ),
    max_size=15,
    unique_by=lambda statement: statement[0],
)


@given(statements=statements, data=st.data())
def test_any_order_of_delivery_gives_the_same_traits_and_consents(
    statements: list[Any], data: st.DataObject
) -> None:
    events = []
    for at, name, value, purpose, state in statements:
        events.append(event(Kind.IDENTIFY, at, properties={"traits": {name: value}}))
        events.append(event(Kind.CONSENT, at, properties={purpose: state}))
        events.append(event(Kind.SUBSCRIBE if state == "granted" else Kind.UNSUBSCRIBE, at))
    one, other = folded(*events), folded(*data.draw(st.permutations(events)))
    assert one.traits == other.traits
    assert one.consents == other.consents
    assert one.state.get("subscriptions") == other.state.get("subscriptions")
    assert (one.first_seen, one.last_seen) == (other.first_seen, other.last_seen)


@given(st.permutations(range(MAX_TRAITS + 20)))
def test_of_too_many_traits_the_latest_stay_in_whatever_order_they_came(order: list[int]) -> None:
    profile = folded(*(event(Kind.IDENTIFY, at, properties={"traits": {f"t{at}": at}}) for at in order))
    assert profile.traits.keys() == {f"t{at}" for at in range(20, MAX_TRAITS + 20)}


# ---- what an event does ----------------------------------------------------------------------


def test_items_that_were_touched_are_remembered_with_the_strongest_thing_done() -> None:
    profile = folded(
        event(Kind.PRODUCT_VIEW, 0, items=(Item("a"),)),
        event(Kind.ADD_TO_CART, 1_000, items=(Item("a", quantity=2, price=5),)),
        event(Kind.PRODUCT_VIEW, 2_000, items=(Item("b"),)),
        event(Kind.PRODUCT_VIEW, 3_000, items=(Item("a"),)),
    )
    recent = profile.recent_items
    assert list(recent) == ["b", "a"]
    assert (recent["a"].kind, recent["a"].count) == (Kind.ADD_TO_CART, 3)
    assert recent["a"].last == (NOW + 3_000) // 1000 * 1000
    assert profile.session is not None
    assert profile.session.items == ["b", "a"]
    assert profile.session.events == 4


def test_a_cart_follows_what_is_put_in_taken_out_seen_and_bought() -> None:
    profile = folded(
        event(Kind.ADD_TO_CART, 0, items=(Item("a", price=5),)),
        event(Kind.ADD_TO_CART, 1, items=(Item("a", quantity=2), Item("b"))),
        event(Kind.REMOVE_FROM_CART, 2, items=(Item("a", quantity=1), Item("unknown"))),
    )
    assert {name: (line.quantity, line.price) for name, line in profile.cart.items()} == {
        "a": (2, 5),
        "b": (1, None),
    }
    fold.fold(profile, event(Kind.REMOVE_FROM_CART, 3, items=(Item("a"),)), NOW)
    assert list(profile.cart) == ["b"]
    fold.fold(profile, event(Kind.CART_VIEW, 4, items=(Item("c", quantity=3),)), NOW)
    assert list(profile.cart) == ["c"]
    fold.fold(profile, event(Kind.CART_VIEW, 5), NOW)
    assert list(profile.cart) == ["c"], "a cart that names nothing says nothing"
    fold.fold(profile, event(Kind.PURCHASE, 6, order_id="o", value=1.0, items=(Item("c"),)), NOW)
    assert profile.cart == {}
    assert list(profile.bought) == ["c"]


def test_an_impression_counts_exposures() -> None:
    profile = folded(
        *(
            event(Kind.OFFER_IMPRESSION, at, number=at, properties={"item_id": "a"})
            for at in (0, 1_000, 2_000)
        ),
        event(Kind.OFFER_IMPRESSION, 3_000, properties={"item_id": 7}),
    )
    assert profile.exposures["a"].count == 3


PHONE = {"device": "mobile", "country": "AT", "locale": "de-AT"}


def test_a_visit_knows_its_device_its_country_and_its_language() -> None:
    session = folded(event(Kind.PAGE_VIEW, context=dict(PHONE))).session
    assert session is not None
    assert (session.device, session.country, session.language) == ("mobile", "AT", "de")


def test_a_visit_that_a_backend_opened_learns_its_device_from_the_first_page() -> None:
    opened = folded(event(Kind.PRODUCT_VIEW), event(Kind.PAGE_VIEW, 1_000, context=dict(PHONE)))
    assert opened.visits == 1
    assert opened.session is not None
    assert opened.session.device == "mobile"
    unknown = folded(event(Kind.PAGE_VIEW, context={"device": "bot", "locale": "?"})).session
    assert unknown is not None
    assert (unknown.device, unknown.country, unknown.language) == ("", "", "")


def test_a_profile_that_an_older_version_wrote_can_be_read() -> None:
    old = {"id": "s", "started": NOW, "last": NOW, "events": 1}
    session = Profile("p", {"session": old}).session
    assert session is not None
    assert (session.device, session.country, session.language) == ("", "", "")


@given(st.text(max_size=12))
def test_the_language_of_any_locale_is_two_or_three_letters_or_none(locale: str) -> None:
    spoken = fold.language(locale)
    assert spoken == "" or (len(spoken) in (2, 3) and spoken.isalpha() and spoken == spoken.lower())
    assert [fold.language(one) for one in ("de-AT", "pt_BR", "EN", "gsw")] == ["de", "pt", "en", "gsw"]


def test_a_claim_is_noted_on_a_device_and_never_on_a_user() -> None:
    assert folded(event(Kind.IDENTIFY, user_id="u")).state["claimed_user_id"] == "u"
    user = Profile("user:v")
    fold.fold(
        user,
        event(Kind.IDENTIFY, user_id="u", properties={"traits": {"plan": "x"}}),
        NOW,
        fold.Facts(foreign_claim=True),
    )
    assert user.traits == {}
    assert "claimed_user_id" not in user.state


# ---- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "per_hour"),
    [
        (5_000, 20_000),
        (5_000, 850),
        *(pytest.param(20_000, n, marks=pytest.mark.long) for n in (20_000, 850)),
    ],
)
def test_thousands_of_events_a_day_leave_a_small_profile(events: int, per_hour: int) -> None:
    profile = Profile("p")
    kinds = [*fold.WEIGHTS, Kind.OFFER_IMPRESSION, Kind.IDENTIFY, Kind.SUBSCRIBE, Kind.CART_VIEW, Kind.REFUND]
    for number in range(events):
        kind = kinds[number % len(kinds)]
        at = number // per_hour * HOUR + number
        one = event(
            kind,
            at,
            number=number,
            items=(Item(f"item-{number}", price=float(number), category=f"c{number}", brand=f"b{number}"),),
            order_id=f"o{number}",
            value=1.0,
            properties={
                "traits": {f"t{number}": "x" * 1_000, "deep": {"x": ["y" * 1_000] * 20}},
                "channel": f"channel-{number}",
            },
        )
        one.received_at = NOW + at
        fold.fold(profile, one, one.received_at)
    state = profile.state
    assert len(profile.recent_items) == MAX_RECENT_ITEMS
    assert len(profile.cart) <= MAX_CART
    assert len(profile.bought) == MAX_BOUGHT
    assert len(profile.exposures) == MAX_EXPOSURES
    assert len(profile.earlier_exposures) == MAX_WORN
    assert len(profile.traits) <= MAX_TRAITS
    assert "deep" not in profile.traits
    assert len(state["subscriptions"]) <= 20
    assert len(state["orders"]["listed"]) <= 32
    seen = state["seen"]
    assert sum(map(len, seen.values())) <= 11 * (MAX_SEEN + MAX_SEEN // SEEN_HOURS)
    assert len(profile.pack(b"v" * 16)) < 100_000
    assert fold.is_seen(state, digest(f"{kind}-{at}-{number}"))


def test_a_repeat_is_known_for_a_day() -> None:
    profile = Profile("p")
    first = event(Kind.PAGE_VIEW)
    fold.fold(profile, first, NOW)
    for hour in range(1, 25):
        fold.fold(profile, event(Kind.PAGE_VIEW, hour * HOUR), NOW + hour * HOUR)
        assert fold.is_seen(profile.state, digest(first.event_id)), hour
    fold.fold(profile, event(Kind.PAGE_VIEW, 26 * HOUR), NOW + 26 * HOUR)
    assert not fold.is_seen(profile.state, digest(first.event_id))


@given(st.lists(st.integers(0, 40), min_size=1, max_size=80))
def test_repeats_are_told_from_news(numbers: list[int]) -> None:
    profile, known = Profile("p"), set()
    for number in numbers:
        one = event(Kind.PAGE_VIEW, number=number)
        assert fold.is_seen(profile.state, digest(one.event_id)) == (number in known)
        if number not in known:
            fold.fold(profile, one, one.received_at)
        known.add(number)


# ---- a replay equals live --------------------------------------------------------------------


def replayed(shop: House) -> dict[str, dict[str, Any]]:
    """Every profile, folded again from the logs alone, each bucket in its order."""
    profiles: dict[str, Profile | None] = {}
    for kind, record in shop.log():
        name = record.get("profile_id")
        if name is not None and kind != "decision":
            profiles[name] = fold.apply(profiles.get(name), kind, record)
    return {
        name: orjson.loads(orjson.dumps(state))
        for name, profile in profiles.items()
        if profile is not None and (state := profile.to_record())
    }


def live(shop: House) -> dict[str, dict[str, Any]]:
    client = shop.redis.client()
    found = {}
    for key in client.keys("*:profile:*"):
        name = key.decode().split(":profile:", 1)[1]
        if state := unpack(name, client.get(key))[1].to_record():
            found[name] = state
    return found


BROWSING = "view view view add page again order order_again bare_order line refund offer consent trait"
MOVING = "login login claim reset backend_order backend_trait undo erase persona parallel"
STEPS = (*BROWSING.split(), *MOVING.split())
scenarios = st.lists(
    st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 1), st.integers(0, 4)),
    min_size=5,
    max_size=30,
)


class Play:
    """One scenario: three browsers, two persons, five items and orders."""

    def __init__(self, shop: House, number: int, may_wait: bool = False) -> None:
        self.shop = shop
        self.prefix = f"{number}-"
        self.cookies: list[str | None] = [None, None, None]
        self.sent: list[list[dict[str, Any]]] = [[], [], []]
        # Whose an order is that was just erased or taken back is not sure for 20 s: "send it again".
        self.may_wait = may_wait
        for collector in shop.workers:
            collector.committer._patience = 0.5 if may_wait else 5.0

    async def send(self, browser: int, worker: int, *events: dict[str, Any]) -> None:
        answer = await self.shop.browser(*events, cookie=self.cookies[browser], worker=worker)
        if answer.status == 503 and self.may_wait:
            return
        assert answer.status == 200, answer
        self.cookies[browser] = answer.cookie or self.cookies[browser]
        self.sent[browser] += events

    async def step(self, what: str, browser: int, person: int, thing: int) -> None:
        worker, user = thing % 2, f"{self.prefix}person-{person}"
        item, order = f"I{thing}", f"{self.prefix}o-{thing}"
        if what == "view":
            await self.send(browser, worker, views(item, brand=f"B{person}"))
        elif what == "add":
            await self.send(browser, worker, track("Product Added", {"product_id": item, "quantity": thing}))
        elif what == "page":
            await self.send(browser, worker, page(f"/{item}"))
        elif what == "again" and self.sent[browser]:
            await self.send(browser, worker, *self.sent[browser][-1 - thing :])
        elif what == "order":
            await self.send(browser, worker, buys(order, 10.5 + thing, item))
        elif what == "order_again":
            await self.send((browser + 1) % 3, worker, buys(order, 10.5, item))
        elif what == "bare_order":
            await self.send(browser, worker, track("transaction", {"order_id": order, "total": 10.5}))
        elif what == "line":
            await self.send(
                browser, worker, track("transaction_item", {"order_id": order, "product_id": f"I{person}"})
            )
        elif what == "refund":
            await self.send(
                browser, worker, track("Order Refunded", {"order_id": order, "total": 1, "refund_id": "1"})
            )
        elif what == "offer":
            await self.send(browser, worker, track("Offer Viewed", {"item_id": item, "decision_id": "d"}))
        elif what == "consent":
            state = "denied" if thing == 0 else "granted"
            consent = {"analytics": "granted", "personalization": state}
            await self.shop.browser(context={"consent": consent}, cookie=self.cookies[browser], worker=worker)
        elif what == "trait":
            await self.send(browser, worker, identify(user, plan=item))
        elif what == "login":
            await self.send(browser, worker, identify(user, user_hash(user), plan=item), views(item))
        elif what == "claim":
            await self.send(browser, worker, identify(user, "0" * 64, plan=item))
        elif what == "reset" and self.cookies[browser]:
            answer = await self.shop.post(
                "/h/v1/reset", {"writeKey": "demo"}, cookie=self.cookies[browser], worker=worker
            )
            assert answer.status == 200
            self.cookies[browser] = answer.cookie
        elif what == "backend_order":
            await self.shop.backend("track", {"userId": user, **buys(order, 20, item)}, worker=worker)
        elif what == "backend_trait":
            await self.shop.backend("identify", {**identify(user, size=thing)}, worker=worker)
        elif what == "persona":
            await self.send(browser, worker, {**views(item), "context": {"persona": f"role-{person}"}})
        elif what == "undo":
            moves = [
                record
                for kind, record in self.shop.log()
                if kind == "transfer_in" and record["to"] == f"user:{user}" and record["reason"] == "login"
            ]
            if moves:
                transfer_id = moves[thing % len(moves)]["transfer_id"]
                collector = self.shop.workers[worker]
                await collector.mover.undo(user, transfer_id, collector.ingest.clock())
        elif what == "erase" and thing == 0:
            collector = self.shop.workers[worker]
            await collector.endpoints.profiles.erase(f"user:{user}", collector.ingest.clock())
        elif what == "parallel":
            await asyncio.gather(
                self.send(browser, 0, views(item)),
                self.send(browser, 1, identify(user, user_hash(user)), views(item)),
                self.send((browser + 1) % 3, 0, buys(order, 5, item)),
                self.shop.backend("track", {"userId": user, **buys(order, 7, item)}, worker=1),
            )


def try_replays(examples: int) -> None:
    loop = asyncio.new_event_loop()
    context = house(workers=2)
    shop = loop.run_until_complete(context.__aenter__())
    plays = 0

    async def play_it(play: Play, scenario: list[tuple[str, int, int, int]]) -> None:
        for step in scenario:
            await play.step(*step)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(scenario=scenarios)
    def check(scenario: list[tuple[str, int, int, int]]) -> None:
        nonlocal plays
        plays += 1
        shop.redis.client().flushall()
        for collector in shop.workers:
            collector.committer.cache.clear()
        may_wait = any(what in ("undo", "erase") for what, *_ in scenario)
        loop.run_until_complete(play_it(Play(shop, plays, may_wait), scenario))
        assert live(shop) == replayed(shop)
        client = shop.redis.client()
        assert not any(client.hgetall(keys.transfers(bucket)) for bucket in range(keys.BUCKETS))

    try:
        check()
    finally:
        loop.run_until_complete(context.__aexit__(None, None, None))
        loop.close()


def test_a_replay_of_the_log_equals_the_live_profiles() -> None:
    try_replays(30)


@pytest.mark.long
def test_a_replay_of_the_log_equals_the_live_profiles_many_times() -> None:
    try_replays(300)


# ---- size in Redis ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_typical_visitor_of_twenty_events_takes_one_and_a_half_kilobytes(tmp_path: Path) -> None:
    """All keys of that visitor, by MEMORY USAGE; the log apart, which is archived and trimmed."""
    demo = demo_settings(tmp_path)
    proxied = replace(demo.server, trusted_proxies=("127.0.0.1",), country_header="CF-IPCountry")
    async with house(settings=replace(demo, server=proxied)) as shop:
        shelves = ["Shoes/Trail", "Shoes/Road", "Jackets/Rain"]
        cookie = (
            await shop.browser(
                page("/"),
                page("/shoes"),
                context={"consent": {"analytics": "granted"}},
                headers={"accept-language": "de-AT,de;q=0.9", "cf-ipcountry": "AT"},
            )
        ).cookie
        for number in range(6):
            more = {
                "category": shelves[number % 3],
                "brand": ["Salomon", "Hoka"][number % 2],
                "price": 20 + 30 * number,
            }
            await shop.browser(page(f"/p/{number}"), views(f"SKU-{10_000 + number}", **more), cookie=cookie)
        for number in range(2):
            added = {
                "product_id": f"SKU-{10_000 + number}",
                "price": 89.9,
                "quantity": 1,
                "category": shelves[0],
            }
            await shop.browser(track("Product Added", added), page("/cart"), cookie=cookie)
        await shop.browser(
            track("Offer Viewed", {"item_id": "SKU-10009", "decision_id": "d"}),
            identify("u-1", plan="newsletter"),
            cookie=cookie,
        )
        device = visitor_of(cookie)
        client = shop.redis.client()
        own = [key for key in client.keys("*") if device.encode() in key]
        size = sum(client.memory_usage(key, samples=0) for key in own)
        profile = await shop.profile(device)
        assert profile is not None
        assert len(profile["recent_items"]) == 6
        session = profile["session"]
        assert (session["device"], session["country"], session["language"]) == ("desktop", "AT", "de")
        assert size <= 1_536, f"{size} bytes"
