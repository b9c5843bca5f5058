"""Interactions small enough to see the right answer."""

from __future__ import annotations

from pathlib import Path

from habitue_recommender.training.interactions import Interactions, from_sessions

_MINUTE = 60_000
_START = 1_767_225_600_000  # 2026-01-01


def sessions(folder: Path, *walks: str, event: str = "product_view", visitors: str = "") -> Interactions:
    """One session per text, an item per letter: `sessions(tmp_path, "ab", "abc")`, an hour apart.

    `visitors` names who walked, a letter per session.
    """
    return from_sessions(sessions_file(folder, *walks, event=event, visitors=visitors))


def sessions_file(
    folder: Path, *walks: str, event: str = "product_view", visitors: str = "", name: str = "sessions.csv"
) -> Path:
    path = folder / name
    lines = ["session_id,item_id,timestamp,event" + (",visitor_id" if visitors else "")]
    for number, walk in enumerate(walks):
        who = f",{visitors[number]}" if visitors else ""
        lines += [
            f"s{number:05},{item},{_START + number * 60 * _MINUTE + step * _MINUTE},{event}{who}"
            for step, item in enumerate(walk)
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def checkerboard(folder: Path, size: int = 20, visitors: bool = False) -> Interactions:
    """Even shoppers like even items, odd ones odd items, all but one each (implicit's test matrix)."""
    letters = "abcdefghijklmnopqrstuvwxyz"[:size]
    walks = ["".join(letters[i] for i in range(w % 2, size, 2) if i != w) for w in range(size)]
    return sessions(folder, *walks, visitors=letters if visitors else "")
