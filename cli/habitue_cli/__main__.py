"""`python -m habitue_cli`: how the supervisor starts its children, whatever PATH says."""

import sys

from .main import main

sys.exit(main())
