"""Signing in and out, the one-time link, and the language and theme that somebody likes."""

from __future__ import annotations

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..attempts import KNOWN_COOKIE, KNOWN_SECONDS, Attempts, Known, too_soon
from ..guard import MAX_FIELDS, open_to_all, require
from ..house import House
from ..rendering import THEME_COOKIE, THEMES, redirect, render
from ..security import is_our_path
from ..sessions import COOKIE, LIFETIME_MS
from ..users import User, UserError, check_password, hash_password, matches
from ..words import LANGUAGE_COOKIE, LANGUAGES, N_, words

_YEAR_SECONDS = 365 * 86_400


def routes(house: House) -> list[BaseRoute]:
    attempts, known_browsers = Attempts(house.redis, house.clock), Known(house.signing)

    @open_to_all
    async def sign_in(request: Request) -> Response:
        following = str(request.query_params.get("next", ""))
        if request.method == "POST":
            return await _sign_in(house, attempts, known_browsers, request, following)
        if request.state.me is not None and request.state.me.session is not None:
            return redirect(request, "/")
        return render(
            request, "sign_in/form.html", mistake="", name="", nobody=await house.users.count() == 0
        )

    @require("viewer")
    async def sign_out(request: Request) -> Response:
        session = await house.sessions.read(request.cookies.get(COOKIE, ""))
        if session is not None:
            await house.sessions.end(session)
        _ = words(request)
        answer = redirect(request, "/sign-in", _("You are signed out."))
        answer.delete_cookie(COOKIE, path=_path(request))
        return answer

    @open_to_all
    async def welcome(request: Request) -> Response:
        token = request.path_params["token"]
        link = await house.users.read_link(token)
        if link is None or link.accepted(await house.users.find(link.name)) is None:
            return render(request, "sign_in/expired.html", status=404)
        if request.method != "POST":
            return render(request, "sign_in/welcome.html", link=link, mistake="")
        form = await _form(request)
        password = _text(form, "password")
        try:
            check_password(link.name, password)
            if password != _text(form, "again"):
                raise UserError(N_("The two passwords are not the same."))
        except UserError as error:
            told = words(request)(str(error))
            return render(request, "sign_in/welcome.html", status=422, link=link, mistake=told)
        hashed = await house.in_thread(hash_password, password)
        known = await house.users.find(link.name)
        user = link.accepted(known)
        if user is None or await house.users.take_link(token) is None:  # somebody used it meanwhile
            return render(request, "sign_in/expired.html", status=404)
        now = house.clock()
        if known is None:
            user = replace(user, created=now, created_by=link.author)
        user = await house.users.save(replace(user, password=hashed, password_set=now))
        await house.sessions.end_all(user.name)
        await house.audit.note(
            user.name, "user.password", user.name, address=request.state.address, role=user.role
        )
        return await _begin(house, request, user, "/")

    @open_to_all
    async def preferences(request: Request) -> Response:
        form = await _form(request)
        back = _text(form, "back")
        answer = RedirectResponse(back if is_our_path(back) else _path(request), 303)
        language, theme = _text(form, "language"), _text(form, "theme")
        me = request.state.me
        if language in LANGUAGES:
            _keep(request, answer, LANGUAGE_COOKIE, language)
            if me is not None and me.session is not None:
                await house.users.change(me.name, language=language)
        if theme in THEMES:
            _keep(request, answer, THEME_COOKIE, theme)
        elif theme == "auto":
            answer.delete_cookie(THEME_COOKIE, path=_path(request))
        return answer

    return [
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/welcome/{token}", welcome, methods=["GET", "POST"]),
        Route("/preferences", preferences, methods=["POST"]),
    ]


async def _sign_in(
    house: House, attempts: Attempts, known: Known, request: Request, following: str
) -> Response:
    form = await _form(request)
    name, password = _text(form, "name").strip().lower()[:64], _text(form, "password")
    address = request.state.address
    browser = known.read(request.cookies.get(KNOWN_COOKIE, ""), name)
    if wait := await attempts.pause(address, name, browser):
        return _too_soon(request, name, wait)
    user = await house.users.find(name)
    good = await house.in_thread(matches, user.password if user is not None else "", password)
    if user is None or not good or user.disabled:
        _ = words(request)
        told = _("Name and password do not fit together.")
        return render(request, "sign_in/form.html", status=422, mistake=told, name=name, nobody=False)
    await attempts.good(address, name, browser)
    answer = await _begin(house, request, user, following)
    _keep(request, answer, KNOWN_COOKIE, known.mint(name), KNOWN_SECONDS)
    return answer


def _too_soon(request: Request, name: str, wait: int) -> Response:
    told, headers = too_soon(wait, words(request))
    return render(
        request, "sign_in/form.html", status=429, headers=headers, mistake=told, name=name, nobody=False
    )


async def _begin(house: House, request: Request, user: User, following: str) -> Response:
    """A session with a new id; the one that the browser had, if any, ends."""
    before = await house.sessions.read(request.cookies.get(COOKIE, ""))
    if before is not None:
        await house.sessions.end(before)
    value = await house.sessions.begin(
        user.name, address=request.state.address, agent=request.headers.get("user-agent", "")
    )
    await house.users.change(user.name, last_seen=house.clock())
    await house.audit.note(user.name, "user.signed_in", user.name, address=request.state.address)
    root = _path(request)
    ours = is_our_path(following) and following.startswith(f"{root.rstrip('/')}/")
    answer = RedirectResponse(following if ours else f"{root.rstrip('/')}/", 303)
    answer.set_cookie(
        COOKIE,
        value,
        max_age=LIFETIME_MS // 1_000,
        path=root,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _keep(request: Request, answer: Response, name: str, value: str, seconds: int = _YEAR_SECONDS) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=_path(request),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )


def _path(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/") or "/"


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=MAX_FIELDS)


def _text(form: FormData, name: str) -> str:
    """A field's text; an uploaded file in its place is nothing."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
