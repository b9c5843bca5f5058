"""The last to come: the demo is stopped, and started again with visitors, and without its model."""

from __future__ import annotations

import time

import pytest
from support.guests import Guest
from support.serving import Serving, until

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]

SOON_SECONDS = 30.0  # a few seconds on a machine that has nothing else to do


def test_a_second_start_takes_seconds_and_a_missing_model_spoils_nothing(demo: Serving) -> None:
    demo.__exit__()
    models = demo.data / "models"
    models.rename(demo.data / "models.away")
    again = Serving(demo.data, arguments=("demo", "--visitors", "3"))
    began = time.monotonic()
    with again:
        assert time.monotonic() - began < SOON_SECONDS
        with Guest(again.address) as guest:
            told = guest.asks("home-hero", "home-popular", "category-top", page={"type": "home"})["slots"]
            for slot, answer in told.items():
                assert answer["offers"], slot
            assert {answer["model"] for answer in told.values()} == {"none"}
            assert again.get("/readyz") == 503
            until(lambda: "visitors ·" in again.log(), "simulated visitors come")
            models.rename(demo.data / "models.empty") if models.exists() else None
            (demo.data / "models.away").rename(models)
            until(lambda: again.get("/readyz") == 200, "the model that came back is live")
            # The other worker looks for it once a second, too.
            until(
                lambda: guest.asks("home-hero")["slots"]["home-hero"]["model"] != "none",
                "the model that came back answers",
            )
        assert "visitors went home" not in again.log()
