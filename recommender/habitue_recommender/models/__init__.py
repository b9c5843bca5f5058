"""The models, by name."""

from habitue_recommender.models.base import Fitting, Model, Query, Ranked
from habitue_recommender.models.factors import Factors
from habitue_recommender.models.item_item import ItemItem
from habitue_recommender.models.neighbours import Neighbours
from habitue_recommender.models.popular import Popular
from habitue_recommender.models.together import Together

MODELS: dict[str, type[Model]] = {
    model.name: model for model in (Neighbours, ItemItem, Factors, Together, Popular)
}

__all__ = [
    "MODELS",
    "Factors",
    "Fitting",
    "ItemItem",
    "Model",
    "Neighbours",
    "Popular",
    "Query",
    "Ranked",
    "Together",
]
