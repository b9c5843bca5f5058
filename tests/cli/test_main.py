"""The command helps, suggests, and tells what goes wrong in a sentence."""

from __future__ import annotations

import errno
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from habitue_cli.main import INTERNAL, VERBS, main
from habitue_collector.settings import Settings


def test_without_a_verb_it_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {}) == 0
    told = capsys.readouterr().out
    assert all(f"  {verb}" in told for verb in VERBS)
    assert not any(f"  {verb} " in told for verb in INTERNAL)


def test_it_knows_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], {}) == 0
    assert capsys.readouterr().out.startswith("habitue ")


def test_a_verb_that_is_not_there_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serv"], {}) == 2
    assert "Did you mean 'serve'?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"], {})
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "examples:\n" in told
    assert f"  habitue {verb}" in told


def test_problems_with_settings_are_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--data", str(tmp_path)], {"HABITUE_PORT": "eighty"}) == 1
    told = capsys.readouterr().err
    assert "HABITUE_PORT: 'eighty' is not a whole number" in told
    assert "Traceback" not in told


def test_a_half_configured_start_for_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--data", str(tmp_path)], {"HABITUE_HOST": "0.0.0.0"}) == 1
    assert "no browser key" in capsys.readouterr().err


def test_a_file_where_the_data_should_be_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").touch()
    assert main(["serve", "--data", str(tmp_path / "data")], {}) == 1
    assert "is a file where a folder should be" in capsys.readouterr().err


def test_a_disk_that_takes_nothing_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder))

    monkeypatch.setattr("habitue_cli.verbs.demo.signing_keys", refuse)
    assert main(["demo", "--data", str(tmp_path)], {}) == 1
    assert capsys.readouterr().err == (
        f"habitue demo: {tmp_path}: this file system is read-only; --data names another folder\n"
    )


def test_the_demo_s_key_does_not_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"HABITUE_KEYS": '[{"key": "demo"}]'}
    assert main(["serve", "--data", str(tmp_path)], environ) == 1
    assert "known to everybody" in capsys.readouterr().err


def test_serve_leaves_the_demo_s_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").touch()
    assert main(["serve", "--data", str(tmp_path)], {}) == 1
    assert "the demo's data" in capsys.readouterr().err


def test_the_demo_leaves_another_s_folder_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "redis").mkdir()
    assert main(["demo", "--data", str(tmp_path)], {}) == 1
    assert "another installation's data" in capsys.readouterr().err


def test_with_debug_the_error_is_shown_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="eighty"):
        main(["serve", "--data", str(tmp_path), "--debug"], {"HABITUE_PORT": "eighty"})


class TestKeys:
    def test_a_made_key_is_known_from_then_on(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["keys", "create", "--data", str(tmp_path)]
        assert (
            main([*words, "--kind", "browser", "--origin", "https://*.shop.example", "--name", "x"], {}) == 0
        )
        assert main([*words, "--kind", "server"], {}) == 0
        public, secret = capsys.readouterr().out.split()
        settings = Settings.load({"HABITUE_DATA_FOLDER": str(tmp_path)})
        key = settings.find_key(public)
        assert key is not None
        assert key.allows_origin("https://www.shop.example")
        assert settings.secret_keys == (secret,)
        assert stat.S_IMODE((tmp_path / "keys/keys.toml").stat().st_mode) == 0o600

    def test_a_list_shows_no_secret(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main(["keys", "create", "--data", str(tmp_path), "--kind", "server"], {})
        secret = capsys.readouterr().out.strip()
        main(["keys", "list", "--data", str(tmp_path)], {})
        assert secret not in capsys.readouterr().out

    def test_a_secret_key_has_no_origin(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = [
            "keys",
            "create",
            "--data",
            str(tmp_path),
            "--kind",
            "server",
            "--origin",
            "https://a.example",
        ]
        assert main(words, {}) == 1
        assert "never stands in a page" in capsys.readouterr().err


def test_sql_that_is_wrong_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    assert main(["sql", "--data", str(tmp_path), "DROP TABLE events"], {}) == 1
    assert "only statements that read" in capsys.readouterr().err


def test_a_model_cannot_be_trained_from_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("implicit")
    assert main(["train", "--data", str(tmp_path)], {}) == 1
    told = capsys.readouterr().err
    assert "nothing to learn" in told
    assert "Traceback" not in told


def test_a_feed_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    assert main(["import", "items", str(tmp_path / "none.xml"), "--data", str(tmp_path)], {}) == 1
    assert f"there is no file {tmp_path / 'none.xml'}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("train --since yesterday", "'yesterday' is not a day like 2026-01-31"),
        ("models publish", "say which one"),
        ("models publish 3f", "no model begins with '3f'"),
        ("sql ;", "there is no statement"),
        ("doctor --url http://127.0.0.1:1", "nobody answers at http://127.0.0.1:1: Connection refused\n"),
    ],
)
def test_what_was_asked_for_wrongly_is_told_in_our_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    pytest.importorskip("implicit")
    verb, *rest = words.split()
    with suppress(SystemExit):  # argparse's
        assert main([verb, "--data", str(tmp_path), *rest], {}) == 1
    said = capsys.readouterr()
    assert told in said.out + said.err
    assert "Errno" not in said.out + said.err


def test_items_and_orders_come_in_without_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("implicit")
    (tmp_path / "feed.tsv").write_text("id\ttitle\tprice\tlink\nA\tTea\t3.00 EUR\thttps://shop.example/a\n")
    (tmp_path / "orders.csv").write_text(
        "order_id,user_id,timestamp,item_id,quantity,price\n1,u1,2026-01-02T10:00:00Z,A,2,3.00\n"
        "1,u1,2026-01-02T10:00:00Z,B,1,4.00\n2,u2,2026-01-03T10:00:00Z,A,1,3.00\nx,u2,soon,A,1,3.00\n"
    )
    data = str(tmp_path / "data")
    assert main(["import", "items", str(tmp_path / "feed.tsv"), "--data", data], {}) == 0
    assert "1 items are in the catalog" in capsys.readouterr().out
    for _ in range(2):  # each order counts once
        assert main(["import", "orders", str(tmp_path / "orders.csv"), "--data", data], {}) == 0
    told = capsys.readouterr().out
    assert "2 orders are in" in told
    assert "1 left out, invalid_timestamp" in told
    assert main(["sql", "--data", data, "--format", "csv", "SELECT sum(value) FROM events"], {}) == 0
    assert capsys.readouterr().out.split()[-1] == "13.0"
    assert main(["replay", "--data", data], {}) == 0
    assert "2 profiles replayed, 0 differ" in capsys.readouterr().out


def test_the_doctor_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data", str(tmp_path / "data")], {}) == 0
    told = capsys.readouterr().out
    assert "no keys yet" in told
    assert "no server runs" in told
