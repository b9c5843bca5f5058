"""One network's flood is slowed down, and nobody else notices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.house import house, page, views

from habitue_collector.rates import MAX_NETWORKS, Rates
from habitue_collector.settings import Limits, demo_settings

NOW = 1_700_000_000_000


def test_what_is_not_used_is_saved_for_ten_seconds_and_no_longer() -> None:
    rates = Rates(10)
    assert [rates.take("a", "8.8.8.8", 1, NOW) for _ in range(101)] == [0] * 100 + [1]
    assert rates.take("b", "8.8.4.4", 1, NOW) == 0, "another network has its own"
    assert [rates.take("a", "8.8.8.8", 1, NOW + 500) for _ in range(6)] == [0] * 5 + [1]
    hour = NOW + 3_600_000
    assert sum(rates.take("a", "8.8.8.8", 1, hour) == 0 for _ in range(500)) == 100
    assert rates.take("a", "8.8.8.8", 1, NOW) == 1, "a clock that goes back gives nothing"


def test_a_batch_goes_through_whole_and_is_paid_for_afterwards() -> None:
    rates = Rates(10)
    assert rates.take("a", "8.8.8.8", 2_500, NOW) == 0
    assert rates.take("a", "8.8.8.8", 1, NOW) == 241
    assert rates.take("a", "8.8.8.8", 1, NOW + 240_000) == 1
    assert rates.take("a", "8.8.8.8", 1, NOW + 241_000) == 0


@pytest.mark.parametrize("peer", [None, "127.0.0.1", "10.1.2.3", "::1", "fd00::1", "a socket"])
def test_behind_what_is_no_public_address_stand_many(peer: str | None) -> None:
    rates = Rates(1)
    assert not any(rates.take("proxy", peer, 100, NOW) for _ in range(100))


def test_the_networks_that_are_remembered_are_bounded() -> None:
    rates = Rates(1)
    for number in range(MAX_NETWORKS + 10):
        rates.take(f"n{number}", "8.8.8.8", 1, NOW)
    assert len(rates) == MAX_NETWORKS


@pytest.mark.asyncio
async def test_too_much_is_a_429_that_the_page_may_read_and_a_backend_never_gets(tmp_path: Path) -> None:
    settings = replace(demo_settings(tmp_path), limits=Limits(network_events_per_second=1))
    async with house(settings=settings) as shop:
        origin = {"origin": "https://www.shop.test"}
        first = await shop.browser(*(views("A") for _ in range(12)), peer="8.8.8.8", headers=origin)
        assert first.statuses == ["accepted"] * 12
        late = await shop.browser(page("/"), peer="8.8.8.9", headers=origin)
        assert (late.status, late.body["code"]) == (429, "too_many_requests")
        head = dict(late.headers)
        assert int(head[b"retry-after"]) >= 2
        assert head[b"access-control-allow-origin"] == b"https://www.shop.test"
        assert head[b"access-control-expose-headers"] == b"Retry-After"
        assert (await shop.browser(page("/"), peer="8.8.9.8")).status == 200
        for _ in range(20):
            assert (await shop.browser(page("/"), peer="10.0.0.1")).status == 200
            assert (await shop.backend("track", {"userId": "u", **views("A")}, peer="8.8.8.8")).status == 200
        assert shop.workers[0].ingest.tally.refused == {"too_many_requests": 1}
        assert b'code="too_many_requests"' in await shop.workers[0].render_metrics()
