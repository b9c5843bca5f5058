"""The cookie: nobody else can claim it, keys rotate, and it rolls on while the visitor comes back."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner

from habitue_collector.request import Request, is_secure
from habitue_collector.visitor import MAX_LENGTH, RENEW_AFTER, SALT, VisitorCookie, proves

NOW = 1_700_000_000_000
DAY = 86_400_000


def cookie(*secrets: str, **options: object) -> VisitorCookie:
    return VisitorCookie(secrets or ("one", "two"), **options)  # type: ignore[arg-type]  # options by name


def test_what_is_signed_is_read() -> None:
    jar = cookie()
    visitor = jar.read(jar.sign("abc", NOW).encode(), NOW + 5)
    assert visitor is not None
    assert (visitor.anonymous_id, visitor.issued) == ("abc", NOW)


def test_it_is_itsdangerous_timestamp_signer_both_ways() -> None:
    signer = TimestampSigner(["one", "two"], salt=SALT, digest_method=sha256, key_derivation="hmac")
    jar = cookie()
    value, issued = signer.unsign(jar.sign("abc", NOW), return_timestamp=True)
    assert value == b"abc"
    assert issued.timestamp() == NOW // 1000
    assert jar.read(signer.sign("abc"), NOW) is not None


def test_a_rotated_key_still_reads_and_no_longer_signs() -> None:
    old, both, new = cookie("one"), cookie("one", "two"), cookie("two")
    assert both.read(old.sign("abc", NOW).encode(), NOW) is not None
    assert new.read(both.sign("abc", NOW).encode(), NOW) is not None
    assert new.read(old.sign("abc", NOW).encode(), NOW) is None


@given(st.binary(max_size=MAX_LENGTH + 20))
def test_no_bytes_but_ours_are_anybody(value: bytes) -> None:
    assert cookie().read(value, NOW) is None


@given(st.integers(0, 80), st.integers(1, 255))
def test_a_cookie_with_one_other_byte_is_nobodys(place: int, change: int) -> None:
    jar = cookie()
    value = bytearray(jar.sign(jar.mint(), NOW).encode())
    value[place % len(value)] ^= change
    assert jar.read(bytes(value), NOW) is None


@pytest.mark.parametrize("value", ["", ".", "..", "abc", "abc..", ".AAAA.", "abc.AAAA.", "a.b.c.d", "Ä.B.C"])
def test_a_forgery_is_nobody(value: str) -> None:
    assert cookie().read(value.encode(), NOW) is None


def test_the_signature_of_another_purpose_is_none() -> None:
    signer = TimestampSigner(["one", "two"], salt=b"other", digest_method=sha256, key_derivation="hmac")
    assert cookie().read(signer.sign("abc"), NOW) is None


def test_it_expires_even_when_it_was_read_before() -> None:
    jar = cookie(lifetime_days=395)
    value = jar.sign("abc", NOW).encode()
    assert jar.read(value, NOW + 395 * DAY) is not None
    assert jar.read(value, NOW + 395 * DAY + 1_000) is None


def test_it_is_found_among_others_and_the_first_good_one_counts() -> None:
    jar = cookie()
    good, other = jar.sign("good", NOW), jar.sign("other", NOW)
    found = jar.find(f"a=1; xhabitue={other}; habitue=forged; habitue={good};habitue={other}".encode(), NOW)
    assert found is not None
    assert found.anonymous_id == "good"
    assert jar.find(f'habitue="{good}"'.encode(), NOW) is not None
    assert jar.find(b"habitue=; habitue", NOW) is None
    assert jar.find(None, NOW) is None


@given(st.binary(max_size=200))
def test_any_cookie_header_is_read(header: bytes) -> None:
    assert cookie().find(b"habitue=" + header, NOW) is None


def test_minted_ids_differ_and_those_of_a_nonce_do_not() -> None:
    jar = cookie()
    assert len({jar.mint() for _ in range(100)}) == 100
    assert jar.from_nonce("n" * 16) == jar.from_nonce("n" * 16) != jar.from_nonce("m" * 16)
    assert cookie("other").from_nonce("n" * 16) != jar.from_nonce("n" * 16)
    assert "n" * 16 not in jar.from_nonce("n" * 16)


def test_the_header_keeps_scripts_and_other_sites_out() -> None:
    jar = cookie(domain="shop.test")
    name, value = jar.set_cookie("abc", NOW, secure=True)
    assert name == b"set-cookie"
    attributes = value.decode().split("; ")[1:]
    assert attributes == [
        "Max-Age=34128000",
        "Path=/",
        "HttpOnly",
        "SameSite=Lax",
        "Domain=shop.test",
        "Secure",
    ]
    assert b"Secure" not in jar.set_cookie("abc", NOW, secure=False)[1]
    _, cleared = jar.clear_cookie(secure=True)
    assert cleared == b"habitue=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Domain=shop.test; Secure"


def test_what_was_read_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("habitue_collector.visitor.MAX_CACHED", 10)
    jar = cookie()
    for number in range(50):
        assert jar.read(jar.sign(f"v{number}", NOW).encode(), NOW) is not None
    assert len(jar._known) <= 10


def test_it_is_renewed_after_a_day_and_not_before() -> None:
    assert RENEW_AFTER == DAY


def test_a_proof_is_the_hmac_of_the_user_under_any_secret_key() -> None:
    proof = hmac.new(b"secret-2", "jürgen".encode(), "sha256").hexdigest()
    assert proves(("secret-1", "secret-2"), "jürgen", proof)
    assert proves(("secret-2",), "jürgen", proof.upper())
    for wrong in (None, 1, "", proof[:-1], proof + "0", "ä" * 64, ["x"]):
        assert not proves(("secret-2",), "jürgen", wrong)
    assert not proves(("secret-2",), "other", proof)
    assert not proves((), "jürgen", proof)


@pytest.mark.parametrize(
    ("scheme", "peer", "secure"),
    [
        ("https", "127.0.0.1", True),
        ("http", "127.0.0.1", False),
        ("http", "::1", False),
        ("http", "10.0.0.7", True),
        ("http", "nonsense", True),
        ("https", None, True),
        ("http", None, False),
    ],
)
def test_the_cookie_is_secure_unless_plain_http_stays_on_this_machine(
    scheme: str, peer: str | None, secure: bool
) -> None:
    assert is_secure(Request("/", b"", {}, b"", peer, scheme)) is secure
