"""The example shops, each served by a real server in a thread, before a real `habitue serve`."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

EXAMPLES = Path(__file__).parents[2] / "examples"
WRITE_KEY = "browser-key-of-the-doors"
SECRET_KEY = "server-key-of-the-doors-0123456789"
KEYS = [{"key": WRITE_KEY, "kind": "browser"}, {"key": SECRET_KEY, "kind": "server"}]
ENVIRON = {
    "HABITUE_KEYS": json.dumps(KEYS),
    "HABITUE_WORKERS": "1",
    "HABITUE_TRUSTED_PROXIES": "127.0.0.1",
    "HABITUE_SHOP_HOSTS": "shop.test",
}
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)


def example(name: str) -> ModuleType:
    """`examples/<name>_shop/shop.py` under a name of its own: all three are called shop."""
    known = f"example_of_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, EXAMPLES / f"{name}_shop" / "shop.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[known]
            raise
    return sys.modules[known]


@contextmanager
def served_by_wsgi(app: Any) -> Iterator[str]:
    """The app's address; threads of werkzeug's server, as `flask run` has them."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.log = lambda *args: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def served_by_asgi(app: Any) -> Iterator[str]:
    """The app's address, served by uvicorn."""
    import uvicorn

    # With its protocol named asyncio sends small pieces at once (TCP_NODELAY), as for a host and a port.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", loop="asyncio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def configured(url: str, folder: Path) -> dict[str, str]:
    """What the shops read from their environment."""
    return {
        "HABITUE_URL": url,
        "HABITUE_WRITE_KEY": WRITE_KEY,
        "HABITUE_SECRET_KEY": SECRET_KEY,
        "SHOP_DATABASE": str(folder / "shop.sqlite3"),
    }


def put_catalog(url: str, items: list[dict[str, Any]]) -> None:
    answer = httpx.put(f"{url}/v1/catalog", json=items, headers=by_secret_key())
    assert answer.status_code == 200, answer.text


def by_secret_key() -> dict[str, str]:
    return {"authorization": f"Bearer {SECRET_KEY}"}


def profile(url: str, name: str) -> dict[str, Any] | None:
    """`user:<id>` or an anonymous_id, as the server has it now."""
    answer = httpx.get(f"{url}/v1/profiles/{name}", headers=by_secret_key())
    if answer.status_code == 404:
        return None
    found: dict[str, Any] = answer.json()
    return found
