"""The pages that ../shared/data/pages brings along, with the truths that its expected.json tells of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from e2e.tag.truth import Truth

SHARED = Path(os.environ.get("HABITUE_SHARED") or Path(__file__).parents[4] / "shared") / "data" / "pages"
ABSENT = f"{SHARED} is not there (HABITUE_SHARED names the folder that holds data/)"
KINDS: dict[str, str] = {
    "view_item_list": "list_view",
    "view_item": "product_view",
    "view_cart": "cart_view",
    "begin_checkout": "checkout",
}


def shared_truths() -> list[Truth]:
    """One truth for each page; none where the folder is absent."""
    if not (SHARED / "expected.json").exists():
        return []
    said = json.loads((SHARED / "expected.json").read_text())
    return [
        _data_layer(said["a-ga4-datalayer-spa"], SHARED / "a-ga4-datalayer-spa.html"),
        _markup(said["c-woocommerce-jsonld"], SHARED / "c-woocommerce-jsonld.html"),
        _consent(said["e-consent-mode"], SHARED / "e-consent-mode.html"),
    ]


def _counts(said: list[str]) -> dict[str, int]:
    return {KINDS.get(name, name): said.count(name) for name in said}


def _data_layer(said: dict[str, object], file: Path) -> Truth:
    drive, events, paths = said["drive"], said["events"], said["page_paths"]
    order = said["order"]
    assert isinstance(drive, list)
    assert isinstance(events, list)
    assert isinstance(paths, list)
    assert isinstance(order, dict)
    steps = [step for selector in drive for step in (selector, {"wait": 150})]
    return Truth(
        "shared-a",
        about="GA4 data layer, single-page shop",
        drive=(*steps, {"wait": 400}),
        counts=_counts(events),
        page_views=len(paths),
        names={"login": 1},
        user_id=str(said["user_id"]),
        order={**order, "id": f"{order['id']}-{{{{RUN}}}}"},
        page={"window.__callbackRan": None, "window.__fnRan": None},
        csps=("off", "nonce", "report"),  # it sets innerHTML, which Trusted Types forbid
        file=file,
    )


def _markup(said: dict[str, object], file: Path) -> Truth:
    product, cart, events = said["product"], said["add_to_cart"], said["events"]
    assert isinstance(product, dict)
    assert isinstance(cart, dict)
    assert isinstance(events, list)
    return Truth(
        "shared-c",
        about="WooCommerce with JSON-LD",
        drive=({"expect": _counts(events)}, {"wait": 800}, cart["selector"], {"wait": 300}),
        # The form leaves for the same page: another view.
        counts={**{kind: [n, n + 1] for kind, n in _counts(events).items()}, "add_to_cart": 1},
        page_views=None,
        product={("item_id" if name == "id" else name): value for name, value in product.items()},
        carts=({"item_id": cart["id"], "quantity": cart["quantity"]},),
        settle=1400,
        file=file,
    )


def _consent(said: dict[str, object], file: Path) -> Truth:
    after_accept, after_withdraw = said["events_after_accept"], said["events_after_withdraw"]
    assert isinstance(after_accept, list)
    assert after_withdraw == []
    counts = _counts(after_accept)
    return Truth(
        "shared-e",
        about="Consent Mode v2",
        drive=(
            *({"denied": True}, {"wait": 900}, "#add", {"wait": 400}),
            *({"granted": True}, "#accept", {"wait": 50}, "#add", {"expect": counts}),
            *({"withdrawn": True}, "#withdraw", "#add", {"wait": 700}),
        ),
        counts=counts,
        loose=("product_view",),
        page_views=None,
        key="required",
        tag="",
        sentinel=False,
        file=file,
    )
