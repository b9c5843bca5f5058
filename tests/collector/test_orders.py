"""An order is counted once for ever, with the best word on its worth and its owner, whoever reports it."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.house import buys, house, identify, track, user_hash, views, visitor_of

from habitue_collector import fold, orders
from habitue_collector.claims import claim_value
from habitue_collector.events import Event, Item, Kind
from habitue_collector.profile import Profile, digest
from habitue_collector.store import keys

NOW = 1_700_000_000_000


def purchase(order_id: str, value: float | None, at: int, currency: str | None = "EUR", **more: Any) -> Event:
    return Event(
        event_id=f"{order_id}-{value}-{at}-{currency}",
        kind=Kind.PURCHASE,
        name="Order Completed",
        timestamp=NOW + at,
        received_at=NOW + 10_000_000,
        order_id=order_id,
        value=value,
        currency=currency,
        **more,
    )


def folded(reports: list[tuple[Event, bool]]) -> Profile:
    profile = Profile("p")
    for event, server in reports:
        fold.fold(profile, event, event.received_at, fold.Facts(server=server))
    return profile


reports = st.lists(
    st.tuples(
        st.sampled_from(["o-1", "o-2", "o-3"]),
        st.floats(0, 1e6).map(lambda value: round(value, 3)),
        st.integers(0, 1_000_000),
        st.sampled_from(["EUR", "USD"]),
        st.booleans(),
    ),
    max_size=12,
    unique_by=lambda report: report[2],
)


@given(reports=reports, data=st.data())
def test_any_order_of_delivery_gives_the_same_orders(reports: list[Any], data: st.DataObject) -> None:
    events = [(purchase(name, value, at, currency), server) for name, value, at, currency, server in reports]
    shuffled = data.draw(st.permutations(events))
    one, other = folded(events).orders, folded(shuffled).orders
    assert one == other
    assert one.count == len({name for name, *_ in reports})


def test_the_backends_word_goes_over_the_browsers_whichever_comes_first() -> None:
    page, backend = purchase("o-1", 10, 5), purchase("o-1", 12.5, 0, "USD")
    for delivery in ([(page, False), (backend, True)], [(backend, True), (page, False)]):
        summary = folded(delivery).orders
        assert summary.by_currency == {"USD": 12.5}
        assert summary.count == 1
        assert summary.first == summary.last == NOW


def test_a_report_that_names_no_value_takes_none_away() -> None:
    assert (
        folded([(purchase("o-1", 10, 0), False), (purchase("o-1", None, 5, None), True)]).orders.value == 10
    )


def test_an_orders_worth_without_a_value_is_the_sum_of_its_lines() -> None:
    event = purchase("o-1", None, 0, items=[Item("a", price=2.5, quantity=2), Item("b", price=1), Item("c")])
    assert orders.event_value(event) == 6


def test_only_the_last_orders_are_listed_and_all_are_counted() -> None:
    profile = folded([(purchase(f"o-{number}", 1, number), True) for number in range(200)])
    assert profile.orders.count == 200
    assert profile.orders.value == 200
    assert profile.orders.first == NOW
    assert profile.orders.last == NOW + 199
    assert len(profile.state["orders"]["listed"]) <= 32
    assert not orders.lists_all(profile.state)


def test_a_refund_is_taken_off_once_and_the_order_stays_counted() -> None:
    profile = folded([(purchase("o-1", 10, 0), True)])
    event = purchase("o-1", 4, 1)
    event.kind, event.properties = Kind.REFUND, {"refund_id": 1}
    for _ in range(2):
        orders.refund(profile.state, event)
    assert (profile.orders.count, profile.orders.value) == (1, 6)
    whole = purchase("o-1", None, 2)
    whole.kind, whole.properties, whole.currency = Kind.REFUND, {"refund_id": 2}, None
    orders.refund(profile.state, whole)
    assert (profile.orders.count, profile.orders.by_currency) == (1, {})


def test_refunds_take_off_no_more_than_the_order_was_worth_whatever_comes_first() -> None:
    def refund(value: float | None, number: int) -> Event:
        event = purchase("o-1", value, number)
        event.kind, event.properties = Kind.REFUND, {"refund_id": number}
        return event

    reports = [(purchase("o-1", 12, 9), True), (refund(4, 1), True), (refund(5, 2), True)]
    for more, left in (((), 3.0), ((refund(7, 3),), 0.0), ((refund(None, 3),), 0.0)):
        for turn in permutations([*reports, *((one, True) for one in more)]):
            profile = folded([(purchase("o-1", 10, 0), False), (purchase("o-2", 20, 0), False), *turn])
            assert profile.orders.value == 20 + left
            entry = orders.remove(profile.state, digest("o-1"))
            assert profile.orders.value == 20, "what went back goes with its order"
            assert entry is not None
            orders.add(profile.state, entry)
            assert profile.orders.value == 20 + left


# ---- claims, with a real Redis ---------------------------------------------------------------


async def total_orders(shop: Any, *profile_ids: str) -> dict[str, int]:
    found = {}
    for profile_id in profile_ids:
        profile = await shop.profile(profile_id)
        found[profile_id] = 0 if profile is None else profile["orders"]["count"]
    return found


@pytest.mark.asyncio
async def test_a_browser_that_names_other_peoples_orders_in_advance_takes_none_of_them() -> None:
    async with house() as shop:
        thief = visitor_of((await shop.browser(*(buys(f"o-{n}", 1, "A") for n in range(5)))).cookie)
        guest = (await shop.browser(views("A"))).cookie
        device = visitor_of(guest)
        await shop.browser(buys("o-1", 30, "A"), cookie=guest)
        await shop.backend("track", {"userId": "u", **buys("o-2", 40, "A")})
        await shop.backend("track", {"anonymousId": device, **buys("o-1", 30, "A")})
        assert await total_orders(shop, thief, device, "user:u") == {thief: 3, device: 1, "user:u": 1}
        for _ in range(2):  # the backend's word stands, whatever the browser says again
            await shop.browser(buys("o-1", 1, "A"), buys("o-2", 1, "A"))
        assert await total_orders(shop, thief, device, "user:u") == {thief: 3, device: 1, "user:u": 1}


@pytest.mark.asyncio
async def test_two_backends_that_disagree_do_not_toss_an_order_to_and_fro() -> None:
    async with house() as shop:
        for number in range(4):
            answer = await shop.backend(
                "track", {"anonymousId": f"device-{number % 2}", **buys("o-1", 9, "A")}
            )
            assert answer.statuses == ["accepted"]
        assert await total_orders(shop, "device-0", "device-1") == {"device-0": 1, "device-1": 0}


@pytest.mark.asyncio
async def test_an_order_whose_claimer_died_before_it_was_counted_is_never_acknowledged_uncounted() -> None:
    async with house() as shop:
        now = shop.workers[0].ingest.clock()
        client = shop.redis.client()
        client.set(keys.order("o-1"), claim_value("lost-device", now))
        shop.workers[0].committer._patience = 0.2
        report = {"userId": "u", **buys("o-1", 9, "A")}
        assert (await shop.backend("track", report)).status == 503
        client.set(keys.order("o-1"), claim_value("lost-device", now - 30_000))
        assert (await shop.backend("track", report)).statuses == ["accepted"]
        assert await total_orders(shop, "user:u") == {"user:u": 1}
        await shop.backend("track", {"anonymousId": "lost-device", **buys("o-1", 9, "A")})
        assert await total_orders(shop, "user:u", "lost-device") == {"user:u": 1, "lost-device": 0}


@pytest.mark.asyncio
async def test_an_order_that_another_worker_is_just_folding_is_waited_for() -> None:
    async with house() as shop:
        now = shop.workers[0].ingest.clock()
        shop.redis.client().set(keys.order("o-1"), claim_value("device", now))
        waiting = asyncio.create_task(shop.backend("track", {"userId": "u", **buys("o-1", 9, "A")}))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await shop.post("/v1/track", {"writeKey": "demo", "anonymousId": "device", **buys("o-1", 9, "A")})
        assert (await waiting).statuses == ["accepted"]
        assert await total_orders(shop, "user:u", "device") == {"user:u": 1, "device": 0}


@pytest.mark.asyncio
async def test_one_order_from_many_senders_at_once_is_one_order() -> None:
    async with house(workers=2) as shop:
        cookies = [(await shop.browser(views("A"))).cookie for _ in range(4)]
        await asyncio.gather(
            *(
                shop.browser(buys("o-1", 9, "A"), cookie=cookie, worker=number % 2)
                for number, cookie in enumerate(cookies)
            ),
            *(shop.backend("track", {"userId": "u", **buys("o-1", 10, "A")}, worker=n % 2) for n in range(4)),
        )
        counts = await total_orders(shop, "user:u", *(visitor_of(cookie) for cookie in cookies))
        assert sum(counts.values()) == 1
        assert counts["user:u"] == 1


@pytest.mark.asyncio
async def test_refunds_of_one_order_are_told_apart_by_their_number() -> None:
    async with house() as shop:
        await shop.backend("track", {"userId": "u", **buys("o-1", 20, "A")})
        for number in ("1", "2", "1"):
            refund = {"order_id": "o-1", "total": 3, "currency": "EUR", "refund_id": number}
            await shop.backend("track", {"userId": "u", **track("Order Refunded", refund)})
        profile = await shop.profile("user:u")
        assert profile is not None
        assert profile["orders"]["value"] == 14


@pytest.mark.asyncio
async def test_an_order_of_somebody_who_denied_is_counted_and_claimed_for_nobody() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        await shop.browser(
            track("Consent Updated", {"analytics": "denied", "personalization": "denied"}), cookie=cookie
        )
        answer = await shop.browser(buys("o-1", 9, "A"), cookie=cookie)
        assert answer.statuses == ["counted"]
        assert not shop.redis.client().exists(keys.order("o-1"))
        (record,) = (record for record in shop.events() if record.get("kept") == "counted")
        assert not {"anonymous_id", "user_id", "session_id", "order_id", "properties"} & record.keys()


@pytest.mark.asyncio
async def test_a_login_does_not_happen_against_a_stored_denial() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        await shop.browser(track("Consent Updated", {"analytics": "denied"}), cookie=cookie)
        answer = await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        assert answer.statuses == ["counted"]
        assert await shop.profile("user:u") is None


@pytest.mark.asyncio
async def test_an_order_that_an_undone_login_took_back_is_still_the_same_order() -> None:
    async with house() as shop:
        cookie = (await shop.browser(buys("o-1", 9, "A"))).cookie
        device = visitor_of(cookie)
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        await shop.backend("track", {"userId": "u", **buys("o-1", 10, "A")})  # the claim is the user's now
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        worker = shop.workers[0]
        assert await worker.mover.undo("u", move["transfer_id"], worker.ingest.clock())
        assert await total_orders(shop, "user:u", device) == {"user:u": 0, device: 1}
        assert (await shop.browser(buys("o-1", 9, "A"), cookie=cookie)).statuses == ["accepted"]
        assert (await shop.browser(buys("o-1", 9, "A"))).statuses == ["accepted"]
        assert await total_orders(shop, "user:u", device) == {"user:u": 0, device: 1}
        await shop.backend("track", {"userId": "u", **buys("o-1", 10, "A")})  # the backend insists
        assert await total_orders(shop, "user:u", device) == {"user:u": 1, device: 0}
