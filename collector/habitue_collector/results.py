"""What became of each event, as the answer of a batch-like endpoint."""

from __future__ import annotations

import orjson

from habitue_collector.pipeline import Opened
from habitue_collector.submission import ACCEPTED, Submission

ONE_ACCEPTED = b'{"results":[{"index":0,"status":"accepted"}]}'
_ACCEPTED_PIECE = b'{"index":%d,"status":"accepted"}'


def results_of(opened: Opened, submission: Submission) -> bytes:
    """The JSON list of what became of each event, in the order in which they were sent."""
    results = opened.results
    intakes = submission.intakes
    for intake in intakes:
        results[intake.index] = intake.result
    pieces = []
    for index, result in enumerate(results):
        if result is ACCEPTED:
            pieces.append(_ACCEPTED_PIECE % index)
        else:
            pieces.append(orjson.dumps({"index": index, **(result or {})}))
    return b"[%b]" % b",".join(pieces)


def batch_answer(opened: Opened, submission: Submission) -> bytes:
    """The whole answer of a batch-like endpoint."""
    intakes = submission.intakes
    if len(opened.results) == len(intakes) == 1 and intakes[0].result is ACCEPTED:
        return ONE_ACCEPTED
    return b'{"results":%b}' % results_of(opened, submission)
