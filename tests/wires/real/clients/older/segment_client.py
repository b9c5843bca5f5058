"""analytics-python, Segment's before 2; Hightouch's and segment-analytics-python have the same Client."""

import importlib
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "python"))
from native import HOST, KEY, walk

Client = importlib.import_module(os.environ["PACKAGE"]).Client
tracker = Client(KEY, host=HOST, on_error=lambda error, _: print("error", error))
walk(tracker)
tracker.flush()
tracker.join()
