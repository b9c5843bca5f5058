"""What RudderStack's and Segment's browser clients ask before they speak, and their pixels.

Their events are the native wire. The documents say that we are the only destination.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import orjson

from habitue_collector.events import InvalidEvent
from habitue_collector.request import Request
from habitue_collector.wires.calls import Call, Calls, parameters, refused


def source_config(write_key: str) -> dict[str, Any]:
    """`GET /sourceConfig/`: RudderStack's browser client starts only with it (versions 1 to 3)."""
    quiet = {"enabled": False}
    return {
        "source": {
            "id": "habitue",
            "name": "Habitue",
            "writeKey": write_key,
            "enabled": True,
            "workspaceId": "habitue",
            "connections": [],
            "config": {"statsCollection": {"errors": quiet, "metrics": quiet}},
            "destinations": [],
            "dataplanes": {},
            "dgSourceTrackingPlanConfig": None,
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "isHosted": True,
        "consentManagementMetadata": {"providers": []},
    }


def segment_settings(write_key: str, host: str, protocol: str) -> dict[str, Any]:
    """`GET /v1/projects/KEY/settings`: Segment's browser client sends its events to `apiHost`."""
    every = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{host}/v1",
                "protocol": protocol,
                "type": "server",
                "bundlingStatus": "bundled",
                "unbundledIntegrations": [],
                "maybeBundledConfigIds": {},
                "addBundledMetadata": False,
                "versionSettings": {"componentTypes": ["browser"]},
            }
        },
        "plan": {"track": every, "identify": every, "group": every},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def decode_pixel(request: Request, received_at: int) -> Calls:
    """`GET /v1/pixel/track?data=BASE64` (Segment) and `GET /pixel/v1/track?writeKey=…&event=…` (RudderStack).

    The last word of the path is the call. RudderStack's parameters are the members of the call; those of
    objects have their path as a name (`context.page.url`, `properties.price`).
    """
    calls = Calls(count=1)
    try:
        said = parameters(request.query.decode("latin-1"))
        event = _packed(said) if request.path.startswith("/v1/pixel/") else _unfolded(said)
    except InvalidEvent as refusal:
        calls.add(0, None, refusal)
        return calls
    key = event.pop("writeKey", None)
    event["type"] = request.path.rpartition("/")[2]
    calls.add(0, key if type(key) is str else None, event)
    return calls


def _packed(said: dict[str, str]) -> Call:
    """The JSON object in Segment's `data`. Raises InvalidEvent."""
    standard = said.get("data", "").replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
    try:
        event = orjson.loads(b64decode(standard + "=" * (-len(standard) % 4), validate=True))
    except ValueError:
        event = None
    if type(event) is not dict:
        raise refused("data is base64 of a JSON object")
    return event


def _unfolded(said: dict[str, str]) -> Call:
    """`{"context.page.url": …}` → `{"context": {"page": {"url": …}}}`."""
    event: Call = {}
    for path, value in said.items():
        place = event
        *parents, name = path.split(".")[:6]
        for parent in parents:
            inner = place.setdefault(parent, {})
            if type(inner) is not dict:
                break
            place = inner
        else:
            place.setdefault(name, value)
    return event
