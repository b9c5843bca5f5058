"""Files as shops have them: figures, or a sentence that says what is wrong with them."""

from __future__ import annotations

import json
import random

import pytest

from habitue_cli.main import main

HEAD = "session_id,item_id,timestamp\n"


@pytest.fixture
def ask(tmp_path, capsys):
    """`ask(train, test, *options)` with texts of CSV files: (exit code, figures or what was said)."""

    def run(train: str, test: str, *options: str):
        for name, text in (("train.csv", train), ("test.csv", test)):
            (tmp_path / name).write_text(text)
        code = main(
            ["evaluate", "--train", f"{tmp_path}/train.csv", "--test", f"{tmp_path}/test.csv", *options], {}
        )
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out) if "--json" in options and not code else out + err

    return run


def rows(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


THREE = rows("1,a,100", "1,b,160", "2,a,300")


def test_three_rows_have_figures(ask) -> None:
    code, figures = ask(THREE, THREE, "--json")
    assert code == 0
    assert (figures["queries"], figures["hit_rate@20"]) == (1, 1.0)


def test_people_read_a_table(ask) -> None:
    code, text = ask(THREE, THREE, "--k", "5")
    assert code == 0
    assert "hit_rate@5" in text
    assert "p99_ms" in text


def test_integers_and_texts_duplicates_and_any_order_are_one_shop(ask) -> None:
    chance = random.Random(1)
    walks = [f"{s},{(s + step) % 7},{1_600_000_000 + 60 * s + step}" for s in range(60) for step in range(3)]
    twice = walks + walks
    chance.shuffle(twice)
    code, figures = ask(rows(*twice), rows("x,1,1700000000", "x,2,1700000060"), "--json", "--protocol", "new")
    assert (code, figures["queries"], figures["hit_rate@20"]) == (0, 1, 1.0)


def test_lines_that_cannot_be_read_are_passed_over_while_others_can(ask) -> None:
    code, figures = ask(rows("1,a,", "1,b,100", "1,c,110", "2,b,120", "2,c,abc"), THREE, "--json")
    assert (code, figures["queries"]) == (0, 1)


def test_a_visitor_of_whom_nothing_is_known_is_shown_what_is_popular(ask) -> None:
    stranger = rows("9,unheard-of,400", "9,a,460")
    code, figures = ask(THREE, stranger, "--json")
    assert (code, figures["hit_rate@20"]) == (0, 1.0)
    assert ask(THREE, stranger, "--json", "--model", "ranker")[1]["hit_rate@20"] == 0.0


def test_sessions_of_one_event_and_no_sessions_at_all_are_no_questions(ask) -> None:
    assert ask(THREE, rows("1,a,100", "2,b,100"), "--json")[1]["queries"] == 0
    assert ask(HEAD, HEAD, "--json")[1]["queries"] == 0


def test_a_robot_s_session_is_read_and_asked_to_its_end(ask) -> None:
    robot = rows(*(f"r,{step % 50},{1_600_000_000 + step}" for step in range(100_000)))
    code, figures = ask(robot, robot, "--json", "--min-prefix", "99990")
    assert (code, figures["queries"]) == (0, 10)


@pytest.mark.parametrize(
    ("train", "options", "said"),
    [
        ("session,item_id,time\n1,a,100\n", (), "session_id and timestamp is missing; there is session"),
        ("", (), "the file is empty"),
        (rows("1,a,soon"), (), "no row has a session, an item and a time that can be read"),
        (THREE, ("--k", "0"), "begin at 1"),
        (THREE, ("--model", "oracle"), "there is no model 'oracle'; there are neighbours"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(ask, train, options, said) -> None:
    code, text = ask(train, THREE, *options)
    assert code == 1
    assert said in text


def test_a_file_that_is_no_parquet_is_a_sentence(tmp_path, capsys) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    assert main(["evaluate", "--train", f"{tmp_path}/bad.parquet", "--test", f"{tmp_path}/x.csv"], {}) == 1
    assert "bad.parquet" in capsys.readouterr().err
