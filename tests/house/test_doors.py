"""Every command of docs/doors for other trackers runs as it stands, but for host and key."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from e2e.tag.real_collector import ASSUMED, RealCollector

from habitue_collector.store import keys

PAGES = Path(__file__).parents[2] / "docs" / "doors"
STORED = {
    "segment": ["product_view"],
    "rudderstack": ["add_to_cart"],
    "jitsu": ["product_view"],
    "hightouch": ["page_view"],
    "matomo": ["page_view", "product_view", "search"],
    "snowplow": ["page_view"],
}


@pytest.fixture(scope="module")
def collector() -> Iterator[RealCollector]:
    with RealCollector() as running:
        yield running


def kinds(collector: RealCollector) -> list[str]:
    client = collector.redis.client()
    found = [
        orjson.loads(record)["kind"]
        for bucket in range(keys.BUCKETS)
        for _, entry in client.xrange(keys.log(bucket))
        for kind, record in entry.items()
        if kind == b"event"
    ]
    client.close()
    return sorted(found)


def test_the_commands_do_what_the_pages_say(collector: RealCollector) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    expected: list[str] = []
    for door, stored in STORED.items():
        text = (PAGES / f"{door}.md").read_text("utf-8")
        (commands,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        commands = commands.replace("https://collect.shop.example", collector.address)
        ended = subprocess.run(
            ["sh", "-ec", commands.replace("YOUR-WRITE-KEY", ASSUMED)],
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert ended.returncode == 0, ended.stderr
        assert '"accepted"' in ended.stdout, ended.stdout
        expected += stored
        assert kinds(collector) == sorted(expected), door
