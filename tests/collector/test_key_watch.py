"""Keys that are made or revoked while a server runs count without a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from habitue_collector.key_watch import KeyWatch
from habitue_collector.secret_keys import create_write_key, replace_write_keys
from habitue_collector.settings import KEYS_FILE, Settings, WriteKey, created_keys, demo_settings

ORIGINS = ("https://a.example",)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    fixed = WriteKey("fixed", name="from habitue.toml")
    return replace(Settings.load({"HABITUE_DATA_FOLDER": str(tmp_path)}), keys=(fixed,))


def test_nothing_changed_is_nothing_to_do(settings: Settings) -> None:
    watch = KeyWatch(settings)
    assert watch.changed() is None
    assert watch.changed() is None


def test_a_new_key_is_seen_once_and_the_others_stay(settings: Settings, tmp_path: Path) -> None:
    watch = KeyWatch(settings)
    watch.changed()
    create_write_key(tmp_path, WriteKey("pub", origins=ORIGINS, aliases=("old",), name='the "shop"\n'))
    seen = watch.changed()
    assert seen is not None
    assert [key.key for key in seen.keys] == ["fixed", "pub"]
    assert seen.find_key("old") is seen.find_key("pub")
    assert watch.changed() is None


def test_what_changed_between_loading_and_watching_is_seen(settings: Settings, tmp_path: Path) -> None:
    create_write_key(tmp_path, WriteKey("pub"))
    assert KeyWatch(settings).changed() is not None


def test_a_revoked_key_is_gone_and_a_changed_one_changed(settings: Settings, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        create_write_key(tmp_path, WriteKey(name, origins=ORIGINS))
    watch = KeyWatch(settings)
    watch.changed()

    def change(key: WriteKey) -> WriteKey | None:
        return {"one": None, "two": replace(key, consent="assumed", origins=())}.get(key.key, key)

    assert replace_write_keys(tmp_path, change) == 2
    assert created_keys(tmp_path) == (WriteKey("two", consent="assumed"), WriteKey("three", origins=ORIGINS))
    seen = watch.changed()
    assert seen is not None
    assert [key.key for key in seen.keys] == ["fixed", "two", "three"]


def test_a_broken_file_changes_nothing_and_is_said(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    create_write_key(tmp_path, WriteKey("pub"))
    watch = KeyWatch(settings)
    assert watch.changed() is not None
    for text in (
        "[[keys]\n",
        "[[keys]]\nkind = 'server'\nkey = 'short'\n",
        "[[keys]]\nkey = 'fixed'\n",
        "\xff",
    ):
        (tmp_path / KEYS_FILE).write_text(text, "latin-1")
        assert watch.changed() is None
        assert "the keys stay as they were" in caplog.text
        caplog.clear()


def test_the_demo_takes_no_keys_but_its_own(tmp_path: Path) -> None:
    create_write_key(tmp_path, WriteKey("pub"))
    assert KeyWatch(demo_settings(tmp_path)).changed() is None
