"""JSON that a stranger may have written: what the store could not keep, or no program means, is refused in words."""

from __future__ import annotations

import json

from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_DIGITS = 30  # of a number; the parser's own time for a long one grows with its square
_INTEGERS = range(-(1 << 63), 1 << 64)  # what MessagePack has


def parse(data: bytes, what: str = "the body", *, max_bytes: int = MAX_BYTES) -> Any:
    """The value in `data`. InputError, which calls it `what`, for anything but UTF-8 JSON of sensible size."""
    if len(data) > max_bytes:
        raise _refused(f"{what} is longer than {max_bytes >> 20} MiB")
    try:
        value = json.loads(
            data.decode(), parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except UnicodeDecodeError as error:
        raise _refused(f"{what} is not UTF-8 text: byte {error.start} does not fit") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"{what} is not JSON: {error.msg.lower()} ({where})") from None
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as error:
        raise _refused(f"{what}: {error}") from None
    _check(value, what)
    return value


def _check(value: Any, what: str) -> None:
    """Without recursion, whatever is in it."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep(what)
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
                below += each
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str) and not each.isascii():
                _check_text(each, what)
        level = below


def _check_text(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused(f"{what} has half of a character (a lone surrogate) in a text") from None


def _integer(digits: str) -> int:
    value = int(digits) if len(digits) <= MAX_DIGITS else _INTEGERS.stop
    if value not in _INTEGERS:
        raise ValueError(f"a whole number of {len(digits)} digits is too large")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if value - value:  # infinite
        raise ValueError(f"the number {digits:.20} is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _too_deep(what: str) -> InputError:
    return _refused(f"{what} is nested more than {MAX_DEPTH} deep")


def _refused(message: str) -> InputError:
    return InputError(message, code="bad_json")
