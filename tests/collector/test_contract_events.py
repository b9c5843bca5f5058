"""Every case in contract/events/ holds for the decoder and the enrichment together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from habitue_collector.enrich import enrich
from habitue_collector.events import Event, InvalidEvent, RejectReason
from habitue_collector.wires.segment import decode, parse_envelope

RECEIVED_AT = 1_795_284_930_000
FOLDER = Path(__file__).parents[2] / "contract" / "events"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    if "rejected" in case:
        with pytest.raises(InvalidEvent) as raised:
            decode(case["sent"], parse_envelope({}, RECEIVED_AT), RECEIVED_AT)
        assert raised.value.reason == case["rejected"]
        return
    event = decode(case["sent"], parse_envelope({}, RECEIVED_AT), RECEIVED_AT)
    record: dict[str, Any] = {}
    if enrich(event.context):
        record["bot"] = True
    record |= event.to_record()
    assert Event.from_record(record) == event
    for unspoken in {"event_id", "timestamp", "received_at"} - case["accepted"].keys():
        del record[unspoken]
    assert record == case["accepted"]


def test_the_cases_reach_every_reason_a_decoder_has() -> None:
    reached = {case.values[0].get("rejected") for case in CASES}  # type: ignore[union-attr]
    elsewhere = {
        RejectReason.NO_IDENTITY,  # needs the cookie
        RejectReason.EVENT_TOO_LARGE,  # judged on bytes
        RejectReason.TOO_MANY_EVENTS,  # judged on the batch
    }
    assert {reason.value for reason in RejectReason} - reached == {reason.value for reason in elsewhere}
