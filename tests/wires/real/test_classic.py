"""Snowplow's classic e-commerce by published clients: an order's lines arrive alone, and are its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest
from support.serving import until

from .pages import Pages
from .test_browsers import SNOWPLOW
from .test_older import run
from .test_servers import DEVICE
from .toolbox import OLDER, PYTHON, install_older
from .witness import BROWSER_KEY, SERVER_KEY, Witness

pytestmark = pytest.mark.long


def profile(shop: Witness, device: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {SERVER_KEY}"}
    found: dict[str, Any] = httpx.get(
        f"{shop.address}/v1/profiles/{device}", headers=headers, timeout=20
    ).json()
    return found


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("requirement", ["snowplow-tracker==0.15.0", "snowplow-tracker==1.0.1"])
def test_of_a_server(shop: Witness, clients: None, requirement: str, method: str) -> None:
    install_older()
    order = shop.begin()
    before = profile(shop, DEVICE)
    counted = before["orders"]["count"] if "orders" in before else 0
    had = {one["item_id"]: one["count"] for one in before.get("bought", ())}
    path = OLDER / "clients" / "older" / "snowplow_classic.py"
    for told in (1, 2):  # the second time as a page that is loaded again: new event ids, the same order
        run([str(PYTHON), str(path)], shop, order, method, PYTHONPATH=str(OLDER / "python" / requirement))
        shop.wait(3 * told)
        now = profile(shop, DEVICE)
        assert now["orders"]["count"] == counted + 1
        bought = {one["item_id"]: one["count"] - had.get(one["item_id"], 0) for one in now["bought"]}
        assert bought == {"SKU-001": 1, "SKU-002": 1}
    assert Counter(event["kind"] for event in shop.events()) == {"purchase": 2, "custom": 4}


def test_of_a_page(shop: Witness) -> None:
    order = shop.begin()
    Pages(shop, "snowplow-3", BROWSER_KEY, order, (1, 3, 4, 5, 8), "classic-alone").walk()
    events = shop.events()
    assert Counter(event["kind"] for event in events) == Counter((*SNOWPLOW, "custom", "custom"))
    (purchase,) = (event for event in events if event["kind"] == "purchase")
    assert not purchase.get("items"), "the lines were to travel by themselves"
    device = purchase["profile_id"]
    until(lambda: len(profile(shop, device).get("bought", ())) == 2, "both lines are known as bought", 15)
    assert profile(shop, device)["orders"]["by_currency"] == {"EUR": 119.85}
