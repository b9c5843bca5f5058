"""The doors of other trackers, described for machines: a part of `openapi.document`."""

from __future__ import annotations

from typing import Any

from habitue_collector.beacons import CALLS
from habitue_collector.trackers import MATOMO_PATHS, SNOWPLOW_PATHS

_ANY = {"type": "string"}
_PROBLEM = {
    "description": "Refused, with the reason.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_RESULTS = {
    "description": "Every event accepted or rejected by itself.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Results"}}},
}
_IMAGE: dict[str, Any] = {
    "description": "A transparent pixel; the header X-Habitue says what became of the event.",
    "content": {"image/gif": {"schema": {"type": "string", "contentMediaType": "image/gif"}}},
}
_OBJECT: dict[str, Any] = {
    "description": "As asked.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_SCRIPT: dict[str, Any] = {
    "description": "JavaScript.",
    "content": {"text/javascript": {"schema": {"type": "string"}}},
}
_REFUSALS = dict.fromkeys(("400", "401", "403", "413", "503"), _PROBLEM)


def _query(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "required": False, "schema": _ANY} for name in names]


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _ANY}


def _events(summary: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A POST that takes events; clients send JSON under any content type."""
    content = {kind: {"schema": schema} for kind in ("application/json", "text/plain")}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": content},
            "responses": {"200": _RESULTS, **_REFUSALS},
            **more,
        }
    }


def paths() -> dict[str, Any]:
    """The paths of `trackers.Trackers`."""
    event = {"$ref": "#/components/schemas/Event"}
    batch = {"$ref": "#/components/schemas/Batch"}
    payload = {"$ref": "#/components/schemas/SnowplowPayload"}
    described: dict[str, Any] = {
        "/beacon/v1/batch": _events("RudderStack's beacon.", batch, parameters=_query("writeKey")),
        "/v1/m": {"post": {"summary": "What a client measures of itself; kept by nobody.", "responses": {}}},
        "/i": {
            "get": {
                "summary": "One event of a Snowplow tracker, by an image.",
                "parameters": _query("e", "aid", "eid", "duid", "uid", "dtm", "stm", "url", "ue_px", "cx"),
                "responses": {"200": _IMAGE, **_REFUSALS},
            }
        },
        "/{vendor}/{version}": {
            "parameters": [_path("vendor"), _path("version")],
            **_events("A custom post path of Snowplow's trackers.", payload),
        },
        "/v1/projects/{key}/settings": {
            "parameters": [_path("key")],
            "get": {
                "summary": "What Segment's browser client asks before it speaks.",
                "responses": {"200": _OBJECT, **_REFUSALS},
            },
        },
    }
    described["/analytics.js/v1/{key}/analytics.min.js"] = {
        "parameters": [_path("key")],
        "get": {
            "summary": "Habitue's tag for pages with Segment's snippet, whose calls it takes.",
            "responses": {"200": _SCRIPT, **_REFUSALS},
        },
    }
    described["/{vendor}/{version}"]["post"]["responses"]["404"] = _PROBLEM
    described["/v1/m"]["post"]["responses"] = {"200": _OBJECT, "413": _PROBLEM}
    for path in ("/sourceConfig", "/sourceConfig/"):
        described[path] = {
            "get": {
                "summary": "What RudderStack's browser client asks before it speaks.",
                "parameters": _query("writeKey"),
                "responses": {"200": _OBJECT, **_REFUSALS},
            }
        }
    for call in CALLS[:6]:
        described[f"/api/s/{call}"] = _events(f"Jitsu's {call} call.", event)
        described[f"/api/s/s2s/{call}"] = _events(f"Jitsu's {call} call, from a server.", event)
        for path, client in (("/v1/pixel", "Segment"), ("/pixel/v1", "RudderStack")):
            described[f"{path}/{call}"] = {
                "get": {
                    "summary": f"{client}'s {call} call, by an image.",
                    "parameters": _query(
                        *(
                            ("data",)
                            if client == "Segment"
                            else ("writeKey", "anonymousId", "userId", "event")
                        )
                    ),
                    "responses": {"200": _IMAGE, **_REFUSALS},
                }
            }
    for path in ("/api/s/batch", "/api/s/s2s/batch"):
        described[path] = _events("Jitsu's calls, many at once.", batch)
    for path in ("/api/v1/event", "/api/v1/s2s/event"):
        described[path] = _events(
            "Events of Jitsu before version 2.", {"type": ["object", "array"]}, parameters=_query("token")
        )
    for path in SNOWPLOW_PATHS:
        described[path] = _events("Events of a Snowplow tracker.", payload)
    for path in MATOMO_PATHS:
        described[path] = _matomo()
    return described


def _matomo() -> dict[str, Any]:
    names = ("idsite", "rec", "_id", "uid", "url", "action_name", "idgoal", "ec_id", "ec_items", "revenue")
    # The same address takes {"requests": ["?idsite=…", …]}, which Matomo's own client sends as a form, too.
    form = {"type": "object", "description": "Parameters, or requests in bulk as JSON."}
    body = {"application/x-www-form-urlencoded": {"schema": form}}
    tracked = {**_IMAGE["content"], **_OBJECT["content"]}
    answers = {
        "200": {"description": "An image; of a batch what was tracked.", "content": tracked},
        **_REFUSALS,
    }
    return {
        "get": {"summary": "Matomo's tracking API.", "parameters": _query(*names), "responses": answers},
        "post": {
            "summary": "Matomo's tracking API, one request or many.",
            "parameters": _query(*names),
            "requestBody": {"required": False, "content": body},
            "responses": answers,
        },
    }


SCHEMAS: dict[str, Any] = {
    "SnowplowPayload": {
        "type": "object",
        "required": ["schema", "data"],
        "properties": {
            "schema": {"type": "string", "pattern": "/payload_data/"},
            "data": {"type": ["array", "object"], "description": "Events, each judged by itself."},
        },
        "examples": [
            {
                "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
                "data": [{"e": "pv", "aid": "YOUR-WRITE-KEY", "duid": "visitor-1"}],
            }
        ],
    },
}
