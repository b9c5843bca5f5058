"""Today, Catalog, Events and Models: what they say of an empty house, of a busy one, and of hostile words."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from support.archives import START, Archive
from support.console import Browser, ConsoleFloor, console
from support.house import RealRedis

from habitue_collector.dead_letters import shape
from habitue_collector.events import RejectReason
from habitue_collector.settings import Data, Shop, demo_settings
from habitue_collector.store import keys
from habitue_console.pages.events import REMEDIES
from habitue_console.roles import Role
from habitue_recommender import artifact
from habitue_recommender.catalog.store import store_items
from habitue_recommender.training import trainings
from habitue_recommender.training.train import TrainingConfig, train
from habitue_recommender.training.trainings import Training
from habitue_warehouse.rollups import roll

PAGES = ["/", "/today/now", "/today/trade", "/catalog", "/events", "/events/rows", "/events/refused",
         "/events/schema", "/models"]  # fmt: skip
HOSTILE = '<script>alert("x")</script>'
NOON = START + 12 * 3_600_000


class Shopfloor:
    """A console over an archive of one day, its rollups, a catalog, a model and some refused events."""

    def __init__(self, floor: ConsoleFloor, folder: Path) -> None:
        self.floor, self.folder = floor, folder

    def browser(self) -> Browser:
        return self.floor.browser()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a day's archive with its rollups and two models; made once."""
    folder = tmp_path_factory.mktemp("told")
    archive = Archive(folder / "archive")
    for visit in range(40):
        archive.views(f"s{visit}", "boots", "tent", who=f"v{visit}", source="shop")
    archive.buys("o1", "boots", who="v1", value=70.0, currency="EUR", source="shop")
    archive.views("s-x", "unknown-item", who="v2", source="shop")
    archive.views("s-y", "tent", who="v3", source="backend", kept="counted", name=HOSTILE,
                  properties={"size": "44", HOSTILE: 1})  # fmt: skip
    roll(archive.write())
    for back in (1, 0):
        config = TrainingConfig(("popular", "together", "item_item"), until=NOON - back * 11 * 3_600_000)
        artifact.publish(folder / "models", train(archive.folder, folder / "models", config))
    return folder


@pytest_asyncio.fixture
async def busy(real: RealRedis, told: Path, tmp_path: Path) -> AsyncIterator[Shopfloor]:
    shutil.copytree(told, tmp_path, dirs_exist_ok=True)
    settings = replace(
        demo_settings(tmp_path),
        data=Data(folder=tmp_path),
        demo=True,
        shop=Shop(name="Northwind", currency="EUR"),
    )
    async with console(real, settings=settings, demo=True, clock=lambda: NOON) as floor:
        redis = floor.house.redis
        items: list[dict[str, Any]] = [
            {"item_id": "boots", "name": f"Boots {HOSTILE}", "url": "/p/boots", "price": 70.0},
            {"item_id": "tent", "name": "Tent", "url": "/p/tent", "price": 199.0},
        ]
        items[0] |= {"category": "Shoes", "image_url": "/i.jpg", "attributes": {HOSTILE: HOSTILE}}
        await store_items(redis, items, now=NOON - 60_000)
        await store_items(redis, [{"item_id": "seen", "name": "Seen", "url": "/s"}], now=NOON, verified=False)
        await floor.house.recommender.refresh(redis)
        yield Shopfloor(floor, tmp_path)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", PAGES)
async def test_an_empty_house_is_said_to_be_empty(demo_floor: ConsoleFloor, path: str) -> None:
    answer = await demo_floor.browser().get(path)
    assert answer.status_code == 200, answer.text
    assert not re.search(r"\s(style|on[a-z]+|hx-on[\w:-]*)=", answer.text)


@pytest.mark.asyncio
async def test_every_word_of_others_is_text(busy: Shopfloor) -> None:
    for path in (*PAGES, "/catalog/item?id=boots"):
        answer = await busy.browser().get(path)
        assert answer.status_code == 200, answer.text
        assert "<script>" not in answer.text, path
        assert not re.search(r"\s(style|on[a-z]+|hx-on[\w:-]*)=", answer.text), path


@pytest.mark.asyncio
async def test_today_shows_the_day_against_nothing_and_what_sells(busy: Shopfloor) -> None:
    page = (await busy.browser().get("/")).text
    assert "€70" in page
    assert "nothing to compare with yet" in page
    assert "1 ×" in page
    assert "33% of the items were only seen" not in page
    assert "Boots &lt;script&gt;" in page


@pytest.mark.asyncio
async def test_today_speaks_of_keys_without_consent_and_of_silent_workers(busy: Shopfloor) -> None:
    page = (await busy.browser().get("/today/trade")).text
    assert "100% of the events of the key “backend” were only counted" in page
    assert "0 of 2 workers answer" in page
    await busy.floor.house.redis.set(
        keys.figures("presence"), orjson.dumps({"visitors_now": 1_234, "minutes": [[NOON, 7], [NOON, 9]]})
    )
    assert "1,234" in (await busy.browser().get("/today/now")).text


