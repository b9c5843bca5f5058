"""`/analytics.js/v1/KEY/analytics.min.js`: what Segment's snippet loads, where its host was changed to ours.

Segment's library is not ours to ship. What is served instead (`static/segment/`) hands the snippet's
calls to Habitue's own tag: so a shop that changes the host in its snippet keeps its code, and gets the tag.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import orjson

from habitue_collector.settings import WriteKey

PATH = "/analytics.js/v1/{key}/analytics.min.js"
HEADERS = {
    "cache-control": "public, max-age=600, stale-while-revalidate=86400",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
}


def script(key: WriteKey, base_path: str) -> bytes:
    """The script for pages of this key: where the tag is, and what holds before anybody was asked."""
    consent = b"'assumed'" if key.consent_assumed else b"'required'"
    tag = orjson.dumps(f"{base_path}/s.js")
    return _source().replace(b"'{tag}'", tag).replace(b"'{consent}'", consent)


@cache
def _source() -> bytes:
    return files("habitue_collector").joinpath("static", "segment", "analytics.js").read_bytes()
