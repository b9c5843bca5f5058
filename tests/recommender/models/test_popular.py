from support.archives import START, Archive
from support.shoppers import sessions

from habitue_recommender.models import Fitting, Popular, Query
from habitue_recommender.models.popular import PopularSettings
from habitue_recommender.training.interactions import from_archive

DAY = 86_400_000


def listed(data, ranked) -> str:
    return "".join(data.vocabulary.item_id(item) for item in ranked.items)


def fit(data) -> Popular:
    return Popular.fit(data, PopularSettings(), Fitting())


def test_what_more_people_looked_at_comes_first(tmp_path) -> None:
    data = sessions(tmp_path, "ab", "b", "bc", "c")
    assert listed(data, fit(data).score(Query())) == "bca"


def test_nobody_makes_an_item_popular_alone(tmp_path) -> None:
    data = sessions(tmp_path, "aaaaaaaa", "b", "b")
    assert listed(data, fit(data).score(Query())) == "ba"


def test_a_purchase_counts_more_than_a_view(tmp_path) -> None:
    data = from_archive(Archive(tmp_path).buys("o1", "b").views("s1", "a").views("s2", "a").write())
    assert listed(data, fit(data).score(Query())) == "ba"


def test_a_category_has_its_own_list_and_so_has_the_one_above_it(tmp_path) -> None:
    archive = (
        Archive(tmp_path).views("s1", "a", category="Shoes/Trail").views("s1", "b", category="Shoes/Road")
    )
    data = from_archive(archive.views("s1", "c", category="Hats").views("s2", "b").views("s3", "c").write())
    model = fit(data)
    assert listed(data, model.score(Query(category="Shoes/Trail"))) == "a"
    assert listed(data, model.score(Query(category="Shoes"))) == "ba"
    assert listed(data, model.score(Query(category="Shoes/Trail/Men"))) == "a"
    assert listed(data, model.score(Query(category="Garden"))) == "cba"


def test_old_fame_fades(tmp_path) -> None:
    archive = Archive(tmp_path)
    for number in range(3):
        archive.views(f"old{number}", "a", timestamp=START - 100 * DAY)
    data = from_archive(archive.views("new", "b").write())
    assert listed(data, fit(data).score(Query())) == "ba"
    assert listed(data, fit(data).this_week(10)) == "b"
