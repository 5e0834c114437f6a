"""What is read from YAML: nodes that know their places, and what a plain scalar means in the core schema of YAML 1.2.

Knows nothing of libyaml; `reader` builds these from its events.
"""

from __future__ import annotations

from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DEPTH_LIMIT = 100
SIZE_LIMIT = 8 * 1024 * 1024
"""Characters of text, with every value counted as `VALUE_SIZE` more."""
VALUE_SIZE = 160
_DIGITS_LIMIT = 1000

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class SourceMark(Record):
    """A place in a file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int


class Fault(Record):
    """One thing that is wrong with the text, and where."""

    mark: SourceMark
    text: str


class YamlInvalid(InputError):
    """The text is not the YAML we read. `faults` has at least one entry."""

    default_code = "bad_yaml"

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        place = f"line {first.mark.line}, column {first.mark.column}"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first.mark.file}, {place}: {first.text}{more}")
        self.faults = tuple(faults)


class YamlNode:
    """A value and its place. `parts` are the nodes inside, `keys` the places of a mapping's keys.

    `text` is what a scalar says in the file, `plain` whether it says so without quotes or tag.
    `size` and `depth` count what is inside, aliases written out.
    """

    __slots__ = ("depth", "keys", "mark", "parts", "plain", "size", "text", "value")

    def __init__(
        self,
        value: Any,
        mark: SourceMark,
        parts: dict[str | int, YamlNode] | None = None,
        *,
        text: str | None = None,
        plain: bool = False,
    ) -> None:
        self.value, self.mark, self.parts, self.text, self.plain = value, mark, parts, text, plain
        self.keys: dict[str, SourceMark] = {}
        self.size = VALUE_SIZE + len(text or "")
        self.depth = 0


class Document:
    """A whole text: its plain `value`, and the `faults` that did not keep it from being read."""

    def __init__(self, root: YamlNode, faults: Sequence[Fault] = ()) -> None:
        self.root = root
        self.value = root.value
        self.faults = tuple(faults)

    def mark(self, path: Sequence[str | int] = (), *, key: bool = False) -> SourceMark:
        """Where the value at `path` stands, or its key; the nearest thing around it when there is
        none.
        """
        node, place = self.root, self.root.mark
        for index, step in enumerate(path):
            inside = node.parts.get(step) if node.parts is not None else None
            if inside is None:
                break
            last_key = node.keys.get(step) if isinstance(step, str) else None
            node, place = inside, inside.mark
            if key and index == len(path) - 1 and last_key is not None:
                place = last_key
        return place


def document(value: Any, name: str) -> Document:
    """A document around a value that did not come from YAML: everything in it stands at its
    beginning.
    """
    root = YamlNode(value, SourceMark(name, 1, 1), text=value if isinstance(value, str) else None)
    root.size, root.depth = _measure(value)
    return Document(root)


def _measure(value: Any) -> tuple[int, int]:
    """How much is in a plain value, and how deep it goes."""
    size, depth, level = 0, 0, [value]
    while level:
        size += sum(VALUE_SIZE + (len(item) if isinstance(item, str) else 0) for item in level)
        inside = [
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, (dict, list))
        ]
        depth += bool(inside)
        level = [item for items in inside for item in items]
    return size, depth


def scalar(text: str) -> Any:
    """A plain scalar by the core schema: null, bool, int, float or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or not text.isascii() or len(text) > _DIGITS_LIMIT:
        return text
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if digits.isdigit():
        return int(text)
    if not sign and digits[:2] == "0o" and _only(digits[2:], "01234567"):
        return int(digits[2:], 8)
    if not sign and digits[:2] == "0x" and _only(digits[2:], "0123456789abcdefABCDEF"):
        return int(digits[2:], 16)
    if digits in (".inf", ".Inf", ".INF"):
        return float(sign + "inf")
    if text in (".nan", ".NaN", ".NAN"):
        return float("nan")
    return float(text) if _is_decimal(digits) else text


def _only(text: str, letters: str) -> bool:
    return text != "" and not text.strip(letters)


def _is_decimal(text: str) -> bool:
    mantissa, exponent_mark, exponent = text.replace("E", "e").partition("e")
    if exponent_mark and not (exponent[1:] if exponent[:1] in ("+", "-") else exponent).isdigit():
        return False
    whole, _, rest = mantissa.partition(".")
    return (whole.isdigit() and (rest.isdigit() or not rest)) or (not whole and rest.isdigit())
