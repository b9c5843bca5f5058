"""The made-up archive is one that the house reads."""

from __future__ import annotations

from pathlib import Path

import orjson

from bench import large_archive
from habitue_collector.profile import Profile
from habitue_collector.store import keys
from habitue_warehouse import sql

SHAPE = large_archive.Shape(
    visitors=500, events=6_000, days=3, items=50, decisions=2_000, until=1_780_000_000_000
)


def test_it_has_the_shape_that_was_asked_for(tmp_path: Path) -> None:
    large_archive.write(tmp_path, SHAPE)
    with sql.connect(tmp_path) as archive:
        [(events, days)] = archive.execute("SELECT count(*), count(DISTINCT date) FROM events").fetchall()
        [(decisions, whole)] = archive.execute('SELECT count(*), count("full") FROM decisions').fetchall()
        profiles = archive.execute("SELECT bucket, profile_id, visits, record FROM profiles").fetchall()
        [(nobody,)] = archive.execute(
            "SELECT count(*) FROM events WHERE profile_id NOT IN (SELECT profile_id FROM profiles)"
        ).fetchall()
    assert abs(events - SHAPE.events) < SHAPE.events * 0.1
    assert abs(decisions - SHAPE.decisions) < SHAPE.decisions * 0.1
    assert whole > 0
    assert days == SHAPE.days
    assert nobody == 0
    assert len(profiles) == SHAPE.visitors
    for bucket, profile_id, visits, record in profiles:
        assert bucket == keys.bucket_of(profile_id)
        assert Profile(profile_id, orjson.loads(record)).to_public()["visits"] == visits


def test_the_same_numbers_give_the_same_people() -> None:
    assert large_archive.records(SHAPE, [3, 5]) == large_archive.records(SHAPE, [3, 5])
