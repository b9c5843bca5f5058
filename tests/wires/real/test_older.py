"""Older versions of the published clients walk through the shop: shops do not update their trackers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .pages import Pages
from .test_browsers import NATIVE
from .test_browsers import SNOWPLOW as SNOWPLOW_PAGES
from .test_servers import DEVICE, MATOMO, SNOWPLOW
from .toolbox import OLDER, PYTHON, install_older
from .witness import BROWSER_KEY, KINDS, SERVER_KEY, Witness, check

pytestmark = pytest.mark.long

NODE = {
    "segment": (("analytics-node-1", "analytics-node-3", "analytics-node-5"), ("",), KINDS),
    "segment-node": (("segment-node-1", "segment-node-2"), ("",), KINDS),
    "rudderstack": (("rudder-sdk-node-1", "rudder-sdk-node-2"), ("",), KINDS),
    "matomo": (("matomo-tracker-3", "piwik-tracker-1"), ("",), MATOMO),
    "snowplow": (("snowplow-node-3",), ("", "plain", "get"), SNOWPLOW),
}
# Script, module, requirement, variants.
PYTHONS = (
    ("segment_client", "analytics.client", "analytics-python==1.2.9", ("",), KINDS),
    ("segment_client", "analytics.client", "analytics-python==1.4.post1", ("",), KINDS),
    ("segment_client", "segment.analytics.client", "segment-analytics-python==2.3.2", ("",), KINDS),
    ("segment_client", "hightouch.htevents.client", "events-sdk-python==0.0.4", ("",), KINDS),
    ("rudderstack_client", "rudder_analytics", "rudder-sdk-python==1.0.6", ("",), KINDS),
    ("rudderstack_client", "rudderstack.analytics", "rudder-sdk-python==2.0.0", ("",), KINDS),
    ("matomo_client", "matomopy", "matomopy==0.1.0", ("", "bulk"), MATOMO),
    ("matomo_client", "piwikapi", "piwikapi==0.3", ("",), MATOMO),
    ("snowplow_client", "", "snowplow-tracker==0.10.0", ("", "get"), SNOWPLOW),
    ("snowplow_client", "", "snowplow-tracker==0.15.0", ("", "plain"), SNOWPLOW),
    ("snowplow_client", "", "snowplow-tracker==1.0.1", ("",), SNOWPLOW),
)
_ECOMMERCE = "@snowplow/browser-plugin-snowplow-ecommerce"
_THREE = {
    "snowplow-browser-tracker-3": "snowplow-browser-3.3",
    "snowplow-enhanced-ecommerce-3": "snowplow-enhanced-3.3",
    "@snowplow/browser-plugin-ecommerce": "snowplow-ecommerce-3.3",
}
_RUDDER_3_5 = "rudder-js-3.5/dist/npm/modern/bundled/esm/index.js"
BROWSERS = (
    ("segment", {"@segment/analytics-next": "analytics-next-1.46"}, "", KINDS),
    ("segment", {"@segment/analytics-next": "analytics-next-1.66"}, "", KINDS),
    ("rudderstack-2", {"rudder-sdk-js": "rudder-sdk-js-1"}, "", KINDS),
    ("rudderstack-2", {"rudder-sdk-js": "rudder-sdk-js-2.2"}, "", KINDS),
    ("rudderstack", {"@rudderstack/analytics-js/bundled": _RUDDER_3_5}, "", KINDS),
    ("rudderstack", {"@rudderstack/analytics-js/bundled": _RUDDER_3_5}, "beacon", KINDS),
    ("jitsu", {"@jitsu/js": "jitsu-js-1.7"}, "", KINDS),
    ("jitsu-1", {"@jitsu/sdk-js": "jitsu-sdk-js-2"}, "", KINDS),
    (
        "snowplow",
        {"@snowplow/browser-tracker": "snowplow-browser-4.0", _ECOMMERCE: "snowplow-ecommerce-4.4"},
        "",
        SNOWPLOW_PAGES,
    ),
    ("snowplow-3", _THREE, "", SNOWPLOW_PAGES),
)


@pytest.fixture(scope="module", autouse=True)
def _older_clients(clients: None) -> None:
    install_older()


def run(command: list[str], shop: Witness, order: str, variant: str, **more: str) -> None:
    environ = {"PATH": os.environ["PATH"], "HOST": shop.address, "KEY": SERVER_KEY, "ORDER": order}
    environ |= {"VARIANT": variant, **more}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, cwd=Path("/"))
    assert ended.returncode == 0, ended.stderr
    assert "error" not in ended.stdout, ended.stdout


@pytest.mark.parametrize(
    ("script", "package", "variant", "kinds"),
    [
        pytest.param(script, package, variant, kinds, id=f"{package} {variant}".strip())
        for script, (packages, variants, kinds) in NODE.items()
        for package in packages
        for variant in variants
    ],
)
def test_in_node(shop: Witness, script: str, package: str, variant: str, kinds: tuple[str, ...]) -> None:
    order = shop.begin()
    path = OLDER / "clients" / "older" / f"{script}.mjs"
    run(["node", str(path)], shop, order, variant, PACKAGE=package)
    shop.wait(len(kinds))
    device = "7f1c2a9e5b7d4c1e" if script == "matomo" else DEVICE
    check(shop.events(), order, shop.started, kinds, old_order=True, device=device)


@pytest.mark.parametrize(
    ("script", "module", "requirement", "variant", "kinds"),
    [
        pytest.param(script, module, requirement, variant, kinds, id=f"{requirement} {variant}".strip())
        for script, module, requirement, variants, kinds in PYTHONS
        for variant in variants
    ],
)
def test_in_python(
    shop: Witness, script: str, module: str, requirement: str, variant: str, kinds: tuple[str, ...]
) -> None:
    order = shop.begin()
    path = OLDER / "clients" / "older" / f"{script}.py"
    packages = str(OLDER / "python" / requirement)
    run([str(PYTHON), str(path)], shop, order, variant, PACKAGE=module, PYTHONPATH=packages)
    shop.wait(len(kinds))
    device = "7f1c2a9e5b7d4c1e" if script.startswith("matomo") else DEVICE
    check(shop.events(), order, shop.started, kinds, old_order=True, device=device)


@pytest.mark.parametrize(
    ("script", "older", "variant", "kinds"),
    [
        pytest.param(*case, id=f"{next(iter(case[1].values())).partition('/')[0]} {case[2]}".strip())
        for case in BROWSERS
    ],
)
def test_in_a_browser(
    shop: Witness, script: str, older: dict[str, str], variant: str, kinds: tuple[str, ...]
) -> None:
    order = shop.begin()
    Pages(shop, script, BROWSER_KEY, order, NATIVE, variant, older).walk()
    check(shop.events(), order, shop.started, kinds)
