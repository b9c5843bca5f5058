"""The client against a real server that answers, fails, hangs and lies."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fake_collector import (
    FakeCollector,
    drip,
    garbage,
    half_an_answer,
    hang,
    hang_up,
    status,
)
from support.fallback import FALLBACK

import habitue
from habitue import Client
from habitue.testing import RecordingTransport
from habitue.transport import Request, Response


@pytest.fixture
def client(collector: FakeCollector) -> Iterator[Client]:
    client = Client("secret", collector.url, linger=0.01)
    yield client
    client.close(0.2)


class TestDelivery:
    def test_what_is_tracked_arrives_with_the_key(self, client: Client, collector: FakeCollector) -> None:
        client.track("Product Viewed", {"product_id": "SKU-001"}, user_id=42)
        client.identify(42, {"plan": "gold"})
        assert client.flush()
        path, headers, body = collector.requests[0]
        assert path == "/v1/batch"
        assert headers["authorization"] == "Bearer secret"
        assert body["sentAt"]
        assert [event["type"] for event in collector.events] == ["track", "identify"]
        assert client.stats.delivered == 2
        assert client.stats.queued == 0

    def test_many_events_travel_in_few_requests_over_one_connection(
        self, client: Client, collector: FakeCollector
    ) -> None:
        for number in range(1_000):
            client.track("Ping", {"n": number}, user_id="u")
        assert client.flush()
        assert [event["properties"]["n"] for event in collector.events] == list(range(1_000))
        assert all(len(body["batch"]) <= 100 for _, _, body in collector.requests)
        assert len(collector.requests) < 60
        assert collector.connections == 1

    def test_batches_stay_under_the_servers_limit(self, client: Client, collector: FakeCollector) -> None:
        for _ in range(40):
            client.track("Ping", {"text": "x" * 30_000}, user_id="u")
        assert client.flush()
        assert all(int(headers["content-length"]) <= 475_000 for _, headers, _ in collector.requests)
        assert client.stats.delivered == 40

    @pytest.mark.parametrize(
        "failure",
        [
            status(503),
            status(500),
            status(429),
            status(200, b"<html>a proxy's page</html>"),
            status(200, b'{"ok":true}'),
            hang,
            drip,
            hang_up,
            half_an_answer,
            garbage,
        ],
    )
    def test_what_was_not_confirmed_is_sent_again_under_the_same_id(
        self, client: Client, collector: FakeCollector, failure: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("habitue.worker.REQUEST_SECONDS", 0.2)
        collector.script = [failure, failure]
        client.track("Ping", user_id="u")
        assert client.flush(10)
        assert len(collector.requests) >= 3
        assert len({event["messageId"] for event in collector.events}) == 1
        assert client.stats.delivered == 1
        assert client.stats.retries >= 2
        assert client.stats.lost == {}

    def test_retry_after_is_honoured(self, client: Client, collector: FakeCollector) -> None:
        collector.script = [status(503, retry_after="1")]
        client.track("Ping", user_id="u")
        began = time.monotonic()
        assert client.flush(10)
        assert time.monotonic() - began >= 1.0

    @pytest.mark.parametrize("code", [401, 403, 404, 301])
    def test_what_the_server_will_never_take_is_counted(
        self, client: Client, collector: FakeCollector, code: int
    ) -> None:
        collector.script = [status(code)]
        client.track("Ping", user_id="u")
        client.flush()
        client.track("Ping", user_id="u")
        client.flush()
        assert client.stats.lost == {f"http_{code}": 1}
        assert client.stats.delivered == 1

    def test_a_batch_that_is_refused_is_halved(self, client: Client, collector: FakeCollector) -> None:
        collector.script = [status(503, retry_after="1")]
        client.track("Ping", user_id="first")
        collector.wait_for_requests(1)
        verdict = b'{"index":0,"status":"accepted"}'
        collector.script = [status(200, b'{"results":[%b]}' % verdict), status(413)]
        for _ in range(4):
            client.track("Ping", user_id="u")
        assert client.flush(10)
        assert [len(body["batch"]) for _, _, body in collector.requests] == [1, 1, 4, 2, 2]
        assert client.stats.delivered == 5

    def test_the_servers_verdicts_are_counted(self, client: Client, collector: FakeCollector) -> None:
        answer = b'{"results":[{"index":0,"status":"rejected","reason":"missing_order_id"}]}'
        duplicate = b'{"results":[{"index":0,"status":"accepted","duplicate":true}]}'
        collector.script = [status(200, answer), status(200, duplicate)]
        for _ in range(2):
            client.track("Order Completed", user_id="u")
            client.flush()
        stats = client.stats
        assert stats.lost == {"rejected_missing_order_id": 1}
        assert (stats.delivered, stats.duplicates) == (1, 1)

    @pytest.mark.parametrize("answer", [b'{"results":[]}', b'{"results":[1]}', b"<p>Hello</p>"])
    def test_an_answer_without_a_verdict_on_each_event_confirms_none(
        self, client: Client, collector: FakeCollector, answer: bytes
    ) -> None:
        collector.script = [status(200, answer)]
        client.track("Ping", user_id="u", event_id="once")
        assert client.flush(10)
        assert [body["batch"][0]["messageId"] for _, _, body in collector.requests] == ["once", "once"]
        assert (client.stats.delivered, client.stats.retries, client.stats.lost) == (1, 1, {})

    def test_only_the_collectors_own_word_confirms_an_erasure(self) -> None:
        class Proxied(RecordingTransport):
            def send(self, request: Request, seconds: float) -> Response:
                assert 0.5 < seconds <= 1.0  # what is left of the call's own time
                return Response(200, b'{"status":"ok"}')

        client = Client("any", transport=Proxied())
        assert client.forget(user_id="u", timeout=1.0) is False
        assert client.stats.calls_missed == {"forget_invalid_answer": 1}

    def test_a_server_that_is_gone_costs_a_bounded_queue_and_nothing_else(self) -> None:
        client = Client("secret", "http://127.0.0.1:9", max_queue=100)
        for _ in range(500):
            client.track("Ping", user_id="u")
        stats = client.stats
        assert stats.queued + stats.lost["queue_full"] == 500
        assert stats.queued <= 200  # the queue and the batch under way
        assert client.flush(0.05) is False
        client.close(0.1)
        assert sum(client.stats.lost.values()) + client.stats.queued == 500

    def test_delivery_resumes_when_the_server_comes_back(
        self, client: Client, collector: FakeCollector
    ) -> None:
        collector.always = status(503)
        for _ in range(250):
            client.track("Ping", user_id="u")
        collector.wait_for_requests(3)
        collector.always = None
        assert client.flush(10)
        assert client.stats.delivered == 250
        assert client.stats.lost == {}

    def test_close_delivers_what_is_queued_and_counts_what_comes_later(
        self, client: Client, collector: FakeCollector
    ) -> None:
        for _ in range(10):
            client.track("Ping", user_id="u")
        client.close()
        client.close()
        client.track("Ping", user_id="u")
        assert len(collector.events) == 10
        assert client.stats.lost == {"closed": 1}

    def test_a_with_block_closes(self, collector: FakeCollector) -> None:
        with Client("secret", collector.url) as client:
            client.track("Ping", user_id="u")
        assert len(collector.events) == 1


class TestManners:
    @pytest.mark.parametrize(
        "call",
        [
            lambda client: client.track("", user_id="u"),
            lambda client: client.track(None, user_id="u"),
            lambda client: client.track("Ping"),
            lambda client: client.track("Ping", user_id="u", properties=7),
            lambda client: client.track("Ping", user_id="u", timestamp="".join),
            lambda client: client.identify(None),
        ],
    )
    def test_a_bad_argument_is_counted_and_logged_once(
        self, client: Client, caplog: pytest.LogCaptureFixture, call: Any
    ) -> None:
        with caplog.at_level(logging.WARNING, "habitue"):
            call(client)
            call(client)
        assert client.stats.lost == {"invalid_argument": 2}
        assert len(caplog.records) == 1

    def test_an_object_that_cannot_be_written_harms_nobody(self, client: Client) -> None:
        class Broken:
            def __str__(self) -> str:
                raise RuntimeError("broken")

        client.track("Ping", {"p": Broken()}, user_id="u")
        assert client.stats.lost == {"internal_error": 1}

    def test_an_event_that_is_too_large_is_counted(self, client: Client) -> None:
        client.track("Ping", {"text": "x" * 40_000}, user_id="u")
        assert client.stats.lost == {"event_too_large": 1}

    @pytest.mark.parametrize(
        ("key", "host"),
        [("", "http://127.0.0.1:1"), ("k\n", "http://127.0.0.1:1"), (None, ""), ("k", "nonsense"), ("k", 7)],
    )
    def test_a_client_that_cannot_work_is_quiet(self, key: Any, host: Any) -> None:
        client = Client(key, host)
        client.track("Ping", user_id="u")
        assert client.stats.lost == {"disabled": 1}
        assert client.offers("home-hero", fallback=FALLBACK) == FALLBACK
        assert client.flush()
        client.close()

    def test_what_the_host_changes_after_the_call_changes_nothing(
        self, client: Client, collector: FakeCollector
    ) -> None:
        properties = {"items": [1]}
        client.track("Ping", properties, user_id="u")
        properties["items"].append(2)
        client.flush()
        assert collector.events[0]["properties"] == {"items": [1]}

    def test_tracking_takes_microseconds_while_the_server_hangs(
        self, client: Client, collector: FakeCollector
    ) -> None:
        collector.always = hang
        client.track("Ping", user_id="u")
        collector.wait_for_requests(1)
        properties = {"product_id": "SKU-001", "price": 89.9, "currency": "EUR", "brand": "Fjell"}
        began = time.thread_time()
        for _ in range(1_000):
            client.track("Product Viewed", properties, user_id="u")
        per_call = (time.thread_time() - began) / 1_000
        assert per_call < 100e-6  # 9 µs on the machine that measured; ten times that is a mistake

    def test_many_threads_may_share_it(self, client: Client, collector: FakeCollector) -> None:
        def work() -> None:
            for _ in range(200):
                client.track("Ping", user_id="u")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.flush()
        assert len({event["messageId"] for event in collector.events}) == 1_600
        assert client.stats.delivered == 1_600


class TestProcesses:
    def test_after_a_fork_each_process_delivers_its_own(
        self, client: Client, collector: FakeCollector
    ) -> None:
        collector.script = [status(503, retry_after="1")]
        client.track("Parent", user_id="u")
        collector.wait_for_requests(1)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                client.track("Child", user_id="u")
                if client.flush(10) and client.stats.delivered == 1:
                    code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.flush(10)
        names = [event["event"] for event in collector.events]
        assert names.count("Child") == 1
        assert client.stats.delivered == 1

    def test_a_script_that_just_ends_delivers(self, collector: FakeCollector) -> None:
        script = f"from habitue import Client; Client('k', {collector.url!r}).track('Ping', user_id='u')"
        path = str(Path(habitue.__file__).parents[1])
        subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": path}, check=True, timeout=30)
        assert len(collector.events) == 1

    def test_a_script_ends_although_the_server_hangs(self, collector: FakeCollector) -> None:
        collector.always = hang
        script = (
            "from habitue import Client, processes; processes.EXIT_SECONDS = 0.2;"
            f" Client('k', {collector.url!r}).track('Ping', user_id='u')"
        )
        path = str(Path(habitue.__file__).parents[1])
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": path}, check=True, timeout=30)
        assert time.monotonic() - began < 14  # an attempt to deliver takes 15 s

    def test_the_sdk_needs_nothing_but_python(self) -> None:
        path = str(Path(habitue.__file__).parents[1])
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {path!r});"
            " import habitue, habitue.asgi, habitue.wsgi, habitue.page, habitue.testing",
        ]
        subprocess.run(command, check=True, timeout=30)


class TestOffers:
    def test_a_slot_is_asked_for_with_who_and_where(self, client: Client, collector: FakeCollector) -> None:
        offers = client.offers(
            "home-hero", visitor="cookie.value", user_id=42, page_type="product", item_id=7, category="Shoes"
        )
        assert [offer["item_id"] for offer in offers] == ["SKU-001"]
        assert (offers.decision_id, offers.model, offers.variant, offers.missed) == ("d-1", "m", None, None)
        path, headers, body = collector.requests[0]
        assert path == "/v1/recommend"
        assert headers["x-habitue-visitor"] == "cookie.value"
        assert headers["authorization"] == "Bearer secret"
        assert body == {
            "slots": ["home-hero"],
            "user_id": "42",
            "page": {"type": "product", "item_id": "7", "category": "Shoes"},
        }

    @pytest.mark.parametrize(
        ("failure", "missed"),
        [
            (status(503), "http_503"),
            (status(401), "http_401"),
            (status(200, b"<html>"), "invalid_answer"),
            (status(200, b"[]"), "invalid_answer"),
            (status(200, b'{"slots":{"home-hero":{"offers":7}}}'), "invalid_answer"),
            (status(200, b'{"slots":{"home-hero":{"offers":[],"reason":"unknown_slot"}}}'), "unknown_slot"),
            (hang_up, "unreachable"),
            (half_an_answer, "unreachable"),
            (garbage, "unreachable"),
        ],
    )
    def test_without_an_answer_the_fallback_is_served(
        self, client: Client, collector: FakeCollector, failure: Any, missed: str
    ) -> None:
        collector.script = [failure]
        offers = client.offers("home-hero", user_id="u", fallback=FALLBACK)
        assert offers == FALLBACK
        assert offers.missed == missed
        assert client.stats.offers_missed == {missed: 1}

    @pytest.mark.parametrize("failure", [hang, drip])
    def test_the_deadline_holds(self, client: Client, collector: FakeCollector, failure: Any) -> None:
        collector.always = failure
        times = [1.0]
        while min(times) >= 0.11 and len(times) < 50:  # a busy machine wakes us late, now and then
            began = time.monotonic()
            client._breaker.succeeded()
            offers = client.offers("home-hero", user_id="u", deadline=0.1, fallback=FALLBACK)
            times.append(time.monotonic() - began)
            assert offers == FALLBACK
            assert offers.missed == "deadline"
        assert 0.099 <= min(times) < 0.11
        assert max(times) < 5.0  # dripping, the answer would take 20 s

    def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(
        self, client: Client, collector: FakeCollector
    ) -> None:
        assert client.offers("home-hero", user_id="u")
        collector.script = [hang_up]  # as if it closed just when we wrote
        assert client.offers("home-hero", user_id="u").missed is None
        assert collector.connections == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            {"slot": ""},
            {"slot": None},
            {"visitor": "a\r\nb"},
            {"visitor": 7},
            {"user_id": []},
            {"deadline": "x"},
        ],
    )
    def test_bad_arguments_get_the_fallback(self, client: Client, arguments: dict[str, Any]) -> None:
        offers = client.offers(**{"slot": "home-hero", "fallback": FALLBACK, **arguments})
        assert offers == FALLBACK
        assert offers.missed in ("invalid_argument", "internal_error")
