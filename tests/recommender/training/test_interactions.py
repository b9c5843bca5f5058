from gzip import compress
from pathlib import Path

import duckdb
import pytest
from support.archives import START, Archive
from support.shoppers import sessions

from habitue_recommender.training.interactions import InvalidData, from_archive, from_sessions


def walks(data) -> list[str]:
    starts, items = data.sessions.starts, data.sessions.items
    return [
        "".join(data.vocabulary.item_id(item) for item in items[starts[s] : starts[s + 1]])
        for s in range(len(data.sessions))
    ]


def baskets(data) -> list[str]:
    starts, items = data.baskets.starts, data.baskets.items
    return [
        "".join(sorted(data.vocabulary.item_id(item) for item in items[starts[b] : starts[b + 1]]))
        for b in range(len(data.baskets))
    ]


def csv(folder: Path, text: str, name: str = "rows.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_sessions_stand_in_the_order_of_their_last_event(tmp_path) -> None:
    rows = "session_id,item_id,timestamp\nlate,a,50\nearly,b,10\nlate,c,5\nearly,d,20\n"
    assert walks(from_sessions(csv(tmp_path, rows))) == ["bd", "ca"]


def test_equal_times_keep_the_order_of_the_file(tmp_path) -> None:
    rows = "session_id,item_id,timestamp\n1,c,7\n1,a,7\n1,b,7\n"
    assert walks(from_sessions(csv(tmp_path, rows))) == ["cab"]


def test_ids_in_a_csv_are_text_and_07_is_not_7(tmp_path) -> None:
    rows = "session_id,item_id,timestamp\n1,07,1\n1,7,2\n"
    assert list(from_sessions(csv(tmp_path, rows)).vocabulary) == ["07", "7"]


@pytest.mark.parametrize("of_type", ["VARCHAR", "BIGINT", "DOUBLE"])
def test_ids_are_the_same_text_whatever_type_a_parquet_file_gave_them(tmp_path, of_type) -> None:
    path = tmp_path / "rows.parquet"
    duckdb.execute(
        f"COPY (SELECT 1::{of_type} AS session_id, 42::{of_type} AS item_id, 3 AS timestamp) TO '{path}'"
    )
    assert [item.removesuffix(".0") for item in from_sessions(path).vocabulary] == ["42"]


@pytest.mark.parametrize(
    "time",
    [
        *("1500000000", "1500000000000", "1500000000000000", "1500000000000000000", "1500000000.0", "1.5e9"),
        *("2017-07-14T02:40:00Z", "2017-07-14 02:40:00", "2017-07-14T04:40:00+02:00", "14.07.2017 02:40"),
        *("14/07/2017 02:40", "07/14/2017 02:40:00 AM", "2017/07/14 02:40", '"1500000000,0"'),
    ],
)
def test_a_time_may_be_seconds_milliseconds_or_a_date(tmp_path, time) -> None:
    data = from_sessions(csv(tmp_path, f"session_id,item_id,timestamp\n1,a,{time}\n"))
    assert data.sessions.timestamps.tolist() == [1_500_000_000_000]


@pytest.mark.parametrize(
    ("dates", "ordered"), [(("01/02/2017", "13/01/2017"), "ba"), (("01/02/2017", "01/13/2017"), "ab")]
)
def test_all_of_a_file_says_whether_day_or_month_comes_first(tmp_path, dates, ordered) -> None:
    rows = "".join(f"1,{item},{date}\n" for item, date in zip("ab", dates, strict=True))
    data = from_sessions(csv(tmp_path, f"session_id,item_id,timestamp\n{rows}"))
    assert "".join(data.vocabulary.item_id(item) for item in data.sessions.items.tolist()) == ordered


@pytest.mark.parametrize("of_type", ["TIMESTAMP", "TIMESTAMPTZ"])
def test_a_parquet_file_may_have_real_timestamps(tmp_path, of_type) -> None:
    path = tmp_path / "rows.parquet"
    duckdb.execute(
        f"SET TimeZone = 'UTC'; COPY (SELECT 1 AS session_id, 2 AS item_id,"
        f" {of_type} '2017-07-14 02:40:00' AS timestamp) TO '{path}'"
    )
    assert from_sessions(path).sessions.timestamps.tolist() == [1_500_000_000_000]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("session_id,timestamp\n1,2\n", "column item_id is missing; there is session_id, timestamp"),
        ("a,b\n1,2\n", "column session_id and item_id and timestamp is missing"),
        ("session_id,item_id,timestamp\n1,a,yesterday\n", "no row has a session, an item and a time"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_the_reason(tmp_path, text, sentence) -> None:
    with pytest.raises(InvalidData, match=sentence):
        from_sessions(csv(tmp_path, text))


def test_a_file_that_is_not_there_or_is_no_parquet_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidData, match="no such file"):
        from_sessions(tmp_path / "nowhere.parquet")
    with pytest.raises(InvalidData):
        from_sessions(csv(tmp_path, "hello", "rows.parquet"))
    with pytest.raises(InvalidData, match="a spreadsheet"):
        from_sessions(csv(tmp_path, "PK\3\4", "rows.xlsx"))


def test_rows_without_an_item_or_a_readable_time_are_passed_over_and_counted(tmp_path, caplog) -> None:
    rows = "session_id,item_id,timestamp\n1,a,1\n1,,2\n1,b,soon\n,c,3\n1,d,4\n"
    assert walks(from_sessions(csv(tmp_path, rows))) == ["ad"]
    assert "session_id in 1, item_id in 1, timestamp in 1 of 5 rows" in caplog.text


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("SESSION_ID;Item_Id;TimeStamp\n1;é;1\n1;b;2\n".encode(), id="capitals and semicolons"),
        pytest.param("session_id,item_id,timestamp\n1,é,1\n1,b,2\n".encode("latin-1"), id="latin-1"),
        pytest.param("session_id,item_id,timestamp\n1,é,1\n1,b,2\n".encode("utf-16"), id="utf-16"),
        pytest.param(
            "\ufeffsession_id,item_id,timestamp\r\n1,é,1\r\n1,b,2\r\n".encode(), id="utf-8 with a mark"
        ),
        pytest.param(
            "session_id,item_id,timestamp\n1,é,1\n1,b,2\n7\n8,c,3,4,5\n".encode(), id="lines of any length"
        ),
        pytest.param(
            compress("session_id,item_id,timestamp\n1,é,1\n1,b,2\n".encode()), id="packed, and not called so"
        ),
    ],
)
def test_a_csv_may_look_as_shops_write_them(tmp_path, raw) -> None:
    (tmp_path / "shop").write_bytes(raw)
    assert "éb" in walks(from_sessions(tmp_path / "shop"))


