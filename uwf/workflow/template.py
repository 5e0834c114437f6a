"""Liquid templates: edge prompts and locations, rendered over the last output.

Most templates only print variables, or what stands in them (`Fix {{ branch }}: {{ data.comments }}`). Those are
rendered here, to the letter as python-liquid would. It is the one place where a command that works has a quick way
beside the full one: the import of python-liquid takes 149 ms of CPU, three times as long as all else that `exec` does,
and waits for a template that needs it. A property test holds the two together.

An undefined variable prints as nothing, which is Liquid's own rule; `validate` finds those
beforehand. A template reads no files, its loops and its output are bounded, and what Liquid renders is rendered in a
process of its own with so much time and memory: a workflow may be a stranger's.
"""

from __future__ import annotations

from uwf.errors import InputError
from uwf.record import Record
from uwf.workflow import bounded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from liquid import Environment

OUTPUT_LIMIT_BYTES = 16 * 1024 * 1024
LOOP_LIMIT = 100_000
SHORT_CHARS = 1000
LOCALS_LIMIT_BYTES = 16 * 1024 * 1024

# Words that Liquid's expression lexer takes for something else than a variable, and the two names
# that python-liquid defines on its own.
_NOT_PLAIN = {
    *("true", "false", "nil", "null", "empty", "blank", "and", "or", "contains", "not", "in", "if"),
    *("else", "for", "as", "with", "cols", "offset", "limit", "reversed", "continue", "required"),
    *("now", "today"),
}
_NOT_INSIDE = {"size", "first", "last"}
"""What is looked up in a list or a text, too, where no key is called so."""

WRONG_TYPE = "wrong_type"
"""Code of an error that is none of the template, or condition, but of the values that it was given: of these types they
cannot be compared."""
_TYPES = {
    **{"str": "a text", "bool": "true or false", "list": "a list", "dict": "an object"},
    **dict.fromkeys(("int", "float", "Decimal"), "a number"),
}

_made: list[Environment] = []
_UNREAD: list[str] = []
_pieces: dict[str, list[str] | None] = {}
"""What `_plain_pieces` gives, remembered: triggers fill in the same templates a thousand times a second."""
_MOST_PIECES = 200


class TemplateInvalid(InputError):
    """The template cannot be parsed or rendered. The message tells why; the caller knows which
    template it is.
    """

    default_code = "bad_template"


class Uses(Record):
    """What a template reads: `variables` by first name, and whether it copes with ones that are
    missing.
    """

    variables: tuple[str, ...]
    guarded: bool


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The template with its variables filled in. TemplateInvalid on a Liquid fault."""
    pieces = _pieces.get(template, _UNREAD)
    if pieces is _UNREAD:
        pieces = _plain_pieces(template)
        if len(_pieces) >= _MOST_PIECES:
            _pieces.clear()
        _pieces[template] = pieces
    if pieces is not None:
        printed = pieces.copy()
        for at in range(1, len(pieces), 2):
            text = _print(variables, pieces[at])
            if text is None:
                return _render_liquid(template, variables)
            printed[at] = text
        return "".join(printed)
    return _render_liquid(template, variables)


def is_plain(template: str) -> bool:
    """Whether the template only prints variables, for which no Liquid is needed."""
    return _plain_pieces(template) is not None


def uses(template: str) -> Uses:
    """Which variables the template reads from outside. TemplateInvalid when it cannot be parsed.

    `guarded`: it has a condition or a `default` filter, so a missing variable is something its
    author thought of.
    """
    pieces = _plain_pieces(template)
    if pieces is not None:
        firsts = (path.partition(".")[0] for path in pieces[1::2])
        return Uses(tuple(dict.fromkeys(firsts)), False)
    from liquid.exceptions import LiquidError

    if len(template) > SHORT_CHARS:
        _parse_elsewhere(_environment(), template)
    try:
        found = _environment().from_string(template).analyze()
    except (LiquidError, RecursionError) as error:
        raise TemplateInvalid(in_words(error)) from error
    unknown = next((name for name in found.filters if name not in _environment().filters), None)
    if unknown is not None:
        raise TemplateInvalid(f"unknown filter '{unknown}'")
    names = (name for name in found.globals if name not in ("now", "today"))
    guarded = "default" in found.filters or any(
        tag in found.tags for tag in ("if", "unless", "case")
    )
    return Uses(tuple(names), guarded)


def _parse_elsewhere(environment: Environment, template: str) -> None:
    """Raise TemplateInvalid for a template that takes too long to parse: Liquid's lexer may take the square of it."""
    from liquid.exceptions import LiquidError

    def work() -> str:
        try:
            environment.from_string(template).analyze()
        except (LiquidError, RecursionError):
            return "the caller meets it again"
        return ""

    try:
        bounded.text_of(work)
    except bounded.Exceeded as error:
        raise TemplateInvalid(str(error)) from error


