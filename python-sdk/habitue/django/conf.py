"""`HABITUE = {...}` of the settings: one client and one mount per process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.functional import empty
from django.utils.module_loading import import_string

from habitue.client import Client
from habitue.first_party import FirstParty, first_party
from habitue.reporter import DEADLINE, HOST
from habitue.visit import Consent, UserId
from habitue.wsgi import MAX_IN_FLIGHT

KNOWN = (
    *("URL", "SECRET_KEY", "WRITE_KEY", "MOUNT", "CONSENT", "USER", "IDENTIFY", "OPTIONS", "CLIENT"),
    *("FALLBACKS", "DEADLINE"),
)


def setting(name: str, default: Any = None) -> Any:
    """One member of `HABITUE`; raises ImproperlyConfigured."""
    said = getattr(settings, "HABITUE", None)
    if not isinstance(said, dict):
        raise ImproperlyConfigured('HABITUE = {"URL": …, "SECRET_KEY": …, "WRITE_KEY": …} is missing')
    unknown = [key for key in said if key not in KNOWN]
    if unknown:
        raise ImproperlyConfigured(f"HABITUE has no {unknown[0]!r}; there are {', '.join(KNOWN)}")
    return said.get(name, default)


@lru_cache(1)
def get_client() -> Client:
    """The client of this process; `CLIENT` may be one of your own, as with a `RecordingTransport` in
    tests."""
    own = setting("CLIENT")
    if own is not None:
        made: Client = own
        return made
    return Client(
        _needed("SECRET_KEY"),
        setting("URL", HOST),
        fallbacks=setting("FALLBACKS"),
        deadline=setting("DEADLINE", DEADLINE),
    )


@lru_cache(1)
def get_site() -> tuple[FirstParty, Callable[[HttpRequest], Consent | None] | None]:
    """The mount, and the function that asks a request for consent if there is one."""
    consent = _function(setting("CONSENT", "required"))
    options = {"max_in_flight": MAX_IN_FLIGHT, **setting("OPTIONS", {})}
    try:
        return first_party(
            get_client(), "/" + setting("MOUNT", "/h").strip("/"), _needed("WRITE_KEY"), consent, options
        )
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"HABITUE: {error}") from None


def user_of(request: HttpRequest) -> UserId:
    """Who is logged in now: `USER(request)` where it is set, else Django's own user."""
    own = setting("USER")
    if own is not None:
        said: UserId = _function(own)(request)
        return said
    user = getattr(request, "_acached_user", None) or getattr(request, "user", None)
    return user.pk if user is not None and user.is_authenticated else None


def _needed(name: str) -> str:
    value = setting(name)
    if not value or not isinstance(value, str):
        raise ImproperlyConfigured(f"HABITUE[{name!r}] is missing")
    return value


def _function(value: Any) -> Any:
    """A function, or the dotted path of one; the words of `CONSENT` stay as they are."""
    return import_string(value) if isinstance(value, str) and "." in value else value


def _changed(*, setting: str, **_: object) -> None:
    if setting == "HABITUE":
        get_client.cache_clear()
        get_site.cache_clear()
        import habitue.django

        lazy: Any = habitue.django.client
        lazy._wrapped = empty  # whoever imported it gets the new one


setting_changed.connect(_changed, dispatch_uid="habitue")
