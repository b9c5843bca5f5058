"""A whole shop to click through: catalog and a year of real purchases, a trained model, offers that follow.

It reads no habitue.toml; its keys are `demo` (browser) and `demo-secret` (server). The first start takes
about two minutes, later ones a few seconds. Its data lie in .habitue; delete the folder to begin anew.

examples:
  habitue demo
  habitue demo --visitors 200
  HABITUE_PORT=9000 habitue demo
"""

from __future__ import annotations

import argparse
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from habitue_collector.secret_keys import assignment_salt, signing_keys
from habitue_collector.settings import DEMO_KEY, DEMO_SECRET_KEY, Settings, variable

from .. import log, source
from ..checkout import demo_shop
from ..errors import CommandError
from ..supervisor import Child, Supervisor

READY_SECONDS = 8.0  # a model is live within two; without one the shop answers, too, and says so at /readyz


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data directory; default .habitue")
    parser.add_argument("--port", type=int, help="port; default 8000 or HABITUE_PORT")
    parser.add_argument(
        "--visitors",
        type=int,
        default=0,
        metavar="N",
        help="then keep N simulated shoppers in it at a time, made from held-out real baskets",
    )


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    log.speak("demo")
    environ = dict(environ)
    if arguments.data is not None:
        environ[variable("data", "folder")] = str(arguments.data)
    if arguments.port is not None:
        environ[variable("server", "port")] = str(arguments.port)
    if arguments.visitors < 0:
        raise CommandError("--visitors is how many come, 0 or more")
    demo_shop()  # says at once when it is not there
    settings = source.load_demo(environ)
    data = settings.data.folder
    if (data / "redis").exists() and not source.is_demo(data):
        raise CommandError(
            f"{data} holds another installation's data; give the demo its own folder with --data"
        )
    signing_keys(data)
    assignment_salt(data)
    (data / source.DEMO_MARK).touch()
    words = ["--data", str(data.resolve()), "--demo"]
    tasks = [Child("prepare", "prepare", [], once=True)]
    helpers = (
        [Child("visitors", "visitors", ["--count", str(arguments.visitors)], once=True)]
        if arguments.visitors
        else []
    )

    def announce(url: str) -> None:
        # In a thread: the supervisor watches its children meanwhile.
        def welcome() -> None:
            _until_ready(url, settings.server.workers)
            print(_welcome(url, settings), flush=True)

        threading.Thread(target=welcome, daemon=True).start()

    return Supervisor(settings, words, environ, tasks, helpers, on_ready=announce).run()


def _until_ready(url: str, workers: int) -> None:
    """Until offers come from the model, whichever worker is asked; whoever reads "ready" tries it at once."""
    deadline, good = time.monotonic() + READY_SECONDS, 0
    here = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while good < 4 * max(workers, 1) and time.monotonic() < deadline:
        try:
            with here.open(f"{url}/readyz", timeout=5):
                good += 1
        except OSError:  # 503 among them
            good = 0
            time.sleep(0.2)


def _welcome(url: str, settings: Settings) -> str:
    lines = {
        "The shop": f"{url}/",
        "The console": f"{url}/console",
        "API description": f"{url}/openapi.json",
        "Write key": DEMO_KEY,
        "Secret key": DEMO_SECRET_KEY,
        "Data": str(settings.data.folder),
    }
    width = max(map(len, lines))
    told = "\n".join(f"  {name:<{width}}  {value}" for name, value in lines.items())
    return f"\nReady on {url}\n\n{told}\n\nCtrl-C stops everything.\n"
