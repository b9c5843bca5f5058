"""Charts: the drawing says what the numbers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import habitue_console
from habitue_console.charts import HEIGHT, WIDTH, Chart, Series, bars, lines, nice, sparkline


def write(value: float) -> str:
    return f"{value:g}"


def drawn(chart: Chart) -> str:
    folder = Path(habitue_console.__file__ or "").parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # by the extension
    template = made.from_string("{% import 'charts.html' as charts with context %}{{ charts.chart(c) }}")
    return template.render(c=chart)


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.3, 0.3), (1, 1), (7, 8), (21, 30), (230, 300), (1001, 2000)]
)
def test_an_axis_ends_at_a_number_that_is_easy_to_read(value: float, top: float) -> None:
    assert nice(value) == pytest.approx(top)


def test_the_highest_value_is_at_the_top_and_nothing_at_the_bottom() -> None:
    chart = lines("c", "Events", ["a", "b", "c"], [Series("today", [0, 10, 5])], first="Hour", write=write)
    assert chart.drawn[0].line == "M100.0,160.0L300.0,4.0L500.0,82.0"
    assert [text for _, text in chart.ticks] == ["10", "5", "0"]
    assert [column.values for column in chart.columns] == [("0",), ("10",), ("5",)]


def test_whole_things_have_whole_ticks() -> None:
    for top in range(1, 11):
        chart = lines("c", "t", ["a"], [Series("s", [top])], first="x", write=write)
        assert all("." not in text for _, text in chart.ticks), top


def test_a_missing_value_ends_the_line_and_a_lonely_one_is_a_dot() -> None:
    chart = lines("c", "t", list("abcd"), [Series("s", [1, 2, None, 3])], first="x", write=write)
    assert chart.drawn[0].line.count("M") == 1
    assert len(chart.drawn[0].dots) == 1
    assert chart.columns[2].values == ("",)


def test_bars_stay_inside_and_what_they_are_compared_with_stands_behind() -> None:
    chart = bars(
        "c", "Orders", list("abc"), [Series("today", [3, 0, 9]), Series("usual", [4, 4, 4], faint=True)],
        first="Hour", write=write,
    )  # fmt: skip
    assert [one.css for one in chart.drawn] == ["faint", "series-1"]
    for one in chart.drawn:
        for bar in one.bars:
            assert bar.x >= 0
            assert bar.x + bar.width <= WIDTH + 0.1
            assert bar.y >= 0
            assert bar.y + bar.height == pytest.approx(HEIGHT, abs=0.1)
    assert len(chart.drawn[1].bars) == 2, "nothing is drawn for nothing"


def test_small_differences_show_when_the_axis_need_not_begin_at_zero() -> None:
    chart = lines(
        "c", "t", list("ab"), [Series("s", [0.541, 0.545])], first="x", write=write, from_zero=False
    )
    values = [float(text) for _, text in chart.ticks]
    assert values[0] >= 0.545
    assert 0.5 < values[-1] <= 0.541


@pytest.mark.parametrize("values", [[], [None], [0], [0, 0], [5], [None, 3, None]])
def test_any_values_can_be_drawn(values: list[float | None]) -> None:
    labels = [str(place) for place in range(len(values))]
    for kind in (lines, bars):
        drawn(kind("c", "t", labels, [Series("s", values)], first="x", write=write))
    sparkline(values)


def test_what_is_drawn_has_words_for_it_no_style_and_no_markup_of_others() -> None:
    hostile = "<script>alert(1)</script>"
    chart = bars("c", hostile, [hostile, "b"], [Series(hostile, [1, 2])], first=hostile, write=write)
    page = drawn(chart)
    assert "<script" not in page
    assert not re.search(r"\sstyle=|\son\w+=", page)
    assert 'role="img"' in page
    assert "<desc" in page
    assert page.count("<tr>") == 3, "the numbers stand behind it"
