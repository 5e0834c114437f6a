"""What a person types for more than a word: a TEXT, a label, a point in time.

A TEXT is the text itself, `@file`, or `-` for stdin. `@@` stands for a text that begins with `@`. A time is `2h` (ago),
`2026-01-31`, `2026-01-31T09:15:00Z`, epoch milliseconds.
"""

from __future__ import annotations

import sys

from uwf import clock, quantities
from uwf.errors import InputError

MAX_TEXT_BYTES = 64 << 20
LATEST_MS = 10**15
"""What lies further ahead is as far."""


def text_arg(value: str) -> str:
    """The text that `value` stands for. InputError if it cannot be read, is too large or is not UTF-8."""
    if value.startswith("@@"):
        value = value[1:]
    elif value == "-" or value.startswith("@"):
        return decode(read_bytes(value.removeprefix("@")), name_of(value))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError("the text given on the command line is not UTF-8") from None
    return value


def statuses_of(text: str, option: str) -> tuple[str, ...]:
    """Several statuses with commas between them. Raises `InputError` for none."""
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    if not words:
        raise InputError(f"{option} names no status", hint="uwf thread list --status idle")
    return words


def read_bytes(path: str) -> bytes:
    """The content of the file `path`, or of stdin for `-`."""
    if path == "-":
        if sys.stdin is None:
            raise InputError("cannot read standard input: it is closed")
        if sys.stdin.isatty():
            raise InputError(
                "standard input is a terminal, not a text", hint="pipe the text in, or use @FILE"
            )
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_TEXT_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot read the file {path or '(no name)'}: {reason}") from None
    if len(data) > MAX_TEXT_BYTES:
        raise InputError(f"{name_of(path)} is larger than {MAX_TEXT_BYTES >> 20} MiB")
    return data


def decode(data: bytes, name: str) -> str:
    """`data` as UTF-8 text; a byte order mark is left out."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: byte {error.start} does not fit") from None


def name_of(path: str) -> str:
    """How a message calls what `path` stands for."""
    return "standard input" if path == "-" else f"the file {path.removeprefix('@')}"


def label_pair(word: str, typed: str) -> tuple[str, str]:
    """`KEY=VALUE` as a pair. Raises `InputError` when it is something else; `typed` is the line up to the very word."""
    key, equals, value = word.partition("=")
    if not equals or not key or not key.isprintable() or not value.isprintable():
        raise InputError(f"label {word!r} is not of the form KEY=VALUE", hint=f"{typed}repo=shop")
    return key, value


def future_ms(text: str, typed: str) -> int:
    """The moment that `text` means, a duration counting from now on; otherwise as `moment_ms`."""
    return _moment_ms(text, 1, "from now", typed)


def moment_ms(text: str, typed: str) -> int:
    """The moment that `text` means, in epoch milliseconds, a duration counting back from now.

    A date or time without zone is local. `typed` is the command up to it.
    """
    return _moment_ms(text, -1, "ago", typed)


def day_or_since_ms(text: str | None, typed: str) -> int:
    """The same, and without a `text` a day ago."""
    return clock.now_ms() - clock.DAY_MS if text is None else moment_ms(text, typed)


def _moment_ms(text: str, sign: int, way: str, typed: str) -> int:
    if text.isascii() and text.isdigit() and len(text) >= 12:
        return int(text) if len(text) < 16 else LATEST_MS
    try:
        return clock.now_ms() + sign * round(quantities.duration_s(text) * 1000)
    except (InputError, ValueError):
        pass
    from datetime import datetime

    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError(
            f"{text!r} is no time: write 2h for two hours {way}, 2026-01-31, or 2026-01-31T09:15:00Z",
            hint=f"{typed} 2h",
        ) from None
