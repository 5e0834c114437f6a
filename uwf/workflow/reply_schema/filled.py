"""Replies that a stand-in gives: the examples that agents are shown, with values that are not those of the example.

An agent that hands back the example has not replied, and is asked again; so would be who plays one.
"""

from __future__ import annotations

from uwf.workflow.reply_schema import sample
from uwf.workflow.reply_schema.check import reply_problems
from uwf.workflow.reply_schema.placeholders import are_left_in
from uwf.workflow.reply_schema.structure import STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Path = tuple[str | int, ...]

_OTHERS = (
    *("https://example.com/sample", "nobody@example.com", "www.example.com", "/sample"),
    *("https://example.com/owner/repo/pull/2", "owner/sample", "path/to/sample", "fix/2-sample"),
    *("2026-02-01", "2026-02-01T10:15:00Z", "10:15:00Z", "PT20M", "192.0.2.2", "2001:db8::2"),
    *("123e4567-e89b-12d3-a456-426614174001", "1" * 7, "1" * 12, "1" * 40, "1" * 64),
    *("b+", "sha256:" + "1" * 64),
)
"""What is tried for a text that is made up to fit a format or a pattern."""


def filled(schema: Any) -> dict[str, dict[str, Any]]:
    """One reply for each `$status`. It may not fit an unusual schema, which says then what is wrong with it."""
    return {
        status: _unlike(schema, status, fields)
        for status, fields in sample.examples(schema).items()
    }


def _unlike(schema: Any, status: str, fields: dict[str, Any]) -> dict[str, Any]:
    for path, text in list(_texts(fields, ())):
        if not are_left_in(schema, status, fields, ()):
            break
        others = [_with(fields, path, other) for other in _others(text) if other != text]
        fields = next((one for one in others if not reply_problems(schema, one)), others[0])
    return fields


def _others(text: str) -> tuple[str, ...]:
    if not text.startswith("<"):
        return _OTHERS
    name = text.strip("<>.")
    return f"sample {name}", f"~{text[1:-1]}~", *_OTHERS


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str) and path != (STATUS,):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, (*path, at))


def _with(value: Any, path: Path, text: str) -> Any:
    """`value` with `text` at `path`."""
    if not path:
        return text
    first, *rest = path
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    changed[first] = _with(value[first], tuple(rest), text)
    return changed
