"""Secrets are made once, for the owner alone, and rotate newest last."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from habitue_collector.secret_keys import KEPT_KEYS, new_key, rotate_signing_keys, signing_keys
from habitue_collector.settings import MIN_SECRET_LENGTH


def test_the_first_call_makes_a_key_and_later_ones_find_it(tmp_path: Path) -> None:
    first = signing_keys(tmp_path)
    assert len(first) == 1
    assert signing_keys(tmp_path) == first


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    signing_keys(tmp_path)
    rotate_signing_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys/signing.keys").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_many_starting_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(signing_keys, [tmp_path] * 64))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["signing.keys"]


def test_a_new_key_is_the_last_and_the_oldest_leave(tmp_path: Path) -> None:
    first = signing_keys(tmp_path)
    second = rotate_signing_keys(tmp_path)
    assert second[0] == first[0]
    assert len(second) == 2
    for _ in range(5):
        rotate_signing_keys(tmp_path)
    assert len(signing_keys(tmp_path)) == KEPT_KEYS
    assert first[0] not in signing_keys(tmp_path)


def test_a_made_server_key_is_long_enough() -> None:
    assert len(new_key("server")) >= MIN_SECRET_LENGTH
    assert new_key("browser") != new_key("browser")
