"""Whom and what a change touches, tried on an archive."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from support.floors import book, recommender_of, rule
from support.house import RealRedis

from bench import large_archive
from habitue_collector.store import keys
from habitue_recommender.catalog.catalog import Catalog
from habitue_recommender.catalog.items import parse_item
from habitue_recommender.decide import consider
from habitue_recommender.explain.change import Change
from habitue_recommender.explain.effect import Effect, Share, effect, estimated
from habitue_recommender.explain.present import Present, present
from habitue_recommender.explain.yesterday import Yesterday
from habitue_recommender.live import Live
from habitue_recommender.page import Page
from habitue_recommender.rulebook.book import Rulebook
from habitue_warehouse import sql
from habitue_warehouse.archive import Archiver
from habitue_warehouse.partitions import Partition, open_duckdb
from habitue_warehouse.schema import DECISIONS, LogRecord, row_of, structure

SHAPE = large_archive.Shape(
    visitors=600, events=6_000, days=2, items=60, decisions=4_000, whole_every=8, until=1_780_000_000_000
)
NOW = SHAPE.now
CATALOG = Catalog(parse_item(raw, NOW - 86_400_000 * 400) for raw in large_archive.catalog(SHAPE))
POPULAR = Live(NOW, tuple((large_archive.item_id(number), 900 - number) for number in range(60)))
RECOMMENDER = recommender_of(CATALOG, None, POPULAR)
PATIENCE = 60.0  # seconds: a busy machine must not cut short what is counted here
GOLD = 'visitor.traits["tier"] == "gold"'


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    large_archive.write(folder, SHAPE)
    return folder


def tried(archive: Path, after: Rulebook, before: Rulebook | None = None) -> Effect:
    return effect(
        before or book(), after, recommender=RECOMMENDER, archive=archive, now=NOW, seconds=PATIENCE
    )


def told(found: Effect) -> str:
    return " / ".join(said.text() for said in found.sayings())


def test_who_meets_a_rule_is_counted(archive: Path) -> None:
    found = tried(
        archive,
        book({"a": rule({"pin": [{"item_id": "item-00007", "position": 1}]}, GOLD, slots=("home-hero",))}),
    )
    with sql.connect(archive) as connection:
        gold = connection.execute("SELECT count(*) FROM profiles WHERE record LIKE '%gold%'").fetchall()
    assert [(found.people,)] == gold
    assert (found.people_low, found.people_high) == (found.people, found.people)
    assert found.people_of == SHAPE.visitors
    assert found.slots == ("home-hero",)
    assert f"This touches {found.people} of 600 people, in one slot" in told(found)


def test_decisions_are_decided_again(archive: Path) -> None:
    everywhere = tried(archive, book({"a": rule({"pin": [{"item_id": "item-00007", "position": 1}]})}))
    assert everywhere.knows_decisions
    assert everywhere.decisions_tried >= 30
    assert everywhere.decisions_changed_share is not None
    assert everywhere.decisions_changed_share > 0.9
    assert everywhere.people == SHAPE.visitors
    gold = tried(archive, book({"a": rule({"pin": [{"item_id": "item-00007", "position": 1}]}, GOLD)}))
    assert gold.decisions_changed_share is not None
    assert 0 < gold.decisions_changed_share < 0.5
    assert gold.decisions_low <= gold.decisions_changed_share <= gold.decisions_high
    one_slot = tried(archive, book({"a": rule({"exclude": True}, "item.price > 0", slots=("home-popular",))}))
    with sql.connect(archive) as connection:
        day = f"WHERE date = '{one_slot.day}'"
        [(part, whole)] = connection.execute(
            f"SELECT count(*) FILTER (slot = 'home-popular'), count(*) FROM decisions {day}"
        ).fetchall()
    assert one_slot.decisions_of == whole
    assert one_slot.decisions_changed_share == pytest.approx(part / whole)


def test_what_changes_nothing_touches_nothing(archive: Path) -> None:
    same = book({"a": rule({"boost": 2}, 'item.brand == "x"', name="one")})
    other = book({"a": rule({"boost": 2}, 'item.brand == "x"', name="another", note="said otherwise")})
    found = tried(archive, other, same)
    assert found.slots == ()
    assert found.people == 0
    assert told(found) == "This touches nobody and no slot / It would have changed no decision"
    off = book({"a": rule({"boost": 2}, 'item.brand == "x"', enabled=False)})
    assert tried(archive, off).slots == ()
    assert tried(archive, off, same).slots != ()


def test_a_rule_of_next_year_is_tried_on_yesterday(archive: Path) -> None:
    later = rule(
        {"pin": [{"item_id": "item-00007", "position": 1}]},
        validity={"from": "2030-01-01T00:00:00+00:00", "until": "2030-02-01T00:00:00+00:00"},
    )
    found = tried(archive, book({"a": later}))
    assert found.decisions_changed_share is not None
    assert found.decisions_changed_share > 0.9


def test_a_rule_for_a_page_touches_the_slots_of_that_page_only(archive: Path) -> None:
    after = book({"a": {"condition": {"page_types": ["cart"]}, "consequence": {"exclude": True}}})
    assert tried(archive, after).slots == ("cart-extras",)
    shoes = tried(archive, book({"a": rule({"exclude": True}, '"shoes" in page.category')}))
    assert shoes.people == SHAPE.visitors  # anybody may come to such a page


def test_a_segment_that_changes_touches_who_enters_and_leaves(archive: Path) -> None:
    rules = {"a": rule({"exclude": True}, '"often" in visitor.segments && item.price > 50')}
    before = book(rules, segments={"often": "visitor.visits > 8"})
    after = book(rules, segments={"often": "visitor.visits > 4"})
    with sql.connect(archive) as connection:
        rows = connection.execute("SELECT record FROM profiles").fetchall()
    visits = [orjson.loads(record)["visits"] for (record,) in rows]
    assert tried(archive, after, before).people == sum(count > 4 for count in visits)
    alone = tried(archive, book(segments={"often": "visitor.visits > 4"}))
    assert alone.slots == ()  # nobody sees anything else by a segment alone


def test_a_slot_and_a_content_touch_their_places(archive: Path) -> None:
    smaller = tried(archive, book(slots={"home-hero": {"size": 3}}))
    assert smaller.slots == ("home-hero",)
    assert smaller.people == SHAPE.visitors
    banner = {"kind": "banner", "title": "Sale", "slots": ["home-hero"], "when": GOLD}
    shown = tried(archive, book(contents={"sale": banner}))
    assert shown.slots == ("home-hero",)
    assert 0 < shown.people < SHAPE.visitors / 5


def test_a_share_of_visitors_is_that_share(archive: Path) -> None:
    half = tried(archive, book({"a": rule({"boost": 2}, share=0.5)}))
    assert 0.4 * SHAPE.visitors < half.people < 0.6 * SHAPE.visitors


def test_with_too_little_nothing_is_claimed(real: RealRedis, archive: Path, tmp_path: Path) -> None:
    after = book({"a": rule({"boost": 2}, GOLD)})
    nothing = effect(book(), after, recommender=RECOMMENDER, archive=tmp_path / "none", now=NOW)
    assert not nothing.knows_people
    assert not nothing.knows_decisions
    assert "nothing can be said yet" in told(nothing)
    assert "Too few decisions" in told(nothing)
    few = large_archive.Shape(visitors=50, events=300, days=1, items=60, decisions=100, until=NOW)
    large_archive.write(tmp_path / "few", few)
    found = tried(tmp_path / "few", after)
    assert found.decisions_changed_share is None
    assert found.people_of == 50
    # A small shop keeps few decisions whole: they are tried with who is known now.
    first_day(real, people=50, decisions=0, archive=tmp_path)
    filled = guessed(real, tmp_path / "few", after)
    assert not filled.people_estimated  # there is a snapshot
    assert filled.decisions_estimated
    assert (filled.day, filled.decisions_of) == (found.day, found.decisions_of)
    assert filled.decisions_tried >= 30


def test_it_stops_when_its_time_is_over(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue_recommender.explain.effect._LEAST_READING", PATIENCE)
    after = book({"a": rule({"boost": 2}, GOLD)})
    found = effect(book(), after, recommender=RECOMMENDER, archive=archive, now=NOW, seconds=0.0)
    assert found.people_tried == 30
    assert found.decisions_tried == 30
    assert orjson.loads(orjson.dumps(found.to_public()))["people_tried"] == 30


@given(st.integers(1, 5_000), st.data())
def test_a_margin_holds_its_share(tried: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, tried))
    low, high = Share(hits, tried).margin
    assert 0.0 <= low <= hits / tried + 1e-9
    assert hits / tried - 1e-9 <= high <= 1.0


def test_slots_of_one_page_are_decided_together() -> None:
    """An item that a rule puts into one slot stands in no other one of the page."""
    page = Page("home")
    together = ("home-popular", "home-hero")
    before = book()
    [(popular, _), _] = consider(
        [before.slots[one] for one in together],
        page,
        None,
        CATALOG,
        None,
        POPULAR,
        NOW,
        RECOMMENDER.settings,
        rulebook=before,
    )
    pin = {"pin": [{"item_id": popular.offers[0].item.item_id, "position": 1}]}
    change = Change(before, book({"a": rule(pin, slots=("home-hero",))}), RECOMMENDER)
    assert change.differs("home-popular", page, None, NOW, together)
    assert not change.differs("home-popular", page, None, NOW)
    assert change.differs("home-hero", page, None, NOW, together)
    assert not change.differs("of-which-nobody-knows", page, None, NOW, together)


def test_the_archive_tells_which_slots_were_decided_together(tmp_path: Path) -> None:
    yesterday = NOW - 86_400_000
    decided = [
        ("d1", "home-popular", "anna", yesterday, {"profile": {"visits": 2}}),
        ("d2", "home-hero", "anna", yesterday, None),
        ("d3", "home-hero", "anna", yesterday + 1, None),
        ("d4", "home-popular", None, yesterday, {}),
        ("d5", "home-new", "ben", yesterday, None),
    ]
    rows = []
    for number, (decision_id, slot, profile_id, at, full) in enumerate(decided):
        record = {
            **{"decision_id": decision_id, "timestamp": at, "slot": slot, "page": {"type": "home"}},
            **{"profile_id": profile_id, "model": "m", "variant": "", "holdout": False, "offers": []},
            **({"full": full} if full is not None else {}),
        }
        rows.append(row_of(LogRecord(0, at, number, "decision", orjson.dumps(record), record)))
    connection = open_duckdb(tmp_path)
    partition = Partition(tmp_path, DECISIONS, rows[0].date)
    lines = "SELECT unnest(from_json_strict(line, '{structure}')) FROM (SELECT unnest($1::VARCHAR[]) AS line)"
    part = partition.write(
        connection, lines.format(structure=structure(DECISIONS)), [[row.line for row in rows]]
    )
    assert part is not None
    partition.replace((), (part,))
    connection.close()
    past = Yesterday(tmp_path, NOW, 10)
    try:
        found = {
            (profile.profile_id if profile else None): (slot, together)
            for slot, _, profile, _, together in past.decisions(["home-popular"], 10)
        }
    finally:
        past.close()
    assert found == {"anna": ("home-popular", ("home-popular", "home-hero")), None: ("home-popular", ())}


def first_day(real: RealRedis, people: int, decisions: int, archive: Path, *, logged: bool = True) -> None:
    """A shop whose first visitors came today: profiles in Redis, decisions in the log or archived already."""
    records = large_archive.records(SHAPE, list(range(people)))
    with real.client() as redis, redis.pipeline(transaction=False) as pipeline:
        pipeline.flushall()
        for who, record in records.items():
            pipeline.set(keys.profile(who), b"v" * 16 + record.encode())
        ids = sorted(records)
        for number in range(decisions):
            slots = ("home-hero", "home-popular") if number % 2 else ("cart-extras",)
            who = ids[number % len(ids)] if number % 5 else None
            for slot in slots:
                record = {
                    **{"decision_id": f"d{number}-{slot}", "timestamp": NOW - number, "slot": slot},
                    **{"page": {"type": "cart" if slot == "cart-extras" else "home"}, "model": "m"},
                    **({"profile_id": who} if who else {}),
                    **{"variant": "", "holdout": False, "offers": []},
                }
                pipeline.xadd(keys.log(keys.bucket_of(who or "")), {"decision": orjson.dumps(record)})
        pipeline.execute()
        if not logged:
            Archiver(redis, archive).run_once()


def guessed(real: RealRedis, archive: Path, after: Rulebook) -> Effect:
    async def here(slots: tuple[str, ...]) -> Present:
        async with Redis.from_url(real.url) as redis:
            return await present(redis, archive, NOW, slots)

    found = tried(archive, after)
    known = asyncio.run(here(found.slots))
    return estimated(found, book(), after, recommender=RECOMMENDER, present=known, now=NOW, seconds=PATIENCE)


@pytest.mark.parametrize("logged", [True, False])
def test_on_a_shops_first_day_it_is_estimated_and_says_so(
    real: RealRedis, tmp_path: Path, logged: bool
) -> None:
    first_day(real, people=200, decisions=120, archive=tmp_path, logged=logged)
    pin = {"pin": [{"item_id": "item-00007", "position": 1}]}
    found = guessed(real, tmp_path, book({"a": rule(pin, GOLD, slots=("home-hero",))}))
    assert found.people == 20  # every tenth is gold
    assert (found.people_of, found.people_tried) == (200, 200)
    assert found.people_estimated
    assert found.decisions_of == 60 * 2 + 60
    assert found.decisions_tried == 60
    assert found.decisions_estimated
    assert found.decisions_changed_share is not None
    assert 0 < found.decisions_changed_share < 60 / 180
    people, decisions = told(found).split(" / ")
    assert people.startswith("Estimate: this touches about 20 (20 to 20) of 200 people, in one slot; 200")
    assert decisions.startswith("Estimate: it would have changed")
    assert decisions.endswith("60 were tried again with their visitors as they are now")
    everybody = guessed(real, tmp_path, book({"a": rule(pin)}))
    assert everybody.people == 200
    assert everybody.decisions_changed_share is not None
    assert everybody.decisions_changed_share > 0.7  # an item stands once on a page


def test_of_many_people_some_are_drawn_and_the_margin_is_told(
    real: RealRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("habitue_recommender.segments.sample._ALL_KEYS", 100)
    monkeypatch.setattr("habitue_recommender.explain.present.PEOPLE", 150)
    first_day(real, people=600, decisions=0, archive=tmp_path)
    found = guessed(real, tmp_path, book({"a": rule({"boost": 2}, GOLD)}))
    assert found.people_estimated
    assert found.people_tried == 150
    assert found.people_low < found.people < found.people_high
    assert 5 < found.people < 250  # 60, by chance: how good a sample is `test_counts` asks
    assert found.decisions_changed_share is None
    assert "Too few decisions" in told(found)


def test_what_the_archive_tells_is_never_replaced_by_an_estimate(
    real: RealRedis, archive: Path, tmp_path: Path
) -> None:
    first_day(real, people=50, decisions=60, archive=tmp_path)
    after = book({"a": rule({"boost": 2}, GOLD)})
    exact, found = tried(archive, after), guessed(real, archive, after)
    assert exact.is_whole
    assert replace(found, seconds=0.0) == replace(exact, seconds=0.0)
    assert "Estimate" not in told(found)
