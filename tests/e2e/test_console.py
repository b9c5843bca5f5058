"""The console of a real `habitue serve`: its own process, the first admin by a link, keys at once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import httpx
import pytest
from support.serving import Serving, until

PASSWORD = "correct horse battery"
EVENT = {"type": "track", "event": "Hello", "anonymousId": "a", "messageId": "m"}


@pytest.fixture(scope="module")
def habitue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with Serving(tmp_path_factory.mktemp("console") / "data", environ={"HABITUE_WORKERS": "1"}) as serving:
        yield serving


@pytest.fixture(scope="module")
def admin(habitue: Serving) -> Iterator[httpx.Client]:
    """Whoever followed the link that the first start showed."""
    until(lambda: "/console/welcome/" in habitue.log(), "the link is in the log")
    (link,) = re.findall(r"(http://127\.0\.0\.1:\d+/console/welcome/\S+)", habitue.log())
    with httpx.Client(base_url=habitue.address, headers={"accept": "text/html"}, timeout=30) as browser:
        assert "Welcome, admin" in browser.get(link).text
        answer = browser.post(link, data={"password": PASSWORD, "again": PASSWORD})
        assert answer.headers["location"] == "/console/"
        yield browser


def _csrf(browser: httpx.Client, path: str) -> str:
    (token,) = set(re.findall(r'name="csrf" value="(\w+)"', browser.get(path).text))
    return token


def test_a_stranger_gets_the_sign_in_and_the_link_only_once(habitue: Serving, admin: httpx.Client) -> None:
    (link,) = re.findall(r"(/console/welcome/\S+)", habitue.log())
    with httpx.Client(base_url=habitue.address, headers={"accept": "text/html"}) as stranger:
        answer = stranger.get("/console/")
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith("/console/sign-in")
        assert stranger.get(link).status_code == 404
    assert admin.get("/console/settings/users").status_code == 200


def test_a_key_made_in_the_console_counts_without_a_restart(habitue: Serving, admin: httpx.Client) -> None:
    token = _csrf(admin, "/console/settings")
    page = admin.post("/console/settings/keys", data={"csrf": token, "kind": "server"}).text
    (key,) = set(re.findall(r"hs_[\w-]{40,}", page))

    def answer() -> int:
        return httpx.post(f"{habitue.address}/v1/track", json=EVENT, auth=(key, "")).status_code

    until(lambda: answer() == 200, "the worker knows it", 5)
    place = re.findall(r"/console(/settings/keys/\w+)", admin.get("/console/settings").text)[0]
    admin.post(f"/console{place}", data={"csrf": token, "action": "revoke"})
    until(lambda: answer() == 401, "the worker has forgotten it", 5)


def test_it_comes_back_when_it_is_killed_and_nobody_signs_in_again(
    habitue: Serving, admin: httpx.Client
) -> None:
    before = habitue.pid("console")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(lambda: habitue.pid("console") not in (None, before), "another one is there")
    assert admin.get("/console/settings/users").status_code == 200
    assert habitue.get("/readyz") == 200
