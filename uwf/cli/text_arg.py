"""TEXT arguments: the text itself, `@file`, or `-` for stdin. `@@` stands for a text that begins with `@`."""

from __future__ import annotations

import sys

from uwf.errors import InputError

MAX_TEXT_BYTES = 64 << 20


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
