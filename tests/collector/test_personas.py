"""One person, two roles: each with tastes and a cart of its own, orders and traits together."""

from __future__ import annotations

import pytest
from support.house import buys, house, identify, user_hash, views

from habitue_collector import personas


def test_switching_and_coming_back_gives_the_same_tastes() -> None:
    state = {"cart": {"A": {}}, "traits": {"plan": {"value": "x", "at": 1}}}
    assert personas.switch(state, "business")
    assert "cart" not in state
    state["cart"] = {"B": {}}
    assert personas.switch(state, "default")
    assert state["cart"] == {"A": {}}
    assert state["personas"] == {"business": {"cart": {"B": {}}}}
    assert state["traits"] == {"plan": {"value": "x", "at": 1}}


@pytest.mark.parametrize("name", ["", "x" * 33, 7, None, "default"])
def test_what_is_no_other_role_changes_nothing(name: object) -> None:
    state = {"cart": {"A": {}}}
    assert not personas.switch(state, name)
    assert state == {"cart": {"A": {}}}


def test_nobody_has_more_roles_than_four() -> None:
    state: dict[str, object] = {}
    assert [personas.switch(state, name) for name in ("a", "b", "c", "d", "e")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.asyncio
async def test_a_shop_switches_the_role_with_an_event() -> None:
    async with house() as shop:
        cookie = (await shop.browser(identify("u", user_hash("u")), views("HOME"))).cookie
        office = {"context": {"persona": "business"}}
        await shop.browser(
            {**views("OFFICE"), **office}, {**buys("o-1", 5, "OFFICE"), **office}, cookie=cookie
        )
        profile = await shop.profile("user:u")
        assert profile is not None
        assert profile["persona"] == "business"
        assert [item["item_id"] for item in profile["recent_items"]] == ["OFFICE"]
        await shop.browser({**views("HOME2"), "context": {"persona": "default"}}, cookie=cookie)
        profile = await shop.profile("user:u")
        assert profile is not None
        assert {item["item_id"] for item in profile["recent_items"]} == {"HOME", "HOME2"}
        assert profile["orders"]["count"] == 1
