"""What is kept of whom: by key, by what the request says, and by what was said before."""

from __future__ import annotations

from typing import Any

import pytest
from support.house import House, buys, house, identify, page, track, user_hash, views, visitor_of

from habitue_collector.settings import Settings, WriteKey, demo_settings
from habitue_collector.store import keys

pytestmark = pytest.mark.asyncio

GRANTED = {"analytics": "granted", "personalization": "granted"}
DENIED = {"analytics": "denied", "personalization": "denied"}
PENDING = {"analytics": "pending", "personalization": "pending"}


def said(consent: dict[str, str]) -> dict[str, Any]:
    return {"context": {"consent": consent}}


def with_required_key(shop_folder: Any) -> Settings:
    demo = demo_settings(shop_folder)
    keys = (WriteKey("required", "browser", origins=("loopback",), name="a page"), *demo.keys)
    return Settings(data=demo.data, shop=demo.shop, keys=keys, demo=True)


class Required:
    """A page whose key takes nothing for granted."""

    def __init__(self, shop: House) -> None:
        self.shop = shop

    async def sends(self, *events: dict[str, Any], cookie: str | None = None, **more: Any) -> Any:
        return await self.shop.post(
            "/h/v1/batch", {"writeKey": "required", "batch": list(events), **more}, cookie=cookie
        )


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return with_required_key(tmp_path)


def names_nobody(record: dict[str, Any]) -> bool:
    named = {"anonymous_id", "user_id", "session_id", "order_id", "profile_id", "search_term", "properties"}
    return (
        not named & record.keys() and not {"network", "locale", "timezone"} & record.get("context", {}).keys()
    )


async def test_without_a_word_on_consent_a_required_key_only_counts(settings: Settings) -> None:
    async with house(settings=settings) as shop:
        browser = Required(shop)
        batch = [
            page("/"),
            views("A"),
            identify("u", user_hash("u"), email="a@example.test"),
            buys("o-1", 9, "A"),
            track("Products Searched", {"query": "my name"}),
        ]
        answer = await browser.sends(*batch, nonce="n" * 22)
        assert answer.statuses == ["counted"] * 5
        assert answer.cookie is None, "no cookie before consent"
        assert all(record["kept"] == "counted" and names_nobody(record) for record in shop.events())
        client = shop.redis.client()
        assert not client.keys("*:profile:*")
        assert not client.keys("*:order:*")
        assert b"n" * 22 not in b"".join(
            value for entry in client.keys("*log") for _, e in client.xrange(entry) for value in e.values()
        )


@pytest.mark.parametrize("consent", [PENDING, DENIED, {"analytics": "denied"}, {"analytics": "pending"}])
async def test_pending_and_denied_keep_nothing_per_person(
    consent: dict[str, str], settings: Settings
) -> None:
    async with house(settings=settings) as shop:
        for key in ("required", "demo"):
            answer = await shop.post(
                "/h/v1/batch", {"writeKey": key, "batch": [views("A")], "nonce": "n" * 22, **said(consent)}
            )
            assert answer.statuses == ["counted"]
            assert answer.cookie is None
        assert all(names_nobody(record) for record in shop.events())
        assert not shop.redis.client().keys("*:profile:*")


async def test_granted_keeps_a_profile_and_the_word(settings: Settings) -> None:
    async with house(settings=settings) as shop:
        browser = Required(shop)
        answer = await browser.sends(views("A"), **said(GRANTED))
        assert answer.statuses == ["accepted"]
        profile = await shop.profile(visitor_of(answer.cookie))
        assert profile is not None
        assert profile["consents"] == GRANTED


