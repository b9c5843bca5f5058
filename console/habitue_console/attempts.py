"""How often somebody may try a password. Nobody is locked out by what somebody else types.

Three limits, looked at and counted in one script before the password is, so that many at once gain nothing:

- **the address**: 20 tries in a row, then one every 45 s (an IPv6 network of /64 is one address);
- **this name from this address**: five free tries, then pauses that double up to a quarter of an hour. What
  somebody elsewhere tries does not count here;
- **this name from everywhere**, against a guesser with many addresses: 60 tries in a row, then one every five
  minutes. A browser in which this name has signed in before carries a `Known` cookie and is not held by it.

The first and the third are the generic cell rate algorithm (ITU-T I.371): one number, the time at which all
tries made so far are paid for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from itsdangerous import BadData, Signer
from redis.asyncio import Redis

from habitue_collector.store import keys

from .words import Words

ADDRESS_BURST, ADDRESS_EVERY_MS = 20, 45_000
NAME_BURST, NAME_EVERY_MS = 60, 300_000
FREE_TRIES = 5
LONGEST_PAUSE_MS = 900_000
FORGOTTEN_MS = 86_400_000  # after a day without a try the pauses begin anew

KNOWN_COOKIE = "habitue_console_known"
KNOWN_SECONDS = 365 * 86_400
_SALT = b"habitue.console.known"

# KEYS: address, pair, name. ARGV: now, burst and interval of the address, then of the name (a burst of 0: no
# such limit), free tries, longest pause, when it is forgotten. Answers the milliseconds to wait.
_TRY = """
local now = tonumber(ARGV[1])
local function paid(key, burst, every)
  if burst == 0 then return nil, 0 end
  local at = math.max(tonumber(redis.call('GET', key) or '0'), now) + every
  return at, at - now - burst * every
end
local address, wait = paid(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local name, too = paid(KEYS[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
wait = math.max(wait, too)
local tries = tonumber(redis.call('HGET', KEYS[2], 'tries') or '0')
wait = math.max(wait, tonumber(redis.call('HGET', KEYS[2], 'until') or '0') - now)
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', address), 'PX', address - now)
if name then redis.call('SET', KEYS[3], string.format('%.0f', name), 'PX', name - now) end
tries = tries + 1
local pause = 0
if tries >= tonumber(ARGV[6]) then
  pause = math.min(1000 * 2 ^ math.min(tries - tonumber(ARGV[6]) + 1, 20), tonumber(ARGV[7]))
end
redis.call('HSET', KEYS[2], 'tries', tries, 'until', string.format('%.0f', now + pause))
redis.call('PEXPIRE', KEYS[2], ARGV[8])
return 0
"""

# A good login gives back its own try alone: else an account of one's own would buy guesses at others.
_GOOD = """
local now = tonumber(ARGV[1])
for i = 1, 2 do
  local at = tonumber(redis.call('GET', KEYS[i == 1 and 1 or 3]) or '0') - tonumber(ARGV[i + 1])
  if at > now then
    redis.call('SET', KEYS[i == 1 and 1 or 3], string.format('%.0f', at), 'PX', math.ceil(at - now))
  else
    redis.call('DEL', KEYS[i == 1 and 1 or 3])
  end
end
redis.call('DEL', KEYS[2])
"""


class Known:
    """The cookie of a browser in which somebody signed in: `name digest.random.signature`, for a year."""

    def __init__(self, signing: tuple[str, ...]) -> None:
        self._signer = Signer(list(signing), salt=_SALT, digest_method=sha256, key_derivation="hmac")

    def mint(self, name: str) -> str:
        return self._signer.sign(f"{_short(name)}.{secrets.token_hex(8)}").decode()

    def read(self, cookie: str, name: str) -> str:
        """Which browser it is, if this name signed in there; else an empty string."""
        try:
            value = self._signer.unsign(cookie.encode("utf-8", "replace")).decode()
        except (BadData, UnicodeDecodeError):
            return ""
        digest, _, browser = value.partition(".")
        return browser if digest == _short(name) else ""


class Attempts:
    """Tries of passwords. `clock` gives milliseconds."""

    def __init__(self, redis: Redis, clock: Callable[[], int]) -> None:
        self._redis = redis
        self._clock = clock

    async def pause(self, address: str, name: str, browser: str = "") -> int:
        """Count one try and answer 0, or count none and answer the milliseconds to wait.

        `browser`: what `Known.read` gave.
        """
        answer: int = await self._redis.eval(
            _TRY,
            3,
            *_keys(address, name, browser),
            self._clock(),
            ADDRESS_BURST,
            ADDRESS_EVERY_MS,
            0 if browser else NAME_BURST,
            NAME_EVERY_MS,
            FREE_TRIES,
            LONGEST_PAUSE_MS,
            FORGOTTEN_MS,
        )
        return int(answer)

    async def good(self, address: str, name: str, browser: str = "") -> None:
        """The try that was counted last was a good one."""
        name_ms = 0 if browser else NAME_EVERY_MS
        await self._redis.eval(
            _GOOD, 3, *_keys(address, name, browser), self._clock(), ADDRESS_EVERY_MS, name_ms
        )


def network(address: str) -> str:
    """The address, of IPv6 its /64: whoever has one has all of those."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found.ipv4_mapped) if isinstance(found, IPv6Address) else str(found)


def too_soon(wait_ms: int, _: Words) -> tuple[str, dict[str, str]]:
    """The sentence for who has to wait, and the header that says the same to programs."""
    seconds = -(-wait_ms // 1_000)
    if seconds < 60:
        told = _.ngettext(
            "Too many attempts. Try again in %(num)s second.",
            "Too many attempts. Try again in %(num)s seconds.",
            seconds,
        )
    else:
        told = _.ngettext(
            "Too many attempts. Try again in %(num)s minute.",
            "Too many attempts. Try again in %(num)s minutes.",
            -(-seconds // 60),
        )
    return told, {"retry-after": str(seconds)}


def _keys(address: str, name: str, browser: str) -> tuple[str, str, str]:
    where = f"browser:{browser}" if browser else network(address)
    return (
        keys.console_attempts(f"address:{network(address)}"),
        keys.console_attempts(f"name:{_short(name)}:{where}"),
        keys.console_attempts(f"name:{_short(name)}"),
    )


def _short(name: str) -> str:
    return sha256(name.encode("utf-8", "replace")).hexdigest()[:24]
