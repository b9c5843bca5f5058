"""The marketers' doors, described for machines: a part of `openapi.document`."""

from __future__ import annotations

from typing import Any

_PROBLEM = {
    "description": "Refused, with the reason.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_MISTAKES = {
    "description": "Something is wrong with it: all mistakes, each at its field.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Mistakes"}}},
}
_OBJECT: dict[str, Any] = {
    "description": "As asked.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_READS = {"200": _OBJECT, **dict.fromkeys(("401", "403", "404", "503"), _PROBLEM)}
_CHANGES = {**_READS, **dict.fromkeys(("400", "409", "413"), _PROBLEM), "422": _MISTAKES}
_SECRET: list[dict[str, list[str]]] = [{"secretKey": []}]
_ID = {
    "name": "document_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
}
_WORDS = {
    "rules": ("rule", "what stands where, for whom and when"),
    "segments": ("segment", "a named set of visitors"),
    "slots": ("slot", "a place for offers, laid over what is configured"),
    "contents": ("content", "a banner, a message or a coupon"),
}


def _query(name: str, about: str, kind: str = "string", required: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind}
    if kind == "integer":
        schema |= {"minimum": 0, "maximum": 10**14}
    return {"name": name, "in": "query", "required": required, "description": about, "schema": schema}


_WHO = [_query("author", "Who changes it."), _query("note", "Why; it stands in the history.")]
_EXPECTED = _query(
    "expected", "The version that was edited, 0 for a new one; If-Match says the same.", "integer"
)


def _operation(summary: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"summary": summary, "responses": answers, "security": _SECRET, **more}


def _body(schema: str) -> dict[str, Any]:
    return {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def paths() -> dict[str, Any]:
    """Every path of every kind."""
    found: dict[str, Any] = {}
    for plural, (word, about) in _WORDS.items():
        path = f"/v1/{plural}"
        one = f"{path}/{{document_id}}"
        found |= {
            path: {"get": _operation(f"All {plural}, with version, author and time.", _READS)},
            f"{path}/import": {
                "post": _operation(
                    f"Many {plural} (or all kinds at once), all or nothing.",
                    _CHANGES,
                    parameters=_WHO,
                    requestBody=_body("Bundle"),
                )
            },
            one: {
                "parameters": [_ID],
                "get": _operation(f"One {word}: {about}.", _READS),
                "put": _operation(
                    f"Make or change a {word}.",
                    _CHANGES,
                    parameters=[*_WHO, _EXPECTED],
                    requestBody=_body("Document"),
                ),
                "delete": _operation(f"Take a {word} out.", _CHANGES, parameters=[*_WHO, _EXPECTED]),
            },
            f"{one}/history": {
                "parameters": [_ID],
                "get": _operation(f"All kept versions of a {word}, newest first.", _READS),
            },
            f"{one}/undo": {
                "parameters": [_ID],
                "post": _operation(f"A {word} as it was before.", _CHANGES, parameters=[_WHO[0], _EXPECTED]),
            },
            f"{one}/restore": {
                "parameters": [_ID],
                "post": _operation(
                    f"A {word} as it was in one version.",
                    _CHANGES,
                    parameters=[_query("version", "Which.", "integer", required=True), _WHO[0], _EXPECTED],
                ),
            },
        }
    return found


_MISTAKE: dict[str, Any] = {
    "type": "object",
    "required": ["field", "message"],
    "properties": {
        "document": {"type": "string", "description": "Of an import: which, as in rules/sale."},
        "field": {"type": "string", "description": "consequence.pin.0.position; empty: the document."},
        "message": {"type": "string"},
        "position": {"type": "integer", "description": "In a text: the first character that is meant."},
        "length": {"type": "integer"},
        "suggestion": {"type": "string", "description": "What was probably meant."},
    },
}
SCHEMAS: dict[str, Any] = {
    "Mistakes": {
        "type": "object",
        "required": ["status", "code", "message", "mistakes"],
        "properties": {
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "message": {"type": "string"},
            "mistakes": {"type": "array", "items": _MISTAKE},
        },
    },
    "Document": {
        "type": "object",
        "description": "The fields of the kind; its id may be left out, the path says it.",
        "examples": [{"note": "an example"}],
    },
    "Bundle": {
        "type": ["object", "array"],
        "description": "Lists of documents by kind, or one list of this kind's.",
        "properties": {
            **{
                plural: {"type": ["array", "null"], "description": f"A list of {plural}."}
                for plural in _WORDS
            },
            "expected": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 10**14},
                "description": 'Versions by place, as in {"rules/sale": 3}.',
            },
            "delete_missing": {
                "type": "boolean",
                "description": "Take out what is not in it, of the kinds it has.",
            },
            "dry_run": {"type": "boolean", "description": "Say what would change, and change nothing."},
        },
        "additionalProperties": False,
        "examples": [{"rules": [], "dry_run": True}],
    },
}
