"""The API described for machines (OpenAPI 3.1); a test holds it against the routes."""

from __future__ import annotations

from typing import Any

from habitue_collector import trackers_openapi
from habitue_collector.beacons import CALLS

_PROBLEM = {
    "description": "Refused, with the reason.",
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    },
}
_RESULTS = {
    "description": "Every event accepted or rejected by itself.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Results"}}},
}
_JSON = {"description": "As asked.", "content": {"application/json": {"schema": {"type": "object"}}}}


def _operation(
    summary: str, answers: dict[str, Any], *, secret: bool = False, body: str | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if secret:
        operation["security"] = [{"secretKey": []}]
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}, "text/plain": {"schema": schema}},
        }
    return operation


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def document(base_path: str) -> dict[str, Any]:
    """The whole document for an installation that serves browsers below `base_path`."""
    events = {"200": _RESULTS, "400": _PROBLEM, "401": _PROBLEM, "413": _PROBLEM, "503": _PROBLEM}
    found = {"200": _JSON, "401": _PROBLEM, "404": _PROBLEM}
    paths: dict[str, Any] = {
        f"{base_path}/s.js": {"get": _operation("The tag.", {"200": {"description": "JavaScript."}})},
        f"{base_path}/v1/batch": {"post": _operation("A browser's events.", events, body="Batch")},
        f"{base_path}/v1/context": {
            "post": _operation("Events in, offers out, in one round trip.", events, body="Context")
        },
        f"{base_path}/v1/slots/{{slot}}": {
            "parameters": [_path("slot")],
            "get": _operation("Offers for one slot.", {"200": _JSON, "401": _PROBLEM}),
        },
        f"{base_path}/v1/reset": {
            "post": _operation("Logout: this device is nobody's any more.", events, body="Batch")
        },
        f"{base_path}/v1/debug": {
            "post": _operation(
                "Does this token open the debug view, and what would these events come to? Stores nothing.",
                {"200": _JSON, "400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "413": _PROBLEM},
                body="Debug",
            )
        },
        f"{base_path}/p.gif": {
            "get": _operation("One event by an image.", {"200": {"description": "A transparent pixel."}})
        },
        "/v1/profiles/{profile_id}": {
            "parameters": [_path("profile_id")],
            "get": _operation("One visitor's profile.", found, secret=True),
            "delete": _operation("Erase a visitor for good.", {"200": _JSON, "401": _PROBLEM}, secret=True),
        },
        "/v1/transfers/{user_id}/{transfer_id}/undo": {
            "parameters": [_path("user_id"), _path("transfer_id")],
            "post": _operation("Take back what a login moved.", found, secret=True),
        },
        "/v1/catalog": {
            "put": _operation(
                "Items in, as JSON lines or a list.", {"200": _RESULTS}, secret=True, body="Items"
            )
        },
        "/v1/catalog/{item_id}": {
            "parameters": [_path("item_id")],
            "get": _operation("One item.", found, secret=True),
            "delete": _operation("Take one item out.", found, secret=True),
        },
        "/v1/recommend": {
            "get": _operation("As POST, with everything in the query.", found, secret=True),
            "post": _operation(
                "Offers, asked for by a backend.",
                {"200": _JSON, "401": _PROBLEM},
                secret=True,
                body="Context",
            ),
        },
        "/healthz": {"get": _operation("The process lives.", {"200": _JSON})},
        "/readyz": {
            "get": _operation("Beacons are acknowledged, offers answered.", {"200": _JSON, "503": _PROBLEM})
        },
        "/metrics": {
            "get": _operation("Figures for Prometheus.", {"200": {"description": "Text format 0.0.4."}})
        },
        "/openapi.json": {"get": _operation("This document.", {"200": _JSON})},
    }
    for call in CALLS:
        paths[f"/v1/{call}"] = {"post": _operation(f"Segment's {call} call.", events, body="Event")}
    for name in ("batch", "b", "import"):
        paths[f"/v1/{name}"] = {"post": _operation("Segment's batch call.", events, body="Batch")}
    paths |= trackers_openapi.paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Habitue",
            "version": "1",
            "description": "Events in, individual offers out. The events are those of the Segment HTTP API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {"securitySchemes": _SECURITY, "schemas": _SCHEMAS | trackers_openapi.SCHEMAS},
    }


_SECURITY = {"secretKey": {"type": "http", "scheme": "bearer"}}
_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "required": ["status", "code", "message"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "message": {"type": "string"},
        },
    },
    "Results": {
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "status"],
                    "properties": {
                        "index": {"type": "integer"},
                        "status": {"enum": ["accepted", "rejected"]},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                        "duplicate": {"type": "boolean"},
                        "kept": {"enum": ["counted", "claimed"]},
                    },
                },
            }
        },
    },
    "Event": {
        "type": "object",
        "properties": {
            "type": {"enum": ["track", "page", "screen", "identify", "group", "alias"]},
            "messageId": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "anonymousId": {"type": "string"},
            "userId": {"type": "string"},
            "event": {"type": "string"},
            "properties": {"type": "object"},
            "traits": {"type": "object"},
            "context": {"type": "object"},
            "writeKey": {"type": "string"},
        },
    },
    "Batch": {
        "type": "object",
        "properties": {
            "writeKey": {"type": "string"},
            "sentAt": {"type": "string", "format": "date-time"},
            "nonce": {"type": "string"},
            "context": {"type": "object"},
            "batch": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        },
    },
    "Debug": {
        "allOf": [
            {"$ref": "#/components/schemas/Batch"},
            {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}},
        ]
    },
    "Context": {
        "allOf": [
            {"$ref": "#/components/schemas/Batch"},
            {
                "type": "object",
                "properties": {
                    "slots": {"type": "array", "items": {"type": "string"}},
                    "page": {
                        "type": "object",
                        "properties": {
                            "type": {"type": "string"},
                            "item_id": {"type": "string"},
                            "category": {"type": "string"},
                        },
                    },
                },
            },
        ]
    },
    "Items": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["item_id"],
            "properties": {
                "item_id": {"type": "string"},
                "group_id": {"type": "string"},
                "name": {"type": "string"},
                "url": {"type": "string"},
                "image_url": {"type": "string"},
                "price": {"type": "number"},
                "currency": {"type": "string"},
                "availability": {"enum": ["in_stock", "out_of_stock", "preorder", "backorder"]},
                "category": {"type": "string"},
                "brand": {"type": "string"},
                "attributes": {"type": "object"},
            },
        },
    },
}
