"""The language of conditions, for rules and segments: `visitor.orders.count >= 3 && item.price < 50`.

A subset of CEL. `parse` makes of a text a `Condition` that is tested in some hundred nanoseconds. Every
field and operator is in `docs/conditions.md`. Pure.
"""

from __future__ import annotations

from habitue_recommender.conditions.asked import Asked
from habitue_recommender.conditions.complete import Completion, complete
from habitue_recommender.conditions.condition import Condition, Split, Test, matching, parse
from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.fields import FIELDS, Field, Source, Type
from habitue_recommender.conditions.form import Form, Group, Row, from_form, to_form
from habitue_recommender.conditions.why import Finding, why

__all__ = [
    "FIELDS",
    "Asked",
    "Completion",
    "Condition",
    "ConditionError",
    "Field",
    "Finding",
    "Form",
    "Group",
    "Row",
    "Source",
    "Split",
    "Test",
    "Type",
    "complete",
    "from_form",
    "matching",
    "parse",
    "to_form",
    "why",
]
