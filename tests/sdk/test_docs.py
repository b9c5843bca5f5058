"""The public surface is pinned, and documented."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import habitue
from habitue import Client, Offers, Stats

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text("utf-8")


def test_the_public_names_are_these() -> None:
    assert sorted(habitue.__all__) == [
        "Client",
        "Offer",
        "Offers",
        "Reason",
        "Request",
        "Response",
        "Stats",
        "Transport",
        "TransportError",
    ]


def test_every_call_and_argument_is_documented() -> None:
    calls = [name for name in vars(Client) if not name.startswith("_")]
    assert sorted(calls) == ["close", "flush", "identify", "offers", "stats", "track"]
    for name in calls:
        row = re.search(rf"^\| `{name}\b.*$", DOCUMENT, re.MULTILINE)
        assert row, name
        if name != "stats":
            for argument in list(inspect.signature(getattr(Client, name)).parameters)[1:]:
                assert argument in row[0], (name, argument)
    for argument in list(inspect.signature(Client.__init__).parameters)[1:]:
        assert f"{argument}" in DOCUMENT


def test_every_reason_of_a_loss_is_documented() -> None:
    said = f"{Stats.__doc__} {Offers.__doc__}"
    for reason in re.findall(r"`([a-z_]+(?:<[^>]+>)?)`", said):
        assert reason.split("<")[0] in DOCUMENT, reason
