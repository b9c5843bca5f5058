"""Where a Redis is, as its URL says."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed `redis://`, `rediss://` or `unix://` URL, as redis-py and redis-cli write them.

    `redis://[[user]:password@]host[:6379][/db]`, `rediss://…[?ssl_cert_reqs=none&ssl_ca_certs=FILE]`,
    `unix://[[user]:password@]/path/to.sock[?db=N]`.
    """

    host: str = "localhost"
    port: int = 6379
    path: str | None = None  # of a unix socket
    tls: bool = False
    verify: bool = True
    ca_file: str | None = None
    username: str = ""
    password: str | None = None
    db: int = 0

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises ValueError with a sentence for whoever wrote the URL."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"a Redis URL begins with redis://, rediss:// or unix://, not {parts.scheme!r}")
        path = unquote(parts.path)
        number = query.get("db") or ("" if parts.scheme == "unix" else path.strip("/"))
        if number and not number.isdigit():
            raise ValueError(f"the database of a Redis URL is a number, not {number!r}")
        if parts.scheme == "unix" and not path:
            raise ValueError("a unix:// URL needs the path of the socket: unix:///run/redis.sock")
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or 6379,
            path=path if parts.scheme == "unix" else None,
            tls=parts.scheme == "rediss",
            verify=query.get("ssl_cert_reqs", "required") != "none",
            ca_file=query.get("ssl_ca_certs"),
            username=unquote(parts.username or query.get("username", "")),
            password=unquote(parts.password) if parts.password else query.get("password"),
            db=int(number or 0),
        )

    def tls_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def __str__(self) -> str:
        """Without the password: this is what logs say."""
        if self.path is not None:
            return f"unix://{self.path}" + (f"?db={self.db}" if self.db else "")
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{self.host}:{self.port}/{self.db}"
