"""Made-up visitors are folded as real ones are."""

from __future__ import annotations

from typing import Any

import pytest
from support.decisions import NOW, catalog_of, item

from habitue_collector.events import Kind
from habitue_recommender.explain.made_up import Act, Persona, ready
from habitue_recommender.rulebook.mistakes import Mistakes

CATALOG = catalog_of(*(item(f"i{number}", category="Shoes", price=20.0) for number in range(12)))
DAY = 86_400_000


def _ready(name: str) -> Persona:
    return next(one for one in ready(CATALOG, ["i5"]) if one.id == name)


def test_a_first_visit_from_a_campaign_is_one() -> None:
    profile = _ready("campaign").profile(CATALOG, NOW)
    assert profile.visits == 1
    assert profile.session is not None
    assert profile.session.campaign == "spring-sale"
    assert profile.session.device == "mobile"
    assert not profile.orders.count


def test_a_regular_customer_has_orders_and_a_taste() -> None:
    profile = _ready("regular").profile(CATALOG, NOW)
    assert profile.is_user
    assert profile.orders.count == 4
    assert profile.orders.value == 80.0
    assert profile.affinity("category") == {"Shoes": 1.0}


def test_a_full_cart_is_full_and_who_was_away_was_away() -> None:
    assert len(_ready("full-cart").profile(CATALOG, NOW).cart) == 5
    away = _ready("away").profile(CATALOG, NOW)
    assert away.orders.last is not None
    assert NOW - away.orders.last > 60 * DAY
    assert away.visits == 3
    assert away.last_seen == NOW - 60_000


def test_the_order_in_which_acts_are_told_does_not_matter() -> None:
    acts = _ready("looker").acts
    one, other = (Persona("x", "x", acts=told).profile(CATALOG, NOW) for told in (acts, acts[::-1]))
    assert one.recent_items.keys() == other.recent_items.keys()
    assert one.visits == other.visits == 3


def test_an_empty_catalog_still_has_personas() -> None:
    for one in ready(catalog_of()):
        assert one.profile(catalog_of(), NOW).visits >= 1


def test_a_document_is_read_as_it_was_written() -> None:
    for one in ready(CATALOG):
        assert Persona.parse(one.to_public()) == one
    own = Persona("own", "Own", acts=(Act(Kind.PAGE_VIEW),))
    assert Persona.parse(own.to_public() | {"surplus": 1}).name == "Own"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], ""),
        ({"name": ""}, "name"),
        ({"name": "x", "device": "fridge"}, "device"),
        ({"name": "x", "acts": "all"}, "acts"),
        ({"name": "x", "acts": [{}] * 51}, "acts"),
        ({"name": "x", "acts": [1]}, "acts.0"),
        ({"name": "x", "acts": [{"kind": "custom"}]}, "acts.0.kind"),
        ({"name": "x", "acts": [{"kind": "product_view"}]}, "acts.0.item_id"),
        ({"name": "x", "acts": [{"kind": "page_view", "ago_minutes": -1}]}, "acts.0.ago_minutes"),
        ({"name": "x", "acts": [{"kind": "page_view", "campaign": 3}]}, "acts.0.campaign"),
        ({"name": "x" * 101}, "name"),
    ],
)
def test_mistakes_are_told_at_their_place(raw: Any, field: str) -> None:
    with pytest.raises(Mistakes) as caught:
        Persona.parse(raw)
    assert field in [mistake.field for mistake in caught.value]