def test_what_stands_far_down_in_a_file_is_read_too_or_its_line_is_named(tmp_path) -> None:
    many = "session_id,item_id,timestamp\n" + "".join(f"{n},a{n % 9},{n}\n" for n in range(60_000))
    (tmp_path / "latin.csv").write_bytes(many.encode() + "x,é,1\n".encode("latin-1"))
    assert "é" in list(from_sessions(tmp_path / "latin.csv").vocabulary)
    with pytest.raises(InvalidData, match="Line: 60002"):
        from_sessions(csv(tmp_path, many + "1,2,3,4\n"))


def test_whole_numbers_that_a_missing_value_made_floats_are_the_same_items(tmp_path) -> None:
    rows = "session_id,item_id,timestamp\n1,7.0,1\n1,,2\n1,12.0,3\n"
    assert list(from_sessions(csv(tmp_path, rows)).vocabulary) == ["12", "7"]


@pytest.mark.parametrize(
    ("value", "told"), [("'inf'", []), ("'nan'", []), ("1e25", ["1e+25"]), ("0.5", ["0.5"])]
)
def test_numbers_that_are_no_whole_ones_are_text_or_nothing(tmp_path, value, told) -> None:
    path = tmp_path / "rows.parquet"
    duckdb.execute(
        f"COPY (SELECT 1 AS session_id, unnest([1.0, {value}::DOUBLE]) AS item_id, 3 AS timestamp)"
        f" TO '{path}'"
    )
    assert list(from_sessions(path).vocabulary) == sorted(["1", *told])


def test_of_an_endless_session_the_newest_events_are_kept(tmp_path) -> None:
    rows = "".join(f"1,{letter},{second}\n" for second, letter in enumerate("abcdef" * 100))
    data = from_sessions(csv(tmp_path, f"session_id,item_id,timestamp\n{rows}"), longest=4)
    assert walks(data) == ["cdef"]


