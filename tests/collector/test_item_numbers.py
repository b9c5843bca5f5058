"""A form's number and the item that the page's markup named are one thing in the profile."""

from __future__ import annotations

from habitue_collector.events import Event, Item, Kind
from habitue_collector.fold import fold
from habitue_collector.item_numbers import MAX_NUMBERS
from habitue_collector.profile import Profile

NOW = 1_795_284_930_000


def told(profile: Profile, kind: Kind, *items: Item, source: str | None = None, after: int = 0) -> Event:
    context = {} if source is None else {"source": source}
    at = NOW + after
    event = Event(f"{kind}{items}{at}", kind, kind.value, at, at, items=list(items), context=context)
    fold(profile, event, at)
    return event


def test_what_a_form_put_into_the_cart_is_what_was_looked_at() -> None:
    visitor = Profile("anna")
    told(visitor, Kind.PRODUCT_VIEW, Item("SKU-001", platform_id="57"), source="markup")
    added = told(visitor, Kind.ADD_TO_CART, Item("57", quantity=2.0, price=89.9), source="form", after=1)
    assert {item: line.quantity for item, line in visitor.cart.items()} == {"SKU-001": 2}
    assert list(visitor.recent_items) == ["SKU-001"]
    assert added.items == [Item("57", quantity=2.0, price=89.9)], "the event keeps what the page said"
    told(visitor, Kind.REMOVE_FROM_CART, Item("57", quantity=2.0), source="cart_call", after=2)
    assert visitor.cart == {}


def test_an_unknown_number_stays() -> None:
    visitor = Profile("anna")
    told(visitor, Kind.ADD_TO_CART, Item("61"), source="form")
    assert list(visitor.cart) == ["61"]


def test_what_a_data_layer_calls_57_is_57() -> None:
    visitor = Profile("anna")
    told(visitor, Kind.PRODUCT_VIEW, Item("SKU-001", platform_id="57"), source="markup")
    told(visitor, Kind.ADD_TO_CART, Item("57"), source="datalayer", after=1)
    assert list(visitor.cart) == ["57"]


def test_another_visit_knows_nothing_of_it() -> None:
    visitor = Profile("anna")
    told(visitor, Kind.PRODUCT_VIEW, Item("SKU-001", platform_id="57"), source="markup")
    told(visitor, Kind.ADD_TO_CART, Item("57"), source="form", after=3_600_000)
    assert list(visitor.cart) == ["57"]


def test_it_remembers_the_latest_few() -> None:
    visitor = Profile("anna")
    for number in range(MAX_NUMBERS + 5):
        told(
            visitor,
            Kind.PRODUCT_VIEW,
            Item(f"S-{number}", platform_id=str(number)),
            source="markup",
            after=number,
        )
    assert len(visitor.state["session"]["numbers"]) == MAX_NUMBERS
    told(visitor, Kind.ADD_TO_CART, Item("14"), Item("0"), source="form", after=99)
    assert list(visitor.cart) == ["S-14", "0"]
