"""The marketers' pages: written in a form, previewed, saved, undone; mistakes at their place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import process_time
from typing import Any

import httpx
import pytest
from support.console import Browser
from support.house import RealRedis
from support.marketers import EVIL, HTMX, Desk, form_of, marketers

from habitue_console.roles import Role


def at(real: RealRedis, story: Callable[[Desk, Browser], Awaitable[None]]) -> None:
    async def run() -> None:
        async with marketers(real) as desk:
            await story(desk, await desk.marketer())

    asyncio.run(run())


PLURALS = ("rules", "segments", "contents", "slots")
PIN = {"pin": [{"item_id": "boot", "position": 1}]}


async def fill(mara: Browser, path: str, **changes: Any) -> httpx.Response:
    """Open a form, type these things, press the button `step` (or save)."""
    page = await mara.get(path)
    assert page.status_code == 200, page.text[:300]
    changes.setdefault("step", "save")
    return await mara.post(path.split("?")[0], form_of(page, **changes))


def test_every_page_opens_empty_and_full(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        for plural in PLURALS:
            for path in (f"/{plural}", f"/{plural}/new", f"/{plural}/import", f"/{plural}/export"):
                answer = await mara.get(path)
                assert answer.status_code == 200, (path, answer.text[:500])
        await desk.save("segment", "vip", name="VIP", when="visitor.orders.count >= 3")
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        await desk.save("content", "sale", name="Sale", kind="banner", title="Sale", slots=["home-hero"])
        await desk.save("slot", "home-hero", size=6)
        for plural, one in zip(PLURALS, ("pin", "vip", "sale", "home-hero"), strict=True):
            for rest in ("", f"/{one}", f"/{one}/history", f"/new?copy={one}", f"/{one}/export"):
                answer = await mara.get(f"/{plural}{rest}")
                assert answer.status_code == 200, (plural, rest, answer.text[:500])

    at(real, story)


def test_a_rule_is_written_saved_changed_and_undone(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        typed = {"consequence__pin__0__item_id": "boot", "condition__slots": ["home-hero"]}
        saved = await fill(mara, "/rules/new", name="Boots für alle", change_note="why not", **typed)
        assert saved.headers["location"] == "/console/rules/boots-fuer-alle"
        assert await desk.body("rule", "boots-fuer-alle") == {
            "id": "boots-fuer-alle",
            "name": "Boots für alle",
            "enabled": True,
            "condition": {"slots": ["home-hero"]},
            "consequence": {"pin": [{"item_id": "boot", "position": 1}]},
        }
        await fill(mara, "/rules/boots-fuer-alle", name="Sandals", consequence__pin__0__item_id="sandal")
        history = (await mara.get("/rules/boots-fuer-alle/history")).text
        assert "<del>boot</del><ins>sandal</ins>" in history
        assert "why not" in history
        assert "mara" in history
        undone = await mara.post("/rules/boots-fuer-alle/undo", {"version": "2"})
        assert undone.status_code == 303
        assert (await desk.body("rule", "boots-fuer-alle"))["name"] == "Boots für alle"
        audit = [(one.author, one.action) for one in await desk.floor.house.audit.newest()]
        assert audit[:3] == [("mara", "rule.undone"), ("mara", "rule.saved"), ("mara", "rule.saved")]

    at(real, story)


def test_opening_and_saving_changes_nothing(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        rule = {
            "name": "All of it",
            "note": "n",
            "enabled": False,
            "priority": 2,
            "condition": {"page_types": ["home"], "when": 'visitor.new&&"shoes" in item.category'},
            "consequence": {"boost": 1.5, "include": ["boot"], "limit": {"brand": 2}, "in_cart": "never"},
            "validity": {
                "from": "2030-12-01T08:00:00+00:00",
                "weekdays": ["mon"],
                "hours": ["08:00", "20:00"],
            },
            "share": 0.5,
        }
        await desk.save("rule", "all", **rule)
        segment = {"name": "S", "when": "visitor.cart.value * 2 > 100", "webhooks": ["https://crm.example/h"]}
        await desk.save("segment", "s", **segment)
        await desk.save("slot", "home-hero", size=6, note="n")
        for path, kind, one in (
            ("rules", "rule", "all"),
            ("segments", "segment", "s"),
            ("slots", "slot", "home-hero"),
        ):
            before = await desk.body(kind, one)
            answer = await fill(mara, f"/{path}/{one}")
            assert answer.status_code == 303, answer.text
            assert await desk.body(kind, one) == before

    at(real, story)


def test_what_a_document_does_not_say_stays_what_it_means(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        await desk.save("content", "sale", name="Sale", kind="banner", title="Sale", slots=["home-hero"])
        await desk.save("slot", "own", sources=["popular"])
        for path, kind in (("rules/pin", "rule"), ("contents/sale", "content"), ("slots/own", "slot")):
            assert (await fill(mara, f"/{path}", note="noted")).status_code == 303
            body = await desk.body(kind, path.partition("/")[2])
            assert body.get("enabled", True) is True
            assert body.get("fallback", True) is True
            assert body["note"] == "noted"

    at(real, story)


def test_a_slot_as_delivered_is_changed_by_what_is_other_alone(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        answer = await fill(mara, "/slots/home-hero", size="5", step="save")
        assert answer.status_code == 303, answer.text
        assert await desk.body("slot", "home-hero") == {"id": "home-hero", "size": 5}

    at(real, story)


@pytest.mark.parametrize(
    ("typed", "place", "said"),
    [
        ({"consequence__boost": "lots"}, "consequence.boost", "“lots” is not a number"),
        ({"consequence__pin__0__item_id": "nothing"}, "consequence.pin.0.item_id", "The catalog has no item"),
        ({"consequence__filter": "on"}, "consequence.filter", "needs a condition on the item"),
        ({"validity__until": "2020-01-01T00:00"}, "validity.until", "lies in the past"),
        ({"name": "", "consequence__boost": "2"}, "name", "Give it a name"),
        ({}, "consequence", "Say what the rule does"),
        (
            {"builder__view": "text", "condition__when": "visitor.vists > 2", "consequence__boost": "2"},
            "condition.when",
            "There is no field “visitor.vists”",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place_and_nothing_is_saved(
    real: RealRedis, typed: dict[str, Any], place: str, said: str
):
    async def story(desk: Desk, mara: Browser) -> None:
        answer = await fill(mara, "/rules/new", **{"name": "A rule", **typed})
        assert answer.status_code == 422
        assert f'href="#f-{place.replace(".", "-")}"' in answer.text
        assert said in answer.text
        for name, value in typed.items():
            assert form_of(answer).get(name.replace("__", "."), [""])[0] == value  # nothing typed is lost
        assert await desk.service.find("rule", "a-rule") is None

    at(real, story)


def test_a_typing_mistake_is_underlined_and_mended_with_what_was_meant(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        text = {"builder__view": "text", "when": "visitor.vists > 2"}
        answer = await fill(mara, "/segments/new", name="S", **text)
        assert '<mark data-position="0" data-length="13">visitor.vists</mark>' in answer.text
        assert "visitor.visits" in answer.text
        form = form_of(answer, step="mend:0")
        mended = await mara.post("/segments/new", form, headers=HTMX)
        assert form_of(mended)["when"] == ["visitor.visits > 2"]
        assert "<html" not in mended.text  # for htmx the editor alone

    at(real, story)


def test_form_and_expression_are_switched_without_loss(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        when = 'visitor.visits > 2 && (visitor.country == "DE" || visitor.new)'
        await desk.save("segment", "s", name="S", when=when)
        page = await mara.get("/segments/s")
        assert 'name="builder.rows.1.rows.0.field"' in page.text
        text = await mara.post("/segments/s", form_of(page, step="view:text"))
        assert form_of(text)["when"] == [when]
        back = await mara.post("/segments/s", form_of(text, step="view:form"))
        changed = form_of(back, builder__rows__0__value="5", step="save")
        assert (await mara.post("/segments/s", changed)).status_code == 303
        assert (await desk.body("segment", "s"))["when"] == when.replace("2", "5")

    at(real, story)


def test_what_is_typed_is_counted_at_once_and_wrong_ends_are_told(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        page = await mara.get("/segments/new")
        form = form_of(page, builder__view="text", when="visitor.visits >= 1")
        counted = await mara.post("/segments/check", form, headers=HTMX)
        assert "people match" in counted.text
        form["when"] = "visitor.visits >="
        told = await mara.post("/segments/check", form, headers=HTMX)
        assert "<mark" in told.text
        assert "not complete" in told.text

    at(real, story)


def test_two_who_save_at_once_see_both_versions_and_nothing_is_lost(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        tom = await desk.marketer("tom")
        mine, his = await mara.get("/rules/pin"), await tom.get("/rules/pin")
        assert (await tom.post("/rules/pin", form_of(his, name="Tom's", step="save"))).status_code == 303
        conflict = await mara.post("/rules/pin", form_of(mine, name="Mara's", note="mine", step="save"))
        assert conflict.status_code == 409
        assert "Tom&#39;s" in conflict.text
        assert "Mara&#39;s" in conflict.text
        assert (await desk.body("rule", "pin"))["name"] == "Tom's"
        kept = form_of(conflict, step="save")
        assert (await mara.post("/rules/pin", kept)).status_code == 303
        body = await desk.body("rule", "pin")
        assert (body["name"], body["note"]) == ("Mara's", "mine")
        assert [one.author for one in await desk.service.history("rule", "pin")] == ["mara", "tom", "seed"]

    at(real, story)


def test_a_new_document_never_takes_the_place_of_another(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        for _ in range(2):
            await fill(mara, "/rules/new", name="New", consequence__boost="2")
        assert (await desk.body("rule", "new-2"))["name"] == "New"  # `new` is a word of the paths
        assert (await desk.body("rule", "new-3"))["name"] == "New"
        await desk.save("rule", "export", name="Word", consequence=PIN)
        assert 'href="/console/rules/export/edit"' in (await mara.get("/rules")).text
        assert "Word" in (await mara.get("/rules/export/edit")).text

    at(real, story)


def test_a_preview_shows_both_sides_and_why(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        answer = await fill(
            mara,
            "/rules/new",
            name="Hobel zuerst",
            consequence__pin__0__item_id="käse",
            look__who="persona:new",
            look__page="home",
            condition__slots=["home-hero"],
            step="preview",
        )
        assert answer.status_code == 200
        after = answer.text[answer.text.index("With this change") :]
        assert after.index("Käsehobel") < after.index("The whole decision")
        assert "Hobel zuerst" in after
        assert await desk.service.find("rule", "hobel-zuerst") is None

    at(real, story)


def test_the_effect_is_told_for_a_change_and_not_for_none(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        form = form_of(await mara.get("/rules/pin"))
        same = await mara.post("/rules/effect?id=pin", form, headers=HTMX)
        assert "Nothing is different" in same.text
        form["consequence.pin.0.item_id"] = "sandal"
        changed = await mara.post("/rules/effect?id=pin", form, headers=HTMX)
        assert "slots" in changed.text
        whole = await mara.post("/rules/pin", {**form, "step": "effect"})  # without script
        assert "slots" in whole.text[whole.text.index('id="effect"') :]

    at(real, story)


def test_an_item_is_found_by_name_and_chosen_without_script(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        found = await fill(
            mara, "/rules/new", consequence__pin__0__item_id="trail bo", step="find:consequence.pin.0.item_id"
        )
        assert "choose:consequence.pin.0.item_id=boot" in found.text
        assert "€120.00" in found.text
        chosen = await mara.post("/rules/new", form_of(found, step="choose:consequence.pin.0.item_id=boot"))
        assert form_of(chosen)["consequence.pin.0.item_id"] == ["boot"]
        typed = await mara.post(
            "/rules/items",
            {"field": "consequence.pin.0.item_id", "consequence.pin.0.item_id": "kase"},
            headers=HTMX,
        )
        assert "Käsehobel" in typed.text

    at(real, story)


def test_lists_are_searched_and_filtered_by_state(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "on", name="Boots on", consequence=PIN, condition={"slots": ["home-hero"]})
        await desk.save("rule", "off", name="Off", enabled=False, consequence={"in_cart": "never"})
        await desk.save(
            "rule",
            "later",
            name="Later",
            consequence={"in_cart": "never"},
            validity={"from": "2040-01-01T00:00:00Z"},
        )

        async def names(query: str) -> set[str]:
            text = (await mara.get(f"/rules{query}")).text
            return {name for name in ("on", "off", "later") if f'href="/console/rules/{name}"' in text}

        assert await names("") == {"on", "off", "later"}
        assert await names("?state=active") == {"on"}
        assert await names("?state=off") == {"off"}
        assert await names("?state=scheduled") == {"later"}
        assert await names("?state=ended") == set()
        assert await names("?q=boots") == {"on"}
        assert await names("?slot=pdp-related") == {"off", "later"}  # those that hold everywhere

    at(real, story)


def test_contradictions_and_what_is_broken_are_told_on_the_list(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        for one, item in (("first", "boot"), ("second", "sandal")):
            pin = {"pin": [{"item_id": item, "position": 1}]}
            # Past the service, as an earlier version or other hands might have written them.
            body = {"id": one, "name": f"The {one}", "consequence": pin}
            await desk.service.store.save("rule", one, body, author="seed")
        broken = {"id": "broken", "name": "Broken", "consequence": {"boost": -1}}
        await desk.service.store.save("rule", "broken", broken, author="seed")
        text = (await mara.get("/rules")).text
        assert "pins boot to position 1 as well" in text
        assert "contradiction" in text
        assert "state-broken" in text
        assert "-1 is not a number" in text
        assert (await mara.get("/rules/broken")).status_code == 200

    at(real, story)


def test_two_hundred_rules_are_listed_in_time(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        rules = [
            {
                "id": f"r-{n}",
                "name": f"Rule {n}",
                "consequence": {"boost": 2},
                "condition": {"when": f"item.price > {n}"},
            }
            for n in range(200)
        ]
        await desk.service.import_all({"rules": rules}, author="seed")
        await mara.get("/rules")
        began = process_time()
        answer = await mara.get("/rules?page=2")
        assert process_time() - began < 0.5
        assert answer.text.count('class="name"') == 50

    at(real, story)


def test_documents_are_switched_deleted_and_brought_back(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        await mara.post("/rules/pin/disable", {"version": "1"})
        assert (await desk.body("rule", "pin"))["enabled"] is False
        stale = await mara.post("/rules/pin/enable", {"version": "1"})
        assert stale.status_code == 303
        assert (await desk.body("rule", "pin"))["enabled"] is False
        await mara.post("/rules/pin/delete", {"version": "2"})
        assert await desk.service.find("rule", "pin") is None
        assert 'href="/console/rules/pin/history"' in (await mara.get("/rules")).text
        await mara.post("/rules/pin/restore", {"to": "1", "version": "3"})
        assert (await desk.body("rule", "pin"))["name"] == "Pin"

    at(real, story)


def test_a_segment_that_is_needed_is_not_deleted_and_says_who_needs_it(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("segment", "vip", name="VIP", when="visitor.orders.count >= 3")
        await desk.save(
            "rule", "pin", name="Pin", consequence=PIN, condition={"when": '"vip" in visitor.segments'}
        )
        assert ">Pin</a>" in (await mara.get("/segments/vip")).text
        await mara.post("/segments/vip/delete", {"version": "1"})
        assert await desk.service.find("segment", "vip") is not None
        assert "names it" in (await mara.get("/segments/vip")).text

    at(real, story)


def test_files_go_out_and_come_in_and_a_broken_one_is_told_at_its_place(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        file = (await mara.get("/rules/export")).text
        assert [one["id"] for one in json.loads(file)["rules"]] == ["pin"]
        broken = await mara.post(
            "/rules/import", {"text": file.replace('"name":', '"name"'), "step": "import"}
        )
        assert broken.status_code == 422
        assert "line 5" in broken.text
        assert 'name="change_note" value=""' in broken.text
        wrong = await mara.post(
            "/rules/import", {"text": file.replace("boot", "").replace("Pin", "New"), "step": "import"}
        )
        assert wrong.status_code == 422
        assert "consequence.pin.0.item_id" in wrong.text
        assert (await desk.body("rule", "pin"))["name"] == "Pin"
        changed = file.replace("Pin", "New")
        tried = await mara.post("/rules/import", {"text": changed, "step": "try"})
        assert "rules/pin" in tried.text
        assert (await desk.body("rule", "pin"))["name"] == "Pin"
        done = await mara.post("/rules/import", {"text": changed, "step": "import"})
        assert done.status_code == 303
        assert (await desk.body("rule", "pin"))["name"] == "New"
        for nonsense in ("", "[1]", "3", '"x"', '{"rules": 3}', "[" * 5_000):
            answer = await mara.post("/rules/import", {"text": nonsense, "step": "import"})
            assert answer.status_code == 422, nonsense[:20]

    at(real, story)


def test_html_shows_as_text_wherever_it_stands(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        evil = {"name": EVIL, "note": EVIL}
        await desk.save("segment", "evil", **evil, when=f'visitor.traits["{EVIL}"] == "{EVIL}"')
        rule = {"pin": [{"item_id": "evil", "position": 1}]}
        await desk.save(
            "rule", "evil", **evil, consequence=rule, condition={"when": '"evil" in visitor.segments'}
        )
        await desk.save(
            "content", "evil", **evil, kind="coupon", title=EVIL, text=EVIL, code=EVIL, slots=["home-hero"]
        )
        await desk.save("slot", "home-hero", title=EVIL, note=EVIL)
        await fill(mara, "/rules/evil", name=EVIL * 2, change_note=EVIL)
        for plural, one in (
            ("rules", "evil"),
            ("segments", "evil"),
            ("contents", "evil"),
            ("slots", "home-hero"),
        ):
            for path in (f"/{plural}", f"/{plural}/{one}", f"/{plural}/{one}/history", f"/{plural}/new"):
                text = (await mara.get(path)).text
                assert "<script>alert" not in text, path
            preview = await fill(
                mara, f"/{plural}/{one}", look__who="persona:new", look__page="home", step="preview"
            )
            assert "<script>alert" not in preview.text
        found = await mara.post("/rules/items", {"field": "x", "x": "script"}, headers=HTMX)
        assert "&lt;script&gt;" in found.text
        assert "<script>" not in found.text

    at(real, story)


@pytest.mark.parametrize("language", ["de", "pl"])
def test_every_page_opens_in_every_language(real: RealRedis, language: str):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("segment", "vip", name="VIP", when="visitor.orders.count >= 3")
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        in_it = {"accept-language": language}
        for plural in PLURALS:
            for path in (f"/{plural}", f"/{plural}/new", f"/{plural}/import"):
                assert (await mara.get(path, headers=in_it)).status_code == 200, path
        form = form_of(await mara.get("/rules/pin"), consequence__boost="x", step="save")
        wrong = await mara.post("/rules/pin", form, headers=in_it)
        assert wrong.status_code == 422
        assert "is not a number" not in wrong.text

    at(real, story)


def test_a_viewer_looks_and_changes_nothing(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        await desk.save("rule", "pin", name="Pin", consequence=PIN)
        vera = await desk.floor.signed_in("vera", Role.VIEWER)
        assert (await vera.get("/rules/pin")).status_code == 200
        assert "Save" not in (await vera.get("/rules/pin")).text
        for path in (
            "/rules/new",
            "/rules/pin",
            "/rules/pin/delete",
            "/rules/pin/disable",
            "/rules/import",
            "/rules/check",
        ):
            assert (await vera.post(path, {"step": "save"})).status_code == 403, path
        for path in ("/rules/nobody", "/rules/nobody/history", "/rules/%00", "/rules/pin/nothing"):
            assert (await mara.get(path)).status_code == 404, path

    at(real, story)


def test_no_form_however_odd_breaks_a_page(real: RealRedis):
    async def story(desk: Desk, mara: Browser) -> None:
        odd: list[dict[str, Any]] = [
            {},
            {"step": "mend:99", "builder.view": "text", "condition.when": "("},
            {"step": "drop:builder.rows.7", "builder.view": "form"},
            {"step": "add:consequence.pin", "consequence.pin.999999999.item_id": "x"},
            {"step": "view:nothing", "condition.when": "a" * 5_000},
            {"step": "save", "name": "x", "version": "-1", "id": "../../x"},
            {"step": "preview", "name": "x", "consequence.boost": "2", "look.who": "persona:nobody"},
            {
                "step": "preview",
                "name": "x",
                "consequence.boost": "2",
                "look.who": "visitor",
                "look.visitor": "%",
            },
            {"step": "find:consequence.pin.0.item_id", "consequence.pin.0.item_id": "(" * 300},
            {"builder.view": "form", "builder.rows.0.field": "item.price", "builder.rows.0.operator": "evil"},
            {
                "builder.view": "form",
                "builder.rows.0.join": "all",
                "builder.rows.0.rows.0.field": "visitor.traits",
            },
        ]
        for plural in PLURALS:
            for form in odd:
                for path in (f"/{plural}/new", f"/{plural}/check", f"/{plural}/effect", f"/{plural}/items"):
                    answer = await mara.post(path, form, headers=HTMX)
                    assert answer.status_code < 500, (path, form)

    at(real, story)