def _plain_pieces(template: str) -> list[str] | None:
    """`[text, path, text, path, ... text]` when the template does nothing but print variables, else None. A path is a
    name, or names with dots between them.
    """
    if "{%" in template:
        return None
    head, *parts = template.split("{{")
    pieces = [head]
    for part in parts:
        inside, closed, text = part.partition("}}")
        path = inside.strip(" \t\r\n")
        if not closed or not path.isascii():
            return None
        first, *names = path.split(".")
        if not first.isidentifier() or first in _NOT_PLAIN:
            return None
        for name in names:
            if not name.isidentifier() or name in _NOT_PLAIN or name in _NOT_INSIDE:
                return None
        pieces += (path, text)
    return pieces


def _print(variables: Mapping[str, Any], path: str) -> str | None:
    """The value at `path` as Liquid prints it; None for those that are left to Liquid."""
    value: Any = variables
    for name in path.split(".") if "." in path else (path,):
        if not isinstance(value, dict) and value is not variables:
            return None
        value = value.get(name, "")
    if isinstance(value, str):
        return str(value)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "" if value is None else None


def _render_liquid(template: str, variables: Mapping[str, Any]) -> str:
    from liquid.exceptions import LiquidError

    environment = _environment()

    def work() -> str:
        try:
            return f"+{environment.from_string(template).render(variables)}"
        except (LiquidError, RecursionError, ArithmeticError, ValueError, TypeError) as error:
            return f"{'~' if code_of(error) else '-'}{in_words(error)}"

    try:
        found = bounded.text_of(work)
    except bounded.Exceeded as error:
        raise TemplateInvalid(str(error)) from error
    if found.startswith("~"):
        raise TemplateInvalid(found[1:], code=WRONG_TYPE)
    if found.startswith("-"):
        raise TemplateInvalid(found[1:])
    return found[1:]


def _environment() -> Environment:
    """The one Liquid environment of this process, made when the first template needs it."""
    if _made:
        return _made[0]
    from liquid import BoundTemplate, Environment
    from liquid.output import LimitedStringIO

    class Verbatim(BoundTemplate):
        def _get_buffer(self) -> LimitedStringIO:
            # Its own default turns every kind of line end into one.
            return LimitedStringIO(newline="", limit=OUTPUT_LIMIT_BYTES)

    class Bounded(Environment):
        template_class = Verbatim
        output_stream_limit = OUTPUT_LIMIT_BYTES
        loop_iteration_limit = LOOP_LIMIT
        local_namespace_limit = LOCALS_LIMIT_BYTES

    environment = Bounded()
    for reads_files in ("include", "render"):
        del environment.tags[reads_files]
    _made.append(environment)
    return environment


def code_of(error: Exception) -> str | None:
    """`WRONG_TYPE` where Liquid was given values that cannot be compared; None for any other fault."""
    from liquid.exceptions import LiquidTypeError

    return WRONG_TYPE if isinstance(error, LiquidTypeError) else None


def in_words(error: Exception, what: str = "template") -> str:
    """One line: what Liquid has against a template, or whatever it is, and near which text."""
    message = " ".join(str(getattr(error, "message", error) or type(error).__name__).split())
    token = getattr(error, "token", None)
    if code_of(error):
        types = [_TYPES.get(name, name) for name in message.split("'")[-4::2]]
        if token is not None and token.value == ">":  # Liquid asks for the other way round
            types.reverse()
        message = f"{' and '.join(types)} cannot be compared"
    if token is None or token.start_index < 0:
        return message
    line = token.source.count("\n", 0, token.start_index) + 1
    start = token.source.rfind("\n", 0, token.start_index) + 1
    near = token.source[max(start, token.start_index - 20) : token.start_index + 30].split("\n", 1)[
        0
    ]
    return f"{message} in line {line} of the {what}, near '{near.strip()}'"
