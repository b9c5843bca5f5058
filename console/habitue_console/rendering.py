"""Templates into answers: `render(request, "rules/list.html", rules=rules)`.

Every template knows `request`, `me`, `shop`, `root` ("/console"), `here` (the page's path below it),
`url(path)`, `static(file)`, `csrf()`, `navigation`, `language`, `theme`, `said` (what the last form did),
`zone`, `currency`, `now`, and the filters `number`, `money`, `percent`, `when`, `day`, `ago`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from itsdangerous import BadData, URLSafeTimedSerializer
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from . import shown
from .guard import CSRF_FIELD, CSRF_HEADER
from .roles import Me
from .words import LANGUAGES, N_, words, words_of

HERE = Path(__file__).parent
SAID_COOKIE = "habitue_console_said"
THEME_COOKIE = "habitue_console_theme"
THEMES = ("light", "dark")
_SAID_SECONDS = 60

NAVIGATION = (
    ("today", N_("Today")),
    ("visitors", N_("Visitors")),
    ("segments", N_("Segments")),
    ("rules", N_("Rules")),
    ("contents", N_("Contents")),
    ("slots", N_("Slots")),
    ("catalog", N_("Catalog")),
    ("events", N_("Events")),
    ("models", N_("Models")),
    ("settings", N_("Settings")),
)


class _Compiled(BytecodeCache):
    """What a template was compiled to, for all languages: they differ in their words alone."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (held := self._held.get(bucket.key)) is not None:
            bucket.bytecode_from_string(held)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._held[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def warm(language: str) -> Iterator[str]:
    """Every template of a language made ready, one by one: some milliseconds each, so nobody waits for it."""
    made = environment(language)
    for name in made.list_templates():
        made.get_template(name)
        yield name


@cache
def environment(language: str) -> Environment:
    """The templates in one language; what is missing in a page's values is an error, not an empty place."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        cache_size=-1,
    )
    made.install_gettext_translations(words_of(language).translations, newstyle=True)  # type: ignore[attr-defined]  # by the extension
    made.filters |= shown.filters(language)
    made.globals["ngettext"] = _counting(made.globals["ngettext"], words_of(language).written)  # type: ignore[arg-type]  # the extension made it
    made.globals["static"] = static
    made.globals["N_"] = N_
    return made


def _counting(ngettext: Callable[..., Any], write: Callable[[int], str]) -> Callable[..., Any]:
    """`ngettext` whose `%(num)s` is written as numbers are in that language: 67,110 items."""

    @pass_context
    def counting(context: Context, one: str, many: str, num: int, /, **values: Any) -> Any:
        return ngettext(context, one, many, num, **{"num": write(num), **values})

    return counting


@cache
def static(file: str) -> str:
    """`css/x.css` with its digest: a new version is a new address, so browsers may keep it for a year."""
    digest = sha256((HERE / "static" / file).read_bytes()).hexdigest()[:12]
    return f"{file}?v={digest}"


def render(
    request: Request,
    template: str,
    *,
    block: str | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """The page, or only one `{% block %}` of it (for htmx), as an answer."""
    language = words(request).language
    made = environment(language).get_template(template)
    context = {**_given(request, language), **values}
    parts = made.generate(context) if block is None else made.blocks[block](made.new_context(context))
    body = "".join(parts)
    answer = HTMLResponse(body, status, headers)
    answer.headers["vary"] = "Accept-Language, Cookie, HX-Request"
    if block is None and SAID_COOKIE in request.cookies:
        answer.delete_cookie(SAID_COOKIE, path=_root(request) or "/")
    return answer


def redirect(request: Request, path: str, said: str = "", kind: str = "good") -> Response:
    """After a form: to a page of the console ("/rules"), with a sentence that it shows once."""
    root = _root(request)
    if request.headers.get("hx-request") == "true":
        answer: Response = Response(status_code=204, headers={"hx-redirect": root + path})
    else:
        answer = RedirectResponse(root + path, 303)
    if said:
        value = _said_serializer(request).dumps({"text": said[:500], "kind": kind})
        answer.set_cookie(
            SAID_COOKIE,
            value if isinstance(value, str) else value.decode(),
            max_age=_SAID_SECONDS,
            path=root or "/",
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return answer


def _given(request: Request, language: str) -> dict[str, Any]:
    house = request.app.state.house
    root = _root(request)
    me: Me | None = getattr(request.state, "me", None)
    path = request.scope["path"]
    here = path[len(root) :] if root and path.startswith(root) else path

    token = house.sessions.csrf(me.session) if me is not None and me.session is not None else ""

    def csrf() -> Markup:
        return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)

    theme = request.cookies.get(THEME_COOKIE, "")
    return {
        "request": request,
        "me": me,
        "shop": house.settings.shop.name,
        "demo": house.settings.demo,
        "currency": house.settings.shop.currency,
        "zone": house.zone,
        "root": root,
        "here": here,
        "page": here.strip("/").partition("/")[0] or "today",
        "url": lambda path="/": root + path,
        "csrf": csrf,
        "htmx_headers": orjson.dumps({CSRF_HEADER: token}).decode() if token else "{}",
        "navigation": [(name, label) for name, label in NAVIGATION if name in request.app.state.pages],
        "language": language,
        "languages": LANGUAGES,
        "theme": theme if theme in THEMES else "",
        "said": _said(request),
        "now": house.clock(),
    }


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")


def _said_serializer(request: Request) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(request.app.state.house.signing), salt="habitue.console.said")


def _said(request: Request) -> dict[str, str] | None:
    cookie = request.cookies.get(SAID_COOKIE)
    if not cookie:
        return None
    try:
        said: dict[str, str] = _said_serializer(request).loads(cookie, max_age=_SAID_SECONDS)
    except BadData:
        return None
    return said
