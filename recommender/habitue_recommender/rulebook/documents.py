"""What marketers write: rules, segments, contents and slots as versioned documents. Pure.

A document's body is the JSON object its author sent. What stands around it (version, author, note, time) is
the store's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

RULE, SEGMENT, CONTENT, SLOT = "rule", "segment", "content", "slot"
KINDS: dict[str, str] = {RULE: "rules", SEGMENT: "segments", SLOT: "slots", CONTENT: "contents"}
"""Each kind with its plural: the path of the API, the member of an export, the folder of `habitue rules`."""

MAX_BODY_BYTES = 65_536
MAX_DOCUMENTS = 2_000  # of all kinds together
MAX_AUTHOR, MAX_NOTE = 200, 2_000  # characters; the rest is cut off
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def is_id(text: object) -> bool:
    """Whether this can be a document's id: small letters, digits and hyphens, up to 64."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one document.

    `at` is in milliseconds. `stands_for` is the version whose state this one has: its own number, but
    for what an undo brought back; 0 is the time before there was a document. A deleted one has no body.
    """

    kind: str
    id: str
    version: int
    body: Mapping[str, Any]
    author: str
    note: str = ""
    at: int = 0
    deleted: bool = False
    stands_for: int = 0

    def to_public(self) -> dict[str, Any]:
        """The body with `version`, `author`, `at` and, where there is one, the change's note."""
        public = dict(self.body) | {
            "id": self.id,
            "version": self.version,
            "author": self.author,
            "at": iso(self.at),
        }
        if self.note:
            public["change_note"] = self.note  # `note` is the body's own, about the document
        if self.deleted:
            public["deleted"] = True
        return public

    @classmethod
    def unpack(cls, packed: bytes) -> Document:
        """From the stored JSON. Raises ValueError for what other hands wrote."""
        record = orjson.loads(packed)
        try:
            body, version = record["body"], record["version"]
            if not isinstance(body, dict) or not isinstance(version, int) or record["kind"] not in KINDS:
                raise ValueError("not a document")
            return cls(
                str(record["kind"]),
                str(record["id"]),
                version,
                body,
                str(record["author"]),
                str(record.get("note", "")),
                int(record["at"]),
                bool(record.get("deleted")),
                int(record.get("stands_for", version)),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("not a document") from error


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants one document to be: a body, or None to delete it.

    `expected` is the version that was edited: 0 for one that must be new, None for whatever is there.
    """

    kind: str
    id: str
    body: Mapping[str, Any] | None
    expected: int | None = None
    note: str = ""
    stands_for: int | None = None  # for an undo: the version whose state comes back


@dataclass(frozen=True, slots=True)
class Loaded:
    """All documents that count, as of one version of the whole.

    `documents` are the bodies by kind and id; `records` the same with who and when. `broken` names what is
    in the store and cannot be read.
    """

    version: int = 0
    records: Mapping[str, Mapping[str, Document]] = field(default_factory=dict)
    broken: tuple[str, ...] = ()

    @property
    def documents(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        return {kind: {one.id: one.body for one in self.records.get(kind, {}).values()} for kind in KINDS}


def iso(milliseconds: int) -> str:
    """A time as documents and answers say it."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds")
