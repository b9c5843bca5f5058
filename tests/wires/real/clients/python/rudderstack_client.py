import os

import rudderstack.analytics as tracker
from native import HOST, KEY, walk

tracker.write_key = KEY
tracker.dataPlaneUrl = HOST
tracker.gzip = os.environ["VARIANT"] != "plain"
tracker.max_retries = 2
tracker.on_error = lambda error, _: print("error", error)
walk(tracker)
tracker.flush()
tracker.shutdown()
