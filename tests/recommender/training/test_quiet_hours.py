from datetime import UTC, datetime

import pytest

from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.training.quiet_hours import QuietHours


def at(hour: int, minute: int = 0) -> int:
    return int(datetime(2026, 7, 1, hour, minute, tzinfo=UTC).timestamp() * 1_000)


def test_a_span_holds_from_its_first_minute_to_before_its_last() -> None:
    evening = QuietHours.parse(["18:00-22:00"])
    assert [evening.holds(at(*clock)) for clock in ((17, 59), (18, 0), (21, 59), (22, 0))] == [
        *(False, True, True, False)
    ]


def test_a_span_goes_over_midnight() -> None:
    night = QuietHours.parse(["22:30 - 6:00"])
    assert [night.holds(at(hour)) for hour in (22, 23, 0, 5, 6)] == [False, True, True, True, False]


def test_the_clock_is_the_shop_s() -> None:
    assert QuietHours.parse(["18:00-22:00"], "Europe/Berlin").holds(at(16, 30))  # summer: two hours ahead
    assert QuietHours.parse(["00:00-24:00"]).holds(at(3))
    assert not QuietHours().holds(at(12))


@pytest.mark.parametrize("text", ["", "18-22", "25:00-26:00", "18:00-18:00", "18:61-19:00", "at night"])
def test_what_is_no_span_is_told_with_the_others(text: str) -> None:
    problems: list[str] = []
    RecommenderSettings.parse({"train_quiet_hours": [text]}, problems=problems)
    assert any("write 18:00-22:00" in problem for problem in problems)


def test_spans_are_settings() -> None:
    problems: list[str] = []
    parsed = RecommenderSettings.parse({"train_quiet_hours": ["9:00-21:00"]}, problems=problems)
    assert (parsed.train_quiet_hours, problems) == (("9:00-21:00",), [])
