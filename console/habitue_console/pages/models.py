"""Models: which one answers, how good each was, what the trainings said, and the way back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender import artifact
from habitue_recommender.training.trainings import FAILED, PUBLISHED, REFUSED, STORED, UNCHANGED
from habitue_warehouse.schema import DAY_MS

from .. import shown
from ..charts import Chart, Series, day_label, lines
from ..guard import require
from ..house import House
from ..model_figures import Models, Trained, read
from ..rendering import redirect, render
from ..training_words import told
from ..words import N_, Words, words

_CHARTED = 60
_LOGGED = 8


def routes(house: House) -> list[BaseRoute]:
    @require("viewer")
    async def page(request: Request) -> Response:
        models: Models = await house.in_thread(read, house.models)
        return render(
            request,
            "models/page.html",
            models=models,
            live=models.live,
            serving=house.recommender.digest if house.recommender is not None else "",
            charts_=_charts(house, models, words(request)),
            verdicts=VERDICTS,
            whys=WHYS,
            told=lambda note: told(note, words(request)),
            log=list(reversed(models.log))[:_LOGGED],
        )

    @require("admin")
    async def roll_back(request: Request) -> Response:
        _ = words(request)
        try:
            digest = await house.in_thread(artifact.rollback, house.models)
        except artifact.ArtifactError as error:
            raise HTTPException(409, str(error)) from error
        await house.audit.note(
            request.state.me.name, "model.rolled_back", digest, address=request.state.address
        )
        return redirect(
            request, "/models", _("%(digest)s is live again; every worker has it in a second.", digest=digest)
        )

    @require("admin")
    async def hold(request: Request) -> Response:
        _, wanted = words(request), (await request.form()).get("hold") == "1"
        live = await house.in_thread(artifact.live, house.models)
        if live is None:
            raise HTTPException(409, _("No model is live: what is popular answers."))
        await house.in_thread(artifact.pin, house.models, wanted)
        what = "model.held" if wanted else "model.let_go"
        await house.audit.note(request.state.me.name, what, live, address=request.state.address)
        said = (
            _("%(digest)s is held: trainings by themselves only store what they make.", digest=live)
            if wanted
            else _("%(digest)s may be followed by a better one.", digest=live)
        )
        return redirect(request, "/models", said)

    return [
        Route("/models", page),
        Route("/models/roll-back", roll_back, methods=["POST"]),
        Route("/models/hold", hold, methods=["POST"]),
    ]


def _charts(house: House, models: Models, _: Words) -> list[Chart]:
    """Hit rate and MRR over time: of the log of trainings, else of the artifacts that are there."""
    percent = shown.filters(_.language)["percent"]

    judged = [one for one in models.log if one.new][-_CHARTED:]
    if len(judged) > 1:
        labels = _moments([one.at for one in judged], house, _)
        return [
            lines(
                id,
                title,
                labels,
                [
                    Series(_("new one"), [one.new.get(name) for one in judged]),
                    Series(_("live one"), [one.live.get(name) for one in judged], faint=True),
                ],
                first=_("Training"),
                write=lambda value: percent(value, 1),
                from_zero=False,
                area=False,
            )
            for id, title, name in _TITLES(_)
        ]
    known: list[Trained] = [one for one in reversed(models.artifacts) if one.hit_rate is not None]
    labels = _moments([one.created_at for one in known], house, _)
    values: dict[str, list[Any]] = {
        "hit_rate@20": [one.hit_rate for one in known],
        "mrr@20": [one.mrr for one in known],
    }
    return [
        lines(
            id, title, labels, [Series(title, values[name])], first=_("Training"),
            write=lambda value: percent(value, 1), from_zero=False,
        )
        for id, title, name in _TITLES(_)
    ]  # fmt: skip


def _moments(times: list[int], house: House, _: Words) -> list[str]:
    """Days, or the time of day where they are close together."""
    if times and times[-1] - times[0] > 2 * DAY_MS:
        return [day_label(at, _.language, house.zone) for at in times]
    return [f"{datetime.fromtimestamp(at / 1_000, house.zone):%H:%M}" for at in times]


def _TITLES(_: Words) -> list[tuple[str, str, str]]:  # a table that needs the language
    return [
        ("hit-rate", _("Next item among the first twenty"), "hit_rate@20"),
        ("mrr", _("How far up it stands (MRR)"), "mrr@20"),
    ]


VERDICTS = {
    PUBLISHED: (N_("went live"), "good"),
    REFUSED: (N_("not as good as the live one"), "warn"),
    STORED: (N_("stored, not made live"), "quiet"),
    UNCHANGED: (N_("nothing new to learn"), "quiet"),
    FAILED: (N_("failed"), "bad"),
}
WHYS = {
    "by hand": N_("by hand"),
    "schedule": N_("on schedule"),
    "new data": N_("enough new data"),
    "first": N_("the first one"),
}
