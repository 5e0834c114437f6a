"""Payloads as JSON and back: a link is written `{"$ref": ID}`, bytes `{"$bytes": BASE64}`."""

from __future__ import annotations

from uwf.errors import InputError
from uwf.store.codec import ID_DIGITS, Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

REF = "$ref"
BYTES = "$bytes"


def to_json(value: Any) -> Any:
    """`value` in JSON's types."""
    if isinstance(value, Link):
        return {REF: str(value)}
    if isinstance(value, bytes):
        from binascii import b2a_base64

        return {BYTES: b2a_base64(value, newline=False).decode()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def from_json(text: str, name: str) -> Any:
    """The payload that the JSON `text` stands for; `name` is how a message calls it.

    InputError for what is no JSON, and for what JSON would lose without a word: keys given twice, NaN.
    """
    import json

    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{name} is not JSON: {reason}") from None


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    if len(found) == 1:
        [(key, value)] = found.items()
        if key == REF and _is_id(value):
            return Link(value)
        if key == BYTES and isinstance(value, str):
            return _bytes(value)
    return found


def _bytes(text: str) -> bytes:
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        raise ValueError(f"{BYTES}: {text[:40]!r} is not base64") from None


def _is_id(value: Any) -> bool:
    """Any other `$ref` stays what it is: JSON Schemas have them, too."""
    return (
        isinstance(value, str) and len(value) == ID_DIGITS and set(value) <= set("0123456789abcdef")
    )


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that can be stored")
