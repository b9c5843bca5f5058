"""The visitor's own door (`/h/v1/me`) described for machines."""

from __future__ import annotations

from typing import Any

_PROBLEM = {
    "description": "Refused, with the reason.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_JSON = {"description": "As asked.", "content": {"application/json": {"schema": {"type": "object"}}}}
_PAGE = {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
_CODES = ("400", "403", "404", "409", "413", "503")


def paths(base_path: str) -> dict[str, Any]:
    """The cookie says whose it is; there is no other parameter."""
    me = f"{base_path}/v1/me"
    return {
        f"{base_path}/me": {
            "get": _operation("The visitor's own page.", {"200": _PAGE}),
            "post": _operation("One of its forms.", {"303": {"description": "Done."}}),
        },
        me: {
            "get": _operation("What is known of whoever has this cookie."),
            "delete": _operation("Erase all of it, for good."),
        },
        f"{me}/export": {"get": _operation("The profile and everything that happened, to take along.")},
        f"{me}/consent": {
            "get": _operation("What was agreed to."),
            "post": _operation("Agree, or take it back.", body="OwnConsent"),
        },
        f"{me}/interests": {
            "get": _operation("What is thought to be liked."),
            "post": _operation("Take interests out.", body="OwnInterests"),
        },
    }


def _operation(summary: str, good: dict[str, Any] | None = None, body: str | None = None) -> dict[str, Any]:
    answers = {**(good or {"200": _JSON}), **dict.fromkeys(_CODES, _PROBLEM)}
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


_STATE = {"enum": ["granted", "denied"]}
_NAMES = {"type": "array", "items": {"type": "string"}}
SCHEMAS: dict[str, Any] = {
    "OwnConsent": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {"analytics": _STATE, "personalization": _STATE},
        "examples": [{"personalization": "denied"}],
    },
    "OwnInterests": {
        "type": "object",
        "required": ["forget"],
        "additionalProperties": False,
        "properties": {
            "forget": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": False,
                "properties": {
                    **dict.fromkeys(("categories", "brands", "price_bands", "item_ids"), _NAMES),
                    "everything": {"const": True},
                },
            }
        },
        "examples": [{"forget": {"categories": ["Shoes/Trail"]}}],
    },
}
