"""Every string of the console is there in every language; the reader's choice comes first."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from habitue_console.rendering import HERE, environment
from habitue_console.shown import filters
from habitue_console.words import choose, words_of
from habitue_recommender.explain.sayings import Saying, Share

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000_000


def test_every_string_is_translated_and_compiled() -> None:
    """To renew: scripts/words."""
    pytest.importorskip("babel")
    spec = spec_from_file_location("words_script", ROOT / "scripts" / "words.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    sys.modules["words_script"] = script
    spec.loader.exec_module(script)
    assert list(script.problems()) == []


def test_every_template_can_be_read() -> None:
    made = environment("en")
    for path in sorted((HERE / "templates").rglob("*.html")):
        made.get_template(str(path.relative_to(HERE / "templates")))


def test_no_template_has_anything_inline_or_unescaped() -> None:
    for path in (HERE / "templates").rglob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|<style|javascript:", text), path.name
        assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", text)), path.name
        if path.name not in ("parts.html",):
            assert "| safe" not in text, path.name


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("", "fr,de;q=0.5,en;q=0.7", "en"),
        ("", "fr, *;q=0.1", "en"),
        ("", "de;q=0, pl;q=0.1", "pl"),
        ("", "de;q=x,,;;,pl", "pl"),
        ("de", "pl", "de"),
        ("xx", "pl", "pl"),
        ("", "a" * 10_000, "en"),
    ],
)
def test_the_language_is_the_chosen_one_else_the_browser_s(chosen: str, accepted: str, language: str) -> None:
    assert choose(chosen, accepted) == language


@pytest.mark.parametrize(
    ("language", "number", "money", "share", "day"),
    [
        ("en", "1,234,568", "−$1,234.50", "12.3%", "Nov 14, 2023"),
        ("de", "1.234.568", "−1.234,50\u00a0$", "12,3\u00a0%", "14.11.2023"),
        ("pl", "1\u00a0234\u00a0568", "−1\u00a0234,50\u00a0$", "12,3\u00a0%", "14.11.2023"),
    ],
)
def test_figures_are_written_as_the_reader_writes_them(
    language: str, number: str, money: str, share: str, day: str
) -> None:
    shown = filters(language)
    assert shown["number"](1_234_567.8) == number
    assert shown["money"](-1_234.5, "USD") == money
    assert shown["percent"](0.1234) == share
    assert day in shown["day"](NOW)


@pytest.mark.parametrize(
    ("language", "told"), [("en", "12,345 8.33 0.0012 2.3%"), ("de", "12.345 8,33 0,0012 2,3\u00a0%")]
)
def test_figures_in_a_saying_too(language: str, told: str) -> None:
    figures = {"a": 12_345, "b": 25 / 3, "c": 0.0012, "d": Share(0.0234)}
    assert filters(language)["told"](Saying("{a} {b} {c} {d}", figures)) == told


def test_nothing_is_a_dash_and_large_ones_are_short() -> None:
    shown = filters("en")
    assert {shown[name](None) for name in ("number", "money", "percent", "compact", "when", "day")} == {"–"}
    assert [shown["compact"](value) for value in (999, 12_345, 1_234_567, 2e9)] == [
        "999",
        "12.3k",
        "1.2M",
        "2.0B",
    ]
    assert "3 hours ago" in shown["ago"](NOW - 3 * 3_600_000, NOW)
    assert "just now" in shown["ago"](NOW, NOW)


def test_a_word_that_is_not_there_is_english() -> None:
    assert words_of("de")("No such %(thing)s", thing="word") == "No such word"
    assert words_of("xx").language == "en"
