"""The search in the bar: everything by a part of its name, people by what is theirs; text stays text."""

from __future__ import annotations

import pytest
from support.console import ConsoleFloor

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_console.finder import Hit, best
from habitue_console.roles import Role
from habitue_recommender.catalog.store import store_items
from habitue_recommender.rulebook.store import RulebookStore

HOSTILE = "<script>alert(1)</script>"


@pytest.mark.asyncio
async def test_it_finds_pages_documents_items_and_people(floor: ConsoleFloor) -> None:
    house = floor.house
    for kind, name in (("rule", "Käse first"), ("segment", "Käse lovers")):
        body = {"id": name[-6:].strip(), "name": name, "note": HOSTILE, "when": "visitor.visits > 1"}
        body |= {"consequence": {"boost": 2}} if kind == "rule" else {}
        await RulebookStore(house.redis, house.clock).save(kind, name[-6:].strip(), body, author="anna")
    items = [{"item_id": f"k{number}", "name": f"Käse {number}", "url": "/x"} for number in range(9)]
    await store_items(house.redis, [*items, {"item_id": "bad", "name": HOSTILE, "url": "/x"}], now=1)
    await house.recommender.refresh(house.redis)
    await house.redis.set(
        keys.profile("user:4711"), Profile("user:4711", {"visits": 1, "first_seen": 1}).pack(b"0" * 16)
    )
    viewer = await floor.signed_in("vera")
    found = (await viewer.get("/search?q=kase", headers={"hx-request": "true"})).text
    assert "<html" not in found
    for part in ("Käse first", "Käse lovers", "Käse 0", "/catalog?q=kase"):
        assert part in found
    assert (
        "/visitors/of?id=user%3A4711"
        in (await viewer.get("/search?q=4711", headers={"hx-request": "true"})).text
    )
    assert (await viewer.get("/search?q=4711")).headers["location"] == "/console/visitors/of?id=user%3A4711"
    hostile = (await viewer.get("/search", params={"q": "<script>alert"})).text
    assert HOSTILE not in hostile
    assert "<script>alert" not in hostile
    assert (
        "&lt;script&gt;"
        in (await viewer.get("/search", params={"q": "script alert"}, headers={"hx-request": "true"})).text
    )


@pytest.mark.asyncio
async def test_it_speaks_the_reader_s_language_and_knows_their_role(floor: ConsoleFloor) -> None:
    viewer, admin = await floor.signed_in("vera"), await floor.signed_in("ada", Role.ADMIN)
    german = {"accept-language": "de", "hx-request": "true"}
    assert "Aufbewahrung" in (await viewer.get("/search?q=aufbewahr", headers=german)).text
    assert "/rules/new" not in (await viewer.get("/search?q=neue+regel", headers=german)).text
    assert "/rules/new" in (await admin.get("/search?q=neue+regel", headers=german)).text
    assert "/settings/users" not in (await viewer.get("/search?q=users", headers={"hx-request": "true"})).text
    for query in ("", "%00", "x" * 5_000, "nothing at all like this"):
        assert (await viewer.get("/search", params={"q": query})).status_code == 200


def test_names_that_begin_so_come_first_and_the_rest_is_said_to_be_there() -> None:
    names = ["A lamp", "Lamp", "Lamp of oil", "Clamp", "Lampe", "Table"]
    hits, more = best([Hit("/", name) for name in names], "lamp", most=4)
    assert [hit.name for hit in hits] == ["Lamp", "Lampe", "Lamp of oil", "A lamp"]
    assert more
