"""Where a command's settings come from, and how its children get the same ones."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from habitue_collector.settings import Settings, demo_settings, variable

DEMO_MARK = "demo"  # a file in the data folder of a demo: other commands over it know its keys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--data`, the same in every verb."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings; default ./habitue.toml if there"
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data directory; overrides [data] folder")
    parser.add_argument("--demo", action="store_true", help=argparse.SUPPRESS)


def load(arguments: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """The settings that the arguments mean; raises SettingsError.

    A folder that the demo made is used with the demo's settings, unless a file is named.
    """
    if arguments.data is not None:
        environ = {**environ, variable("data", "folder"): str(arguments.data)}
    if arguments.demo:
        return load_demo(environ)
    settings = Settings.load(environ, arguments.config)
    if arguments.config is None and is_demo(settings.data.folder):
        return load_demo({**environ, variable("data", "folder"): str(settings.data.folder)})
    return settings


def load_demo(environ: Mapping[str, str]) -> Settings:
    return Settings.load(environ, base=demo_settings(Settings().data.folder))


def is_demo(data: Path) -> bool:
    return (data / DEMO_MARK).exists()


def arguments_for_children(arguments: argparse.Namespace, settings: Settings) -> list[str]:
    """The same settings for a process with another working directory."""
    words = ["--data", str(settings.data.folder.resolve())]
    if arguments.config is not None:
        words += ["--config", str(arguments.config.resolve())]
    if settings.demo:
        words.append("--demo")
    return words
