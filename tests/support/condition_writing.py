"""Makes up conditions: texts that are right, of every field and operator."""

from __future__ import annotations

from hypothesis import strategies as st

from habitue_recommender.conditions import FIELDS, Field, Type
from habitue_recommender.conditions.tokens import quoted

_words = st.sampled_from(["Acme", "shoes", "", "Men/Shoes/Trail", "gold", "7", "0.4", "hat", "Ä\"\\'\n"])
_numbers = st.one_of(
    st.sampled_from(["0", "3", "20", "49.9", "-1", "1e3", "0.5"]),
    st.integers(-(10**9), 10**9).map(str),
    st.floats(0, 1e15, allow_nan=False).map(repr),
)
_keys = st.sampled_from(["color", "margin", "tags", "sale", "size", "plan", "points", "Shoes", "Acme", 'x"y'])


def _names(*types: Type) -> st.SearchStrategy[Field]:
    return st.sampled_from([one for one in FIELDS.values() if one.type in types])


_plain_texts = st.sampled_from(
    [
        name
        for name, one in FIELDS.items()
        if one.type in (Type.TEXT, Type.PATH)
        and not one.closed
        and name.rpartition(".")[2] not in ("country", "language", "currency")  # written one way only
    ]
)
_texts = _words.map(quoted)
_any = st.tuples(st.sampled_from(["item.attributes", "page.item.attributes", "visitor.traits"]), _keys).map(
    lambda one: f"{one[0]}[{quoted(one[1])}]"
)
_shares = st.tuples(st.sampled_from(["category", "brand"]), _keys).map(
    lambda one: f"visitor.affinity.{one[0]}[{quoted(one[1])}]"
)
_number_fields = st.one_of(_names(Type.NUMBER).map(lambda one: one.name), _shares)
_text_fields = st.one_of(_plain_texts, _plain_texts.map(lambda one: f"lower({one})"))
_lists = st.sampled_from(
    [one.name for one in FIELDS.values() if one.type is Type.LIST and one.name != "visitor.segments"]
)
_sizes = st.one_of(_lists, _plain_texts, _any, st.just("visitor.traits")).map(lambda one: f"size({one})")
_orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])

numbers = st.recursive(
    st.one_of(_number_fields, _numbers, _any, _sizes),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda one: f"({one[0]} {one[1]} {one[2]})"
    ),
    max_leaves=4,
)
_lower_words = st.sampled_from(["acme", "shoes", "7"]).map(quoted)
relations = st.one_of(
    st.tuples(numbers, _orders, numbers).map(" ".join),
    st.tuples(_plain_texts, _orders, st.one_of(_texts, _text_fields, _any)).map(" ".join),
    st.tuples(_any, _orders, st.one_of(_texts, _numbers, _any, st.sampled_from(["true", "false"]))).map(
        lambda one: " ".join(one) if one[2] not in ("true", "false") else f"{one[0]} == {one[2]}"
    ),
    st.tuples(_texts, _orders, _plain_texts).map(" ".join),
    st.tuples(st.one_of(_plain_texts, _any, _number_fields), st.sampled_from(["== null", "!= null"])).map(
        " ".join
    ),
    _names(Type.BOOL).map(lambda one: one.name),
    _any,
    st.tuples(_names(Type.BOOL), st.sampled_from(["== true", "!= true", "== false", "!= visitor.known"])).map(
        lambda one: f"{one[0].name} {one[1]}"
    ),
    st.tuples(st.one_of(_texts, _text_fields, _any), _lists).map(" in ".join),
    st.tuples(
        st.one_of(_texts, _plain_texts, _any),
        st.sampled_from(["item.category", "page.category", "page.item.category"]),
    ).map(" in ".join),
    st.tuples(
        _texts,
        st.one_of(_any, st.sampled_from(["visitor.traits", "item.attributes", "visitor.affinity.category"])),
    ).map(" in ".join),
    st.sampled_from(["vip", "shoes", "nobody"]).map(lambda one: f'"{one}" in visitor.segments'),
    st.tuples(st.one_of(_plain_texts, _any), st.lists(_texts, max_size=3)).map(
        lambda one: f"{one[0]} in [{', '.join(one[1])}]"
    ),
    st.tuples(st.one_of(_number_fields, _any), st.lists(_numbers, max_size=3)).map(
        lambda one: f"{one[0]} in [{', '.join(one[1])}]"
    ),
    st.tuples(
        st.one_of(_text_fields, _any),
        st.sampled_from(["contains", "startsWith", "endsWith"]),
        st.one_of(_texts, _plain_texts, _any),
    ).map(lambda one: f"{one[0]}.{one[1]}({one[2]})"),
    st.tuples(_plain_texts, _lower_words).map(lambda one: f"lower({one[0]}) == {one[1]}"),
    st.sampled_from(['time.date >= "2026-12-24"', 'time.weekday in ["thu"]', 'visitor.device != "mobile"']),
    st.sampled_from(['visitor.country == "DE"', 'visitor.language == "de"', "true", "false"]),
)
texts = st.recursive(
    relations,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(lambda one: f"({' && '.join(one)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda one: f"({' || '.join(one)})"),
        inner.map(lambda one: f"!({one})"),
    ),
    max_leaves=6,
)
"""Texts of conditions, every one of them right."""