def test_a_header_alone_gives_empty_interactions(tmp_path) -> None:
    data = from_sessions(csv(tmp_path, "session_id,item_id,timestamp\n"))
    assert (data.item_count, len(data.sessions), len(data.trails), data.now) == (0, 0, 0, 0)


def test_fitting_a_matrix_leaves_the_data_as_it_was(tmp_path) -> None:
    data = sessions(tmp_path, "cab", "aab")
    data.trails.matrix(data.item_count)
    assert walks(data) == ["cab", "aab"]


def test_the_digest_is_that_of_the_data_and_not_of_the_file(tmp_path) -> None:
    one = csv(tmp_path, "session_id,item_id,timestamp\n1,a,1\n1,b,2\n", "one.csv")
    same = csv(tmp_path, "timestamp,item_id,session_id\n2,b,1\n1,a,1\n", "same.csv")
    other = csv(tmp_path, "session_id,item_id,timestamp\n1,a,1\n1,b,3\n", "other.csv")
    assert from_sessions(one).digest() == from_sessions(same).digest() != from_sessions(other).digest()


def test_the_archive_gives_sessions_baskets_and_people(tmp_path) -> None:
    archive = Archive(tmp_path).views("s1", "a", "b").adds("s1", "b").buys("o1", "b", "c", session_id="s1")
    data = from_archive(archive.views("s2", "a", who="ben").write())
    assert walks(data) == ["abbbc", "a"]
    assert baskets(data) == ["bc"]
    assert data.people == ("anna", "ben")
    assert data.sessions.visitors.tolist() == [0, 1]
    assert data.now == START + 5 * 60_000
    # a: viewed; b: viewed, added, bought; c: bought. What was bought counts once, not also as a basket.
    assert data.histories.toarray().tolist() == [[1.0, 6.0, 3.0], [1.0, 0.0, 0.0]]


def test_bots_and_what_was_only_counted_or_claimed_teach_nothing(tmp_path) -> None:
    archive = Archive(tmp_path).views("s1", "a", bot=True).views("s2", "b", kept="counted")
    data = from_archive(archive.views("s3", "c", kept="claimed").views("s4", "d").write())
    assert list(data.vocabulary) == ["d"]


def test_an_event_sent_twice_and_an_order_told_twice_count_once(tmp_path) -> None:
    archive = Archive(tmp_path).views("s1", "a", event_id="x").views("s1", "a", event_id="x")
    data = from_archive(archive.buys("o1", "a").buys("o1", "a", "b").write())
    assert walks(data) == ["a"]
    assert baskets(data) == ["ab"]


def test_an_order_whose_lines_came_by_themselves_is_their_basket(tmp_path) -> None:
    archive = Archive(tmp_path)
    for order in ("told", "whole", "lost"):
        for item in ("a", "b", "b"):
            archive._tell("custom", [item], "anna", name="transaction_item", order_id=order)
    archive._tell("custom", ["z"], "anna", name="transaction_item")
    data = from_archive(archive.buys("told").buys("whole", "c", "d").write())
    assert sorted(baskets(data)) == ["ab", "ab", "cd"]
    assert list(data.vocabulary) == ["a", "b", "c", "d"]


def test_an_order_without_a_session_is_a_trail_of_its_own_in_no_order(tmp_path) -> None:
    data = from_archive(Archive(tmp_path).buys("o1", "b", "a").views("s1", "c", "d").write())
    assert data.trails.ordered.tolist() == [0, 1]
    assert data.trails.items.tolist() == [0, 1, 2, 3]


def test_since_and_until_bound_what_is_learnt(tmp_path) -> None:
    archive = Archive(tmp_path).views("s1", "a", "b", "c").write()
    assert walks(from_archive(archive, START + 120_000, START + 180_000)) == ["b"]


def test_the_category_of_an_item_is_the_one_it_was_last_seen_with(tmp_path) -> None:
    archive = Archive(tmp_path).views("s1", "a", category="Shoes").views("s1", "a", category="Shoes/Trail")
    assert from_archive(archive.views("s1", "b").write()).categories == {0: "Shoes/Trail"}


def test_an_archive_that_is_empty_gives_empty_interactions(tmp_path) -> None:
    data = from_archive(tmp_path / "archive")
    assert (data.item_count, len(data.sessions), len(data.baskets)) == (0, 0, 0)
