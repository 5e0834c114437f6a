"""The JSON of the contract: from records to documents, and from documents to text.

The text is made without the `json` module: importing that costs half as much as starting Python (it compiles regular
expressions). The one hard part, escaping a string, is the C function that `json` itself uses.

The same text as `json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))`, with lone
surrogates escaped so that the text is always UTF-8.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    quote: Callable[[str], str]
else:
    try:
        from _json import encode_basestring as quote
    except ImportError:
        from json.encoder import encode_basestring as quote


def document(value: Any) -> Any:
    """`value` as a document of the contract: a record is an object whose names are its fields' in camelCase.

    Fields that a record names in `left_out` are there only when they have a value. `from_` stands for `from`, which no
    field can be called. Keys of a mapping are data, and stay as they are.
    """
    if isinstance(value, Record):
        rarely = getattr(value, "left_out", ())
        return {
            _camel(name): document(field)
            for name in value._fields
            if (field := getattr(value, name)) is not None or name not in rarely
        }
    if isinstance(value, (list, tuple)):
        return [document(item) for item in value]
    if isinstance(value, (dict, MappingProxyType)):
        return {key: document(item) for key, item in value.items()}
    return value


def _camel(name: str) -> str:
    first, *more = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in more)


def dumps(value: Any, *, indent: bool = False) -> str:
    """`value` as JSON text, on one line or indented by two spaces. Mappings need string keys."""
    parts: list[str] = []
    _write(value, "\n" if indent else "", parts.append)
    text = "".join(parts)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _write(value: Any, newline: str, put: Callable[[str], None]) -> None:
    if isinstance(value, str):
        put(quote(value))
    elif value is None:
        put("null")
    elif value is True:
        put("true")
    elif value is False:
        put("false")
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"JSON has no number for {value}")
        put(float.__repr__(value))
    elif isinstance(value, dict):
        inner = newline and newline + "  "
        before = "{" + inner
        for key, item in value.items():
            put(before + quote(key) + (": " if newline else ":"))
            _write(item, inner, put)
            before = "," + inner
        put(newline + "}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        inner = newline and newline + "  "
        before = "[" + inner
        for item in value:
            put(before)
            _write(item, inner, put)
            before = "," + inner
        put(newline + "]" if value else "[]")
    else:
        raise TypeError(f"JSON has no form for {type(value).__name__}")
