"""The breaker's clock."""

from __future__ import annotations

import random

from habitue import Client
from habitue.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker_at(clock: Clock) -> Breaker:
    return Breaker(3, 1.0, 8.0, clock=clock, jitter=lambda: 1.0)


def test_three_failures_in_a_row_open_it_and_one_call_may_try() -> None:
    clock = Clock()
    breaker = breaker_at(clock)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    clock.now += 1.01
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_success_between_failures_counts_anew() -> None:
    breaker = breaker_at(Clock())
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.allows()


def test_each_failed_try_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    breaker = breaker_at(clock)
    for _ in range(3):
        breaker.failed()
    for pause in (1, 2, 4, 8, 8):
        clock.now += pause - 0.01
        assert not breaker.allows()
        clock.now += 0.02
        assert breaker.allows()
        breaker.failed()


def test_the_server_may_ask_for_longer() -> None:
    clock = Clock()
    breaker = breaker_at(clock)
    for _ in range(3):
        breaker.failed(retry_after=5.0)
    clock.now += 4.9
    assert not breaker.allows()
    clock.now += 0.2
    assert breaker.allows()


def test_who_tries_and_never_says_how_it_went_blocks_nobody_for_ever() -> None:
    clock = Clock()
    breaker = breaker_at(clock)
    for _ in range(3):
        breaker.failed()
    clock.now += 1.1
    assert breaker.allows()
    clock.now += 8.1
    assert breaker.allows()


def test_a_child_process_has_its_own_experience() -> None:
    breaker = breaker_at(Clock())
    for _ in range(3):
        breaker.failed()
    breaker.after_fork()
    assert breaker.allows()


def test_the_hosts_own_random_stays_as_it_was_seeded() -> None:
    random.seed(7)
    expected = random.getstate()
    breaker = Breaker(1)
    breaker.failed()
    with Client("secret", "http://127.0.0.1:9", linger=0.0) as client:
        client.track("Ping", user_id="u")
        client.offers("home-hero", user_id="u")
    assert random.getstate() == expected
