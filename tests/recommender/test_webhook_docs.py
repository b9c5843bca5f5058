"""docs/webhooks.md: its example verifies what is sent, its tables are whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from habitue_recommender.webhooks.messages import Told, headers, messages, secret_of
from habitue_recommender.webhooks.sender import _REFUSED, OUTCOMES

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
ADDRESS = "https://hooks.shop.example/segments"
AT = 1_795_320_000


@pytest.fixture(scope="module")
def verified() -> Callable[..., bool]:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Callable[..., bool]] = {}
    exec(code, names)  # the page's own example
    return names["verified"]


def test_the_example_verifies_what_is_sent_by_any_of_the_secrets(verified: Callable[..., bool]) -> None:
    body = b'{"type":"segment.changed"}'
    secrets = [secret_of(ADDRESS, key) for key in ("old", "new")]
    sent = headers("msg_1", AT, body, secrets)
    assert all(verified(secret, sent, body, AT + 10) for secret in secrets)
    assert not verified(secret_of(ADDRESS, "another installation"), sent, body, AT)
    assert not verified(secret_of("https://other.example/", "new"), sent, body, AT)
    assert not verified(secrets[1], sent, body + b" ", AT)
    assert not verified(secrets[1], sent | {"webhook-id": "msg_2"}, body, AT)
    assert not verified(secrets[1], sent, body, AT + 301)  # an old request sent again
    assert not verified(secrets[1], sent | {"webhook-timestamp": str(AT + 301)}, body, AT + 301)


def test_the_message_on_the_page_is_one_of_ours() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    told = Told("user:4711", "loyal", "entered", AT * 1_000 - 1_000, "event", f"17-{AT}000-0")
    (message,) = messages(ADDRESS, "loyal", "Loyal customers", [told], AT * 1_000)
    assert orjson.loads(shown) == orjson.loads(message.body())


def test_every_outcome_and_every_refusal_is_on_the_page() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", TEXT.split("counts by outcome")[1], re.MULTILINE)
    assert listed[: len(OUTCOMES)] == list(OUTCOMES)
    assert "| " + ", ".join(map(str, sorted(_REFUSED))) + " |" in TEXT
