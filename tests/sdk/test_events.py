"""Events as the SDK writes them: valid for any server, whatever a shop puts into them."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from habitue.events import InvalidArgument, encode_event, moment
from habitue_collector.events import Kind
from habitue_collector.wires.segment import decode, parse_envelope

NOW = 1_795_284_930.25  # 2026-11-21T18:15:30.250Z


def encoded(call: str = "track", **members: Any) -> dict[str, Any]:
    members.setdefault("user_id", "42")
    if call == "track":
        members.setdefault("name", "Product Viewed")
    event: dict[str, Any] = orjson.loads(encode_event(call, now=NOW, **members))
    return event


def test_a_track_call() -> None:
    event = encoded(
        properties={"product_id": "SKU-001"}, anonymous_id="a", event_id="e-1", context={"locale": "de"}
    )
    assert event == {
        "type": "track",
        "event": "Product Viewed",
        "userId": "42",
        "anonymousId": "a",
        "messageId": "e-1",
        "timestamp": "2026-11-21T18:15:30.250Z",
        "properties": {"product_id": "SKU-001"},
        "context": {"locale": "de"},
    }


def test_every_event_has_an_id_of_its_own() -> None:
    assert len({encoded()["messageId"] for _ in range(100)}) == 100


def test_the_collector_reads_what_the_sdk_writes() -> None:
    envelope = parse_envelope({}, int(NOW * 1000))
    order = decode(
        encoded(
            name="Order Completed",
            properties={
                "order_id": 1001,
                "total": Decimal("119.85"),
                "currency": "EUR",
                "products": ({"product_id": 7, "price": Decimal("12.50"), "quantity": 2},),
            },
        ),
        envelope,
        int(NOW * 1000),
    )
    assert order.kind is Kind.PURCHASE
    assert (order.order_id, order.value, order.currency, order.user_id) == ("1001", 119.85, "EUR", "42")
    assert (order.items[0].item_id, order.items[0].price, order.items[0].quantity) == ("7", 12.5, 2.0)
    assert order.timestamp == int(NOW * 1000)
    person = decode(encoded("identify", traits={"plan": "gold"}), envelope, int(NOW * 1000))
    assert person.properties == {"traits": {"plan": "gold"}}


class Plan(StrEnum):
    GOLD = "gold"


class Size(Enum):
    LARGE = "L"


@dataclass(slots=True)
class Bought:
    sku: str
    price: Decimal


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("89.90"), 89.9),
        (Decimal("NaN"), None),
        (math.nan, None),
        ([1.0, math.inf], [1.0, None]),
        (datetime(2026, 11, 21, 18, tzinfo=UTC), "2026-11-21T18:00:00+00:00"),
        (date(2026, 11, 21), "2026-11-21"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (frozenset({1}), [1]),
        (Plan.GOLD, "gold"),
        (Size.LARGE, "L"),
        (Bought("SKU-001", Decimal("89.90")), {"sku": "SKU-001", "price": 89.9}),
        ([np.int64(3), np.float32(0.5), np.bool_(True), np.array([1, 2])], [3, 0.5, True, [1, 2]]),
        ({"worth": [np.float32("nan"), Decimal(2)]}, {"worth": [None, 2.0]}),
        (b"Gr\xc3\xb6\xc3\x9fe \xff", "Größe \ufffd"),
        (range(2), [0, 1]),
        (deque((1,)), [1]),
        ("Größe \ud800", "Größe ?"),
        (ValueError("an object"), "an object"),
    ],
)
def test_what_shops_put_into_properties(value: object, written: object) -> None:
    assert encoded(properties={"p": value})["properties"] == {"p": written}


def test_a_circle_is_cut() -> None:
    circle: dict[str, Any] = {"a": 1}
    circle["self"] = circle
    assert encoded(properties=circle)["properties"]["a"] == 1


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (datetime(2026, 11, 21, 18, tzinfo=UTC), "2026-11-21T18:00:00.000+00:00"),
        (datetime(2026, 11, 21, 19, tzinfo=timezone(timedelta(hours=1))), "2026-11-21T18:00:00.000+00:00"),
        (1_795_284_930, "2026-11-21T18:15:30.000Z"),
        ("2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z"),
    ],
)
def test_moments(given: object, written: str) -> None:
    assert moment(given) == written


@pytest.mark.parametrize(
    "members",
    [
        {"name": ""},
        {"name": None},
        {"name": 7},
        {"user_id": None},
        {"user_id": ""},
        {"user_id": True},
        {"user_id": 4.5},
        {"user_id": ["42"]},
        {"user_id": "x" * 256},
        {"event_id": {}},
        {"properties": "x"},
        {"properties": [1]},
        {"context": 7},
        {"timestamp": ""},
        {"timestamp": math.inf},
        {"timestamp": 1e300},
        {"timestamp": True},
        {"timestamp": []},
    ],
)
def test_arguments_that_make_no_event(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        encoded(**members)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=10,
)


def check_anything(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    for call in ("track", "identify"):
        try:
            body = encode_event(call, name=a, properties=b, user_id=c, timestamp=d, context=e, now=NOW)
        except InvalidArgument:
            continue
        json.loads(body.decode("utf-8"), parse_constant=pytest.fail)


@settings(deadline=None, max_examples=25)  # a busy machine proves nothing
@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_is_an_event_or_an_invalid_argument(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    check_anything(a, b, c, d, e)


@pytest.mark.long
@settings(deadline=None, max_examples=2_000)
@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_anything_at_full_size(a: Any, b: Any, c: Any, d: Any, e: Any) -> None:
    check_anything(a, b, c, d, e)
