"""From the words of a condition to its tree: recursive descent, precedence as in CEL. Pure.

condition  = and { "||" and }
and        = relation { "&&" relation }
relation   = sum [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" ) sum ]
sum        = product { ( "+" | "-" ) product }
product    = unary { ( "*" | "/" ) unary }
unary      = ( "!" | "-" ) unary | member
member     = primary { "." name [ "(" [ condition { "," condition } ] ")" ] | "[" text "]" }
primary    = name [ "(" … ")" ] | text | number | "true" | "false" | "null" | "(" condition ")" | list
"""

from __future__ import annotations

from habitue_recommender.conditions.errors import ConditionError
from habitue_recommender.conditions.tokens import MAX_LENGTH, Kind, Token, tokens
from habitue_recommender.conditions.tree import (
    COMPARISONS,
    Call,
    Compare,
    Joined,
    ListOf,
    Literal,
    Name,
    Node,
    Not,
    Operator,
    Part,
    Scalar,
    Sum,
)
from habitue_recommender.conditions.write import write

MAX_NODES = 200
MAX_DEPTH = 20
MAX_LIST = 500

_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_SPELT_CONSTANTS = {"none": "null", "nil": "null", "undefined": "null"} | {word: word for word in _CONSTANTS}
_WORDS = {  # operators of other languages, at the place of an operator
    "and": "&&",
    "or": "||",
    "und": "&&",
    "oder": "||",
    "is": "==",
    "eq": "==",
    "equals": "==",
    "ne": "!=",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
}
_METHODS = {"contains": "contains", "startswith": "startsWith", "endswith": "endsWith"}
_COMPARED = {one.value: one for one in COMPARISONS}


def grow(text: str) -> Node:
    """The tree of a text, its names not yet looked up. Raises ConditionError."""
    if not isinstance(text, str):
        raise ConditionError("not_text", 0, 0)
    if len(text) > MAX_LENGTH:
        values = {"most": MAX_LENGTH, "length": len(text)}
        raise ConditionError("too_long", MAX_LENGTH, len(text) - MAX_LENGTH, "", values)
    if not text.strip():
        raise ConditionError("empty", 0, 0)
    return _Grammar(tokens(text)).whole()


