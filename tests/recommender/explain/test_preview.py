"""Before and after, side by side."""

from __future__ import annotations

from pathlib import Path
from time import thread_time

from redis.asyncio import Redis
from support.decisions import NOW, catalog_of, item, model_of, redis_server, visitor, with_redis
from support.floors import book, recommender_of, rule

from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_recommender.explain.made_up import ready
from habitue_recommender.explain.preview import preview
from habitue_recommender.explain.preview import visitor as read_visitor
from habitue_recommender.page import Page

IDS = [f"i{number}" for number in range(2_000)]
CATALOG = catalog_of(
    *(
        item(one, category=f"C{number % 20}/D{number % 7}", brand=f"B{number % 50}", price=float(number % 90))
        for number, one in enumerate(IDS)
    )
)
RECOMMENDER = recommender_of(CATALOG, model_of(IDS, neighbours=IDS[100:600], popular=IDS[:500]))
HOME = Page("home")


def test_a_pin_moves_what_stood_there() -> None:
    after = book({"pin": rule({"pin": [{"item_id": "i1999", "position": 1}]}, slots=("home-popular",))})
    [one] = preview(book(), after, None, HOME, ["home-popular"], recommender=RECOMMENDER, now=NOW)
    assert one.changed
    first, *others = one.moved
    assert (first.item_id, first.change, first.before, first.after) == ("i1999", "new", None, 1)
    assert others[0].change == "down"
    assert others[-1].change == "gone"
    assert one.to_public()["moved"][0]["change"] == "new"


def test_without_slots_those_of_the_page_are_shown() -> None:
    shown = preview(book(), book(), visitor(views=["i1"]), Page("cart"), recommender=RECOMMENDER, now=NOW)
    assert [one.slot for one in shown] == ["cart-extras"]
    assert not any(one.changed for one in shown)


def test_a_slot_that_only_one_side_has_is_shown() -> None:
    after = book(slots={"extra": {"title": "Extra", "sources": ["popular"], "page_types": ["home"]}})
    [one] = preview(book(), after, None, HOME, ["extra"], recommender=RECOMMENDER, now=NOW)
    assert one.changed
    assert one.title == "Extra"


def test_every_ready_persona_is_shown_within_200_ms_under_200_rules() -> None:
    rules = {
        f"r{number}": rule(
            {"boost": 1.5}, f'item.brand == "B{number % 50}" && visitor.visits >= {number % 3}'
        )
        for number in range(200)
    }
    before, after = book(rules), book(rules | {"out": rule({"exclude": True}, 'item.brand == "B3"')})
    preview(before, after, None, HOME, recommender=RECOMMENDER, now=NOW)  # what items answer is asked once
    took = []
    for persona in ready(CATALOG):
        began = thread_time()  # of CPU: the machine may have other work
        shown = preview(before, after, persona, HOME, recommender=RECOMMENDER, now=NOW)
        took.append(thread_time() - began)
        assert len(shown) >= 5
    assert sorted(took)[len(took) // 2] <= 0.2


def test_a_real_visitor_is_read_and_a_device_followed_to_its_user(tmp_path: Path) -> None:
    async def work(redis: Redis) -> None:
        version = b"v" * 16
        user = Profile("user:anna", {"visits": 3})
        device = Profile("device", {"pointer": "anna", "visits": 1})
        for one in (user, device):
            await redis.set(keys.profile(one.profile_id), one.pack(version))
        found = await read_visitor(redis, "device")
        assert found is not None
        assert found.profile_id == "user:anna"
        assert await read_visitor(redis, "nobody") is None

    with redis_server(tmp_path) as socket:
        with_redis(socket, work)
