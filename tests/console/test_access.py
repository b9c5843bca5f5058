"""The console opens to this machine and to a secret key, and to nobody else."""

from __future__ import annotations

from base64 import b64encode

import pytest

from habitue_console.access import is_this_machine, knows_a_secret

SECRET = "hs_secret"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:9", "[::1]:8000", "[::1]"])
def test_a_person_at_this_machine_may_look(host: str) -> None:
    assert is_this_machine("127.0.0.1", {"host": host})
    assert is_this_machine("::1", {"host": host})


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.7", {"host": "127.0.0.1:8000"}),
        (None, {"host": "127.0.0.1:8000"}),
        ("127.0.0.1", {"host": "rebound.example:8000"}),
        ("127.0.0.1", {}),
        ("127.0.0.1", {"host": "127.0.0.1", "x-forwarded-for": "192.0.2.7"}),
        ("127.0.0.1", {"host": "127.0.0.1", "forwarded": "for=192.0.2.7"}),
        ("127.0.0.1", {"host": "127.0.0.1", "x-real-ip": "192.0.2.7"}),
    ],
)
def test_whoever_comes_from_elsewhere_may_not(peer: str | None, headers: dict[str, str]) -> None:
    assert not is_this_machine(peer, headers)


def _basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize("said", [f"Bearer {SECRET}", _basic(f"me:{SECRET}"), _basic(f"{SECRET}:")])
def test_a_secret_key_opens(said: str) -> None:
    assert knows_a_secret(said, ("other", SECRET))


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        _basic("me:wrong"),
        "Basic ???",
        "Basic /w==",
        "Digest x",
        _basic("é"),
    ],
)
def test_anything_else_does_not(said: str | None) -> None:
    assert not knows_a_secret(said, (SECRET,))


def test_without_secret_keys_nothing_opens() -> None:
    assert not knows_a_secret("Bearer ", ())
