"""Every example of docs/rules.md does what the page says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.decisions import NOW, catalog_of, item, model_of, visitor

from habitue_collector.profile import Profile
from habitue_recommender.decide import decide
from habitue_recommender.live import NOTHING_LIVE
from habitue_recommender.offers import Decision
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.slots import Slot, Source

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
BLOCKS = [orjson.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)]
DOCUMENTS = {one["id"]: one for one in BLOCKS}

SHOP = [
    item(
        "boot", category="Shoes/Boots", brand="A", price=120.0, attributes={"season": "winter", "margin": 0.1}
    ),
    item("shoe", category="Shoes/Road", brand="A", price=90.0, attributes={"margin": 0.1}),
    item("wine", category="Food/Alcohol", brand="B", price=9.0, attributes={"margin": 0.1}),
    item("shirt", category="Shirts", brand="C", price=30.0, attributes={"margin": 0.5, "sale": True}),
    item("trail", category="Shoes/Road", brand="D", price=95.0, attributes={"margin": 0.1}),
    item("gift-card", brand="Home Label", price=25.0),
    item("lamp", category="Home", price=40.0),
    item("rug", category="Home", price=60.0),
]
POPULAR = ("boot", "shoe", "wine", "shirt", "trail")
SLOTS = ("home-hero", "home-sale", "test")


def show(
    rule_id: str,
    *,
    page: Page | None = None,
    profile: Profile | None = None,
    slot: str = "test",
    kind: str = "rule",
    **said: Any,
) -> Decision:
    """The slot with this one document of the page, or with none for an id that is not there."""
    settings = RecommenderSettings()
    documents = {kind: {rule_id: DOCUMENTS[rule_id]}} if rule_id else {}
    rulebook = Rulebook.compile(documents, settings=settings, version=1)
    assert not rulebook.problems
    here = Slot(slot, **({"sources": (Source.POPULAR,), "size": 4, "fallback": False} | said))
    model = model_of([one.item_id for one in SHOP], popular=POPULAR)
    [decision] = decide(
        [here],
        page or Page("home"),
        profile,
        catalog_of(*SHOP),
        model,
        NOTHING_LIVE,
        NOW,
        settings,
        rulebook=rulebook,
        clock=lambda: 0.0,
    )
    return decision


def ids(decision: Decision) -> list[str]:
    return [offer.item.item_id for offer in decision.offers]


def _pin() -> None:
    decision = show("pin")
    assert ids(decision) == ["boot", "lamp", "shoe", "wine"]
    assert decision.offers[1].reasons[0].text() == "Chosen by the shop"


def _boost() -> None:
    decision = show("boost")
    assert ids(decision) == ["boot", "shoe", "shirt", "wine"]
    assert [one.code.value for one in decision.offers[2].reasons] == ["popular", "promoted"]


def _bury() -> None:
    assert ids(show("bury", size=5)) == ["shoe", "wine", "shirt", "trail", "boot"]


def _include_list() -> None:
    assert ids(show("include-list")) == ["boot", "shoe", "gift-card", "wine"]


def _include() -> None:
    assert ids(show("include")) == ["boot", "shoe", "gift-card", "wine"]


def _exclude() -> None:
    assert "wine" not in ids(show("exclude"))
    german = visitor(views=["rug"])
    german.state["session"]["country"] = "DE"
    assert "wine" in ids(show("exclude", profile=german))


def _filter() -> None:
    assert ids(show("filter", slot="home-sale")) == ["shirt"]
    assert len(ids(show("filter", slot="test"))) == 4


def _same() -> None:
    assert ids(show("same", page=Page("product", "shoe"))) == ["trail"]


def _fallback() -> None:
    assert ids(show("fallback", size=7)) == [*POPULAR, "lamp", "rug"]


def _limit() -> None:
    assert ids(show("limit")) == ["boot", "wine", "shirt", "trail"]


def _cap() -> None:
    tired = visitor(seen={"boot": (3, 1_000), "shoe": (9, 1_000)})
    assert ids(show("cap", profile=tired)) == ["shoe", "wine", "shirt", "trail"]


def _in_cart() -> None:
    held_out = show("in-cart", profile=visitor(carts=["boot"]), holdout=1.0)
    assert held_out.holdout
    assert ids(held_out) == ["shoe", "wine", "shirt", "trail"]


def _welcome() -> None:
    back = visitor()
    back.state["visits"] = 2
    decision = show("welcome", profile=back, slot="home-hero", kind="content")
    assert ids(decision) == ["content:welcome", "boot", "shoe", "wine"]
    assert ids(show("welcome", slot="home-hero", kind="content"))[0] == "boot"
    said = decision.to_public()["offers"][0]
    assert (
        said.items()
        >= {
            "item_id": "content:welcome",
            "kind": "banner",
            "name": "Good to see you again",
            "url": "/shoes",
            "price": None,
            "score": 0.0,
            "reasons": [{"code": "content", "text": "From the shop"}],
        }.items()
    )


def _black_friday() -> None:
    assert not show("black-friday", slot="home-hero", profile=visitor()).rules  # it is not that day


CHECKS: dict[str, Callable[[], None]] = {
    "black-friday": _black_friday,
    "pin": _pin,
    "boost": _boost,
    "bury": _bury,
    "include-list": _include_list,
    "include": _include,
    "exclude": _exclude,
    "filter": _filter,
    "same": _same,
    "fallback": _fallback,
    "limit": _limit,
    "cap": _cap,
    "in-cart": _in_cart,
    "welcome": _welcome,
}


def test_without_a_rule_the_slot_shows_what_is_popular() -> None:
    assert ids(show("")) == ["boot", "shoe", "wine", "shirt"]


@pytest.mark.parametrize("rule_id", DOCUMENTS)
def test_the_example_does_what_the_page_says(rule_id: str) -> None:
    CHECKS[rule_id]()
