"""Liquid conditions: `data.state == 'open' and not data.draft`, as `{% if %}` takes them, with parentheses and `not`.

A condition looks at values and does nothing: it has no filters, calls, loops or ranges, so that its time grows with the
length of the condition and of what it looks at, both of which are limited. That is why it is evaluated here, and not in
a process of its own as a template is. A variable that is not there is nil, which is Liquid's own rule.
"""

from __future__ import annotations

from uwf.errors import InputError
from uwf.workflow.template import code_of, in_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from liquid import Environment
    from liquid.builtin.expressions import BooleanExpression
    from liquid.expression import Expression

MAX_CHARS = 1000

_made: list[Environment] = []


class ConditionInvalid(InputError):
    """The condition cannot be parsed, or not be answered for these values: then its code may be `WRONG_TYPE`. The
    message tells why.
    """

    default_code = "bad_condition"


class Condition:
    """A condition that was parsed. `variables` are the names it begins its look-ups with."""

    def __init__(self, text: str) -> None:
        """Raises `ConditionInvalid`."""
        from liquid import RenderContext

        self.text = text
        self._expression = _parsed(text)
        self._context = RenderContext(_environment().from_string(""))
        self.variables = tuple(dict.fromkeys(_roots(self._expression)))

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether it is true. Raises `ConditionInvalid` where values of these types cannot be compared."""
        from liquid.exceptions import LiquidError

        self._context.scope = variables  # type: ignore[assignment]  # looked up in, and no more
        try:
            return self._expression.evaluate(self._context)
        except (LiquidError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
            raise ConditionInvalid(in_words(error, "condition"), code=code_of(error)) from error


def _parsed(text: str) -> BooleanExpression:
    from liquid.builtin.expressions import BooleanExpression, tokenize
    from liquid.builtin.expressions.primitive import RangeLiteral
    from liquid.exceptions import LiquidError
    from liquid.stream import TokenStream
    from liquid.token import TOKEN_EXPRESSION, Token

    if not text.strip():
        raise ConditionInvalid("it is empty")
    if len(text) > MAX_CHARS:
        raise ConditionInvalid(f"it has {len(text)} characters, and may have {MAX_CHARS}")
    for sign in ("{{", "{%"):
        if sign in text:
            raise ConditionInvalid(f"it is a condition already: leave out the {sign}")
    try:
        tokens = TokenStream(tokenize(text, Token(TOKEN_EXPRESSION, text, 0, text)))
        expression = BooleanExpression.parse(_environment(), tokens)
    except (LiquidError, RecursionError, ValueError) as error:
        raise ConditionInvalid(in_words(error, "condition")) from error
    if any(isinstance(each, RangeLiteral) for each in _inside(expression)):
        raise ConditionInvalid("it has a range, which could be of any length")
    return expression


def _inside(expression: Expression) -> Iterator[Expression]:
    for child in expression.children():
        yield child
        yield from _inside(child)


def _roots(expression: Expression) -> Iterator[str]:
    from liquid.builtin.expressions import Path

    for each in _inside(expression):
        if isinstance(each, Path):
            yield str(each.head())


def _environment() -> Environment:
    if not _made:
        from liquid import Environment

        class Conditions(Environment):
            logical_not_operator = True
            logical_parentheses = True

        _made.append(Conditions())
    return _made[0]
