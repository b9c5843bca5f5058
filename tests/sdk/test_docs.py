"""The public surface is pinned, and documented."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import habitue
from habitue import AsyncClient, Client, Offers, Stats

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text("utf-8")
CALLS = [
    *("alias", "close", "consent", "flush", "forget", "identify", "offers", "order", "page", "profile"),
    *("sections", "stats", "track"),
]
FOR_MOUNTS = ["after_fork", "secret_key", "settle"]


def test_the_public_names_are_these() -> None:
    assert sorted(habitue.__all__) == [
        "AsyncClient",
        "Breaker",
        "Client",
        "Offer",
        "Offers",
        "Reason",
        "Request",
        "Response",
        "Stats",
        "Transport",
        "TransportError",
        "Visit",
        "current_visit",
        "user_hash",
        "visiting",
    ]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_both_clients_have_the_same_calls(kind: type) -> None:
    calls = {name for name in dir(kind) if not name.startswith("_")}
    assert sorted(calls) == sorted(CALLS + FOR_MOUNTS)
    for name in CALLS:
        if name != "stats":
            ours, theirs = (inspect.signature(getattr(one, name)).parameters for one in (kind, Client))
            assert list(ours) == list(theirs), name


def test_every_call_and_argument_is_documented() -> None:
    for name in CALLS:
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
