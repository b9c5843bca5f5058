"""The examples of docs/doors run as they stand, but for host and key, with the clients that they import."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .pages import run_once
from .toolbox import BUILD, PYTHON, bundle_text
from .witness import BROWSER_KEY, SERVER_KEY, Witness

pytestmark = pytest.mark.long

PAGES = Path(__file__).parents[3] / "docs" / "doors"
DOORS = ("segment", "rudderstack", "jitsu", "hightouch", "matomo", "snowplow")
BLOCKS = [
    pytest.param(language, text, id=f"{door}: {language}")
    for door in DOORS
    for language, text in re.findall(
        r"^```(js browser|js node|python)\n(.*?)^```$", (PAGES / f"{door}.md").read_text("utf-8"), re.M | re.S
    )
]


def filled_in(text: str, host: str) -> str:
    """The example for this collector, which has no https."""
    text = text.replace("https://collect.shop.example", f"http://{host}").replace(
        "collect.shop.example", host
    )
    text = text.replace("protocol: 'https'", "protocol: 'http'").replace("YOUR-WRITE-KEY", BROWSER_KEY)
    return text.replace("YOUR-SECRET-KEY", SERVER_KEY).replace("ORD-100", f"ORD-{os.urandom(4).hex()}-")


@pytest.mark.parametrize(("language", "text"), BLOCKS)
def test_an_example_does_what_it_says(shop: Witness, tmp_path: Path, language: str, text: str) -> None:
    shop.begin()
    if language == "js browser":
        script = bundle_text(filled_in(text, f"h.shop.test:{shop.collector.port}"))
        run_once(script, lambda: shop.wait(2))
        assert {event["kind"] for event in shop.events()} >= {"page_view", "product_view"}
        return
    text = filled_in(text, f"127.0.0.1:{shop.collector.port}")
    path = BUILD / "clients" / f"example-{os.urandom(4).hex()}.{'mjs' if language == 'js node' else 'py'}"
    path.write_text(text)
    try:
        command = ["node" if language == "js node" else str(PYTHON), str(path)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    finally:
        path.unlink()
    assert ended.returncode == 0, ended.stderr
    shop.wait(1)
    assert not any(event.get("kept") for event in shop.events())
