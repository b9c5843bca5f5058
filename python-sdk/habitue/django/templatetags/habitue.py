"""`{% load habitue %}`: the tag, slots with their offers in them, and the offers themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.formats import number_format
from django.utils.safestring import SafeString, mark_safe

from habitue.django.conf import get_client, get_site
from habitue.offers import OfferLike, Offers
from habitue.rendering import slot_html, tag_html
from habitue.visit import current_visit

register = template.Library()


@register.simple_tag(takes_context=True)
def habitue_tag(
    context: Context, nonce: str | None = None, traits: Mapping[str, Any] | None = None
) -> SafeString:
    """The tag, for the `<head>`."""
    html = tag_html(get_site()[0], current_visit(), nonce=_nonce(context, nonce), traits=traits)
    return mark_safe(html)  # every part of it was escaped where it was put in


@register.simple_tag(takes_context=True)
def habitue_slot(
    context: Context,
    slot: str,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    template: str | None = None,
    deadline: float | None = None,
    fallback: Iterable[OfferLike] | None = None,
    nonce: str | None = None,
) -> SafeString:
    """A slot with the visitor's offers in it. `template` makes their HTML, from `offers` and `slot`."""
    offers = habitue_offers(slot, item, category, page_type, deadline, fallback)
    cards = None
    if template is not None and offers:
        names: dict[str, Any] = dict(context.flatten().items())  # type: ignore[arg-type]  # names are text
        cards = render_to_string(template, names | {"offers": offers, "slot": slot})
    html = slot_html(
        get_site()[0],
        current_visit(),
        slot,
        offers,
        item=item,
        category=category,
        cards=cards,
        nonce=_nonce(context, nonce),
        money=_money,
    )
    return mark_safe(html)


@register.simple_tag
def habitue_offers(
    slot: str,
    item: str | int | None = None,
    category: str | None = None,
    page_type: str | None = None,
    deadline: float | None = None,
    fallback: Iterable[OfferLike] | None = None,
) -> Offers:
    """The offers alone: `{% habitue_offers "pdp" item=sku as offers %}`."""
    return get_client().offers(
        slot,
        item_id=item,
        category=category,
        page_type=page_type,
        deadline=deadline,
        fallback=fallback,
    )


def _nonce(context: Context, given: str | None) -> str | None:
    """That of the page's Content-Security-Policy, by Django's own middleware or by django-csp."""
    if given:
        return given
    request = context.get("request")
    found = context.get("csp_nonce") or getattr(request, "csp_nonce", None)
    return str(found) if found else None


def _money(amount: float, currency: str) -> str:
    """As the page's language writes numbers."""
    return f"{number_format(amount, 2, use_l10n=True, force_grouping=True)} {currency}".strip()
