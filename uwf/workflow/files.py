"""The bytes of a workflow file, or one sentence that says why there are none."""

from __future__ import annotations

import os
import stat

FILE_LIMIT_BYTES = 4 * 1024 * 1024


class Unreadable(Exception):
    """The file cannot be used. `code` is a word for it; `line` is where, when that is known."""

    def __init__(self, code: str, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.line = line


def read_text(path: str, limit_bytes: int = FILE_LIMIT_BYTES) -> str:
    """The UTF-8 text of an ordinary file, without a byte order mark. Unreadable for everything
    else.
    """
    data = _read_bytes(path, limit_bytes)
    if 0 in data:
        line = data.count(b"\n", 0, data.index(0)) + 1
        raise Unreadable("not_text", "this is a binary file, or UTF-16: it has NUL bytes", line)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable("not_utf8", f"not UTF-8: byte 0x{data[error.start]:02x}", line) from error


def _read_bytes(path: str, limit_bytes: int) -> bytes:
    try:
        # A named pipe would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise Unreadable("missing_file", "no such file") from error
    except (OSError, ValueError) as error:
        raise Unreadable("unreadable_file", f"cannot be read: {_cause(error)}") from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable("not_a_file", "this is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not_a_file", "this is not an ordinary file")
        data = b""
        while len(data) <= limit_bytes:
            more = os.read(descriptor, 1 << 20)
            if not more:
                return data
            data += more
    except OSError as error:
        raise Unreadable("unreadable_file", f"cannot be read: {_cause(error)}") from error
    finally:
        os.close(descriptor)
    raise Unreadable("too_large", f"larger than {limit_bytes // 1024 // 1024} MiB")


def _cause(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
