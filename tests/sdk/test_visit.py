"""The visitor travels from the request to the SDK's calls, and consent and login come along."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from habitue import AsyncClient, Client, Request, Response, Visit, current_visit, user_hash, visiting
from habitue.testing import RecordingTransport


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport(offers={"home-hero": [{"item_id": "SKU-001"}]})


@pytest.fixture
def client(transport: RecordingTransport) -> Iterator[Client]:
    client = Client("secret", transport=transport, linger=30.0)  # until somebody flushes
    yield client
    client.close(1)


def sent(client: Client, transport: RecordingTransport) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Path, headers and body of the only request with events."""
    assert client.flush(5)
    assert client.stats.lost == {}
    (request,) = [one for one in transport.requests if one.path.endswith("/batch")]
    return request.path, dict(request.headers), json.loads(request.body)


class TestWhose:
    def test_a_visitor_with_a_cookie_is_handed_on(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        visit = Visit(cookie="id.stamp.sign", url="https://shop.test/p/1", user_agent="Firefox")
        with visiting(visit):
            client.track("Product Viewed", {"product_id": "1"})
        path, headers, body = sent(client, transport)
        assert path == "/h/v1/batch"
        assert headers["x-habitue-visitor"] == "id.stamp.sign"
        assert headers["authorization"] == "Bearer secret"
        assert "consent" not in body.get("context", {})
        (event,) = body["batch"]
        assert event["context"] == {"page": {"url": "https://shop.test/p/1"}, "userAgent": "Firefox"}
        assert "anonymousId" not in event

    def test_without_a_cookie_one_nonce_stands_for_the_whole_request(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        with visiting(Visit()) as visit:
            client.track("One")
            client.track("Two")
            assert client.offers("home-hero")[0]["item_id"] == "SKU-001"
        _, headers, body = sent(client, transport)
        assert "x-habitue-visitor" not in headers
        assert visit is not None
        assert body["nonce"] == visit.nonce
        (asked,) = [one for one in transport.requests if one.path == "/h/v1/context"]
        assert json.loads(asked.body)["nonce"] == visit.nonce
        assert visit.set_cookies == [
            f"habitue=of-{visit.nonce}; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax"
        ]
        assert visit.cookie == f"of-{visit.nonce}"

    def test_visitors_are_never_mixed(self, client: Client, transport: RecordingTransport) -> None:
        transport.failing = 503
        client.track("First", user_id="u")  # keeps the worker busy while the others queue
        for number in range(40):
            with visiting(Visit(cookie=f"visitor-{number % 4}")):
                client.track("Ping", {"of": number % 4})
        transport.failing = None
        assert client.flush(10)
        with_events = [one for one in transport.requests if one.path == "/h/v1/batch"]
        for request in with_events:
            of = {event["properties"]["of"] for event in json.loads(request.body)["batch"]}
            assert request.headers["x-habitue-visitor"] == f"visitor-{of.pop()}"
            assert not of
        assert client.stats.delivered == 41

    def test_several_visitors_are_delivered_at_a_time_but_one_after_the_other_each(self) -> None:
        class Slow(RecordingTransport):
            now: list[str] = []  # noqa: RUF012  # of this test alone
            most = 0

            def send(self, request: Request, seconds: float) -> Response:
                visitor = request.headers["x-habitue-visitor"]
                assert visitor not in self.now
                self.now.append(visitor)
                self.most = max(self.most, len(self.now))
                time.sleep(0.02)  # the way to the server and back
                self.now.remove(visitor)
                return super().send(request, seconds)

        transport = Slow()
        client = Client("secret", transport=transport, linger=0.0)
        for number in range(60):
            with visiting(Visit(cookie=f"visitor-{number % 20}")):
                client.track("Ping", {"n": number})
        assert client.flush(20)
        assert client.stats.delivered == 60
        assert client.stats.lost == {}
        assert 2 <= transport.most <= 4
        order: dict[int, list[int]] = {}
        for event in transport.events:
            order.setdefault(event["properties"]["n"] % 20, []).append(event["properties"]["n"])
        assert all(numbers == sorted(numbers) for numbers in order.values())
        client.close()

    def test_who_is_logged_in_comes_along_with_the_proof(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        with visiting(Visit(cookie="c", user_id=42)):
            client.track("Ping")
        (event,) = sent(client, transport)[2]["batch"]
        assert event["userId"] == "42"
        assert event["context"]["user_hash"] == user_hash("secret", 42)

    def test_a_login_during_the_request_counts(self, client: Client, transport: RecordingTransport) -> None:
        session: dict[str, str] = {}
        with visiting(Visit(cookie="c", user=lambda: session.get("user"))):
            client.track("Before")
            session["user"] = "ann"
            client.identify(traits={"plan": "gold"})
        before, after = sent(client, transport)[2]["batch"]
        assert "userId" not in before
        assert (after["userId"], after["traits"]) == ("ann", {"plan": "gold"})

    def test_the_back_office_leaves_its_own_browser_out_of_it(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        with visiting(Visit(cookie="of-the-admin", user_id="admin")) as visit:
            client.identify("customer", {"plan": "gold"})
        path, headers, body = sent(client, transport)
        assert path == "/v1/batch"
        assert "x-habitue-visitor" not in headers
        assert "context" not in body["batch"][0]
        assert visit is not None
        assert not visit.concerned

    def test_ids_that_are_named_count(self, client: Client, transport: RecordingTransport) -> None:
        with visiting(Visit(cookie="c")):
            client.track("Ping", anonymous_id="another")
            client.offers("home-hero", anonymous_id="another")
        path, headers, body = sent(client, transport)
        assert (path, body["batch"][0]["anonymousId"]) == ("/v1/batch", "another")
        assert "x-habitue-visitor" not in headers
        assert transport.requests[-1].path == "/v1/recommend" or transport.requests[0].path == "/v1/recommend"

    def test_a_job_names_the_visitor_by_the_cookie(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        client.track("Parcel Sent", visitor="kept-in-the-job")
        assert sent(client, transport)[1]["x-habitue-visitor"] == "kept-in-the-job"

    @pytest.mark.parametrize("cookie", ["", "a b", "a\r\nx: y", "ä", "x" * 600])
    def test_a_cookie_that_cannot_be_one_is_none(self, cookie: str) -> None:
        assert Visit(cookie=cookie).cookie is None

    def test_a_user_that_the_server_would_refuse_is_nobody(self) -> None:
        def broken() -> str:
            raise RuntimeError

        assert Visit(user_id="x" * 300).user_id is None
        assert Visit(user=broken).user_id is None
        assert Visit(user_id="").user_id is None

    def test_offers_for_who_is_logged_in_are_the_users(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        """The device may still point at the user before."""
        with visiting(Visit(cookie="c", user_id="ann")):
            client.offers("home-hero")
        (request,) = transport.requests
        assert request.path == "/v1/recommend"
        assert json.loads(request.body)["user_id"] == "ann"
        assert "x-habitue-visitor" not in request.headers


class TestConsent:
    @pytest.mark.parametrize(
        ("visit", "said", "named"),
        [
            (Visit(mode="required"), {"analytics": "pending", "personalization": "pending"}, False),
            (Visit(mode="required", cookie="c"), None, True),
            (Visit(mode="assumed"), None, True),
            (Visit(mode="assumed", gpc=True), {"analytics": "denied", "personalization": "denied"}, False),
            (Visit(consent={"analytics": True}), {"analytics": "granted"}, True),
            (Visit(consent={"analytics": "denied"}), {"analytics": "denied"}, False),
            (
                Visit(consent={"analytics": True, "personalization": False}),
                {"analytics": "granted", "personalization": "denied"},
                True,
            ),
        ],
    )
    def test_what_the_server_is_told(
        self, client: Client, transport: RecordingTransport, visit: Visit, said: Any, named: bool
    ) -> None:
        with visiting(visit):
            client.track("Ping")
        path, headers, body = sent(client, transport)
        assert body.get("context", {}).get("consent") == said
        assert ("nonce" in body or "x-habitue-visitor" in headers) is named
        # Who may not be kept is only counted, by the door that takes events of nobody.
        assert path == "/h/v1/batch" or not body.get("context")

    def test_it_counts_from_where_it_is_said(self, client: Client, transport: RecordingTransport) -> None:
        with visiting(Visit(mode="required")) as visit:
            assert visit is not None
            client.consent(True, True)
            client.track("Ping")
        assert client.flush()
        assert visit.keeps_profile
        assert visit.concerned
        (body,) = [json.loads(one.body) for one in transport.requests]
        assert body["context"]["consent"] == {"analytics": "granted", "personalization": "granted"}
        assert [event["event"] for event in body["batch"]] == ["Consent Updated", "Ping"]
        assert body["batch"][0]["properties"] == {"analytics": "granted", "personalization": "granted"}

    def test_withdrawing_is_noted_for_the_answer(self, client: Client) -> None:
        with visiting(Visit(cookie="c")) as visit:
            client.consent(analytics=False)
            assert visit is not None
            assert visit.withdrawn

    def test_outside_of_a_request_it_names_somebody(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        client.consent(analytics="denied", user_id=42)
        (event,) = sent(client, transport)[2]["batch"]
        assert event["userId"] == "42"
        assert event["context"]["consent"] == {"analytics": "denied"}

    @pytest.mark.parametrize("said", [{}, {"analytics": "perhaps"}, {"analytics": 7}])
    def test_what_is_no_consent_is_counted(self, client: Client, said: dict[str, Any]) -> None:
        client.consent(**said, user_id=42)
        assert client.stats.lost == {"invalid_argument": 1}

    def test_without_personalization_the_users_profile_is_not_asked(
        self, client: Client, transport: RecordingTransport
    ) -> None:
        with visiting(
            Visit(cookie="c", user_id="ann", consent={"analytics": True, "personalization": False})
        ):
            client.offers("home-hero")
        (request,) = transport.requests
        assert request.path == "/h/v1/context"
        consent = json.loads(request.body)["context"]["consent"]
        assert consent == {"analytics": "granted", "personalization": "denied"}


class TestTravelling:
    def test_it_ends_with_its_block(self) -> None:
        with visiting(Visit(cookie="outer")) as outer:
            with visiting(Visit(cookie="inner")) as inner:
                assert current_visit() is inner
            assert current_visit() is outer
        assert current_visit() is None

    def test_threads_are_apart(self) -> None:
        seen: list[Visit | None] = []
        with visiting(Visit(cookie="c")):
            thread = threading.Thread(target=lambda: seen.append(current_visit()))
            thread.start()
            thread.join()
        assert seen == [None]

    def test_tasks_have_their_own_and_threads_of_the_loop_have_it_too(
        self, transport: RecordingTransport
    ) -> None:
        client = AsyncClient("secret", transport=transport, linger=0.0)

        async def request(name: str) -> str:
            with visiting(Visit(cookie=name)):
                await asyncio.sleep(0)
                client.track("Ping", {"by": name})
                await client.track("Pong", {"by": name})  # awaiting it changes nothing
                found = await asyncio.to_thread(current_visit)
                return str(found.cookie if found else None)

        async def main() -> list[str]:
            async with client:
                return await asyncio.gather(*(request(f"visitor-{n}") for n in range(5)))

        assert asyncio.run(main()) == [f"visitor-{n}" for n in range(5)]
        for one in transport.requests:
            for event in json.loads(one.body)["batch"]:
                assert one.headers["x-habitue-visitor"] == event["properties"]["by"]
        assert client.stats.delivered == 10
