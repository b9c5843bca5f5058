"""The commands of the commit as bytes, packed by templates (redis-py's packing costs 2 µs a command).

A profile and the records it caused change together or not at all: that is a script. What needs no
check is a plain command, which costs Redis less.
"""

from __future__ import annotations

from hashlib import sha1

from habitue_collector.store import keys
from habitue_collector.store.resp import get as get  # beside the other commands of the commit
from habitue_collector.store.resp import pack

# KEYS profile, log · ARGV expected version, new value, lifetime in seconds (0: for ever), type, record, …
# 1: written. 0: somebody else was faster (or erased it); nothing was changed.
COMMIT = b"""\
if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
for i = 4, #ARGV, 2 do redis.call('XADD', KEYS[2], '*', ARGV[i], ARGV[i + 1]) end
return 1"""

# The leaving half of a move: as COMMIT, and the move is noted as open in the same bucket.
# KEYS profile, log, transfers · ARGV version, value, lifetime, transfer_id, move, type, record
COMMIT_MOVE = b"""\
if redis.call('GETRANGE', KEYS[1], 0, 15) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
redis.call('XADD', KEYS[2], '*', ARGV[6], ARGV[7])
return 1"""

# KEYS profile, log, tombstone, transfers · ARGV until, tombstone lifetime in seconds, record, prefix
# Erase: the tombstone first, then the profile, then everything of it that is on its way elsewhere.
ERASE = b"""\
redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[2])
local had = redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[2], '*', 'erasure', ARGV[3])
local open = redis.call('HGETALL', KEYS[4])
for i = 1, #open, 2 do
  if cjson.decode(open[i + 1])['from'] == ARGV[4] then redis.call('HDEL', KEYS[4], open[i]) end
end
return had"""

# KEYS claim · ARGV expected value, new value, lifetime in seconds. 1: it is ours now.
RECLAIM = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1"""

SCRIPTS = (COMMIT, COMMIT_MOVE, ERASE, RECLAIM)


def sha(script: bytes) -> bytes:
    """The name under which Redis knows a script."""
    return sha1(script, usedforsecurity=False).hexdigest().encode()


COMMIT_SHA, COMMIT_MOVE_SHA, ERASE_SHA, RECLAIM_SHA = map(sha, SCRIPTS)
_LOGS = tuple(keys.log(bucket).encode() for bucket in range(keys.BUCKETS))
_XADD = tuple(b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n" % (len(log), log) for log in _LOGS)
_CRLF = b"\r\n"
_USUAL = 4_096
_NEXT = tuple(
    [b"\r\n$%d\r\n" % length for length in range(_USUAL)]
)  # the end of one argument, the next one's length
_NEXT_LOG = tuple(b"\r\n$%d\r\n%b" % (len(log), log) for log in _LOGS)
_COMMIT = b"*%%d\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2\r\n" % COMMIT_SHA + b"$%d\r\n%b\r\n" * 5
_COMMIT_ONE = b"*10\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2" % COMMIT_SHA


def append(bucket: int, record_type: bytes, record: bytes) -> bytes:
    """One record at the end of a bucket's log, without any check."""
    return b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" % (
        _XADD[bucket],
        len(record_type),
        record_type,
        len(record),
        record,
    )


def commit(
    key: bytes, bucket: int, version: bytes, value: bytes, lifetime: bytes, records: list[tuple[bytes, bytes]]
) -> bytes:
    """The profile at `key` and the records it caused, if its version still is `version` (b"": new)."""
    if len(records) == 1:  # as below, by joining: a third of the cost of formatting
        record_type, record = records[0]
        size, length = len(value), len(record)
        # fmt: off
        return b"".join((
            _COMMIT_ONE, _NEXT[len(key)], key, _NEXT_LOG[bucket], _NEXT[len(version)], version,
            _NEXT[size] if size < _USUAL else b"\r\n$%d\r\n" % size, value,
            _NEXT[len(lifetime)], lifetime, _NEXT[len(record_type)], record_type,
            _NEXT[length] if length < _USUAL else b"\r\n$%d\r\n" % length, record, _CRLF,
        ))
        # fmt: on
    log = _LOGS[bucket]
    head = _COMMIT % (
        8 + 2 * len(records),
        *(len(key), key, len(log), log, len(version), version, len(value), value, len(lifetime), lifetime),
    )
    return head + b"".join(
        [b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(kind), kind, len(record), record) for kind, record in records]
    )


def evalsha(name: bytes, key_names: tuple[bytes, ...], arguments: tuple[bytes, ...]) -> bytes:
    """A script call with few enough calls a day that nobody counts its microseconds."""
    return pack(b"EVALSHA", name, b"%d" % len(key_names), *key_names, *arguments)


def load_scripts() -> bytes:
    """All scripts into Redis' cache (again after every connect: a restart forgets them)."""
    return b"".join(pack(b"SCRIPT", b"LOAD", script) for script in SCRIPTS)
