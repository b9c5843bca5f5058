"""The claims on an erased person's orders: they go on saying that an order is counted, and no longer by whom.

A claim (`collector/claims.py`) lies under its order's name, and no profile knows the names of its older
orders: so all claims are looked at, once for everybody who was erased meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from habitue_collector import orders
from habitue_collector.claims import CLAIM_DAYS, claim_value, read_claim
from habitue_collector.profile import digest, unpack
from habitue_collector.store import commands, keys

GROUP = 500  # claims read at a time
PATTERN = "{b*}:order:*"
_MARK = ":order:"


def disown(redis: Any, erased: Mapping[str, int]) -> int:
    """Takes the erased (profile id → until when, ms) out of the claims they had then; how many there were.

    `redis` as for the archiver. Walks all keys, some 4 s of a million, for a thread; does no harm twice.
    """
    if not erased:
        return 0
    reclaim = redis.register_script(commands.RECLAIM.decode())
    found = 0
    for names in _groups(redis):
        reading = redis.pipeline(transaction=False)
        for name in names:
            reading.get(keys.order(name))
            reading.ttl(keys.order(name))
        replies = reading.execute()
        writing = redis.pipeline(transaction=False)
        for name, value, seconds in zip(names, replies[0::2], replies[1::2], strict=True):
            if value is None:
                continue
            left = seconds if seconds > 0 else CLAIM_DAYS * 86_400
            owner, since = read_claim(value)
            if since <= erased.get(owner, -1) and not _has_again(redis, owner, name):
                reclaim(keys=[keys.order(name)], args=[value, claim_value("", since), left], client=writing)
                found += 1
        writing.execute()
    return found


def _has_again(redis: Any, owner: str, name: str) -> bool:
    """Whether the order came to this person since: then it is one of the profile that they have now."""
    packed = redis.get(keys.profile(owner))
    if packed is None:
        return False
    state = unpack(owner, packed)[1].state
    refunds = state.get("orders", {}).get("refunds", ())
    return orders.listed(state, digest(name)) is not None or digest(name) in refunds


def _groups(redis: Any) -> Iterator[list[str]]:
    found = redis.scan_iter(match=PATTERN, count=1_000)
    names = (key.decode("utf-8", "surrogatepass").partition(_MARK)[2] for key in found)
    while group := list(islice(names, GROUP)):
        yield group
