"""How our processes speak: one calm line, the time, who, what. Never a personal datum."""

from __future__ import annotations

import logging
import sys


def speak(name: str, level: int = logging.INFO) -> None:
    """Log lines of this process go to stderr under its name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s  {name:<11}  %(message)s", "%H:%M:%S"))
    handler.addFilter(_warnings_say_so)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for other in ("uvicorn", "httpx"):  # httpx would write every address, one-time links among them
        logging.getLogger(other).setLevel(logging.WARNING)


def _warnings_say_so(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.WARNING and not getattr(record, "marked", False):
        record.marked = True
        record.msg = f"{record.levelname.lower()}: {record.msg}"
    return True
