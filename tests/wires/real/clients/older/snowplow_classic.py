"""Snowplow's classic e-commerce: an order and its lines, each in a request of its own."""

import inspect
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

sys.path.append(str(Path(__file__).parents[1] / "python"))
from native import DEVICE, HOST, KEY, ORDER, SHOE, SOCK
from snowplow_tracker import Emitter, Subject, Tracker

subject = Subject()
subject.set_domain_user_id(DEVICE)
split = urlsplit(HOST)
known = inspect.signature(Emitter.__init__).parameters
alone = {"batch_size" if "batch_size" in known else "buffer_size": 1}
emitter = Emitter(split.hostname, protocol="http", port=split.port, method=os.environ["VARIANT"], **alone)
tracker = Tracker(namespace="shop", emitters=emitter, subject=subject, app_id=KEY)
lines = [
    {name: item[name] for name in ("sku", "name", "category", "price", "quantity")} for item in (SHOE, SOCK)
]
tracker.track_ecommerce_transaction(
    ORDER,
    119.85,
    tax_value=18.35,
    shipping=4.95,
    currency="EUR",
    items=[{**one, "currency": "EUR"} for one in lines],
)
emitter.flush()