async def test_denied_takes_the_cookie_away_and_is_remembered(settings: Settings) -> None:
    async with house(settings=settings) as shop:
        browser = Required(shop)
        cookie = (await browser.sends(views("A"), **said(GRANTED))).cookie
        before = len(shop.events())
        answer = await browser.sends(views("B"), cookie=cookie, **said(DENIED))
        assert answer.statuses == ["counted"]
        assert answer.cookie == "", "taken away"
        profile = await shop.profile(visitor_of(cookie))
        assert profile is not None
        assert profile["consents"] == DENIED
        assert {item["item_id"] for item in profile["recent_items"]} == {"A"}
        later = [record for record in shop.events() if record.get("kept")]
        assert len(later) == 1
        assert names_nobody(later[0])
        assert len(shop.events()) == before + 2  # the count, and the word itself


async def test_a_stored_denial_counts_where_a_key_would_assume(settings: Settings) -> None:
    async with house(settings=settings) as shop:
        cookie = (await shop.browser(views("A"), context={"consent": GRANTED})).cookie
        await shop.browser(context={"consent": DENIED}, cookie=cookie)  # without any event
        answer = await shop.browser(
            views("B"), track("Products Searched", {"query": "my name"}), cookie=cookie
        )
        assert answer.statuses == ["counted"] * 2
        kept = [record for record in shop.events() if record.get("kept")]
        assert all(names_nobody(record) for record in kept)
        profile = await shop.profile(visitor_of(cookie))
        assert profile is not None
        assert {item["item_id"] for item in profile["recent_items"]} == {"A"}


async def test_granted_after_denied_counts_from_then_on() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), context={"consent": GRANTED})).cookie
        await shop.browser(context={"consent": DENIED}, cookie=cookie)
        answer = await shop.browser(views("B"), cookie=cookie, context={"consent": GRANTED})
        assert answer.statuses == ["accepted"]
        assert (await shop.browser(views("C"), cookie=cookie)).statuses == ["accepted"]
        profile = await shop.profile(visitor_of(cookie))
        assert profile is not None
        assert profile["consents"] == GRANTED
        assert {item["item_id"] for item in profile["recent_items"]} == {"A", "B", "C"}


async def test_a_pending_request_takes_no_denial_back() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"), context={"consent": GRANTED})).cookie
        await shop.browser(context={"consent": DENIED}, cookie=cookie)
        await shop.browser(views("B"), cookie=cookie, context={"consent": PENDING})
        assert (await shop.browser(views("C"), cookie=cookie)).statuses == ["counted"]


async def test_global_privacy_control_denies_whatever_the_page_says() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        answer = await shop.browser(
            views("B"), cookie=cookie, context={"consent": GRANTED}, headers={"Sec-GPC": "1"}
        )
        assert answer.statuses == ["counted"]
        assert answer.cookie == ""
        profile = await shop.profile(visitor_of(cookie))
        assert profile is not None
        assert profile["consents"] == DENIED


async def test_consent_without_events_is_kept_and_a_refusal_makes_no_profile(settings: Settings) -> None:
    async with house(settings=settings) as shop:
        browser = Required(shop)
        answer = await browser.sends(**said(GRANTED))
        assert answer.results == []
        profile = await shop.profile(visitor_of(answer.cookie))
        assert profile is not None
        assert profile["consents"] == GRANTED
        refused = await browser.sends(**said(DENIED), nonce="m" * 22)
        assert refused.cookie is None
        assert len(shop.redis.client().keys("*:profile:*")) == 1


async def test_analytics_without_personalization_keeps_the_profile_and_says_so() -> None:
    async with house() as shop:
        consent = {"analytics": "granted", "personalization": "denied"}
        answer = await shop.browser(views("A"), context={"consent": consent})
        assert answer.statuses == ["accepted"]
        profile = await shop.profile(visitor_of(answer.cookie))
        assert profile is not None
        assert profile["consents"] == consent


