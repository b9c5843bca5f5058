"""What other systems are told: who entered a segment, who left it; and how they know that it was us. Pure.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com), so that their libraries verify
it: HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from habitue_collector.events import USER_PREFIX
from habitue_recommender.rulebook.documents import iso

MOST_CHANGES = 100  # in one message
SECRET_PREFIX = "whsec_"
_PURPOSE = b"habitue.webhooks:"


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody entered or left a segment. `id` is the same however often it is told."""

    profile_id: str
    segment_id: str
    change: str
    timestamp: int
    cause: str
    id: str

    @classmethod
    def of(cls, record: Mapping[str, Any], stream_id: tuple[int, int, int]) -> Told:
        """From a `segment` record of the log."""
        return cls(
            str(record.get("profile_id", "")),
            str(record.get("segment_id", "")),
            str(record.get("change", "")),
            int(record.get("timestamp") or stream_id[1]),
            str(record.get("cause", "event")),
            "-".join(map(str, stream_id)),
        )


@dataclass(frozen=True, slots=True)
class Message:
    """One request to one address, until it is delivered: changes of one segment, in their order."""

    id: str
    segment_id: str
    segment_name: str
    at: int
    changes: tuple[Told, ...]

    def pack(self) -> bytes:
        changes = [
            (one.profile_id, one.segment_id, one.change, one.timestamp, one.cause, one.id)
            for one in self.changes
        ]
        return orjson.dumps(
            {
                "id": self.id,
                "segment_id": self.segment_id,
                "segment_name": self.segment_name,
                "at": self.at,
                "changes": changes,
            }
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Message:
        """Raises ValueError for what `pack` did not write."""
        try:
            raw = orjson.loads(packed)
            changes = tuple(Told(*one) for one in raw["changes"])
            return cls(raw["id"], raw["segment_id"], raw["segment_name"], int(raw["at"]), changes)
        except (KeyError, TypeError) as error:
            raise ValueError("not a message") from error

    def body(self) -> bytes:
        """The JSON that is sent; without changes it is somebody's test."""
        changes = [
            {
                "id": one.id,
                "change": one.change,
                "profile_id": one.profile_id,
                "user_id": one.profile_id[len(USER_PREFIX) :]
                if one.profile_id.startswith(USER_PREFIX)
                else None,
                "timestamp": iso(one.timestamp),
                "cause": one.cause,
            }
            for one in self.changes
        ]
        return orjson.dumps(
            {
                "type": "segment.changed" if changes else "segment.test",
                "timestamp": iso(self.at),
                "data": {
                    "segment": {"id": self.segment_id, "name": self.segment_name},
                    "changes": changes,
                },
            }
        )


def messages(address: str, segment_id: str, name: str, changes: Sequence[Told], now: int) -> list[Message]:
    """The messages that tell one address of these changes, each with an id that is always the same."""
    made = []
    for start in range(0, len(changes), MOST_CHANGES):
        some = tuple(changes[start : start + MOST_CHANGES])
        named = "\n".join((address, segment_id, *(f"{one.id} {one.change}" for one in some)))
        made.append(Message(f"msg_{_digest(named)}", segment_id, name, now, some))
    return made


def trial_message(address: str, segment_id: str, name: str, now: int) -> Message:
    """A message without anybody in it, to see whether it arrives."""
    return Message(f"msg_{_digest(f'{address} test {now}')}", segment_id, name, now, ())


def address_digest(address: str) -> str:
    return _digest(address)


def secret_of(address: str, signing_key: str) -> str:
    """The secret that one address verifies with; each has its own, so none can speak to another as us."""
    derived = hmac.digest(signing_key.encode(), _PURPOSE + address.encode(), "sha256")
    return SECRET_PREFIX + b64encode(derived).decode()


def headers(message_id: str, at_seconds: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that sign one request; with several secrets (rotated), whichever is known verifies it."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(
            signature(message_id, at_seconds, body, secret) for secret in reversed(secrets)
        ),
    }


def signature(message_id: str, at_seconds: int, body: bytes, secret: str) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed by the secret's base64."""
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b"%b.%d.%b" % (message_id.encode(), at_seconds, body)
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
