"""Every key name in Redis, and the bucket it lives in.

A bucket is one of 256 places. Its name is the hash tag of the key, so that what one script must
change together lies on one node of a Redis Cluster, and adding nodes moves whole buckets. The
function from id to bucket is stored data: it never changes.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

BUCKETS = 256
_TAGS = tuple(f"{{b{number}}}" for number in range(BUCKETS))

CATALOG_CHANGES = "catalog:changes"  # stream: what changed in the catalog, for the workers' copies
DEAD_LETTERS = "dead_letters"  # bounded stream: refused events with their reason
LIVE_POPULAR = "live:popular"  # JSON: what sells right now, written by the background process
IMPORTS = "imports"  # list of JSON: the newest imports of items and orders, for the console
ARCHIVER_GROUP = "archiver"  # consumer group on every log


def bucket_of(identifier: str) -> int:
    """The bucket (0–255) of a profile id, order id or item id, for ever."""
    return crc32(identifier.encode("utf-8", "surrogatepass")) & 0xFF


def profile(profile_id: str) -> str:
    """The folded profile of one visitor: a version of 16 bytes, then JSON."""
    return f"{_TAGS[bucket_of(profile_id)]}:profile:{profile_id}"


@lru_cache(32_768)
def profile_place(profile_id: str) -> tuple[bytes, int]:
    """The same key as bytes, and its bucket; remembered, for every beacon asks."""
    return profile(profile_id).encode("utf-8", "surrogatepass"), bucket_of(profile_id)


def log(bucket: int) -> str:
    """The event log of one bucket: a stream whose entries are named by what they record."""
    return f"{_TAGS[bucket]}:log"


def order(order_id: str) -> str:
    """The claim on one order: who owns it, for 25 months."""
    return f"{_TAGS[bucket_of(order_id)]}:order:{order_id}"


def transfers(bucket: int) -> str:
    """Hash of the moves that left this bucket and have not been confirmed yet."""
    return f"{_TAGS[bucket]}:transfers"


def tombstone(profile_id: str) -> str:
    """Until when (milliseconds) everything of this profile is erased."""
    return f"{_TAGS[bucket_of(profile_id)]}:tombstone:{profile_id}"


def items(item_id: str) -> str:
    """Hash of one bucket's catalog: item_id → JSON."""
    return f"{_TAGS[bucket_of(item_id)]}:items"


def items_of(bucket: int) -> str:
    return f"{_TAGS[bucket]}:items"


def move(profile_id: str, transfer_id: str) -> str:
    """What one login brought into a profile, for 30 days, so that it can be undone."""
    return f"{_TAGS[bucket_of(profile_id)]}:move:{transfer_id}"


def figures(worker: str) -> str:
    """JSON of one worker's counters, renewed every second."""
    return f"figures:{worker}"


# The marketers' documents: few, and changed together, so all of them lie in one place.
RULEBOOK_VERSION = "{rulebook}:version"  # counts every change; workers look at it with each decision
RULEBOOK_DOCUMENTS = "{rulebook}:documents"  # hash: kind/id → JSON of the version that counts
RULEBOOK_CHANGES = "{rulebook}:changes"  # bounded stream: the newest changes of all kinds
RULEBOOK_PERSONAS = "{rulebook}:personas"  # hash: id → JSON of a made-up visitor, for trying rules


def rulebook_history(kind: str, document_id: str) -> str:
    """List of one document's versions as JSON, newest first."""
    return f"{{rulebook}}:history:{kind}/{document_id}"


# The console's own: few, small, on one node.
CONSOLE_USERS = "{console}:users"  # hash: name → JSON of the user, the argon2 hash among it
CONSOLE_AUDIT = "{console}:audit"  # bounded stream: who changed what
RETENTION = "{console}:retention"  # JSON: how long what is kept, as an admin chose over the settings
RETENTION_HISTORY = "{console}:retention:history"  # list of its versions as JSON, newest first
RETENTION_APPLIED = "{console}:retention:applied"  # the version to which the profiles' lifetimes were brought


def console_session(digest: str) -> str:
    """JSON of one sign-in, by the digest of its id; goes after 12 hours without a request."""
    return f"{{console}}:session:{digest}"


def console_sessions(user: str) -> str:
    """Set of the digests of somebody's sessions."""
    return f"{{console}}:sessions:{user}"


def console_link(digest: str) -> str:
    """JSON of what a one-time link allows, by the digest of its token."""
    return f"{{console}}:link:{digest}"


def console_attempts(what: str) -> str:
    """How often a login failed lately, for an address or a user."""
    return f"{{console}}:attempts:{what}"


# Who is in which segment: kept beside the profiles by the background process, published for everybody.
SEGMENT_FIGURES = "segments:figures"  # JSON: how many people each segment has


def memberships(bucket: int) -> str:
    """Hash of one bucket: profile_id → the ids of the segments that it is in, with spaces between."""
    return f"{_TAGS[bucket]}:memberships"


def segment_counts(bucket: int) -> str:
    """Hash of one bucket: segment_id → how many of its profiles are in it. Changes with `memberships`."""
    return f"{_TAGS[bucket]}:segment_counts"


# What is to be told to other systems: on one node, for one process sends it.
WEBHOOKS_DUE = "{webhooks}:due"  # sorted set: address → when it is to be tried next, in milliseconds
WEBHOOKS_WAITING = "{webhooks}:waiting"  # how many messages wait, for all addresses together
WEBHOOKS_TRIES = "{webhooks}:tries"  # hash: address → JSON of how the last tries went


def webhook_queue(address_digest: str) -> str:
    """List of what waits for one address, oldest first; by a digest, for addresses are long."""
    return f"{{webhooks}}:queue:{address_digest}"
