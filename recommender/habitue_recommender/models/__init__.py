"""The models, by name."""

from habitue_recommender.models.accessories import Accessories
from habitue_recommender.models.base import Fitting, Model, Query, Ranked
from habitue_recommender.models.embeddings import Embeddings
from habitue_recommender.models.factors import Factors
from habitue_recommender.models.item_item import ItemItem
from habitue_recommender.models.neighbours import Neighbours
from habitue_recommender.models.popular import Popular
from habitue_recommender.models.ranker import Blend, Ranker
from habitue_recommender.models.repeats import Repeats
from habitue_recommender.models.repurchase import Repurchase
from habitue_recommender.models.second_hand import SecondHand
from habitue_recommender.models.sequences import Sequences
from habitue_recommender.models.together import Together

MODELS: dict[str, type[Model]] = {
    model.name: model
    for model in (
        *(Neighbours, ItemItem, SecondHand, Sequences, Repeats, Embeddings),
        *(Factors, Together, Popular, Repurchase, Accessories),
        *(Blend, Ranker),
    )
}
TRAINED = (
    "neighbours",
    "item_item",
    "sequences",
    "factors",
    "together",
    "popular",
    "repurchase",
    "accessories",
    "ranker",
)
"""What an artifact holds, in an order in which the later ones can read the earlier ones."""

__all__ = [
    "MODELS",
    "TRAINED",
    "Accessories",
    "Blend",
    "Embeddings",
    "Factors",
    "Fitting",
    "ItemItem",
    "Model",
    "Neighbours",
    "Popular",
    "Query",
    "Ranked",
    "Ranker",
    "Repeats",
    "Repurchase",
    "SecondHand",
    "Sequences",
    "Together",
]
