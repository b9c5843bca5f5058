"""What goes wrong becomes a page with a sentence, and the strict headers stand on every answer.

A failure of ours is logged with an id that the page shows; nothing of the failure itself is shown.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .rendering import render
from .security import HEADERS
from .words import N_, words

_log = logging.getLogger("habitue.console")

MAX_BODY_BYTES = 8 * 1_048_576

_TITLES = {
    400: N_("This request cannot be read"),
    401: N_("Please sign in"),
    403: N_("You may not do that"),
    404: N_("There is nothing here"),
    405: N_("Not this way"),
    409: N_("Somebody was faster"),
    413: N_("That is too much at once"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong here"),
    503: N_("Redis does not answer"),
}
_SENTENCES = {
    400: N_("The browser sent something that makes no sense to the console."),
    401: N_("Sign in, or send a secret key as the bearer token."),
    403: N_("Your role does not allow it. Somebody with the role admin can change that."),
    404: N_("The address may be old, or what was here has been removed."),
    405: N_("This address does not take that method."),
    409: N_("It was changed in the meantime. Load the page again."),
    413: N_("The console takes up to 8 MB in one request."),
    429: N_("Wait a quarter of an hour, then try again."),
    500: N_("It has been noted, with the number below. Trying again may help."),
    503: N_("What the console shows is kept there. It comes back by itself."),
    "stale_form": N_("The form is from an earlier sign-in. Go back, load the page again, send it once more."),
    "other_site": N_("The request came from another site, so nothing was changed."),
}


class Friendly:
    """The outermost layer: a bounded body, strict headers, and no traceback to anybody."""

    def __init__(self, app: ASGIApp, inner: Starlette) -> None:
        self._app = app
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)  # the life of the process
            return
        scope["app"] = self._inner
        begun = False
        seen = 0

        async def strict(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": _with_ours(scope, message["headers"])}
            await send(message)

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > MAX_BODY_BYTES:
                    raise _TooLarge
            return message

        try:
            await self._app(scope, bounded, strict)
        except ClientDisconnect:
            return
        except Exception as error:
            if begun:
                _log.exception("an answer of the console broke off: %s", scope["path"])
                raise
            await _failed(Request(scope), error)(scope, receive, strict)


class _TooLarge(Exception):
    """The body is larger than the console takes."""


def error_answer(
    request: Request, status: int, detail: str = "", headers: dict[str, str] | None = None, number: str = ""
) -> Response:
    """The page (or for htmx and scripts the sentence) for a status. `detail` is a word of `_SENTENCES`."""
    _ = words(request)
    title = _(_TITLES.get(status, _TITLES[400 if status < 500 else 500]))
    known = _SENTENCES.get(detail) or _SENTENCES.get(status) or _SENTENCES[400 if status < 500 else 500]
    sentence = _(known)
    if number:
        sentence = f"{sentence} ({number})"
    wants_page = "text/html" in request.headers.get("accept", "")
    if request.headers.get("hx-request") == "true" or not wants_page:
        return PlainTextResponse(f"{title}. {sentence}\n", status, headers)
    return render(
        request, "error.html", status=status, headers=headers, title=title, sentence=sentence, code=status
    )


def _failed(request: Request, error: Exception) -> Response:
    try:
        if isinstance(error, _TooLarge):
            return error_answer(request, 413)
        if isinstance(error, RedisError | ConnectionError):
            _log.warning("Redis does not answer the console: %s", error)
            return error_answer(request, 503, headers={"retry-after": "2"})
        number = secrets.token_hex(4)
        _log.error("failure %s at %s %s", number, request.method, request.url.path, exc_info=error)
        return error_answer(request, 500, number=number)
    except Exception:  # the page of the error fails too
        _log.exception("the page for an error cannot be shown")
        return PlainTextResponse("Something went wrong here. It has been noted.\n", 500)


def _with_ours(scope: Scope, given: Any) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in given if name.decode("latin-1").lower() not in HEADERS]
    names = {name.lower() for name, _ in kept}
    if b"cache-control" not in names:
        # A static file's address has its digest in it (`static()`), so it never changes.
        is_static = "/static/" in scope["path"] and b"v=" in scope.get("query_string", b"")
        keep = b"public, max-age=31536000, immutable" if is_static else b"no-store"
        kept.append((b"cache-control", keep))
    return [*kept, *((name.encode(), value.encode()) for name, value in HEADERS.items())]
