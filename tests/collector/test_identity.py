"""Merge and its inverse, and how little somebody gains who logs in and out a thousand times."""

from __future__ import annotations

from math import isclose
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from habitue_collector import affinity, fold, identity
from habitue_collector.events import Event, Item, Kind
from habitue_collector.profile import (
    MAX_AFFINITIES,
    MAX_CART,
    MAX_SEEN,
    MAX_TRAITS,
    MAX_TRANSFERS,
    Profile,
    digest,
)

NOW = 1_700_000_000_000
KINDS = [
    Kind.PRODUCT_VIEW,
    Kind.ADD_TO_CART,
    Kind.OFFER_IMPRESSION,
    Kind.PAGE_VIEW,
    Kind.IDENTIFY,
    Kind.PURCHASE,
]


def browsed(prefix: str, steps: list[tuple[int, int, int]]) -> Profile:
    """`steps`: kind, item, seconds."""
    profile = Profile(prefix)
    for number, (kind, item, at) in enumerate(steps):
        event = Event(
            f"{prefix}-{number}",
            KINDS[kind],
            "x",
            NOW + at * 1_000,
            NOW + at * 1_000,
            items=[Item(f"i{item}", category=f"c{item % 3}", brand=f"b{item % 2}", price=10.0 * item)],
            order_id=f"{prefix}-o{item}",
            value=float(item),
            currency="EUR",
            properties={"traits": {f"{prefix}-t{item}": at}},
        )
        fold.fold(profile, event, event.received_at)
    return profile


histories = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 6), st.integers(0, 80_000)), max_size=12
)


def copy(state: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(state))
    return found


@given(mine=histories, theirs=histories)
def test_what_a_login_merged_is_taken_out_again(mine: Any, theirs: Any) -> None:
    user, device = browsed("user:u", mine), browsed("device", theirs)
    before = Profile("user:u", copy(user.state))
    moved = identity.movable(device, "u")
    identity.merge(user.state, copy(moved))
    identity.unmerge(user.state, moved)
    assert user.visits == before.visits
    assert user.traits == before.traits
    assert user.orders.count == before.orders.count
    assert user.orders.by_currency == before.orders.by_currency
    for view in ("recent_items", "bought", "exposures"):
        now, then = getattr(user, view), getattr(before, view)
        assert {name: one.count for name, one in now.items()} == {
            name: one.count for name, one in then.items()
        }
    for dimension in ("category", "brand", "price_band"):
        scores = user.state.get("affinities", {}).get(dimension, {})
        theirs = moved.get("affinities", {}).get(dimension, {})
        if len(theirs | before.state.get("affinities", {}).get(dimension, {})) > MAX_AFFINITIES[dimension]:
            continue  # what had no room beside theirs is gone
        for name, score in before.state.get("affinities", {}).get(dimension, {}).items():
            weight = affinity.weight({name: score}, name, NOW)
            if weight > 0.1 * affinity.weight(theirs, name, NOW):
                assert isclose(affinity.weight(scores, name, NOW), weight, rel_tol=0.25, abs_tol=0.05)


@given(mine=histories, theirs=histories)
def test_a_merge_counts_both_and_forgets_no_repeat(mine: Any, theirs: Any) -> None:
    user, device = browsed("user:u", mine), browsed("device", theirs)
    visits, orders = user.visits + device.visits, user.orders.count + device.orders.count
    identity.merge(user.state, identity.movable(device, "u"))
    assert user.visits == visits
    assert user.orders.count == orders
    for prefix, steps in (("user:u", mine), ("device", theirs)):
        for number in range(len(steps)):
            assert fold.is_seen(user.state, digest(f"{prefix}-{number}"))


@given(histories)
def test_a_merge_shares_nothing_with_what_it_took(theirs: Any) -> None:
    device = browsed("device", theirs)
    moved = identity.movable(device, "u")
    before = copy(moved)
    user = Profile("user:u")
    identity.merge(user.state, moved)
    for number in range(7):
        event = Event(
            f"later-{number}", KINDS[1], "x", NOW + 10**9, NOW + 10**9, items=[Item(f"i{number}", quantity=3)]
        )
        fold.fold(user, event, event.received_at)
    assert moved == before


def test_what_belongs_to_the_device_stays_there() -> None:
    device = Profile(
        "d", {"pointer": None, "open_transfer": "t", "transfers": ["t"], "bot": True, "visits": 1}
    )
    assert identity.movable(device, "u") == {"visits": 1}


def test_statements_under_another_claimed_name_stay_out() -> None:
    state = {"claimed_user_id": "ben", "traits": {"plan": {"value": "x", "at": 1}}, "visits": 1}
    assert identity.movable(Profile("d", copy(state)), "anna") == {"visits": 1}
    assert identity.movable(Profile("d", copy(state)), "ben").keys() == {"traits", "visits"}


def transfer(number: int, state: dict[str, Any], reason: str = "login") -> dict[str, Any]:
    return {
        "transfer_id": f"t{number}",
        "timestamp": NOW,
        "reason": reason,
        "from": f"d{number}",
        "to": "user:u",
        "state": state,
    }


def test_a_transfer_comes_in_once() -> None:
    user = Profile("user:u")
    for _ in range(3):
        identity.transfer_in(user, transfer(1, {"visits": 2}))
    assert user.visits == 2
    assert user.state["devices"] == ["d1"]


def test_two_persons_at_one_device_do_not_grow_by_taking_turns() -> None:
    """What one hands the other to know repeats by comes back, and is not added again."""
    one, other = (browsed(name, [(0, 1, at) for at in range(50)]) for name in ("user:a", "user:b"))
    for number in range(100):
        identity.transfer_in(other, transfer(number, {"seen": copy(one.state["seen"])}))
        one, other = other, one
    for profile in (one, other):
        assert sum(map(len, profile.state["seen"].values())) == 11 * 100
        assert len(profile.state["transfers"]) <= MAX_TRANSFERS


def test_a_thousand_logins_leave_a_small_profile() -> None:
    user = Profile("user:u")
    for number in range(300):
        device = browsed(f"d{number}", [(0, n, n + 1_000 * number) for n in range(30)])
        for n in range(30):
            device.state.setdefault("traits", {})[f"{number}-{n}"] = {"value": "x" * 256, "at": number}
            device.state.setdefault("cart", {})[f"{number}-{n}"] = {"price": 1.0}
            device.state.setdefault("subscriptions", {})[f"{number}-{n}"] = {"state": "on", "at": number}
        identity.transfer_in(user, transfer(number, copy(device.state)))
    state = user.state
    assert len(state["traits"]) <= MAX_TRAITS
    assert len(state["cart"]) <= MAX_CART
    assert len(state["subscriptions"]) <= 20
    assert len(state["devices"]) <= 20
    assert len(state["transfers"]) <= MAX_TRANSFERS
    assert sum(map(len, state["seen"].values())) <= 11 * MAX_SEEN
    assert len(user.pack(b"v" * 16)) < 100_000
