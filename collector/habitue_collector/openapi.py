"""The API described for machines (OpenAPI 3.1); a test holds it against the routes."""

from __future__ import annotations

from typing import Any

from habitue_collector import rulebook_openapi, trackers_openapi, visitor_openapi
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
    summary: str,
    answers: dict[str, Any],
    *,
    secret: bool = False,
    body: str | None = None,
    required: bool = True,
) -> dict[str, Any]:
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if secret:
        operation["security"] = [{"secretKey": []}]
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": schema}, "text/plain": {"schema": schema}},
        }
    return operation


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def document(base_path: str) -> dict[str, Any]:
    """The whole document for an installation that serves browsers below `base_path`."""
    events = {"200": _RESULTS, **dict.fromkeys(("400", "401", "403", "413", "503"), _PROBLEM)}
    found = {"200": _JSON, "400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "404": _PROBLEM}
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
        **visitor_openapi.paths(base_path),
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
                "Items in, as JSON lines or a list.",
                {"200": _RESULTS, "400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "413": _PROBLEM},
                secret=True,
                body="Items",
                required=False,
            )
        },
        "/v1/catalog/{item_id}": {
            "parameters": [_path("item_id")],
            "get": _operation("One item.", found, secret=True),
            "delete": _operation("Take one item out.", found, secret=True),
        },
        "/v1/recommend": {
            "get": {
                **_operation("As POST, with everything in the query.", found, secret=True),
                "parameters": [
                    {
                        "name": "slots",
                        "in": "query",
                        "required": False,
                        "description": "Slot ids, parted by commas; needed unless sections are asked for.",
                        "schema": {"type": "string"},
                    },
                    {
                        "name": "sections",
                        "in": "query",
                        "required": False,
                        "description": "Sections of the page, parted by commas.",
                        "schema": {"type": "string"},
                    },
                ],
            },
            "post": _operation(
                "Offers, asked for by a backend.",
                {"200": _JSON, "400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "413": _PROBLEM},
                secret=True,
                body="Question",
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
    paths |= trackers_openapi.paths() | rulebook_openapi.paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Habitue",
            "version": "1",
            "description": "Events in, individual offers out. The events are those of the Segment HTTP API.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": _SECURITY,
            "schemas": _SCHEMAS
            | trackers_openapi.SCHEMAS
            | rulebook_openapi.SCHEMAS
            | visitor_openapi.SCHEMAS,
        },
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
    # A bad event is rejected in the answer, not by a status: what is described here is what is understood.
    "Event": {
        "type": ["object", "array"],
        "description": "A call of the Segment HTTP API. Each event is judged by itself.",
        "properties": {
            "type": {"description": "track, page, screen, identify, group or alias; the path may say it."},
            "messageId": {"description": "Text: the event counts once by it."},
            "timestamp": {"description": "ISO 8601, or seconds or milliseconds since 1970."},
            "anonymousId": {"description": "Text: the device."},
            "userId": {"description": "Text: the shop's own id of a person."},
            "event": {"description": "Text: the name of a track call."},
            "properties": {"description": "An object: what happened."},
            "traits": {"description": "An object: what is known of the person."},
            "context": {"description": "An object: page, consent, user_hash."},
            "writeKey": {"description": "Text, where no header and no query names the key."},
        },
        "examples": [{"type": "page", "anonymousId": "visitor-1", "properties": {"title": "Home"}}],
    },
    "Batch": {
        "type": ["object", "array"],
        "description": "Many events in one envelope, or nothing but a list of them.",
        "properties": {
            "writeKey": {"description": "Text, where no header and no query names the key."},
            "sentAt": {"description": "When it was sent, by the sender's clock."},
            "nonce": {"description": "Text: stands for the visitor until the first answer."},
            "context": {"description": "An object, for all events that say nothing else."},
            "batch": {"type": ["array", "null"], "description": "The events."},
        },
        "examples": [{"batch": [{"type": "page", "anonymousId": "visitor-1"}]}],
    },
    "Debug": {
        "type": ["object", "array"],
        "properties": {
            "token": {"description": "Text, as `habitue doctor --page` prints it."},
            "batch": {"description": "The events that were not sent."},
        },
    },
    "Context": {
        "type": ["object", "array"],
        "description": "A batch, and the slots to fill on this page.",
        "properties": {
            "batch": {"type": ["array", "null"], "description": "The events."},
            "slots": {"description": "A list of slot ids."},
            "page": {"description": "An object: type, item_id, category."},
            "sections": {"description": "A list of category paths or brands; comes back in their order."},
        },
        "examples": [{"batch": [], "slots": ["home-hero"], "page": {"type": "home"}}],
    },
    "Question": {
        "type": "object",
        "anyOf": [
            {"required": ["slots"], "properties": {"slots": {"type": ["array", "string"]}}},
            {"required": ["sections"], "properties": {"sections": {"not": {"type": "null"}}}},
        ],
        "properties": {
            "slots": {"type": ["array", "string", "null"], "minItems": 1, "description": "Slot ids."},
            "sections": {
                "description": "Category paths or brands of the page; they come back in the visitor's order.",
            },
            "anonymous_id": {
                "type": ["string", "integer", "null"],
                "description": "Whom the offers are for.",
            },
            "user_id": {
                "type": ["string", "integer", "null"],
                "description": "The same, as the shop calls them.",
            },
            "page": {"description": "An object: type, item_id, category."},
        },
        "examples": [{"slots": ["home-hero"]}],
    },
    "Items": {
        "description": "Items, each judged by itself; also as JSON lines, one a line.",
        "items": {
            "properties": {
                "item_id": {"description": "Text; needed."},
                "group_id": {"description": "Text: what variants have in common."},
                "name": {"description": "Text."},
                "url": {"description": "Where its page is."},
                "image_url": {"description": "Where its picture is."},
                "price": {"description": "A number."},
                "currency": {"description": "Three letters."},
                "availability": {"description": "in_stock, out_of_stock, preorder or backorder."},
                "category": {"description": "A path: Shoes/Trail."},
                "brand": {"description": "Text."},
                "attributes": {"description": "An object: whatever else."},
            },
        },
        "examples": [[{"item_id": "SKU-001", "name": "Trail Shoe", "price": 89.9, "currency": "EUR"}]],
    },
}
