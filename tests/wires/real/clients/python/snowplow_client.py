import os

from native import DEVICE, HOST, KEY, ORDER, SHOE, SOCK, TRAITS, USER, an_hour_ago
from snowplow_tracker import Emitter, SelfDescribing, SelfDescribingJson, Subject, Tracker

ECOMMERCE = "iglu:com.snowplowanalytics.snowplow.ecommerce/{}/jsonschema/1-0-{}"
method = "get" if os.environ["VARIANT"] == "get" else "post"
subject = Subject()
subject.set_domain_user_id(DEVICE)
batch = 3 if method == "post" else 1
emitter = Emitter(HOST.removeprefix("http://"), protocol="http", method=method, batch_size=batch)
packed = os.environ["VARIANT"] != "plain"
tracker = Tracker("shop", emitter, subject=subject, app_id=KEY, encode_base64=packed)


def product(item):
    said = {name: item[name] for name in ("name", "category", "brand", "price", "quantity")}
    said |= {"id": item["sku"], "currency": "EUR"}
    return SelfDescribingJson(ECOMMERCE.format("product", 0), said)


def action(kind, entities, at=None):
    said = SelfDescribingJson(ECOMMERCE.format("snowplow_ecommerce_action", 2), {"type": kind})
    tracker.track(SelfDescribing(said, context=entities, true_timestamp=at))


tracker.track_page_view("http://shop.test/home", "Home")
tracker.track_page_view("http://shop.test/product", "Product")
action("product_view", [product(SHOE)])
action("add_to_cart", [product(SHOE)])
subject.set_user_id(USER)
tracker.track(SelfDescribing(SelfDescribingJson("iglu:com.acme/login/jsonschema/1-0-0", TRAITS)))
order = {"transaction_id": ORDER, "revenue": 119.85, "currency": "EUR", "payment_method": "card"}
bought = [product(SHOE), product(SOCK), SelfDescribingJson(ECOMMERCE.format("transaction", 0), order)]
action("transaction", bought, an_hour_ago().timestamp() * 1000)
tracker.flush()
