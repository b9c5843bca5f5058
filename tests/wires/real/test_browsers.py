"""The published browser clients, in a real Chromium, walk through the shop: every event is stored once."""

from __future__ import annotations

import pytest

from .pages import Pages
from .witness import BROWSER_KEY, KINDS, Witness, check

pytestmark = pytest.mark.long

NATIVE = (1, 3, 4, 5, 6)  # events after each page
SNOWPLOW = ("page_view", "page_view", "product_view", "add_to_cart", "custom", "purchase")
CLASSIC = (*SNOWPLOW, "custom", "custom")  # the lines of the order are events of their own
CLIENTS = {
    "segment": (("",), NATIVE, KINDS),
    "segment-batching": (("",), NATIVE, KINDS),
    "segment-snippet": (
        ("",),
        (2, 4, 5, 6, 7),
        (*KINDS, "consent"),
    ),  # it gets our tag, which says what holds
    "rudderstack": (("", "beacon"), NATIVE, KINDS),
    "rudderstack-2": (("",), NATIVE, KINDS),
    "jitsu": (("",), NATIVE, KINDS),
    "jitsu-1": (("",), NATIVE, KINDS),
    "hightouch": (("", "batching"), NATIVE, KINDS),
    "snowplow": (("", "custom-path", "get", "base64"), NATIVE, SNOWPLOW),
    "snowplow-3": (("",), NATIVE, SNOWPLOW),
    "snowplow-3 classic": (("classic",), (1, 3, 4, 5, 8), CLASSIC),
}
ALL = [
    pytest.param(
        name.partition(" ")[0], variant, counts, kinds, id=f"{name.partition(' ')[0]} {variant}".strip()
    )
    for name, (variants, counts, kinds) in CLIENTS.items()
    for variant in variants
]


@pytest.mark.parametrize(("name", "variant", "counts", "kinds"), ALL)
def test_every_event_is_stored_once_as_it_was_meant(
    shop: Witness, name: str, variant: str, counts: tuple[int, ...], kinds: tuple[str, ...]
) -> None:
    order = shop.begin()
    Pages(shop, name, BROWSER_KEY, order, counts, variant).walk()
    # Of our own tag the cookie says who it is; others send the user's id with every event.
    named = ("identify",) if name == "segment-snippet" else ("identify", "purchase")
    check(shop.events(), order, shop.started, kinds, named=named)
    for event in shop.events():
        if event["kind"] == "consent":
            continue
        assert event["context"]["device"] == "desktop"
        assert event["context"]["page"]["host"] == "shop.test"


@pytest.mark.parametrize("name", ["segment", "rudderstack", "jitsu", "hightouch", "snowplow"])
def test_a_wrong_key_keeps_no_client_sending(shop: Witness, name: str) -> None:
    """Nothing is ever settled; in the meantime a client may try again, but not without end."""
    order = shop.begin()
    before = shop.refused()["invalid_write_key"]
    with pytest.raises(AssertionError):
        Pages(shop, name, "nobodys-key:any", order, NATIVE, "").walk()
    assert shop.events() == []
    assert 1 <= shop.refused()["invalid_write_key"] - before <= 20
