"""What changed between two versions."""

from __future__ import annotations

from habitue_console.drafts.difference import differences, words_apart


def test_every_changed_place_is_named_with_both_values():
    before = {"name": "A", "consequence": {"boost": 2, "same": ["brand"]}, "enabled": True}
    after = {"name": "B", "consequence": {"same": ["brand", "category"]}, "enabled": True, "share": 0.5}
    assert [(one.path, one.before, one.after) for one in differences(before, after)] == [
        ("name", "A", "B"),
        ("consequence.same", "brand", "brand, category"),
        ("share", None, "0.5"),
        ("consequence.boost", "2", None),
    ]


def test_rows_are_compared_one_by_one():
    before = {"pin": [{"item_id": "a", "position": 1}]}
    after = {"pin": [{"item_id": "a", "position": 2}, {"item_id": "b", "position": 1}]}
    assert [one.path for one in differences(before, after)] == [
        "pin.0.position",
        "pin.1.item_id",
        "pin.1.position",
    ]


def test_equal_bodies_differ_nowhere():
    assert differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_texts_are_compared_word_by_word():
    parts = words_apart("visitor.visits > 3", "visitor.visits > 5 && visitor.new")
    assert "".join(text for kind, text in parts if kind != "in") == "visitor.visits > 3"
    assert "".join(text for kind, text in parts if kind != "out") == "visitor.visits > 5 && visitor.new"
    assert ("out", "3") in parts
