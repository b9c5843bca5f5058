"""Made-up visitors: ready ones for any shop and the shop's own, to try rules on."""

from __future__ import annotations

from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from habitue_recommender.explain.made_up import DEVICES, Persona, ready
from habitue_recommender.explain.persona_store import PersonaStore
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

from ..guard import require
from ..house import House
from ..persona_form import FIELDS, persona_of, read_form
from ..rendering import redirect, render
from ..words import N_, words

READY = (
    N_("Here for the first time"),
    N_("Nothing is known yet"),
    N_("First visit from a campaign"),
    N_("Came a minute ago by “spring-sale”, on a phone"),
    N_("Looks around right now"),
    N_("Third visit, four items looked at in this one"),
    N_("Regular customer"),
    N_("Four orders in three months, logged in, looked at something yesterday"),
    N_("Someone with a full cart"),
    N_("Five items in the cart, not ordered yet"),
    N_("Away for 60 days"),
    N_("Bought once, was gone for two months, has just come back"),
)
"""Names and notes of `made_up.ready`, for the translators."""
DEVICE_NAMES = {"": N_("any"), "desktop": N_("computer"), "mobile": N_("phone"), "tablet": N_("tablet")}
assert set(DEVICE_NAMES) == set(DEVICES)


def ready_ones(house: House) -> tuple[Persona, ...]:
    """The ready ones, with what is popular here right now."""
    recommender = house.recommender
    if recommender is None:
        return ()
    return ready(recommender.reader.catalog, [item_id for item_id, _ in recommender.live.overall[:20]])


def routes(house: House) -> list[BaseRoute]:
    store = PersonaStore(house.redis)

    @require("viewer")
    async def listed(request: Request) -> Response:
        return render(request, "visitors/personas.html", ready=ready_ones(house), own=await store.all())

    @require("marketer")
    async def form(request: Request) -> Response:
        persona_id = request.query_params.get("id", "")
        kept = await store.get(persona_id) if persona_id else None
        if persona_id and kept is None:
            raise HTTPException(404)
        values = dict(FIELDS) if kept is None else {**FIELDS, **kept.form}
        return _form(request, persona_id, values, [])

    @require("marketer")
    async def save(request: Request) -> Response:
        said = await request.form()
        values = read_form(said)
        persona_id = str(said.get("id", "")) or f"own-{uuid4().hex[:10]}"
        try:
            if len(persona_id) > 64 or (said.get("id") and await store.get(persona_id) is None):
                raise HTTPException(404)
            persona = persona_of(persona_id, values)
            await store.save(persona, values)
        except Mistakes as mistakes:
            return _form(request, str(said.get("id", "")), values, list(mistakes), 422)
        await house.audit.note(
            request.state.me.name,
            "persona.saved",
            persona.name,
            address=getattr(request.state, "address", ""),
        )
        _ = words(request)
        return redirect(request, "/visitors/personas", _("Saved."))

    @require("marketer")
    async def delete(request: Request) -> Response:
        said = await request.form()
        persona_id = str(said.get("id", ""))
        if await store.delete(persona_id):
            await house.audit.note(
                request.state.me.name,
                "persona.deleted",
                persona_id,
                address=getattr(request.state, "address", ""),
            )
        _ = words(request)
        return redirect(request, "/visitors/personas", _("Deleted."))

    return [
        Route("/visitors/personas", listed),
        Route("/visitors/personas/edit", form),
        Route("/visitors/personas/edit", save, methods=["POST"]),
        Route("/visitors/personas/delete", delete, methods=["POST"]),
    ]


def _form(
    request: Request, persona_id: str, values: dict[str, str], mistakes: list[Mistake], status: int = 200
) -> Response:
    return render(
        request,
        "visitors/persona.html",
        status=status,
        id=persona_id,
        values=values,
        mistakes=mistakes,
        devices={key: words(request)(name) for key, name in DEVICE_NAMES.items()},
        fields=tuple(FIELDS),
    )
