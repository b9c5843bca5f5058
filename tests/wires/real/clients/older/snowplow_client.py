"""snowplow-tracker before 1.1: `track_self_describing_event`, and a buffer that changed its name."""

import inspect
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

sys.path.append(str(Path(__file__).parents[1] / "python"))
from native import DEVICE, HOST, KEY, ORDER, SHOE, SOCK, TRAITS, USER, an_hour_ago
from snowplow_tracker import Emitter, SelfDescribingJson, Subject, Tracker

ECOMMERCE = "iglu:com.snowplowanalytics.snowplow.ecommerce/{}/jsonschema/1-0-{}"
method = "get" if os.environ["VARIANT"] == "get" else "post"
subject = Subject()
subject.set_domain_user_id(DEVICE)
split = urlsplit(HOST)
known = inspect.signature(Emitter.__init__).parameters
buffer = {"batch_size" if "batch_size" in known else "buffer_size": 3 if method == "post" else 1}
emitter = Emitter(split.hostname, protocol="http", port=split.port, method=method, **buffer)
packed = os.environ["VARIANT"] != "plain"
tracker = Tracker(namespace="shop", emitters=emitter, subject=subject, app_id=KEY, encode_base64=packed)


def product(item):
    said = {name: item[name] for name in ("name", "category", "brand", "price", "quantity")}
    return SelfDescribingJson(ECOMMERCE.format("product", 0), {**said, "id": item["sku"], "currency": "EUR"})


def action(kind, entities, at=None):
    said = SelfDescribingJson(ECOMMERCE.format("snowplow_ecommerce_action", 2), {"type": kind})
    tracker.track_self_describing_event(said, entities, at)


tracker.track_page_view("http://shop.test/home", "Home")
tracker.track_page_view("http://shop.test/product", "Product")
action("product_view", [product(SHOE)])
action("add_to_cart", [product(SHOE)])
subject.set_user_id(USER)
tracker.track_self_describing_event(SelfDescribingJson("iglu:com.acme/login/jsonschema/1-0-0", TRAITS))
order = {"transaction_id": ORDER, "revenue": 119.85, "currency": "EUR", "payment_method": "card"}
bought = [product(SHOE), product(SOCK), SelfDescribingJson(ECOMMERCE.format("transaction", 0), order)]
action("transaction", bought, an_hour_ago().timestamp() * 1000)
emitter.flush()
