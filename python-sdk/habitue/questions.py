"""What the server can be asked: the request, and how its answer is read. Pure; both clients use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote
from uuid import UUID

from habitue.events import InvalidArgument, encode, identifier
from habitue.offers import NoOffers, Offers, offers_in, sections_in
from habitue.transport import Request, Response
from habitue.visit import Visit

USER_PREFIX = "user:"


MAX_SECTIONS = 100
MAX_SECTION = 1_024  # characters


def section_names(names: object) -> list[str]:
    """Each name once. Raises InvalidArgument."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise InvalidArgument("sections are a list of names")
    given = list(islice(names, MAX_SECTIONS + 1))
    if len(given) > MAX_SECTIONS:
        raise InvalidArgument(f"at most {MAX_SECTIONS} sections")
    return list(dict.fromkeys(_section(name) for name in given))


def _section(name: object) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_SECTION:
        raise InvalidArgument(f"a section is a text of up to {MAX_SECTION} characters")
    return name


class Asker:
    """Makes requests with the secret key and reads their answers."""

    def __init__(self, headers: Mapping[str, str], base_path: str = "/h") -> None:
        self._headers = dict(headers)
        self._base_path = base_path

    # ---- offers ------------------------------------------------------------------------------

    def offers(
        self,
        slots: Sequence[str],
        visit: Visit | None,
        user_id: str | int | UUID | None,
        anonymous_id: str | None,
        page_type: str | None = None,
        item_id: str | int | None = None,
        category: str | None = None,
        sections: Sequence[str] = (),
    ) -> Request:
        """The offers of slots, and the order of sections. Raises InvalidArgument.

        A user's own profile is asked for by name; a visitor's by the door of the tag, which knows what the
        request says of consent, and gives a new visitor a cookie on the same way.
        """
        question: dict[str, Any] = {}
        if slots:
            question["slots"] = [identifier(slot, "slot") for slot in slots]
        if sections:
            question["sections"] = list(sections)
        page = {
            member: str(value)
            for member, value in (("type", page_type), ("item_id", item_id), ("category", category))
            if value is not None
        }
        if page:
            question["page"] = page
        headers = self._headers
        if visit is not None and user_id is None and anonymous_id is None:
            user_id = visit.user_id if visit.personalizes else None
            if user_id is None:
                return self._of_visit("context", visit, question)
        elif visit is not None and visit.cookie is not None:
            headers = {**headers, "x-habitue-visitor": visit.cookie}
        if user_id is not None:
            question["user_id"] = identifier(user_id, "user_id")
        if anonymous_id is not None:
            question["anonymous_id"] = identifier(anonymous_id, "anonymous_id")
        return Request("POST", "/v1/recommend", encode(question), headers)

    def read_offers(
        self, response: Response, slot: str, visit: Visit | None = None, sections: Sequence[str] = ()
    ) -> Offers:
        """Raises NoOffers."""
        if response.status != 200:
            raise NoOffers(f"http_{response.status}", response.body[:200])
        offers = offers_in(self._json(response), slot, sections)
        self.read_cookie(response, visit)
        return offers

    def read_sections(
        self, response: Response, sections: Sequence[str], visit: Visit | None = None
    ) -> list[str]:
        """Raises NoOffers."""
        if response.status != 200:
            raise NoOffers(f"http_{response.status}", response.body[:200])
        ordered = sections_in(self._json(response), sections)
        if ordered is None:
            raise NoOffers("invalid_answer")
        self.read_cookie(response, visit)
        return ordered

    # ---- profiles ----------------------------------------------------------------------------

    def profile(
        self,
        visit: Visit | None,
        user_id: str | int | UUID | None,
        anonymous_id: str | None,
        method: str = "GET",
    ) -> Request:
        """Raises InvalidArgument."""
        if user_id is None and anonymous_id is None and visit is not None:
            user_id = visit.user_id
            if user_id is None and visit.cookie is not None:
                return Request(
                    method, "/v1/profiles/me", b"", {**self._headers, "x-habitue-visitor": visit.cookie}
                )
        if user_id is not None:
            name = USER_PREFIX + identifier(user_id, "user_id")
        elif anonymous_id is not None:
            name = identifier(anonymous_id, "anonymous_id")
        else:
            raise InvalidArgument("whose profile? There is no visitor, no user_id and no anonymous_id")
        return Request(method, f"/v1/profiles/{quote(name, safe=':')}", b"", self._headers)

    def read_profile(self, response: Response) -> dict[str, Any] | None:
        """None for somebody of whom nothing is known. Raises NoOffers."""
        answer = self._json(response) if response.status in (200, 404) else None
        if not isinstance(answer, dict):
            raise NoOffers(
                "invalid_answer" if response.status in (200, 404) else f"http_{response.status}",
                response.body[:200],
            )
        if response.status == 200:
            return answer
        if answer.get("code") in ("unknown_profile", "unknown_visitor"):
            return None
        raise NoOffers("http_404", response.body[:200])

    def read_erased(self, response: Response) -> bool:
        """Whether somebody was erased; a 200 of somebody else confirms nothing. Raises NoOffers."""
        answer = self.read_profile(response)
        if answer is not None and not isinstance(answer.get("erased"), list):
            raise NoOffers("invalid_answer", response.body[:200])
        return answer is not None

    # ---- the cookie --------------------------------------------------------------------------

    def mint(self, visit: Visit) -> Request:
        """No events: the answer brings the cookie, or takes it away from who withdrew."""
        return self._of_visit("batch", visit, {})

    def reset(self, visit: Visit, cookie_name: str) -> Request:
        """Logout: the answer brings the cookie of the device's next profile."""
        request = self._of_visit("reset", visit, {})
        headers = {**request.headers, "cookie": f"{cookie_name}={visit.cookie}"}
        return Request(request.method, request.path, request.body, headers)

    def read_cookie(self, response: Response, visit: Visit | None) -> None:
        if visit is not None and (given := response.headers.get("set-cookie")):
            visit.found(given)

    def _of_visit(self, door: str, visit: Visit, question: dict[str, Any]) -> Request:
        question = {"batch": [], **question}
        consent = visit.consent
        if consent is not None:
            question["context"] = {"consent": dict(consent)}
        headers = {**self._headers, **visit.forwarded}
        if visit.cookie is not None:
            headers["x-habitue-visitor"] = visit.cookie
        elif visit.keeps_profile:
            question["nonce"] = visit.nonce
        return Request("POST", f"{self._base_path}/v1/{door}", encode(question), headers)

    def _json(self, response: Response) -> Any:
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):
            raise NoOffers("invalid_answer", response.body[:200]) from None
