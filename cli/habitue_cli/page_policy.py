"""What a page's Content-Security-Policy does to the tag, and which directive to add."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from .checkup import Finding
from .csp import Policy, parse
from .page_fetch import Fetched
from .page_source import STUB, PageSource
from .page_tag import Tag

TRUSTED_TYPES = "habitue"
_MENDED = "in the page's Content-Security-Policy"


def policy(tag: Tag, page: Fetched, source: PageSource) -> Iterator[Finding]:
    """Findings about every policy of the page, by header or meta element."""
    enforced = parse([*page.all("content-security-policy"), *source.policies])
    reported = parse(page.all("content-security-policy-report-only"))
    if not enforced and not reported:
        yield Finding(True, "no Content-Security-Policy stands in the way", check="csp")
        return
    wrong = list(_blocked(enforced, tag, page.url, source))
    for sentence, mend in wrong:
        yield Finding(False, sentence, mend, "csp")
    if enforced and not wrong:
        yield Finding(True, "the page's Content-Security-Policy lets the tag work", check="csp")
    picture = source.opengraph.get("og:image", "")
    if picture and any(not policy.allows("img-src", picture, page.url) for policy in enforced):
        yield Finding(
            None,
            f"the page's policy blocks pictures such as {picture}: offers would show none",
            "add the host of the catalog's pictures to img-src",
            "csp",
        )
    for sentence, mend in _blocked(reported, tag, page.url, source):
        yield Finding(None, f"{sentence} once the report-only policy is enforced", mend, "csp")


def _blocked(policies: list[Policy], tag: Tag, url: str, source: PageSource) -> Iterator[tuple[str, str]]:
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(tag.endpoint))
    nonce = tag.script.attributes.get("nonce") or None
    for policy in policies:
        if not policy.allows_script(tag.src, url, nonce):
            name, sources = policy.sources("script-src-elem") or ("script-src", ())
            if any(one.startswith("'nonce-") for one in sources):
                mend = f"give the script element the page's nonce, as its other scripts have it ({name})"
            else:
                mend = _add_to(policy, "script-src", name, origin)
            yield "the page's policy blocks the tag", mend
        stub = next(
            (
                one
                for one in source.scripts
                if one.place < tag.script.place and not one.src and STUB.search(one.text)
            ),
            None,
        )
        if stub is not None and not policy.allows_inline(stub.text, stub.attributes.get("nonce") or None):
            yield "the page's policy blocks the stub", "give its script element the page's nonce"
        if not policy.allows("connect-src", f"{tag.endpoint}/v1/batch", url):
            name, _ = policy.sources("connect-src") or ("connect-src", ())
            yield "the page's policy blocks what the tag sends", _add_to(policy, "connect-src", name, origin)
        if not policy.allows_trusted_types(TRUSTED_TYPES):
            yield (
                "the page's Trusted Types let the tag load no further file of its own",
                f"add {TRUSTED_TYPES} to trusted-types {_MENDED}",
            )


def _add_to(policy: Policy, directive: str, name: str, origin: str) -> str:
    if name.startswith(directive):
        return f"add {origin} to {name} {_MENDED}"
    kept = " ".join(one for one in policy.directives[name] if one != "'none'")
    return f"add the directive {' '.join(f'{directive} {kept} {origin}'.split())} {_MENDED}"