class _Grammar:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._place = 0
        self._nodes = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._here.kind is not Kind.END:
            raise self._left_over()
        return node

    # ---- rules -----------------------------------------------------------------------------------

    def _either(self) -> Node:
        self._deeper()
        node = self._joined(Operator.OR)
        self._depth -= 1
        return node

    def _joined(self, operator: Operator) -> Node:
        parts = [self._part(operator)]
        while self._takes(operator.value):
            parts.append(self._part(operator))
        if len(parts) == 1:
            return parts[0]
        return self._made(Joined(operator, tuple(parts), **_span(parts[0], parts[-1])))

    def _part(self, operator: Operator) -> Node:
        return self._joined(Operator.AND) if operator is Operator.OR else self._relation()

    def _relation(self) -> Node:
        left = self._sum()
        operator = self._comparison()
        if operator is None:
            return left
        right = self._sum()
        node = self._made(Compare(operator, left, right, **_span(left, right)))
        if (again := self._here).kind is Kind.SIGN and again.text in _COMPARED:
            meant = f"&& {write(right)} {again.text}"
            raise ConditionError("chained_comparison", again.at, len(again.text), meant)
        return node

    def _comparison(self) -> Operator | None:
        word = self._here
        operator = _COMPARED.get(word.text) if word.kind in (Kind.SIGN, Kind.NAME) else None
        if operator is not None:
            self._place += 1
        return operator

    def _sum(self) -> Node:
        return self._chain((Operator.PLUS, Operator.MINUS))

    def _chain(self, operators: tuple[Operator, ...]) -> Node:
        products = Operator.PLUS in operators
        node = self._chain((Operator.TIMES, Operator.BY)) if products else self._unary()
        longer = 0
        while operator := next((one for one in operators if self._takes(one.value)), None):
            self._deeper()  # a chain of sums is a tree that leans to the left
            longer += 1
            right = self._chain((Operator.TIMES, Operator.BY)) if products else self._unary()
            node = self._made(Sum(operator, node, right, **_span(node, right)))
        self._depth -= longer
        return node

    def _unary(self) -> Node:
        word = self._here
        if self._takes("!"):
            self._deeper()
            operand = self._unary()
            self._depth -= 1
            length = operand.at + operand.length - word.at
            return self._made(Not(operand, at=word.at, length=length))
        if self._takes("-"):
            number = self._here
            if number.kind is Kind.NUMBER and not isinstance(number.value, str):
                self._place += 1
                return self._made(Literal(-number.value, at=word.at, length=number.end - word.at))
            self._deeper()
            operand = self._unary()
            self._depth -= 1
            zero = self._made(Literal(0, at=word.at, length=0))
            length = operand.at + operand.length - word.at
            return self._made(Sum(Operator.MINUS, zero, operand, at=word.at, length=length))
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        deeper = 0
        while True:
            if self._is("."):
                self._place += 1
                word = self._here
                if word.kind is not Kind.NAME:
                    raise self._expected("a name")
                self._place += 1
                if self._is("("):
                    self._deeper()
                    deeper += 1
                    node = self._call(word, node)
                elif isinstance(node, Name):
                    node = _longer(node, Part(word.text, word.at, len(word.text)))
                else:
                    raise self._left_over(word)
            elif self._is("[") and isinstance(node, Name):
                self._place += 1
                word = self._here
                if word.kind is not Kind.TEXT:
                    raise self._expected('a text in quotes, like ["color"]')
                self._place += 1
                close = self._here
                self._must("]")
                node = _longer(node, Part(str(word.value), word.at, len(word.text), True), close.end)
            else:
                self._depth -= deeper
                return node

    def _primary(self) -> Node:
        word = self._here
        span = {"at": word.at, "length": len(word.text)}
        if word.kind in (Kind.TEXT, Kind.NUMBER):
            self._place += 1
            return self._made(Literal(word.value, **span))
        if word.kind is Kind.NAME:
            return self._name(word)
        if self._takes("("):
            node = self._either()
            self._must(")")
            return node
        if self._is("["):
            return self._list()
        raise self._expected("a field, a text or a number")

    def _name(self, word: Token) -> Node:
        span = {"at": word.at, "length": len(word.text)}
        lowered = word.text.lower()
        follows = self._words[self._place + 1]
        if word.text in _CONSTANTS:
            self._place += 1
            return self._made(Literal(_CONSTANTS[word.text], **span))
        if lowered == "not" and follows.kind is not Kind.END and follows.text not in (".", "["):
            values = {"found": word.text, "meant": "!"}
            raise ConditionError("write_operator", word.at, follows.at - word.at, "!", values)
        if lowered in _SPELT_CONSTANTS and follows.text not in (".", "[", "("):
            meant = _SPELT_CONSTANTS[lowered]
            values = {"found": word.text, "meant": meant}
            raise ConditionError("write_operator", word.at, len(word.text), meant, values)
        if word.text == "in":
            raise self._expected("a field, a text or a number")
        self._place += 1
        if self._is("("):
            return self._call(word, None)
        return self._made(Name((Part(word.text, word.at, len(word.text)),), **span))

    def _call(self, word: Token, of: Node | None) -> Node:
        self._must("(")
        arguments = [] if of is None else [of]
        if not self._is(")"):
            arguments.append(self._either())
            while self._takes(","):
                arguments.append(self._either())
        close = self._here
        self._must(")")
        at = word.at if of is None else of.at
        name = word.text if of is None else f".{word.text}"
        return self._made(Call(name, tuple(arguments), at=at, length=close.end - at))

    def _list(self) -> Node:
        start = self._here
        self._must("[")
        items: list[Literal] = []
        while not self._is("]"):
            items.append(self._entry())
            if len(items) > MAX_LIST:
                raise ConditionError(
                    "list_too_long", start.at, items[-1].at - start.at, "", {"most": MAX_LIST}
                )
            if not self._takes(","):
                break
        close = self._here
        self._must("]")
        return self._made(ListOf(tuple(items), at=start.at, length=close.end - start.at))

    def _entry(self) -> Literal:
        word = self._here
        minus = self._takes("-")
        number = self._here
        if number.kind is Kind.NUMBER and not isinstance(number.value, str):
            self._place += 1
            value = -number.value if minus else number.value
            return Literal(value, at=word.at, length=number.end - word.at)
        if word.kind is Kind.TEXT:
            self._place += 1
            return Literal(word.value, at=word.at, length=len(word.text))
        if word.kind is Kind.END:
            raise self._expected("]")
        meant = f'"{word.text}"' if word.kind is Kind.NAME else ""
        raise ConditionError("list_of_literals", word.at, len(word.text), meant)

    # ---- words -----------------------------------------------------------------------------------

    @property
    def _here(self) -> Token:
        return self._words[self._place]

    def _is(self, sign: str) -> bool:
        word = self._words[self._place]
        return word.kind is Kind.SIGN and word.text == sign

    def _takes(self, sign: str) -> bool:
        if self._is(sign):
            self._place += 1
            return True
        return False

    def _must(self, sign: str) -> None:
        if not self._takes(sign):
            word = self._here
            # What stands behind a whole part is a matter of joining, not of closing.
            raise self._expected(sign) if word.kind in (Kind.END, Kind.SIGN) else self._left_over()

    # ---- limits and mistakes ---------------------------------------------------------------------

    def _made(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ConditionError("too_many_parts", node.at, node.length, "", {"most": MAX_NODES})
        return node

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            word = self._here
            raise ConditionError("too_deep", word.at, len(word.text), "", {"most": MAX_DEPTH})

    def _expected(self, expected: str) -> ConditionError:
        word = self._here
        if word.kind is Kind.END:
            return ConditionError("expected_at_end", word.at, 0, "", {"expected": expected})
        values = {"expected": expected, "found": word.text[:40]}
        return ConditionError("expected", word.at, len(word.text), "", values)

    def _left_over(self, word: Token | None = None) -> ConditionError:
        """Something stands where an operator should be: often one of another language."""
        word = word or self._here
        lowered, length = word.text.lower(), len(word.text)
        follows = self._words[min(self._words.index(word) + 1, len(self._words) - 1)]
        if word.kind is Kind.NAME:
            if lowered == "is" and follows.text.lower() == "not":
                lowered, length = "ne", follows.end - word.at
            if lowered in _WORDS:
                meant = _WORDS[lowered]
                values = {"found": word.text, "meant": meant}
                return ConditionError("write_operator", word.at, length, meant, values)
            if lowered == "in":
                return ConditionError(
                    "write_operator", word.at, length, "in", {"found": word.text, "meant": "in"}
                )
            if lowered in _METHODS and follows.kind is Kind.TEXT:
                before = self._words[self._words.index(word) - 1]
                meant = f".{_METHODS[lowered]}({follows.text})"
                return ConditionError(
                    "write_operator",
                    before.end,
                    follows.end - before.end,
                    meant,
                    {"found": word.text, "meant": meant},
                )
        joins = word.kind is not Kind.SIGN or word.text == "("
        meant = f"&& {word.text}" if joins else ""
        return ConditionError("left_over", word.at, max(1, length), meant, {"found": word.text[:40]})


def _span(first: Node, last: Node) -> dict[str, int]:
    return {"at": first.at, "length": last.at + last.length - first.at}


def _longer(name: Name, part: Part, end: int | None = None) -> Name:
    end = part.at + part.length if end is None else end
    return Name((*name.parts, part), at=name.at, length=end - name.at)
