"""How many events one network may send with a public key: a token bucket for each, in this worker's memory.

A network is what the live counts call one (/24, /48; a keyed hash). Networks that are not public ones (this
machine, a proxy or an office beside it) are never limited: behind them stand many.
"""

from __future__ import annotations

from ipaddress import ip_address
from math import ceil

BURST_SECONDS = 10  # what is not used is saved for as long
MAX_NETWORKS = 20_000  # remembered; who was seen first is forgotten first, and begins with a full bucket


class Rates:
    """See the module. `take` costs two look-ups; without a limit nobody makes one of these."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._burst = float(per_second * BURST_SECONDS)
        self._buckets: dict[str, tuple[float, int] | None] = {}  # events left at a time (ms); None: no limit

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, network: str, peer: str | None, events: int, now: int) -> int:
        """Whole seconds until this network may send so many events; 0: now, and they are counted.

        Whoever has one left may send a whole batch, and pays for it with a longer wait.
        """
        buckets = self._buckets
        if network not in buckets:
            if len(buckets) >= MAX_NETWORKS:
                del buckets[next(iter(buckets))]
            buckets[network] = (self._burst, now) if _is_public(peer) else None
        bucket = buckets[network]
        if bucket is None:
            return 0
        left, since = bucket
        left = min(self._burst, left + max(0, now - since) * self._per_second / 1_000)
        wait = 0 if left >= 1 else ceil((1 - left) / self._per_second)
        buckets[network] = (left if wait else left - events), now
        return wait


def _is_public(peer: str | None) -> bool:
    try:
        return peer is not None and ip_address(peer).is_global
    except ValueError:
        return False
