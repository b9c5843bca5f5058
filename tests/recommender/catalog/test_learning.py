"""What may be learnt of an item's availability, and from whom."""

from __future__ import annotations

from support.decisions import NOW, catalog_of, item

from habitue_collector.events import Event, Kind
from habitue_collector.events import Item as EventItem
from habitue_recommender.catalog.catalog import DAY
from habitue_recommender.catalog.learning import Learner
from habitue_recommender.settings import RecommenderSettings

LAMP = "https://shop.example/lamp"


def view(network: str | None = "n1", availability: str = "out_of_stock") -> Event:
    spoken = EventItem("lamp", name="Lamp", price=20.0, url=LAMP, availability=availability)
    context = {} if network is None else {"network": network}
    name = "Product Viewed"
    return Event("e1", Kind.PRODUCT_VIEW, name, NOW, NOW, items=[spoken], currency="EUR", context=context)


def test_nobody_takes_an_item_off_the_offers_alone() -> None:
    known = item("lamp", name="Lamp", verified=False, price=20.0, url=LAMP, updated_at=NOW - DAY)
    noon = NOW // DAY * DAY + DAY // 2
    learner = Learner(RecommenderSettings(hosts=("shop.example",)))

    def learnt(event: Event, now: int, *, server: bool = False) -> list[str]:
        changes = learner.learn(event, catalog_of(known), now, server=server)
        return [one["availability"] for one in changes if "availability" in one]

    # One network, on two days; and one that is not known.
    assert [learnt(view(), noon + n * 3_600_000) for n in (0, 1, 2, 24, 25)] == [[]] * 5
    assert learnt(view(None), noon + DAY) == []
    learnt(view("n2", "in_stock"), noon + DAY)  # who has just seen it there takes back what was said before
    assert learnt(view("n2"), noon + DAY) == []
    assert learnt(view(), noon + DAY + 7_200_000) == ["out_of_stock"]
    learner = Learner(RecommenderSettings(hosts=("shop.example",)))
    assert learnt(view(None), noon, server=True) == ["out_of_stock"]
