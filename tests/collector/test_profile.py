"""The stored form, the typed views of it, what the API shows; all of it is in docs/privacy.md."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.house import House, buys, house, identify, page, track, user_hash, views, visitor_of

from habitue_collector.events import Event, Item
from habitue_collector.profile import VERSION_LENGTH, Profile, digest, unpack
from habitue_collector.store import keys

PRIVACY = Path(__file__).parents[2] / "docs" / "privacy.md"


def test_packed_and_unpacked_it_is_the_same() -> None:
    profile = Profile("p", {"visits": 2, "traits": {"ä": {"value": "\u2028", "at": 1}}})
    version, again = unpack("p", profile.pack(b"v" * VERSION_LENGTH))
    assert version == b"v" * VERSION_LENGTH
    assert again.state == profile.state


def test_an_empty_profile_shows_its_emptiness_in_every_view() -> None:
    profile = Profile("p")
    assert profile.is_empty
    assert profile.session is None
    assert profile.orders.count == profile.visits == 0
    assert profile.to_public()["recent_items"] == []
    assert profile.pointer is None
    assert not profile.is_user
    assert Profile("user:p").is_user


@given(st.lists(st.text(max_size=20), unique=True, max_size=50))
def test_digests_of_different_ids_differ_and_are_eleven_characters(ids: list[str]) -> None:
    digests = {digest(one) for one in ids}
    assert len(digests) == len(ids)
    assert {len(one) for one in digests} <= {11}


def test_what_belongs_to_a_running_transfer_is_no_part_of_the_record() -> None:
    assert Profile("p", {"open_transfer": "t", "visits": 1}).to_record() == {"visits": 1}


# ---- privacy ---------------------------------------------------------------------------------


def listed_members() -> set[str]:
    """Whatever docs/privacy.md has in the first column of a table."""
    return {
        name
        for line in PRIVACY.read_text("utf-8").splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


async def live_a_life(shop: House) -> tuple[str, str]:
    """Everything that a visitor can do, so that every member of a profile is there: device and user."""
    consent = {"analytics": "granted", "personalization": "granted"}
    cookie = (
        await shop.browser(
            page(
                "/?utm_source=mail&utm_campaign=spring",
                context={"page": {"referrer": "https://www.google.com/"}},
            ),
            views("A", brand="B"),
            track("Product Added", {"product_id": "A", "price": 3, "quantity": 2}),
            track("Offer Viewed", {"item_id": "A", "decision_id": "d", "slot": "s"}),
            track("Products Searched", {"query": "shoes"}),
            track("Subscribed", {"channel": "email"}),
            identify("somebody", plan="gold"),
            buys("o-1", 9, "A"),
            track("Order Refunded", {"order_id": "o-1", "total": 1, "currency": "EUR", "refund_id": "1"}),
            context={
                "consent": consent,
                "locale": "de-DE",
                "timezone": "Europe/Berlin",
                "screen": {"width": 100, "height": 200},
            },
        )
    ).cookie
    headers = {"user-agent": "Googlebot/2.1"}
    await shop.browser(views("A"), cookie=cookie, headers=headers)
    await shop.browser({**views("C"), "context": {"persona": "office"}}, cookie=cookie)
    device = visitor_of(cookie)
    return device, str(cookie)


@pytest.mark.asyncio
async def test_every_member_that_is_stored_or_shown_is_listed_with_its_purpose() -> None:
    listed = listed_members()
    members: set[str] = {field.name for field in fields(Event)} | {f"items.{f.name}" for f in fields(Item)}
    async with house() as shop:
        device, cookie = await live_a_life(shop)
        found: list[dict[str, Any]] = [await shop.state(device)]
        shown = await shop.profile(device)
        assert shown is not None
        await shop.browser(identify("u", user_hash("u")), cookie=cookie)
        found.append(await shop.state(device))
        found.append(await shop.state("user:u"))
        (move,) = [record for kind, record in shop.log() if kind == "transfer_in"]
        worker = shop.workers[0]
        await shop.post("/h/v1/reset", {"writeKey": "demo"}, cookie=cookie)
        found.append(await shop.state(device))
        await worker.mover.undo("u", move["transfer_id"], worker.ingest.clock())
        found += [await shop.state("user:u"), await shop.state(device)]
        for state in found:
            members |= state.keys()
        members |= shown.keys()
        for _, record in shop.log():
            members |= record.keys()
            members |= {f"context.{name}" for name in record.get("context", {})}
        await worker.endpoints.profiles.erase("user:u", worker.ingest.clock())
        for key in shop.redis.client().keys("*"):
            text = re.sub(r"^\{b\d+\}:", "", key.decode())
            members.add("redis:" + text.split(":")[0])
    assert len(members) > 60, "the life above has become too quiet"
    assert members - listed == set(), "not in docs/privacy.md"


def test_the_list_names_nothing_that_is_not_there() -> None:
    text = PRIVACY.read_text("utf-8")
    for heading in ("## Profile", "## Events", "## Moves", "## Cookie", "## Redis", "## Archive"):
        assert heading in text
    for line in text[text.index("## Cookie") :].splitlines():  # above it stand endpoints, not data
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 3, line
            assert all(cells), f"purpose and lifetime, please: {line}"


def test_every_key_of_redis_has_its_bucket_by_its_id() -> None:
    for name in (
        keys.profile("p"),
        keys.order("p"),
        keys.tombstone("p"),
        keys.items("p"),
        keys.move("p", "t"),
    ):
        assert name.startswith(f"{{b{keys.bucket_of('p')}}}:")
