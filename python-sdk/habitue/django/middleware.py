"""The middleware: Habitue below its path on the shop's host, and the visitor for everything in between.

First in MIDDLEWARE: what passes through needs no session, and whoever is logged in is asked only when it
matters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from habitue.django.conf import get_client, get_site, user_of
from habitue.visit import Visit, enter, leave
from habitue.wsgi import Asked, Pieces, Proxy

SHORT = 1_048_576  # bytes of an answer that is sent on as a whole


class HabitueMiddleware:
    """For WSGI and ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
        self._proxy: Proxy | None = None
        get_site()  # what is missing in the settings is said at the start

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._answer_async(request)
        site, _ = get_site()
        if site.owns(request.path_info):
            return self._through(request)
        visit = self._visit(request)
        token = enter(visit)
        try:
            response = self.get_response(request)
        finally:
            leave(token)
        if site.needs_settling(visit, response.headers.get("Cache-Control")):
            get_client().settle(visit)
        return self._settled(visit, response)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        site, _ = get_site()
        if site.owns(request.path_info):
            return await sync_to_async(self._through, thread_sensitive=False)(request)
        visit = self._visit(request)
        token = enter(visit)
        try:
            answered: Awaitable[HttpResponseBase] = self.get_response(request)
            response = await answered
        finally:
            leave(token)
        if site.needs_settling(visit, response.headers.get("Cache-Control")):
            await sync_to_async(get_client().settle, thread_sensitive=False)(visit)
        return self._settled(visit, response)

    def _visit(self, request: HttpRequest) -> Visit:
        site, asked_for_consent = get_site()
        try:
            said = asked_for_consent(request) if asked_for_consent is not None else None
        except Exception:  # the shop's own function
            said = {"analytics": "pending", "personalization": "pending"}
        asked = AskedOfDjango(request)
        return site.visit(
            asked.header,
            request.COOKIES.get(site.cookie),
            url=asked.url,
            prefix=str(request.META.get("SCRIPT_NAME", "")),
            scheme=asked.scheme,
            address=asked.address,
            user=lambda: user_of(request),
            consent=said,
        )

    def _settled(self, visit: Visit, response: HttpResponseBase) -> HttpResponseBase:
        site, _ = get_site()
        headers = response.headers
        for name, value in site.added_headers(visit, headers.get("Cache-Control"), headers.get("Vary")):
            if name == "set-cookie":
                set_cookie(response, value)
            elif name == "vary":
                patch_vary_headers(response, [value])
            else:
                headers[name] = value
        return response

    def _through(self, request: HttpRequest) -> HttpResponseBase:
        """The server's answer. A host that Django does not allow is Django's to refuse."""
        request.get_host()
        if self._proxy is None:
            self._proxy = Proxy(get_client().host, get_site()[0])
        status, headers, pieces = self._proxy.answer(AskedOfDjango(request))
        response: HttpResponseBase
        if _is_short(headers) or request.method == "HEAD":
            try:
                body = b"".join(pieces)
            except Exception:  # it broke off
                return HttpResponse(status=502)
            finally:
                pieces.close()
            response = HttpResponse(body, status=status)
        elif self.is_async:
            response = StreamingHttpResponse(_in_threads(pieces), status=status)
            response._resource_closers.append(pieces.close)  # type: ignore[attr-defined]  # Django's own way
        else:
            response = StreamingHttpResponse(pieces, status=status)
        del response.headers["Content-Type"]
        for name, value in headers:
            if name == "set-cookie":
                set_cookie(response, value)
            else:
                response.headers[name] = value
        return response


class AskedOfDjango(Asked):
    """A request of Django's, by WSGI or ASGI."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.META, request.scheme or "http")
        self._request = request
        self.path = request.path_info
        if not hasattr(request, "environ"):
            self.has_body = True  # by ASGI Django has read it already

    @property
    def raw_path(self) -> str:
        return quote(self.path, safe="/~!$&'()*+,;=:@")

    @property
    def url(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self._request.META.get('HTTP_HOST', '')}{quote(self._request.path)}{query}"

    def read(self, size: int) -> bytes:
        return bytes(self._request.read(size))


def set_cookie(response: HttpResponseBase, header: str) -> None:
    """A whole Set-Cookie header, as Django keeps them."""
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header)
    except CookieError:
        return
    response.cookies.update(cookies)


def _is_short(headers: list[tuple[str, str]]) -> bool:
    return any(name == "content-length" and value.isdigit() and int(value) < SHORT for name, value in headers)


async def _in_threads(pieces: Pieces) -> AsyncIterator[bytes]:
    following = iter(pieces)

    def next_piece() -> bytes | None:
        return next(following, None)

    while (piece := await sync_to_async(next_piece, thread_sensitive=False)()) is not None:
        yield piece
