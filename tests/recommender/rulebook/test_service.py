"""Documents saved as a marketer does: what does not fit is said at its place, and nothing is half saved."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis.asyncio import Redis
from support.decisions import NOW, with_redis

from habitue_collector.store import keys
from habitue_recommender.rulebook.bundle import BundleMistakes
from habitue_recommender.rulebook.documents import KINDS
from habitue_recommender.rulebook.mistakes import Mistakes
from habitue_recommender.rulebook.service import RulebookService
from habitue_recommender.rulebook.store import Conflict, RulebookStore, UnknownDocument
from habitue_recommender.settings import RecommenderSettings

VIP = {"id": "vip", "name": "Regulars", "when": "visitor.orders.count >= 3"}
SALE = {
    "id": "sale",
    "name": "Sale for regulars",
    "condition": {"slots": ["home-hero"], "when": '"vip" in visitor.segments'},
    "consequence": {"pin": [{"item_id": "shoe", "position": 1}]},
}
HELLO = {"id": "hello", "kind": "message", "title": "Hello", "slots": ["home-welcome"]}
SLOT = {"id": "blog", "sources": ["popular"]}

Scene = Callable[[RulebookService], Coroutine[Any, Any, None]]


@pytest.fixture
def play(redis_socket: str) -> Callable[[Scene], None]:
    """Runs a scene with a service on an empty Redis."""

    def service(redis: Redis) -> RulebookService:
        return RulebookService(RulebookStore(redis, lambda: NOW), RecommenderSettings(), lambda: NOW)

    return lambda scene: with_redis(redis_socket, lambda redis: scene(service(redis)))


async def refused(work: Coroutine[Any, Any, Any]) -> list[tuple[str, str]]:
    """The fields and what was meant, of all mistakes that a save was refused for."""
    with pytest.raises(Mistakes) as raised:
        await work
    return [(one.field, one.suggestion) for one in raised.value]


def test_one_of_each_kind_is_saved_exported_and_imported_again(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        for kind, raw in (("segment", VIP), ("slot", SLOT), ("rule", SALE), ("content", HELLO)):
            saved = await service.save(kind, raw, author="anna", note="first", expected=0)
            assert (saved.version, saved.note, saved.body) == (1, "first", raw)
        exported = await service.export()
        assert exported == {"rules": [SALE], "segments": [VIP], "slots": [SLOT], "contents": [HELLO]}
        again = await service.import_all(exported, author="ben")
        assert (again.added, again.changed, again.deleted, again.unchanged) == ((), (), (), 4)
        for plural in exported:
            await service.import_all({plural: []}, author="ben", delete_missing=plural == "rules")
        await service.import_all({plural: [] for plural in exported}, author="ben", delete_missing=True)
        assert await service.export() == {plural: [] for plural in KINDS.values()}
        assert (await service.import_all(exported, author="ben")).added == (
            "rules/sale",
            "segments/vip",
            "slots/blog",
            "contents/hello",
        )
        assert (await service.rulebook()).rules["sale"].slots == frozenset({"home-hero"})

    play(scene)


def test_what_an_answer_adds_is_not_stored_with_a_document_sent_back(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        saved = await service.save("segment", VIP, author="anna")
        again = await service.save("segment", saved.to_public(), author="ben", expected=saved.version)
        assert again.body == VIP
        slot = await service.save("slot", {**SLOT, "effective": {}, "version": 0}, author="ben")
        assert slot.body == SLOT

    play(scene)


def test_unknown_slots_and_segments_are_said_at_their_place(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        wrong = {**SALE, "condition": {"slots": ["home-heroe"], "when": '"vipp" in visitor.segments'}}
        with pytest.raises(Mistakes) as raised:
            await service.save("rule", wrong, author="anna")
        slot, segment = raised.value
        assert (slot.field, slot.suggestion) == ("condition.slots", "home-hero")
        assert (segment.field, segment.suggestion) == ("condition.when", "vip")
        text = wrong["condition"]["when"]
        assert segment.position is not None
        assert "vipp" in text[segment.position : segment.position + (segment.length or 0)]
        content = {**HELLO, "slots": ["home-welkome"], "when": '"vap" in visitor.segments'}
        assert await refused(service.save("content", content, author="anna")) == [
            ("slots", "home-welcome"),
            ("when", "vip"),
        ]
        assert (await service.load()).version == 1

    play(scene)


def test_segments_in_a_circle_are_refused_whichever_comes_last(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", {"id": "a", "when": "visitor.visits > 1"}, author="anna")
        await service.save("segment", {"id": "b", "when": '"a" in visitor.segments'}, author="anna")
        circle = {"id": "a", "when": '"b" in visitor.segments'}
        assert await refused(service.save("segment", circle, author="anna")) == [("when", "")]
        self_named = {"id": "c", "when": '"c" in visitor.segments'}
        assert await refused(service.save("segment", self_named, author="anna")) == [("when", "")]
        with pytest.raises(BundleMistakes) as raised:
            await service.import_all(
                {
                    "segments": [
                        {"id": "x", "when": '"y" in visitor.segments'},
                        {"id": "y", "when": '"x" in visitor.segments'},
                    ]
                },
                author="anna",
            )
        assert set(raised.value.documents) == {"segments/x", "segments/y"}
        assert (await service.load()).version == 2

    play(scene)


def test_two_pins_on_one_place_are_refused(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        await service.save("rule", SALE, author="anna")
        other = {**SALE, "id": "tale", "consequence": {"pin": [{"item_id": "boot", "position": 1}]}}
        [(field, _)] = await refused(service.save("rule", other, author="anna"))
        assert field == "consequence.pin.0.position"
        await service.save("rule", {**other, "priority": 1}, author="anna")  # now it is clear who wins
        with pytest.raises(Mistakes) as raised:  # whose id comes first hears of the other one all the same
            await service.save("rule", {**other, "id": "a-sale", "name": "Mine"}, author="anna")
        [mistake] = raised.value
        assert mistake.field == "consequence.pin.0.position"
        assert "“Sale for regulars” (sale) pins shoe" in mistake.message

    play(scene)


def test_what_would_stand_behind_the_last_place_of_its_slot_is_said_whichever_comes_last(
    play: Callable[[Scene], None],
) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("slot", {"id": "small", "sources": ["popular"], "size": 8}, author="anna")
        eighth = {"pin": [{"item_id": "boot", "position": 8}]}
        pin = {"id": "far", "condition": {"slots": ["small"]}, "consequence": eighth}
        banner = {"id": "hi", "kind": "banner", "title": "Hi", "slots": ["small"], "position": 9}
        with pytest.raises(
            Mistakes, match=r"^position: The slot small has 8 places, and this would be no\. 9\.$"
        ):
            await service.save("content", banner, author="anna")
        await service.save("rule", pin, author="anna")
        smaller = {"id": "small", "sources": ["popular"], "size": 4}
        with pytest.raises(
            Mistakes, match=r"^size: The rule “far” stands at position 8; change that first\.$"
        ):
            await service.save("slot", smaller, author="anna")
        assert service.settings.slots.get("small") is None
        assert (await service.find("slot", "small")).body["size"] == 8  # type: ignore[union-attr]  # it is there
        await service.save("rule", {**pin, "enabled": False}, author="anna")
        await service.save("slot", smaller, author="anna")

    play(scene)


def test_what_others_name_is_not_taken_out(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        await service.save("slot", SLOT, author="anna")
        await service.save(
            "rule", {**SALE, "condition": {**SALE["condition"], "slots": ["blog"]}}, author="anna"
        )
        for kind, document_id in (("segment", "vip"), ("slot", "blog")):
            with pytest.raises(Mistakes, match="sale"):
                await service.delete(kind, document_id, author="anna")
            with pytest.raises(Mistakes, match="sale"):  # the creation of what is needed by now
                await service.undo(kind, document_id, author="anna")
        done = await service.import_all(
            {"rules": [], "segments": []}, author="anna", delete_missing=True
        )  # together they may go
        assert done.deleted == ("rules/sale", "segments/vip")
        await service.delete("slot", "blog", author="anna")
        with pytest.raises(UnknownDocument):
            await service.delete("slot", "blog", author="anna")
        await service.save("slot", {"id": "home-hero", "size": 3}, author="anna")
        await service.save("rule", {**SALE, "condition": {"slots": ["home-hero"]}}, author="anna")
        await service.delete("slot", "home-hero", author="anna")  # it is still configured

    play(scene)


def test_an_import_is_whole_or_not_at_all(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        broken = {**SALE, "id": "broken", "consequence": {"boost": 0}}
        bundle = {"segments": [VIP], "rules": [SALE, broken, {"name": "no id"}, 7], "slots": "no list"}
        with pytest.raises(BundleMistakes) as raised:
            await service.import_all(bundle, author="anna")
        assert set(raised.value.documents) == {"rules/#2", "rules/#3", "slots"}
        bundle = {"segments": [VIP], "rules": [SALE, broken]}
        with pytest.raises(BundleMistakes) as raised:
            await service.import_all(bundle, author="anna")
        assert set(raised.value.documents) == {"rules/broken"}
        assert (await service.load()).version == 0
        with pytest.raises(BundleMistakes):
            await service.import_all({"rules": [SALE, SALE], "segments": [VIP]}, author="anna")
        with pytest.raises(BundleMistakes):
            await service.import_all([SALE], author="anna")
        would = await service.import_all({"rules": [SALE], "segments": [VIP]}, author="anna", dry_run=True)
        assert would.added == ("rules/sale", "segments/vip")
        assert (await service.load()).version == 0

    play(scene)


def test_an_import_does_not_run_over_what_somebody_changed_meanwhile(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        mine = {"segments": [{**VIP, "name": "Mine"}]}
        await service.save("segment", {**VIP, "name": "Theirs"}, author="ben")
        with pytest.raises(Conflict) as conflict:
            await service.import_all(mine, author="anna", expected={"segments/vip": 1})
        assert conflict.value.current is not None
        assert conflict.value.current.body["name"] == "Theirs"
        with pytest.raises(Conflict):
            await service.import_all(mine, author="anna", expected={})
        with pytest.raises(Conflict):
            await service.import_all({"segments": []}, author="anna", expected={}, delete_missing=True)
        assert (await service.import_all(mine, author="anna", expected={"segments/vip": 2})).changed

    play(scene)


def test_undo_and_restore_are_checked_like_a_save(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        await service.save("rule", SALE, author="anna")
        plain = {**SALE, "condition": {"slots": ["home-hero"]}}
        await service.save("rule", plain, author="anna")
        await service.delete("segment", "vip", author="anna")
        with pytest.raises(Mistakes, match="vip"):
            await service.undo("rule", "sale", author="anna")
        await service.undo("segment", "vip", author="anna")
        assert (await service.undo("rule", "sale", author="anna")).body == SALE
        assert (await service.restore("rule", "sale", 2, "anna")).body == plain
        assert [one.version for one in await service.history("rule", "sale")] == [4, 3, 2, 1]
        assert (await service.changes(1))[0].id == "sale"

    play(scene)


def test_an_end_in_the_past_is_a_mistake_for_who_saves_and_none_for_an_undo(
    play: Callable[[Scene], None],
) -> None:
    async def scene(service: RulebookService) -> None:
        over = {**HELLO, "validity": {"until": "2020-01-01T00:00:00+00:00"}}
        assert await refused(service.save("content", over, author="anna")) == [("validity.until", "")]
        await service.store.save("content", "hello", over, author="an older house")
        await service.save("content", HELLO, author="anna")
        assert (await service.undo("content", "hello", author="anna")).body == over

    play(scene)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        7,
        {},
        {"id": None},
        {"id": "Sale!"},
        {"id": "x" * 65},
        {"id": ["sale"]},
        {"id": "sale", "unknown": 1},
        {"id": "sale", 7: 1},
    ],
)
def test_what_is_no_document_is_a_mistake_and_nothing_else(
    play: Callable[[Scene], None], kind: str, raw: Any
) -> None:
    async def scene(service: RulebookService) -> None:
        assert await refused(service.save(kind, raw, author="anna"))
        assert (await service.load()).version == 0

    play(scene)


def test_a_broken_document_in_the_store_hinders_nobody(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.store.save("segment", "vip", {"id": "vip", "when": "soup of the day"}, author="x")
        await service.store.save("rule", "odd", {"consequence": 7}, author="x")
        await service.store._redis.hset(keys.RULEBOOK_DOCUMENTS, "rule/torn", b"{")
        await service.save("rule", SALE, author="anna")  # the segment that it names is there, only broken
        rulebook = await service.rulebook()
        assert {one.id for one in rulebook.problems} == {"vip", "odd"}
        assert (await service.load()).broken == ("rule/torn",)
        await service.save("segment", VIP, author="anna")
        await service.delete("rule", "odd", author="anna")
        assert (await service.rulebook()).problems == ()

    play(scene)


def test_a_preview_sees_changes_that_nobody_saved(play: Callable[[Scene], None]) -> None:
    async def scene(service: RulebookService) -> None:
        await service.save("segment", VIP, author="anna")
        change = await service.check("rule", SALE)
        assert set((await service.rulebook([change])).rules) == {"sale"}
        assert set((await service.rulebook()).rules) == set()

    play(scene)
