"""From a tree back to text, written as the docs write it: the same tree comes of it again. Pure."""

from __future__ import annotations

from habitue_recommender.conditions.names import shown
from habitue_recommender.conditions.tree import (
    Call,
    Compare,
    Joined,
    ListOf,
    Literal,
    Name,
    Node,
    Not,
    Operator,
    Read,
    Sum,
)

_OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _MEMBER = range(7)  # how tightly a node holds together
_PRODUCTS = (Operator.TIMES, Operator.BY)


def write(node: Node) -> str:
    """The text of a tree."""
    if isinstance(node, Joined):
        tight = _OR if node.operator is Operator.OR else _AND
        return f" {node.operator.value} ".join(_inside(part, tight + 1) for part in node.parts)
    if isinstance(node, Compare):
        return f"{_inside(node.left, _SUM)} {node.operator.value} {_inside(node.right, _SUM)}"
    if isinstance(node, Sum):
        tight = _tightness(node)
        return f"{_inside(node.left, tight)} {node.operator.value} {_inside(node.right, tight + 1)}"
    if isinstance(node, Not):
        return f"!{_inside(node.operand, _UNARY)}"
    if isinstance(node, Call):
        arguments = [write(one) for one in node.arguments]
        if node.function.startswith("."):
            of = _inside(node.arguments[0], _MEMBER)
            return f"{of}{node.function}({', '.join(arguments[1:])})"
        return f"{node.function}({', '.join(arguments)})"
    if isinstance(node, ListOf):
        return f"[{', '.join(shown(one) for one in node.items)}]"
    if isinstance(node, Name):
        return node.text
    return shown(node)


def _inside(node: Node, tight: int) -> str:
    return write(node) if _tightness(node) >= tight else f"({write(node)})"


def _tightness(node: Node) -> int:
    if isinstance(node, Joined):
        return _OR if node.operator is Operator.OR else _AND
    if isinstance(node, Compare):
        return _RELATION
    if isinstance(node, Sum):
        return _PRODUCT if node.operator in _PRODUCTS else _SUM
    if isinstance(node, Not):
        return _UNARY
    if isinstance(node, Literal) and isinstance(node.value, int | float) and node.value < 0:
        return _UNARY
    assert isinstance(node, Read | Call | ListOf | Literal | Name)
    return _MEMBER
