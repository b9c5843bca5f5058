"""Every case in contract/trackers/ holds: what a tracker sends becomes these events, one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from habitue_collector.events import InvalidEvent
from habitue_collector.request import Request
from habitue_collector.wires import jitsu, matomo, rudder, snowplow
from habitue_collector.wires.calls import Malformed
from habitue_collector.wires.segment import decode, parse_envelope

RECEIVED_AT = 1_795_284_930_000
FOLDER = Path(__file__).parents[2] / "contract" / "trackers"
WIRES = {
    "matomo": matomo.decode,
    "snowplow": snowplow.decode,
    "jitsu": jitsu.decode,
    "pixels": rudder.decode_pixel,
}
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]


def events_of(wire: str, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The stored form of each event, or why it was refused."""
    body = sent.get("body", b"")
    request = Request(
        path=sent.get("path", "/i"),
        query=sent.get("query", "").encode(),
        headers={},
        body=body.encode() if isinstance(body, str) else body if body == b"" else orjson.dumps(body),
        peer=None,
        scheme="http",
    )
    found = []
    for call in WIRES[wire](request, RECEIVED_AT).events:
        try:
            found.append(decode(call, parse_envelope({}, RECEIVED_AT), RECEIVED_AT).to_record())
        except InvalidEvent as refusal:
            found.append({"rejected": refusal.reason.value})
    return found


@pytest.mark.parametrize(("wire", "case"), CASES)
def test_case(wire: str, case: dict[str, Any]) -> None:
    if "malformed" in case:
        with pytest.raises(Malformed) as raised:
            events_of(wire, case["sent"])
        assert raised.value.code == case["malformed"]
        return
    found = events_of(wire, case["sent"])
    assert len(found) == len(case["events"])
    for event, expected in zip(found, case["events"], strict=True):
        for unspoken in {"event_id", "timestamp", "received_at"} - expected.keys():
            event.pop(unspoken, None)
        assert event == expected
