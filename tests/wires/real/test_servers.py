"""The published server clients walk through the shop: every event is stored once, as it was meant."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .toolbox import BUILD, PYTHON
from .witness import BROWSER_KEY, KINDS, SERVER_KEY, Witness, check

pytestmark = pytest.mark.long

SNOWPLOW = ("page_view", "page_view", "product_view", "add_to_cart", "custom", "purchase")
MATOMO = ("page_view", "page_view", "product_view", "cart_view", "page_view", "purchase")
DEVICE = "7f1c2a9e-5b7d-4c1e-9a36-0f2b8d4e6c11"
CLIENTS = {
    "node/segment": (("",), KINDS),
    "node/segment-6": (("",), KINDS),
    "node/rudderstack": (("", "plain"), KINDS),
    "node/jitsu": (("",), KINDS),
    "node/matomo": (("",), MATOMO),
    "node/snowplow": (("", "plain", "get"), SNOWPLOW),
    "python/segment_client": (("", "gzip"), KINDS),
    "python/rudderstack_client": (("", "plain"), KINDS),
    "python/snowplow_client": (("", "plain", "get"), SNOWPLOW),
}
ALL = [
    pytest.param(name, variant, kinds, id=f"{name} {variant}".strip())
    for name, (variants, kinds) in CLIENTS.items()
    for variant in variants
]


def run(name: str, host: str, key: str, order: str, variant: str = "") -> subprocess.CompletedProcess[str]:
    """The client as its own process; one that never ends is killed and fails."""
    folder, _, script = name.partition("/")
    path = BUILD / "clients" / folder / script
    command = ["node", f"{path}.mjs"] if folder == "node" else [str(PYTHON), f"{path}.py"]
    environ = {"PATH": os.environ["PATH"], "HOST": host, "KEY": key, "ORDER": order, "VARIANT": variant}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=Path("/"))


@pytest.mark.parametrize(("name", "variant", "kinds"), ALL)
def test_every_event_is_stored_once_as_it_was_meant(
    shop: Witness, name: str, variant: str, kinds: tuple[str, ...]
) -> None:
    order = shop.begin()
    ended = run(name, shop.address, SERVER_KEY, order, variant)
    assert ended.returncode == 0, ended.stderr
    assert "error" not in ended.stdout, ended.stdout
    shop.wait(len(kinds))
    device = DEVICE if "matomo" not in name else "7f1c2a9e5b7d4c1e"
    check(shop.events(), order, shop.started, kinds, old_order="jitsu" not in name, device=device)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_wrong_key_neither_crashes_a_client_nor_keeps_it_sending(shop: Witness, name: str) -> None:
    shop.begin()
    before = shop.refused()["invalid_write_key"]
    ended = run(name, shop.address, "nobodys-key", "ORD-0")
    assert ended.returncode == 0, ended.stderr
    assert shop.events() == []
    assert 1 <= shop.refused()["invalid_write_key"] - before <= 20


@pytest.mark.parametrize("name", ["node/rudderstack", "python/segment_client"])
def test_a_refused_event_is_no_error_for_its_client(shop: Witness, name: str) -> None:
    """A browser key and an order that names none: the rest is stored, the client ends well."""
    shop.begin()
    ended = run(name, shop.address, BROWSER_KEY, "")
    assert ended.returncode == 0, ended.stderr
    assert "error" not in ended.stdout
    shop.wait(5)
    assert "purchase" not in {event["kind"] for event in shop.events()}
