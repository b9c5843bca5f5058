"""Version 1 is another module, and version 2 called the address `host` at first."""

import importlib
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "python"))
from native import HOST, KEY, walk

tracker = importlib.import_module(os.environ["PACKAGE"])
tracker.write_key = KEY
tracker.host = tracker.data_plane_url = HOST
tracker.on_error = lambda error, _: print("error", error)
walk(tracker)
tracker.flush()
tracker.shutdown()
