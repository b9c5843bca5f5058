"""The claim on an order: a key in the order's own bucket says which profile counts it, for 25 months.

Claim, then fold. What a claim is called stands in `orders.claim_name`; contested claims are settled
by `transfers.Mover`. Of somebody who was erased a claim keeps the time and no name
(`warehouse/order_claims.py`): the order stays counted.
"""

from __future__ import annotations

from habitue_collector.events import Kind

CLAIM_DAYS = 762  # 25 months
CLAIM_SECONDS = b"%d" % (CLAIM_DAYS * 86_400)
SETTLED_AFTER = 86_400_000  # a claim older than a day has long been folded
CLAIMED_KINDS = frozenset({Kind.PURCHASE, Kind.REFUND})


def claim_value(profile_id: str, now: int) -> bytes:
    return f"{now} {profile_id}".encode()


def read_claim(value: bytes) -> tuple[str, int]:
    """Who owns an order ("": somebody who was erased), and since when."""
    since, _, owner = value.decode().partition(" ")
    return owner, int(since)
