"""`python -m bench`: one table. Load goes to 127.0.0.1 only; it takes about six minutes."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from . import rows as measured
from . import table
from .facts import facts
from .house import House
from .processes import Missing, find_program

ROWS = ("bare", "rules", "beacons", "batches", "context", "profile")
SESSIONS = Path("../shared/data/sessions/diginetica/train.parquet")


def main() -> int:
    arguments = _parser().parse_args()
    wanted = arguments.only or ROWS
    try:
        for program in ("nginx", "wrk", "redis-server", "taskset"):
            find_program(program)
        with tempfile.TemporaryDirectory(prefix="habitue-bench-") as folder:
            plan = measured.Plan(
                Path(folder),
                seconds=arguments.seconds or (2.0 if arguments.quick else 8.0),
                runs=1 if arguments.quick else 3,
                sessions=arguments.sessions,
                fsync=arguments.fsync,
                say=_say,
            )
            machine = {**facts(), "append-only file": f"on, fsync {plan.fsync}"}
            text = table.lines(_measure(plan, wanted), machine)
    except Missing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 1
    print("\n".join(text))
    if arguments.write:
        table.write(text)
    return 0


def _measure(plan: measured.Plan, wanted: tuple[str, ...] | list[str]) -> list[measured.Row]:
    _say("nginx …")
    yardstick = measured.nginx(plan)
    rows = [yardstick]
    if "bare" in wanted:
        _say("the bare path …")
        rows += measured.bare(plan, yardstick.value)
    if "rules" in wanted:
        _say("decisions with rules …")
        rows += measured.ruled(plan)
    if not set(wanted) - {"bare", "rules"}:
        return rows
    data = plan.folder / "data"
    data.mkdir()
    items = [f"item-{number}" for number in range(5_000)]
    if "context" in wanted:
        if plan.sessions is not None and plan.sessions.exists():
            items = measured.prepare_model(plan, data)
        else:
            _say(f"no sessions at {plan.sessions}: `context` is left out; name a file with --sessions")
            wanted = [name for name in wanted if name != "context"]
    _say("habitue serve …")
    with House(data, plan.fsync) as house:
        visitors = house.cookies(measured.VISITORS)
        cookies = plan.folder / "cookies"
        cookies.write_text("\n".join(visitors) + "\n")
        if "context" in wanted:
            _say("the catalog …")
            accepted = house.put_catalog(measured.catalog_of(items))
            if accepted != len(items):
                raise RuntimeError(f"{accepted} of {len(items)} catalog items were accepted")
        if "profile" in wanted:
            _say("profiles …")
            profile = measured.profile_bytes(house, items)
        if "beacons" in wanted:
            _say("beacons …")
            rows.append(measured.beacons(plan, house, yardstick.value, cookies))
        if "batches" in wanted:
            _say("batches …")
            rows.append(measured.batches(plan, house, cookies))
        if "context" in wanted:
            _say("context …")
            # The backlog of the load before, and its heavy visitors, are other rows' business.
            house.wait_until("an archive that has caught up", house.is_archived, 120)
            rows.append(measured.disk(plan))
            rows += measured.context(plan, house, house.cookies(1_000), items)
        if "profile" in wanted:
            rows.append(profile)
    return rows


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run of 2 s each: to see that it works")
    parser.add_argument("--only", action="append", choices=ROWS, help="this row (and nginx); repeatable")
    parser.add_argument("--seconds", type=float, help="of each run")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--fsync", default="always", choices=("always", "everysec", "no"))
    parser.add_argument(
        "--sessions",
        type=Path,
        default=Path(os.environ.get("HABITUE_BENCH_SESSIONS", SESSIONS)),
        metavar="FILE",
        help="Parquet of session_id, item_id, timestamp: the model behind `context`",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
