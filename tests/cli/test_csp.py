"""What a Content-Security-Policy lets a tag do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from habitue_cli.csp import parse

PAGE = "https://www.shop.example/p/1"
TAG = "https://h.shop.example/h/s.js"


def allows_script(policy: str, nonce: str | None = None, url: str = TAG, page: str = PAGE) -> bool:
    return all(one.allows_script(url, page, nonce) for one in parse([policy]))


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True),
        ("img-src 'none'", True),
        ("default-src *", True),
        ("default-src 'none'", False),
        ("script-src 'self'", False),
        ("script-src 'self' h.shop.example", True),
        ("script-src https://h.shop.example", True),
        ("script-src http://h.shop.example", True),  # an upgrade is allowed
        ("script-src https://h.shop.example:8443", False),
        ("script-src https://h.shop.example:*", True),
        ("script-src *.shop.example", True),
        ("script-src *.other.example", False),
        ("script-src https:", True),
        ("script-src http:", True),
        ("script-src data:", False),
        ("script-src https://h.shop.example/h/", True),
        ("script-src https://h.shop.example/h", False),
        ("script-src https://h.shop.example/h/s.js", True),
        ("script-src 'strict-dynamic' https://h.shop.example", False),
        ("script-src h.shop.example; script-src 'none'", True),  # the first one counts
        ("script-src-elem 'none'; script-src h.shop.example", False),
        ("default-src 'none'; script-src h.shop.example", True),
        ("script-src h.shop.example, script-src 'none'", False),  # two policies
    ],
)
def test_a_script_of_another_host(policy: str, allowed: bool) -> None:
    assert allows_script(policy) is allowed


def test_a_nonce_opens_what_hosts_do_not() -> None:
    assert allows_script("script-src 'nonce-AbC'", "AbC")
    assert allows_script("script-src 'nonce-AbC' 'strict-dynamic'", "AbC")
    assert not allows_script("script-src 'nonce-AbC'", "abc")
    assert not allows_script("script-src 'nonce-AbC'", None)


def test_self_is_scheme_host_and_port() -> None:
    page = "http://127.0.0.1:8100/"
    assert allows_script("script-src 'self'", url="http://127.0.0.1:8100/h/s.js", page=page)
    assert not allows_script("script-src 'self'", url="http://127.0.0.1:8000/h/s.js", page=page)


def test_inline_scripts() -> None:
    def allowed(policy: str, nonce: str | None = None) -> bool:
        return parse([policy])[0].allows_inline("alert(1)", nonce)

    assert allowed("img-src 'self'")
    assert allowed("script-src 'unsafe-inline'")
    assert not allowed("script-src 'self'")
    assert not allowed("script-src 'unsafe-inline' 'nonce-x'"), "a nonce takes unsafe-inline back"
    assert allowed("script-src 'unsafe-inline' 'nonce-x'", "x")
    assert allowed("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='")


def test_what_is_sent_and_trusted_types() -> None:
    policy = parse(["connect-src 'self'; require-trusted-types-for 'script'; trusted-types shop"])[0]
    assert not policy.allows("connect-src", "https://h.shop.example/h/v1/batch", PAGE)
    assert not policy.allows_trusted_types("habitue")
    assert parse(["trusted-types habitue"])[0].allows_trusted_types("habitue")
    assert parse(["require-trusted-types-for 'script'"])[0].allows_trusted_types("habitue")


@given(st.text(), st.text())
def test_any_policy_is_read(policy: str, url: str) -> None:
    for one in parse([policy]):
        one.allows_script(url, PAGE, None)
        one.allows_inline(url, policy)
        one.allows_trusted_types(url)
