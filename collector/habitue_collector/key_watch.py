"""Notices that the keys in `<data>/keys/keys.toml` were changed, so that no process needs a restart."""

from __future__ import annotations

import logging
import os

from habitue_collector.settings import KEYS_FILE, Settings, SettingsError

logger = logging.getLogger("habitue.keys")


class KeyWatch:
    """`changed()` costs one stat: 2 µs, asked once a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.data.folder / KEYS_FILE
        self._seen: tuple[int, int, int] | None = None  # the first look reads: it may have changed meanwhile

    def changed(self) -> Settings | None:
        """The settings with the new keys, or None when the file is as it was or cannot be used."""
        mark = self._mark()
        if mark == self._seen or self._settings.demo:
            return None
        self._seen = mark
        try:
            found = self._settings.with_created_keys()
        except (SettingsError, OSError) as error:
            logger.error("the keys stay as they were: %s", error)
            return None
        if found.keys == self._settings.keys:
            return None
        self._settings = found
        logger.info("the keys were changed: there are %d now", len(self._settings.keys))
        return self._settings

    def _mark(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._path)
        except OSError:
            return 0, 0, 0
        return found.st_mtime_ns, found.st_size, found.st_ino
