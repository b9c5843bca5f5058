"""Moves between buckets, so that a crash at any point is mended: login, logout, orders, undo.

Each move is two idempotent scripts. The first, in the bucket that something leaves, writes the
profile without it, the log record, and the move itself into the bucket's hash of open moves. The
second, in the other bucket, folds it in unless that transfer was seen. Then the hash entry goes.
Whoever finds an open move (the next event of that device, any worker at start) finishes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson

from habitue_collector import identity, orders
from habitue_collector.claims import CLAIM_SECONDS, claim_value, read_claim
from habitue_collector.commit import Committer
from habitue_collector.events import USER_PREFIX, Kind
from habitue_collector.fold import is_seen
from habitue_collector.profile import Profile, digest, unpack
from habitue_collector.store import commands, keys
from habitue_collector.store.resp import pack
from habitue_collector.submission import Intake

logger = logging.getLogger("habitue.transfers")

# A claim this old (ms) that its owner has not folded never will be by the same attempt: no request waits
# so long for Redis.
TAKEOVER_AFTER = 20_000
LOOK_AGAIN_SECONDS = 0.02
UNDO_SECONDS = 30 * 86_400
MAX_ATTEMPTS = 50


class TransferError(RuntimeError):
    """A move could not be done now; whoever waits for it must not be acknowledged."""


@dataclass(slots=True)
class _Read:
    profile: Profile
    version: bytes


class Mover:
    """Does the moves over the committer's connection. Every method may be called again after a crash."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    # ---- login and logout --------------------------------------------------------------------

    async def login(self, device: str, user_id: str, now: int, event_digest: str | None = None) -> None:
        """Switch the device to a user who has proven to be one; what was browsed by nobody goes along.

        `event_digest` names the event that proves it. It is known already when its sender repeated it to
        another worker, and perhaps became somebody else since: then this one is late, and switches nothing.
        """
        for _ in range(MAX_ATTEMPTS):
            read = await self._read(device)
            if "open_transfer" in read.profile.state:
                await self.finish(device)
                continue
            before = read.profile.pointer
            if before == user_id:
                return
            # Asked after the device, whose version `_leave` compares: nobody can come in between.
            if event_digest is not None and is_seen((await self._holder(read)).profile.state, event_digest):
                return
            move: dict[str, Any] = {
                "transfer_id": uuid4().hex,
                "timestamp": now,
                "reason": "login",
                "from": device,
                "to": USER_PREFIX + user_id,
                "user_id": user_id,
            }
            if before is not None:
                # Another person logs in: nothing of the first one's moves, but a batch of a moment
                # ago that is sent again must still be known as a repeat.
                move["heir_of"] = USER_PREFIX + before
            else:
                move["state"] = identity.movable(read.profile, user_id)
                if (successor := read.profile.state.get("successor")) is not None:
                    move["heir_of"] = successor  # the browser never heard of its logout
            if await self._leave("transfer_out", identity.transfer_out, read, move):
                await self.finish(device)
                return
        raise TransferError("the device is being written by too many others")

    async def _holder(self, device: _Read) -> _Read:
        """The profile that a device's events go to now: its own, its user's, or that of who came after."""
        while True:
            state = device.profile.state
            if (user_id := state.get("pointer")) is not None:
                return await self._read(USER_PREFIX + user_id)
            if (successor := state.get("successor")) is None:
                return device
            device = await self._read(successor)

    async def logout(self, device: str, new_device: str, now: int) -> str:
        """Clear the device's pointer; a new device profile begins, which knows the last day's repeats.

        Returns the device to go on with: a logout that is sent again finds the one of the first time.
        """
        for _ in range(MAX_ATTEMPTS):
            read = await self._read(device)
            if "open_transfer" in read.profile.state:
                await self.finish(device)
                continue
            pointer = read.profile.pointer
            if pointer is None and (successor := read.profile.state.get("successor")) is not None:
                begun = (await self._read(successor)).profile
                if begun.pointer is None and "successor" not in begun.state:
                    return str(successor)
                # Its browser goes on elsewhere: whoever sends this old cookie begins anew.
            move = {
                "transfer_id": uuid4().hex,
                "timestamp": now,
                "reason": "logout",
                "from": device,
                "to": new_device,
                "heir_of": device if pointer is None else USER_PREFIX + pointer,
            }
            if await self._leave("logout", identity.logout, read, move):
                await self.finish(device)
                return new_device
        raise TransferError("the device is being written by too many others")

    async def finish(self, device: str) -> None:
        """Complete the open move of one device, if there is one."""
        bucket = keys.bucket_of(device)
        replies = await self._committer.call(pack(b"HGETALL", keys.transfers(bucket).encode()), 1)
        moves = [orjson.loads(value) for value in _values(replies[0])]
        for move in moves:
            if move["from"] == device:
                await self._complete(move)
                return
        # The move is done, only its mark is left (a crash between the last two steps), or it was erased.
        await self._unmark(device, None)

    async def finish_all(self) -> None:
        """At start: complete whatever a crash has left open, in any bucket."""
        packed = b"".join(pack(b"HGETALL", keys.transfers(bucket).encode()) for bucket in range(keys.BUCKETS))
        for reply in await self._committer.call(packed, keys.BUCKETS):
            for value in _values(reply):
                move = orjson.loads(value)
                logger.info("Finishing a transfer that was left open")
                try:
                    await self._complete(move)
                except TransferError:
                    logger.exception("A transfer stays open; the others are finished")

    async def _complete(self, move: dict[str, Any]) -> None:
        source, target = move["from"], move["to"]
        if not await self._erased(source, target, move["timestamp"]):
            if move["reason"] == "order":
                await self._enter("order_in", {**move, "profile_id": target})
                await self._reclaim(move["order_id"], source, target, move["timestamp"])
            else:
                known = {name: value for name, value in move.items() if name != "heir_of"}
                if "heir_of" in move:
                    identity.merge(known.setdefault("state", {}), await self._inherited(move))
                await self._enter("transfer_in", {**known, "profile_id": target})
        if move["reason"] == "order":
            await self._close(move)
        else:
            await self._unmark(source, move)

    async def _inherited(self, move: dict[str, Any]) -> dict[str, Any]:
        """What the new holder of a browser must know of the one before: the last day's repeats.

        That one's profile is written anew, unchanged: what was about to be folded into it for this
        browser finds another version, looks again and finds the new way. So nothing counts in both.
        """
        for _ in range(MAX_ATTEMPTS):
            read = await self._read(move["heir_of"])
            if not read.version or await self._write(read, "unchanged", None):
                break
        else:
            raise TransferError("the profile is being written by too many others")
        names = ("seen", "consents") if move["reason"] == "logout" else ("seen",)
        return {name: read.profile.state[name] for name in names if name in read.profile.state}

    async def _erased(self, source: str, target: str, timestamp: int) -> bool:
        """Whether one of the two has been erased since a move was begun."""
        for profile_id in (source, target):
            until = await self._committer.execute(commands.get(keys.tombstone(profile_id).encode()))
            if until is not None and int(until) >= timestamp:
                return True
        return False

    # ---- orders ------------------------------------------------------------------------------

    async def settle_order(self, intake: Intake, target: str, now: int) -> None:
        """Somebody else has claimed this order: find out whose it is, and leave the intake decided.

        A backend that names the user knows better than the device the order was seen on; then the
        order moves. Otherwise the first claim stands, unless its owner never folded it.
        """
        event = intake.event
        assert event.order_id is not None
        assert intake.claim is not None
        name = orders.claim_name(event)
        owner, since = intake.claim
        if intake.claimed_here:
            # By this event itself, before its device turned out to be somebody.
            await self._reclaim(name, owner, target, since)
            intake.claim, intake.claimed_here = None, False
            return
        if event.kind is not Kind.PURCHASE or not owner:
            intake.order_known = True  # one refund, reported twice; or an order of somebody who was erased
            intake.claim = (target, since)
            return
        read = await self._read(owner)
        if "open_transfer" in read.profile.state:
            await self.finish(owner)
            read = await self._read(owner)
        home = read.profile.state.get("home", read.profile.pointer)
        if home is not None:
            # The device has logged in since: its orders went with it.
            new_owner = USER_PREFIX + home
            await self._reclaim(name, owner, new_owner, since)
            intake.claim = (new_owner, since)
            return
        entry = orders.listed(read.profile.state, digest(event.order_id))
        given = read.profile.state.get("given_back", {}).get(digest(event.order_id))
        if entry is None and given is not None:
            await self._reclaim(name, owner, given, since)  # a login was undone: the device has it again
            intake.claim = (given, since)
            return
        if entry is None and orders.lists_all(read.profile.state):
            if await self._erased(owner, owner, since):
                intake.order_known = True  # counted, and forgotten with whoever it was
                intake.claim = (target, since)
                return
            # Claimed, and not counted. Either it is being folded right now, or whoever claimed it died in
            # between; nobody may be told that it is counted before it is.
            if now - since > TAKEOVER_AFTER or await self._erased(target, target, since):
                await self._reclaim(name, owner, target, now)
            else:
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
            intake.claim = None
            return
        if entry is None or not _knows_better(intake, target, owner, entry):
            intake.order_known = True
            intake.claim = (target, since)
            return
        move = {
            "transfer_id": uuid4().hex,
            "timestamp": now,
            "reason": "order",
            "from": owner,
            "to": target,
            "order": entry,
            "order_id": name,
        }
        record = {**move, "profile_id": owner}
        identity.order_out(read.profile, record)
        if await self._write(read, "order_out", record, move):
            await self._complete(move)
        intake.claim = None  # look again: it is the target's now, or somebody else was faster

    async def _reclaim(self, name: str, owner: str, target: str, now: int) -> None:
        key = keys.order(name).encode()
        have = await self._committer.execute(commands.get(key))
        if have is None or read_claim(have)[0] != owner:
            return
        await self._committer.execute(
            commands.evalsha(
                commands.RECLAIM_SHA, (key,), (have, claim_value(target, read_claim(have)[1]), CLAIM_SECONDS)
            )
        )

    # ---- undo --------------------------------------------------------------------------------

    async def undo(self, user_id: str, transfer_id: str, now: int) -> bool:
        """Take a login's transfer back, up to 30 days later. False: there is no such transfer."""
        user = USER_PREFIX + user_id
        packed = await self._committer.execute(commands.get(_move_key(user, transfer_id)))
        if packed is None:
            return False
        move = orjson.loads(packed)
        if await self._erased(move["from"], user, move["timestamp"]):
            return False
        record = {**move, "user_id": user_id, "timestamp": now}
        await self._enter("undo_in", {**record, "profile_id": user})
        await self._enter("undo_out", {**record, "profile_id": move["from"]})
        return True

    # ---- steps -------------------------------------------------------------------------------

    async def _read(self, profile_id: str) -> _Read:
        reply = await self._committer.execute(commands.get(keys.profile(profile_id).encode()))
        if reply is None:
            return _Read(Profile(profile_id), b"")
        version, profile = unpack(profile_id, reply)
        return _Read(profile, version)

    async def _leave(
        self,
        record_type: str,
        apply: Callable[[Profile, dict[str, Any]], Profile],
        read: _Read,
        move: dict[str, Any],
    ) -> bool:
        record = {name: value for name, value in move.items() if name not in ("state", "heir_of")}
        record["profile_id"] = move["from"]
        apply(read.profile, record)
        return await self._write(read, record_type, record, move)

    async def _write(
        self, read: _Read, record_type: str, record: dict[str, Any] | None, move: dict[str, Any] | None = None
    ) -> bool:
        """One profile and its record if nobody was faster; with `move`, noted as open in its bucket."""
        profile = read.profile
        profile_id = profile.profile_id
        committer = self._committer
        version = committer.next_version()
        key, bucket = keys.profile(profile_id).encode(), keys.bucket_of(profile_id)
        value, lifetime = profile.pack(version), committer.lifetime(profile)
        if move is not None:
            packed = commands.evalsha(
                commands.COMMIT_MOVE_SHA,
                (key, keys.log(bucket).encode(), keys.transfers(bucket).encode()),
                (
                    read.version,
                    value,
                    lifetime,
                    move["transfer_id"].encode(),
                    orjson.dumps(move),
                    record_type.encode(),
                    orjson.dumps(record),
                ),
            )
        else:
            records = [(record_type.encode(), orjson.dumps(record))] if record is not None else []
            packed = commands.commit(key, bucket, read.version, value, lifetime, records)
        try:
            return bool(await committer.execute(packed) == 1)
        finally:
            committer.forget(profile_id)

    async def _enter(self, record_type: str, record: dict[str, Any]) -> None:
        """The receiving half: fold the record into its profile, once."""
        apply = identity.MOVES[record_type]
        for _ in range(MAX_ATTEMPTS):
            read = await self._read(record["profile_id"])
            marks = read.profile.state.get("undone" if record_type.startswith("undo") else "transfers", [])
            if record["transfer_id"] in marks:
                return
            order = record.get("order")
            if order is not None and orders.listed(read.profile.state, order["order"]) is not None:
                return
            apply(read.profile, record)
            if record.get("reason") == "login" and record_type == "transfer_in":
                await self._committer.execute(
                    pack(
                        b"SET",
                        _move_key(record["profile_id"], record["transfer_id"]),
                        orjson.dumps({name: value for name, value in record.items() if name != "profile_id"}),
                        b"EX",
                        b"%d" % UNDO_SECONDS,
                    )
                )
            if await self._write(read, record_type, record):
                return
        raise TransferError("the profile is being written by too many others")

    async def _unmark(self, device: str, move: dict[str, Any] | None) -> None:
        """The move has arrived: the device needs no mark any more."""
        for _ in range(MAX_ATTEMPTS):
            read = await self._read(device)
            mark = read.profile.state.get("open_transfer")
            if mark is None or (move is not None and mark != move["transfer_id"]):
                break
            del read.profile.state["open_transfer"]
            if await self._write(read, "unmark", None):
                break
        if move is not None:
            await self._close(move)

    async def _close(self, move: dict[str, Any]) -> None:
        bucket = keys.bucket_of(move["from"])
        await self._committer.execute(
            pack(b"HDEL", keys.transfers(bucket).encode(), move["transfer_id"].encode())
        )


def _knows_better(intake: Intake, target: str, owner: str, entry: dict[str, Any]) -> bool:
    """Whether a later report has the better word on whose order it is.

    A backend's over a browser's, since a browser can name any order as its own; a user's over a device's.
    """
    names_user, had_user = target.startswith(USER_PREFIX), owner.startswith(USER_PREFIX)
    if not intake.server or names_user < had_user:
        return False
    return names_user > had_user or not entry.get("server")


def _move_key(profile_id: str, transfer_id: str) -> bytes:
    return keys.move(profile_id, transfer_id).encode()


def _values(reply: Any) -> list[bytes]:
    if isinstance(reply, Exception):
        raise reply
    if isinstance(reply, dict):
        return list(reply.values())
    return list((reply or [])[1::2])
