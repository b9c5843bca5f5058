"""The extension for Flask: `Habitue(app)`, or `habitue = Habitue()` and `habitue.init_app(app)`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import Flask, Request, current_app, has_app_context

from habitue import page
from habitue.client import Client
from habitue.first_party import first_party
from habitue.offers import OfferLike, Offers
from habitue.reporter import HOST
from habitue.visit import Consent, UserId
from habitue.wsgi import MAX_IN_FLIGHT, Environ, Mounted


class Habitue:
    """Reads from the app's config: `HABITUE_URL`, `HABITUE_SECRET_KEY`, `HABITUE_WRITE_KEY`, `HABITUE_MOUNT`
    (`/h`), `HABITUE_CONSENT` (`required` or `assumed`), `HABITUE_OPTIONS` (see `FirstParty`).

    Templates get `habitue_tag()`, `habitue_slot("pdp", item=sku)` and `habitue_offers("pdp", item=sku)`.
    """

    def __init__(self, app: Flask | None = None, *, client: Client | None = None) -> None:
        """`client`: one of your own, as with a `RecordingTransport` in tests."""
        self._given = client
        self._last: Client | None = None
        self._user: Callable[[], UserId] | None = None
        self._consent: Callable[[Request], Consent | None] | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        config = app.config
        client = self._given or Client(config["HABITUE_SECRET_KEY"], config.get("HABITUE_URL", HOST))
        options = {"max_in_flight": MAX_IN_FLIGHT, **config.get("HABITUE_OPTIONS", {})}
        consent = config.get("HABITUE_CONSENT", "required")
        path = config.get("HABITUE_MOUNT", "/h")
        site, _ = first_party(client, path, config["HABITUE_WRITE_KEY"], consent, options)
        app.wsgi_app = Mounted(  # type: ignore[method-assign]  # as Flask's documentation has it
            app.wsgi_app, client, site, self._consent_of, self._user_of
        )
        app.extensions["habitue"] = client
        app.jinja_env.globals.update(habitue_tag=page.tag, habitue_slot=page.slot, habitue_offers=self.offers)
        self._last = client

    @property
    def client(self) -> Client:
        """The current app's client."""
        client: Client | None = self._last
        if has_app_context():
            client = current_app.extensions.get("habitue", client)
        if client is None:
            raise RuntimeError("call init_app first")
        return client

    def user_loader(self, function: Callable[[], UserId]) -> Callable[[], UserId]:
        """Who is logged in: `@habitue.user_loader def user(): return session.get("user_id")`."""
        self._user = function
        return function

    def consent_loader(
        self, function: Callable[[Request], Consent | None]
    ) -> Callable[[Request], Consent | None]:
        """What the visitor agreed to, from the request: `{"analytics": …, "personalization": …}`, or None
        where nobody was asked yet; then `HABITUE_CONSENT` counts."""
        self._consent = function
        return function

    def logout(self) -> None:
        """Call it where you log somebody out: the next person at this device is somebody else."""
        page.logout()

    def offers(
        self,
        slot: str,
        *,
        item: str | int | None = None,
        category: str | None = None,
        page_type: str | None = None,
        deadline: float | None = None,
        fallback: Iterable[OfferLike] | None = None,
    ) -> Offers:
        """The offers alone, for templates that show them in their own way."""
        return self.client.offers(
            slot, item_id=item, category=category, page_type=page_type, deadline=deadline, fallback=fallback
        )

    # ---- behind it ---------------------------------------------------------------------------

    def _user_of(self, environ: Environ) -> UserId:
        return self._user() if self._user is not None else None

    def _consent_of(self, environ: Environ) -> Consent | None:
        return self._consent(Request(environ)) if self._consent is not None else None
