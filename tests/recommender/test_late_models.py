"""What an artifact holds beside what the first pages need."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.decisions import NOW, Scripted, ScriptedArtifact, catalog_of, visitor

from habitue_collector.consent import GRANTED
from habitue_recommender.recommender import Recommender
from habitue_recommender.settings import RecommenderSettings
from habitue_recommender.vocabulary import Vocabulary

IDS = [f"i{n}" for n in range(30)]


@dataclass
class Later(ScriptedArtifact):
    late: tuple[str, ...] = ("ranker",)
    broken: bool = False

    def bring(self, name: str) -> Any:
        if self.broken:
            raise OSError("gone")
        return Scripted(list(range(15, 30)))


def recommender(folder: Path, **told: Any) -> Recommender:
    publish(folder, "d1")

    def load(folder: Path) -> Later:
        return Later(folder.name, Vocabulary.of(IDS), {"neighbours": Scripted(list(range(15)))}, **told)

    made = Recommender(RecommenderSettings(), folder, load, lambda: NOW)
    made.reader.catalog = catalog_of(*IDS)
    made.reader.loaded = True
    return made


def publish(folder: Path, digest: str) -> None:
    (folder / "live").write_text(digest)


def shown(one: Recommender) -> set[str]:
    answer = one.answer(["pdp-related"], {"type": "home"}, visitor(views=["i29"]), GRANTED)
    return {offer["item_id"] for offer in answer["pdp-related"]["offers"]}


async def become_whole(one: Recommender) -> None:
    task = asyncio.create_task(one._keep_whole())
    async with asyncio.timeout(30):
        while one.model is None or one.model.late:
            await asyncio.sleep(0.001)
    task.cancel()


def test_the_ranker_answers_when_it_is_there_and_its_source_until_then(tmp_path: Path) -> None:
    one = recommender(tmp_path)
    assert asyncio.run(one.swap_model())
    assert {"i0", "i9"} <= shown(one)
    asyncio.run(become_whole(one))
    assert {"i15", "i24"} <= shown(one)


def test_one_that_cannot_be_brought_leaves_the_others_to_answer(tmp_path: Path) -> None:
    one = recommender(tmp_path, broken=True)
    assert asyncio.run(one.swap_model())
    asyncio.run(become_whole(one))
    assert {"i0", "i9"} <= shown(one)


def test_the_next_model_is_whole_when_the_one_before_it_was(tmp_path: Path) -> None:
    one = recommender(tmp_path)
    asyncio.run(one.swap_model())
    publish(tmp_path, "d2")
    asyncio.run(one.swap_model())
    assert one.model is not None
    assert one.model.late, "the first start waits for no kernels"
    asyncio.run(become_whole(one))
    publish(tmp_path, "d3")
    asyncio.run(one.swap_model())
    assert one.digest == "d3"
    assert {"i15", "i24"} <= shown(one), "nobody sees the lists of neighbours in between"
