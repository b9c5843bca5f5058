"""A condition as a tree. Pure.

Every node knows where in the text it stands (`at`, `length`), which does not count when two are compared:
equal trees mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce

from habitue_recommender.conditions.fields import ANY, BOOL, LIST, NULL, NUMBER, TEXT, Field, Source, Type

Scalar = str | float | int | bool | None


class Operator(StrEnum):
    OR = "||"
    AND = "&&"
    NOT = "!"
    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    MORE = ">"
    MORE_OR_EQUAL = ">="
    IN = "in"
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    BY = "/"


COMPARISONS = frozenset(
    {
        *(Operator.EQUAL, Operator.UNEQUAL, Operator.IN),
        *(Operator.LESS, Operator.LESS_OR_EQUAL, Operator.MORE, Operator.MORE_OR_EQUAL),
    }
)
NOTHING_READ: frozenset[Source] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    at: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    @property
    def type(self) -> Type:
        return BOOL

    @property
    def children(self) -> tuple[Node, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Scalar

    @property
    def type(self) -> Type:
        if self.value is None:
            return NULL
        if isinstance(self.value, bool):
            return BOOL
        return TEXT if isinstance(self.value, str) else NUMBER


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`["a", "b"]`: literals of one type."""

    items: tuple[Literal, ...]

    @property
    def type(self) -> Type:
        return LIST

    @property
    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a name: `.brand`, or `["brand"]` when `quoted`."""

    text: str
    at: int = field(compare=False)
    length: int = field(compare=False)
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name as it was written; the check makes a `Read` of it."""

    parts: tuple[Part, ...]

    @property
    def type(self) -> Type:
        return ANY

    @property
    def text(self) -> str:
        first, *rest = self.parts
        return first.text + "".join(f'["{one.text}"]' if one.quoted else f".{one.text}" for one in rest)


@dataclass(frozen=True, slots=True)
class Read(Node):
    """The value of a field; of a field that holds many, the one under `key`."""

    field: Field
    key: str | None = None

    @property
    def type(self) -> Type:
        return self.field.type if self.key is None else self.field.member_type


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`size(x)`, or `x.startsWith("a")` with x as the first argument."""

    function: str
    arguments: tuple[Node, ...]

    @property
    def type(self) -> Type:
        return {"size": NUMBER, "lower": TEXT}.get(self.function, BOOL)

    @property
    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(frozen=True, slots=True)
class Joined(Node):
    """Two or more parts that all must hold (&&), or one of them (||)."""

    operator: Operator
    parts: tuple[Node, ...]

    @property
    def children(self) -> tuple[Node, ...]:
        return self.parts


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Compare(Node):
    operator: Operator
    left: Node
    right: Node

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Sum(Node):
    """`+ - * /` of two numbers."""

    operator: Operator
    left: Node
    right: Node

    @property
    def type(self) -> Type:
        return NUMBER

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


def reads(node: Node) -> frozenset[Source]:
    """What a checked tree depends on."""
    if isinstance(node, Read):
        return node.field.reads
    return reduce(frozenset.union, (reads(child) for child in node.children), NOTHING_READ)


def walk(node: Node) -> list[Node]:
    """All nodes, each before its children."""
    found = [node]
    for child in node.children:
        found += walk(child)
    return found
