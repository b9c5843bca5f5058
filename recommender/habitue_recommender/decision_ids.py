"""The name of a decision: signed, so what comes back with it was really shown. Pure.

37 bytes as 50 characters of base64url: a version, the time (6 bytes, ms), digests of slot and visitor
(4 and 8), the first 4 bytes of the model's digest, a sequence (6), and 8 bytes of keyed BLAKE2b over all of
it. Guessing one takes 2^63 tries at a server that answers each; a forged one is simply not counted.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct

_BODY = Struct(">B6s4s8s4s6s")
_VERSION = 1
_MAC = 8
_LENGTH = _BODY.size + _MAC
_TEXT_LENGTH = (_LENGTH * 4 + 2) // 3
_PERSON = b"habitue.decision"  # one key may sign other things: this is our purpose


@dataclass(frozen=True, slots=True)
class DecisionId:
    """What a genuine decision_id says: when, and digests of slot, visitor and model."""

    timestamp: int
    slot: bytes
    visitor: bytes
    model: bytes

    def is_for(self, slot_id: str, visitor_id: str | None) -> bool:
        """Whether it was made for this slot and this visitor."""
        return self.slot == _digest(slot_id, 4) and self.visitor == _digest(visitor_id or "", 8)


def mint(
    key: bytes, *, slot_id: str, visitor_id: str | None, timestamp: int, model: str, sequence: int = 0
) -> str:
    """The id of one decision. `sequence` (48 bits) tells apart what else is equal; some 5 µs."""
    body = _BODY.pack(
        _VERSION,
        (timestamp & 0xFFFF_FFFF_FFFF).to_bytes(6, "big"),
        _digest(slot_id, 4),
        _digest(visitor_id or "", 8),
        _digest(model, 4),
        (sequence & 0xFFFF_FFFF_FFFF).to_bytes(6, "big"),
    )
    return _text(body + _mac(key, body))


def read(keys: tuple[bytes, ...], text: object) -> DecisionId | None:
    """What a decision_id says; None when none of our keys (newest last) signed it."""
    if not isinstance(text, str) or len(text) != _TEXT_LENGTH or not text.isascii():
        return None
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    if len(packed) != _LENGTH or _text(packed) != text:  # the last character has bits to spare
        return None
    body, mac = packed[: _BODY.size], packed[_BODY.size :]
    if not any(compare_digest(_mac(key, body), mac) for key in reversed(keys)):
        return None
    version, time, slot, visitor, model, _ = _BODY.unpack(body)
    if version != _VERSION:
        return None
    return DecisionId(int.from_bytes(time, "big"), slot, visitor, model)


def _text(packed: bytes) -> str:
    return urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def _mac(key: bytes, body: bytes) -> bytes:
    return blake2b(body, digest_size=_MAC, key=key[:64], person=_PERSON).digest()


@lru_cache(maxsize=10_000)
def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size).digest()
