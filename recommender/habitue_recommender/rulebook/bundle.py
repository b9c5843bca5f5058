"""Many documents at once, as an import brings them and an export takes them away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from habitue_recommender.rulebook.documents import KINDS, MAX_DOCUMENTS, is_id
from habitue_recommender.rulebook.mistakes import Mistake, Mistakes

NO_ID = "An id has small letters, digits and hyphens, up to 64."
STAMPS = frozenset({"version", "author", "at", "change_note", "deleted", "effective", "origin"})
"""What answers say beside a body, and no body has: sent back with an edited document, it is left out."""

Place = tuple[str, str]  # kind, id


class BundleMistakes(ValueError):  # the word of the house, not ...Error
    """What is wrong with the documents of an import, by "rules/<id>" ("rules/#3" for one without id)."""

    def __init__(self, documents: Mapping[str, Mistakes]) -> None:
        self.documents = dict(documents)
        said = (f"{place}: {mistakes}" for place, mistakes in self.documents.items())
        super().__init__("; ".join(said))

    def to_public(self) -> list[dict[str, Any]]:
        return [
            {"document": place, **mistake.to_public()}
            for place, mistakes in self.documents.items()
            for mistake in mistakes
        ]


def place_of(kind: str, document_id: str) -> str:
    """Where a document lies in the API and in a folder: "rules/sale"."""
    return f"{KINDS[kind]}/{document_id}"


def body_of(raw: object) -> Mapping[str, Any]:
    """A document without what answers add to it. Raises Mistakes when it is no object."""
    if not isinstance(raw, Mapping):
        raise Mistakes([Mistake("", "A document is a JSON object.")])
    return {str(name): value for name, value in raw.items() if name not in STAMPS}


def read_bundle(bundle: object) -> dict[Place, Mapping[str, Any]]:
    """The bodies of an import (`{"rules": […], …}`) by place. Raises BundleMistakes."""
    if not isinstance(bundle, Mapping):
        message = f"An import is a JSON object with {', '.join(KINDS.values())}."
        raise BundleMistakes({"": Mistakes([Mistake("", message)])})
    wanted: dict[Place, Mapping[str, Any]] = {}
    found: dict[str, list[Mistake]] = {}
    for kind, plural in KINDS.items():
        documents = bundle.get(plural)
        if documents is None:
            continue
        if not isinstance(documents, list | tuple):
            found[plural] = [Mistake("", f"{plural} is a list of documents.")]
            continue
        if len(documents) > MAX_DOCUMENTS:
            found[plural] = [Mistake("", f"There is room for {MAX_DOCUMENTS:,} documents.")]
            continue
        for number, raw in enumerate(documents):
            place = f"{plural}/#{number}"
            try:
                body = body_of(raw)
            except Mistakes as mistakes:
                found[place] = list(mistakes)
                continue
            document_id = body.get("id")
            if not isinstance(document_id, str) or not is_id(document_id):
                found[place] = [Mistake("id", NO_ID)]
            elif (kind, document_id) in wanted:
                found.setdefault(place_of(kind, document_id), []).append(
                    Mistake("id", "This id is there twice.")
                )
            else:
                wanted[kind, document_id] = body
    if found:
        raise BundleMistakes({place: Mistakes(mistakes) for place, mistakes in found.items()})
    return wanted
