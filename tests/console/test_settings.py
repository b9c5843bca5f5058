"""The settings pages: keys that count at once, users by links, nobody locked out, every change in the log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import pytest_asyncio
from support.console import PASSWORD, Browser, ConsoleFloor, console
from support.house import RealRedis

from habitue_collector.retention import RetentionConflict, RetentionStore
from habitue_collector.settings import Settings, WriteKey, created_keys, demo_settings
from habitue_console.pages.settings_keys import key_id
from habitue_console.pages.settings_retention import stored
from habitue_console.roles import Role

pytestmark = pytest.mark.asyncio

HOSTILE = "<script>alert(1)</script>"


@pytest_asyncio.fixture
async def floor(real: RealRedis, tmp_path: Path) -> AsyncIterator[ConsoleFloor]:
    settings = replace(demo_settings(tmp_path), demo=False)
    async with console(real, settings=settings) as made:
        yield made


@pytest_asyncio.fixture
async def admin(floor: ConsoleFloor) -> Browser:
    return await floor.signed_in("anna", Role.ADMIN)


async def _changes(floor: ConsoleFloor) -> list[tuple[str, str, str]]:
    return [(one.author, one.action, one.subject) for one in await floor.house.audit.newest()]


# ---- keys -------------------------------------------------------------------------------------------


async def test_a_browser_key_is_made_with_its_origins(
    floor: ConsoleFloor, admin: Browser, tmp_path: Path
) -> None:
    answer = await admin.post(
        "/settings/keys",
        {
            "kind": "browser",
            "name": HOSTILE,
            "origins": "https://a.example, https://*.b.example\n",
            "consent": "required",
        },
    )
    assert answer.status_code == 200
    (key,) = created_keys(tmp_path)
    assert (key.kind, key.consent) == ("browser", "required")
    assert key.origins == ("https://a.example", "https://*.b.example")
    assert key.key in answer.text
    assert HOSTILE not in answer.text
    assert floor.house.settings.find_key(key.key) is not None, "it counts at once"
    assert ("anna", "key.created", HOSTILE) in await _changes(floor)


async def test_a_secret_key_is_shown_once_and_never_logged(
    floor: ConsoleFloor, admin: Browser, tmp_path: Path
) -> None:
    answer = await admin.post(
        "/settings/keys", {"kind": "server", "name": "backend", "origins": "https://a.example"}
    )
    (key,) = created_keys(tmp_path)
    assert key.secret
    assert key.origins == ()
    assert key.key in answer.text
    assert key.key not in (await admin.get("/settings")).text
    assert key.key not in repr(await floor.house.audit.newest())
    stranger = floor.browser("192.0.2.7")
    assert (await stranger.get("/live", headers={"authorization": f"Bearer {key.key}"})).status_code == 200


@pytest.mark.parametrize("origin", ["https://a.example/path", "ftp://a.example", "https://*", HOSTILE])
async def test_what_is_no_origin_is_said_at_the_field(
    floor: ConsoleFloor, admin: Browser, tmp_path: Path, origin: str
) -> None:
    answer = await admin.post(
        "/settings/keys", {"kind": "browser", "origins": f"https://good.example\n{origin}"}
    )
    assert answer.status_code == 422
    assert "is not an origin" in answer.text
    assert "https://good.example" in answer.text, "nothing has to be typed again"
    assert created_keys(tmp_path) == ()


async def test_a_key_is_changed_and_revoked(floor: ConsoleFloor, admin: Browser, tmp_path: Path) -> None:
    await admin.post("/settings/keys", {"kind": "browser", "origins": "https://a.example"})
    await admin.post("/settings/keys", {"kind": "server"})
    first, second = created_keys(tmp_path)
    place = f"/settings/keys/{key_id(first)}"
    assert "https://a.example" in (await admin.get(place)).text
    assert (await admin.post(place, {"name": "new", "origins": "nonsense/"})).status_code == 422
    await admin.post(place, {"name": "new", "origins": "https://c.example", "consent": "assumed"})
    changed, kept = created_keys(tmp_path)
    assert (changed.key, changed.name, changed.origins) == (first.key, "new", ("https://c.example",))
    assert changed.consent == "assumed"
    assert kept == second
    await admin.post(place, {"action": "revoke"})
    assert created_keys(tmp_path) == (second,)
    assert floor.house.settings.find_key(first.key) is None
    assert (await admin.get(place)).status_code == 404
    assert [action for _, action, _ in await _changes(floor)][:2] == ["key.revoked", "key.changed"]


async def test_keys_of_the_settings_file_are_not_ours_to_change(floor: ConsoleFloor, admin: Browser) -> None:
    place = f"/settings/keys/{key_id(WriteKey('demo'))}"
    assert "habitue.toml" in (await admin.get(place)).text
    assert (await admin.post(place, {"action": "revoke"})).status_code == 409
    assert floor.house.settings.find_key("demo") is not None


async def test_the_demo_s_keys_are_fixed(demo_floor: ConsoleFloor) -> None:
    assert (await demo_floor.browser().post("/settings/keys", {"kind": "browser"})).status_code == 409


# ---- users ------------------------------------------------------------------------------------------


def _link_in(page: str) -> str:
    (token,) = set(re.findall(r"/welcome/([\w-]+)", unescape(page)))
    return token


async def test_who_is_invited_chooses_the_password(floor: ConsoleFloor, admin: Browser) -> None:
    answer = await admin.post("/settings/users", {"name": "Bert@Shop.example", "role": "marketer"})
    bert = floor.browser("192.0.2.9")
    await bert.post(f"/welcome/{_link_in(answer.text)}", {"password": PASSWORD, "again": PASSWORD})
    assert (await bert.get("/settings/changes")).status_code == 200
    known = await floor.house.users.find("bert@shop.example")
    assert known is not None
    assert (known.role, known.created_by) == (Role.MARKETER, "anna")


@pytest.mark.parametrize("name", ["", "a b", HOSTILE, "ä", "x" * 65, "-a", "anna", "\x00"])
async def test_an_unusable_name_is_said_at_the_field(floor: ConsoleFloor, admin: Browser, name: str) -> None:
    answer = await admin.post("/settings/users", {"name": name, "role": "viewer"})
    assert answer.status_code == 422
    assert 'class="mistake"' in answer.text
    assert HOSTILE not in answer.text


async def test_a_role_is_changed_an_account_closed_opened_and_removed(
    floor: ConsoleFloor, admin: Browser
) -> None:
    bert = await floor.signed_in("bert", Role.MARKETER)
    await admin.post("/settings/users/bert", {"action": "role", "role": "viewer"})
    assert (await bert.get("/settings/changes")).status_code == 403
    await admin.post("/settings/users/bert", {"action": "disable"})
    assert (await bert.get("/live")).status_code == 303
    await admin.post("/settings/users/bert", {"action": "enable"})
    assert (await bert.get("/live")).status_code == 303, "the sessions have ended"
    assert (await bert.sign_in("bert")).status_code == 303
    await admin.post("/settings/users/bert", {"action": "remove"})
    assert (await bert.get("/live")).status_code == 303
    assert await floor.house.users.find("bert") is None
    told = [action for author, action, _ in await _changes(floor) if author == "anna"]
    assert told[:4] == ["user.removed", "user.unblocked", "user.blocked", "user.role"]


@pytest.mark.parametrize(
    "form", [{"action": "disable"}, {"action": "remove"}, {"action": "role", "role": "viewer"}]
)
async def test_somebody_stays_admin(floor: ConsoleFloor, admin: Browser, form: dict[str, str]) -> None:
    await admin.post("/settings/users/anna", form)
    assert "Somebody has to stay admin." in (await admin.get("/settings/users")).text
    assert (await floor.house.users.find("anna")) is not None


async def test_a_link_for_a_forgotten_password_ends_all_sessions(floor: ConsoleFloor, admin: Browser) -> None:
    bert = await floor.signed_in("bert")
    page = (await admin.post("/settings/users/bert", {"action": "link"})).text
    other = floor.browser("192.0.2.9")
    await other.post(f"/welcome/{_link_in(page)}", {"password": PASSWORD[::-1], "again": PASSWORD[::-1]})
    assert (await bert.get("/live")).status_code == 303
    assert (await floor.browser().sign_in("bert")).status_code == 422
    assert (await floor.browser().sign_in("bert", PASSWORD[::-1])).status_code == 303


@pytest.mark.parametrize("action", ["remove", "disable"])
async def test_an_invitation_can_be_taken_back(floor: ConsoleFloor, admin: Browser, action: str) -> None:
    page = (await admin.post("/settings/users", {"name": "bert", "role": "admin"})).text
    assert "invited" in page
    await admin.post("/settings/users/bert", {"action": action})
    other = floor.browser("192.0.2.9")
    for answer in (
        await other.get(f"/welcome/{_link_in(page)}"),
        await other.post(f"/welcome/{_link_in(page)}", {"password": PASSWORD, "again": PASSWORD}),
    ):
        assert answer.status_code == 404
    assert (await other.sign_in("bert")).status_code == 422


async def test_an_old_link_gives_no_role_back_and_ends_with_a_new_password(
    floor: ConsoleFloor, admin: Browser
) -> None:
    await floor.signed_in("bert", Role.MARKETER)
    pages = [(await admin.post("/settings/users/bert", {"action": "link"})).text for _ in range(2)]
    await admin.post("/settings/users/bert", {"action": "role", "role": "viewer"})
    form = {"password": PASSWORD[::-1], "again": PASSWORD[::-1]}
    other = floor.browser("192.0.2.9")
    assert (await other.post(f"/welcome/{_link_in(pages[0])}", form)).status_code == 303
    assert (await other.get("/settings/changes")).status_code == 403
    assert (await floor.browser().post(f"/welcome/{_link_in(pages[1])}", form)).status_code == 404


async def test_two_changes_at_once_both_count(floor: ConsoleFloor) -> None:
    await floor.user("bert")
    users = floor.house.users
    changes = [{"disabled": True}, {"role": Role.ADMIN}, {"language": "pl"}, {"theme": "dark"}]
    await asyncio.gather(*(users.change("bert", **change) for change in changes))
    bert = await users.find("bert")
    assert bert is not None
    assert (bert.disabled, bert.role, bert.language, bert.theme) == (True, Role.ADMIN, "pl", "dark")


async def test_strange_things_change_nobody(floor: ConsoleFloor, admin: Browser) -> None:
    assert (await admin.post("/settings/users/nobody", {"action": "remove"})).status_code == 404
    assert (await admin.post("/settings/users/anna", {"action": "promote"})).status_code == 400


# ---- oneself ----------------------------------------------------------------------------------------


async def test_a_new_password_needs_the_old_one_and_signs_out_elsewhere(floor: ConsoleFloor) -> None:
    here = await floor.signed_in("carl")
    there = await floor.signed_in("carl", peer="192.0.2.9")
    assert "192.0.2.9" in (await here.get("/settings/you")).text
    answer = await here.post("/settings/you", {"before": "wrong", "password": "short"})
    assert answer.status_code == 422
    assert answer.text.count('class="mistake"') == 2
    assert (
        await here.post("/settings/you", {"before": PASSWORD, "password": PASSWORD[::-1]})
    ).status_code == 303
    assert (await here.get("/live")).status_code == 200
    assert (await there.get("/live")).status_code == 303
    await there.sign_in("carl", PASSWORD[::-1])
    assert (await here.post("/settings/you", {"action": "sign_out"})).status_code == 303
    assert (await there.get("/live")).status_code == 303


# ---- what else --------------------------------------------------------------------------------------


async def test_the_log_is_paged_and_shows_text_as_text(floor: ConsoleFloor, admin: Browser) -> None:
    for number in range(60):
        await floor.house.audit.note("anna", "rule.saved", f"rule-{number}", note=HOSTILE)
    first = (await admin.get("/settings/changes")).text
    assert "rule-59" in first
    assert "rule-5<" not in first
    assert HOSTILE not in first
    (older,) = re.findall(r'href="/console(/settings/changes\?before=[^"]+)"', first)
    assert "rule-5<" in (await admin.get(older)).text
    assert (await admin.get("/settings/changes?before=nonsense")).status_code == 200


async def test_retention_shows_what_is_set_and_what_is_there(admin: Browser, floor: ConsoleFloor) -> None:
    day = floor.house.archive / "events" / "date=2026-03-01"
    day.mkdir(parents=True)
    (day / "part-1.parquet").write_bytes(b"x" * 2_097_152)
    page = (await admin.get("/settings/retention")).text
    assert "HABITUE_LIFETIMES_EVENT_DAYS" in page
    assert "2.0 MB" in page
    assert stored(floor.house.archive / "nothing") == []


CHOICE = {
    "anonymous_profile_days": "30", "user_profile_days": "1186", "bot_profile_hours": "24",
    "event_days": "400", "decision_days": "90", "snapshot_days": "90", "version": "0",
}  # fmt: skip


async def test_an_admin_reads_what_a_shorter_time_deletes_before_it_counts(
    admin: Browser, floor: ConsoleFloor
) -> None:
    for date in ("2001-03-01", "2001-03-02"):
        (floor.house.archive / "events" / f"date={date}").mkdir(parents=True)
    told = await admin.post("/settings/retention", CHOICE)
    assert told.status_code == 200
    assert "2 days are deleted within the hour, from 2001-03-01 to 2001-03-02." in told.text
    assert (await RetentionStore(floor.house.redis).read()).version == 0
    answer = await admin.post("/settings/retention", {**CHOICE, "confirmed": "yes"})
    assert answer.status_code == 303
    chosen = await RetentionStore(floor.house.redis).read()
    assert chosen.values == {"anonymous_profile_days": 30, "event_days": 400}
    assert chosen.over(floor.house.settings.lifetimes).event_days == 400
    (change,) = [one for one in await floor.house.audit.newest() if one.action == "retention.changed"]
    assert change.detail == {"anonymous_profile_days": "395 → 30", "event_days": "1186 → 400"}
    page = (await admin.get("/settings/retention")).text
    assert 'value="400"' in page
    back = {"version": "1", "action": "back", "confirmed": "yes"}
    assert (await admin.post("/settings/retention", back)).status_code == 303
    assert (await RetentionStore(floor.house.redis).read()).values == {}


async def test_of_two_who_choose_at_once_the_second_is_told(admin: Browser, floor: ConsoleFloor) -> None:
    store = RetentionStore(floor.house.redis)
    await store.save({"event_days": 500}, author="bert", at=1, expected=0)
    answer = await admin.post("/settings/retention", {**CHOICE, "confirmed": "yes"})
    assert answer.status_code == 409
    assert "Somebody else changed it meanwhile" in answer.text
    assert (await store.read()).values == {"event_days": 500}
    with pytest.raises(RetentionConflict):
        await store.save({}, author="bert", at=2, expected=0)


@pytest.mark.parametrize("said", ["0", "-1", "1.5", "", "x", "99999", "9" * 30, "٣٠"])
async def test_a_time_that_makes_no_sense_is_told_at_its_field(
    admin: Browser, floor: ConsoleFloor, said: str
) -> None:
    answer = await admin.post("/settings/retention", {**CHOICE, "event_days": said, "confirmed": "yes"})
    assert answer.status_code == 422
    assert "Write a whole number from 7 to 3650." in answer.text
    assert (await RetentionStore(floor.house.redis).read()).version == 0


async def test_a_key_whose_events_are_only_counted_is_warned_of(floor: ConsoleFloor, admin: Browser) -> None:
    await floor.house.redis.set("figures:worker-1", b'{"events": 10, "kept": {"counted": 9}}')
    assert "Most events are only counted." in (await admin.get("/settings/consent")).text


async def test_settings_are_the_same_without_created_keys() -> None:
    assert Settings().with_created_keys() == Settings()
