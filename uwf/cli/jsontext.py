"""JSON text without the `json` module: importing that costs half as much as starting Python (it compiles regular
expressions). The one hard part, escaping a string, is the C function that `json` itself uses.

The same text as `json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))`, with lone
surrogates escaped so that the text is always UTF-8.
"""

from __future__ import annotations

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
