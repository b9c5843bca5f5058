"""What RudderStack's and Segment's browser clients ask before they speak, and their pixels.

Their events are the native wire. The documents say that we are the only destination.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import orjson

from habitue_collector.request import Request
from habitue_collector.wires.calls import Calls, Malformed, parameters


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
    objects have their path as a name (`context.page.url`, `properties.price`). Raises Malformed.
    """
    said: dict[str, Any] = dict(parameters_of(request))
    call = request.path.rpartition("/")[2].removesuffix(".gif")
    if (encoded := said.get("data")) is not None:
        standard = encoded.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
        try:
            event = orjson.loads(b64decode(standard + "=" * (-len(standard) % 4), validate=True))
        except ValueError:
            raise Malformed("invalid_data", "data is base64 of a JSON object.") from None
        if type(event) is not dict:
            raise Malformed("invalid_data", "data is base64 of a JSON object.")
    else:
        event = {}
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
    key = event.pop("writeKey", None)
    event["type"] = call
    calls = Calls(count=1)
    calls.add(0, key if type(key) is str else None, event)
    return calls


def parameters_of(request: Request) -> dict[str, str]:
    """The request's parameters. Raises Malformed."""
    try:
        return parameters(request.query.decode("latin-1"))
    except ValueError as error:  # InvalidEvent
        raise Malformed("invalid_query", str(error)) from None