async def test_each_event_may_say_it_for_itself_as_segments_clients_do() -> None:
    async with house() as shop:
        grants, denies = {**views("A"), **said(GRANTED)}, {**views("B"), **said(DENIED)}
        device = {"writeKey": "demo", "anonymousId": "segment-device"}
        assert (
            await shop.post(
                "/v1/batch", {"writeKey": "demo", "batch": [{**grants, "anonymousId": "segment-device"}]}
            )
        ).statuses == ["accepted"]
        answer = await shop.post(
            "/v1/batch", {"writeKey": "demo", "batch": [{**denies, "anonymousId": "segment-device"}]}
        )
        assert answer.statuses == ["counted"]
        assert (await shop.post("/v1/track", {**device, **views("C")})).statuses == ["counted"], "remembered"
        profile = await shop.profile("segment-device")
        assert profile is not None
        assert {item["item_id"] for item in profile["recent_items"]} == {"A"}
        assert profile["consents"] == DENIED


async def test_one_batch_of_two_people_says_nothing_about_either() -> None:
    async with house() as shop:
        for name in ("one", "two"):
            await shop.post("/v1/track", {"writeKey": "demo", "anonymousId": name, **views("A")})
        await shop.backend(
            "batch",
            {
                "context": {"consent": DENIED},
                "batch": [{**views("B"), "anonymousId": "one"}, {**views("B"), "anonymousId": "two"}],
            },
        )
        for name in ("one", "two"):
            profile = await shop.profile(name)
            assert profile is not None
            assert profile["consents"] == {}


async def test_segments_category_preferences_are_read() -> None:
    async with house() as shop:
        consent = {"categoryPreferences": {"Analytics": False, "Advertising": False}}
        assert (await shop.browser(views("A"), context={"consent": consent})).statuses == ["counted"]


async def test_logout_works_although_the_request_says_nothing_of_consent(settings: Settings) -> None:
    """The tag's reset carries the write key alone; the next person must not go on as the first one."""
    async with house(settings=settings) as shop:
        browser = Required(shop)
        cookie = (await browser.sends(views("A"), identify("u", user_hash("u")), **said(GRANTED))).cookie
        answer = await shop.post("/h/v1/reset", {"writeKey": "required"}, cookie=cookie)
        assert answer.status == 200
        assert visitor_of(answer.cookie) != visitor_of(cookie)
        await browser.sends(views("NEXT"), cookie=answer.cookie, **said(GRANTED))
        await browser.sends(views("OLD TAB"), cookie=cookie, **said(GRANTED))
        user = await shop.profile("user:u")
        assert user is not None
        assert {item["item_id"] for item in user["recent_items"]} == {"A"}


async def test_logout_with_a_refusal_leaves_no_cookie() -> None:
    async with house() as shop:
        cookie = (await shop.browser(identify("u", user_hash("u")))).cookie
        answer = await shop.post("/h/v1/reset", {"writeKey": "demo", **said(DENIED)}, cookie=cookie)
        assert answer.cookie == ""
        assert await shop.profile(visitor_of(cookie)) is None


async def test_erasure_leaves_nothing_that_a_login_moved_and_nothing_to_undo() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("SECRET"))).cookie
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        worker = shop.workers[0]
        await worker.endpoints.profiles.erase("user:u", worker.ingest.clock())
        client = shop.redis.client()
        left = [key for key in client.keys("*") if client.type(key) == b"string"]
        assert not [key for key in left if b"SECRET" in client.get(key)]
        assert not client.exists(keys.move("user:u", move["transfer_id"]))
        assert not await worker.mover.undo("u", move["transfer_id"], worker.ingest.clock())
        assert await shop.profile("user:u") is None


async def test_an_undo_does_not_bring_back_a_device_that_was_erased() -> None:
    async with house() as shop:
        cookie = (await shop.browser(views("A"))).cookie
        device = visitor_of(cookie)
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        worker = shop.workers[0]
        await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)
        await worker.endpoints.profiles.erase(device, worker.ingest.clock())
        assert not await worker.mover.undo("u", move["transfer_id"], worker.ingest.clock())
        assert await shop.profile(device) is None
