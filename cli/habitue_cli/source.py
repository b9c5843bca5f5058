"""Where a command's settings come from, and how its children get the same ones."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from habitue_collector.settings import Settings, demo_settings

DEMO_FOLDER = Path(".habitue-demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--data`, the same in every verb."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings; default ./habitue.toml if there"
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data directory; overrides [data] folder")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)


def load(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """The settings that the arguments mean; raises SettingsError."""
    if arguments.data is not None:
        environ = {**environ, "HABITUE_DATA_FOLDER": str(arguments.data)}
    if arguments.demo:
        return Settings.load(environ, base=demo_settings(DEMO_FOLDER))
    return Settings.load(environ, arguments.config)


def arguments_for_children(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    """The same settings for a process with another working directory."""
    words = ["--data", str(settings.data.folder.resolve())]
    if arguments.config is not None:
        words += ["--config", str(arguments.config.resolve())]
    if arguments.demo:
        words.append("--demo")
    return words
