import os

from native import HOST, KEY, walk
from segment.analytics.client import Client

tracker = Client(KEY, host=HOST, gzip=os.environ["VARIANT"] == "gzip", max_retries=2)
tracker.on_error = lambda error, _: print("error", error)
for consumer in tracker.consumers:
    consumer.on_error = tracker.on_error
walk(tracker)
tracker.flush()
tracker.shutdown()