@pytest.mark.asyncio
async def test_the_catalog_says_what_items_lack_and_finds_them(busy: Shopfloor) -> None:
    page = (await busy.browser().get("/catalog")).text
    assert "unknown-item" in page, "viewed, and nobody told of it"
    assert page.count("/catalog/item?id=boots") == 1
    lacking = (await busy.browser().get("/catalog?only=no-image")).text
    assert "id=tent" in lacking
    assert "id=boots" not in lacking
    assert "id=seen" in (await busy.browser().get("/catalog?only=unverified")).text
    assert "id=tent" in (await busy.browser().get("/catalog?q=TEN&category=")).text
    assert "No item is like that" in (await busy.browser().get("/catalog?q=zebra")).text
    assert (await busy.browser().get("/catalog?page=99999&sort=price&only=zzz")).status_code == 200


@pytest.mark.asyncio
async def test_an_item_has_its_fields_its_days_its_neighbours_and_its_rules(busy: Shopfloor) -> None:
    house = busy.floor.house
    rule = {
        "id": "boots-first", "name": "Boots first", "condition": {"slots": ["home-hero"]},
        "consequence": {"pin": [{"item_id": "boots", "position": 1}]},
    }  # fmt: skip
    await house.rulebook.save("rule", rule, author="me")
    await house.recommender.refresh(house.redis)
    page = (await busy.browser().get("/catalog/item?id=boots")).text
    assert "Boots first" in page
    assert "pin 1" in page
    assert "Liked by the same people" in page
    assert "id=tent" in page
    assert "€70.00" in page
    assert (await busy.browser().get("/catalog/item?id=unknown-item")).status_code == 200
    assert (await busy.browser().get("/catalog/item?id=never-heard-of")).status_code == 404


@pytest.mark.asyncio
async def test_the_tail_shows_what_came_and_no_value_of_a_property(busy: Shopfloor) -> None:
    record = {
        "kind": "purchase", "name": HOSTILE, "timestamp": NOON, "received_at": NOON, "profile_id": "anna",
        "source": "shop", "order_id": "o-77", "value": 12.5, "currency": "EUR",
        "properties": {"mail": "anna@shop.example"},
    }  # fmt: skip
    redis = busy.floor.house.redis
    await redis.xadd(keys.log(keys.bucket_of("anna")), {"event": orjson.dumps(record)})
    await redis.xadd(keys.log(3), {"event": b"not json"})
    page = (await busy.browser().get("/events")).text
    assert "o-77" in page
    assert "€12.50" in page
    assert "mail" in page
    assert "anna@shop.example" not in page
    assert "every 3s" in page
    assert "every 3s" not in (await busy.browser().get("/events?paused=1")).text
    assert "o-77" in (await busy.browser().get("/events/rows?kind=purchase&source=shop")).text
    assert "o-77" not in (await busy.browser().get("/events/rows?kind=search")).text


@pytest.mark.asyncio
async def test_what_was_refused_is_shown_with_its_shape_and_what_to_do(busy: Shopfloor) -> None:
    raw = {"type": "track", "event": "Order Completed", "properties": {"mail": "anna@shop.example"}}
    letter = {"reason": "missing_order_id", "detail": "", "source": "shop", "at": NOON, "shape": shape(raw)}
    await busy.floor.house.redis.xadd(keys.DEAD_LETTERS, {"letter": orjson.dumps(letter)})
    page = (await busy.browser().get("/events/refused")).text
    assert "An order needs its number" in page
    assert "Order Completed" in page
    assert "anna@" not in page


def test_there_is_something_to_do_about_every_reason() -> None:
    assert set(REMEDIES) == {reason.value for reason in RejectReason}


@pytest.mark.asyncio
async def test_the_schema_has_names_shares_and_types(busy: Shopfloor) -> None:
    page = (await busy.browser().get("/events/schema")).text
    assert "product_view" in page
    assert "number as text" in page
    assert "44" not in re.sub(r"\?v=\w+", "", page)


@pytest.mark.asyncio
async def test_an_admin_rolls_back_and_nobody_else(busy: Shopfloor) -> None:
    models = busy.folder / "models"
    before = artifact.live(models)
    trainings.note(models, Training(NOON, "published", before or "", new={"hit_rate@20": 0.5, "mrr@20": 0.2}))
    trainings.note(
        models, Training(NOON, "refused", "x", new={"hit_rate@20": 0.4}, live={"hit_rate@20": 0.5})
    )
    page = (await busy.browser().get("/models")).text
    assert "not as good as the live one" in page
    assert "Roll back" in page
    marketer = await busy.floor.signed_in("mara", Role.MARKETER)
    assert "Roll back" not in (await marketer.get("/models")).text
    assert (await marketer.post("/models/roll-back")).status_code == 403
    assert artifact.live(models) == before
    assert (await marketer.post("/models/hold", {"hold": "1"})).status_code == 403
    admin = await busy.floor.signed_in("ada", Role.ADMIN)
    assert ">held<" not in page
    assert "roll back goes here" in page
    for hold, held in (("1", True), ("0", False)):
        assert (await admin.post("/models/hold", {"hold": hold})).status_code == 303
        assert artifact.pinned(models) is held
        assert (">held<" in (await admin.get("/models")).text) is held
    assert (await admin.post("/models/roll-back")).status_code == 303
    assert artifact.live(models) != before
    assert ">held<" in (await admin.get("/models")).text, "and no training takes it back"
    assert (await admin.post("/models/roll-back")).status_code == 409, "there is nothing before it"
