"""The whole decision in plain words, step by step. Pure."""

from __future__ import annotations

from habitue_recommender.trace import Note as Note
from habitue_recommender.trace import Passed as Passed
from habitue_recommender.trace import Step as Step
from habitue_recommender.trace import Trace as Trace
