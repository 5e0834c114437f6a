"""Workflow files on disk: where one is, given what a person typed, and its text.

A word with a slash in it or with the suffix of a YAML file is a path. Otherwise it is a name, looked
for in `.workflows/` and the older `.workflow/` of the working directory and of each folder above it,
up to the root of the repository: the nearest wins. So no file or folder that is called like a
workflow hides it.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = (".workflows", ".workflow")
SUFFIXES = (".yaml", ".yml")
FILE_LIMIT_BYTES = 4 * 1024 * 1024


class FileUnreadable(Exception):
    """The file cannot be used. `code` is a word for it; `line` is where, when that is known."""

    def __init__(self, code: str, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.line = line


def find_file(word: str, cwd: str) -> str | None:
    """The path of the workflow file that `word` means in `cwd`; None when there is none."""
    if not word or "\0" in word:
        return None
    if _is_path(word):
        path = os.path.join(cwd, os.path.expanduser(word))
        if os.path.isdir(path):
            return _first(os.path.join(path, "index") + suffix for suffix in SUFFIXES)
        return path if os.path.isfile(path) else None
    return _first(
        base + suffix
        for folder in _folders(cwd)
        for base in (os.path.join(folder, word), os.path.join(folder, word, "index"))
        for suffix in SUFFIXES
    )


def names(cwd: str) -> dict[str, str]:
    """Every name that `find_file` knows in `cwd`, with its file."""
    found: dict[str, str] = {}
    for folder in _folders(cwd):
        for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            name = entry if os.path.isdir(os.path.join(folder, entry)) else _stem(entry)
            path = find_file(name, cwd) if name and name not in found else None
            if path is not None and path.startswith(os.path.join(folder, "")):
                found[name] = path
    return found


def read_text(path: str, limit_bytes: int = FILE_LIMIT_BYTES) -> str:
    """The UTF-8 text of an ordinary file, without a byte order mark. FileUnreadable for everything else."""
    data = _read_bytes(path, limit_bytes)
    if 0 in data:
        line = data.count(b"\n", 0, data.index(0)) + 1
        raise FileUnreadable("not_text", "this is a binary file, or UTF-16: it has NUL bytes", line)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileUnreadable(
            "not_utf8", f"not UTF-8: byte 0x{data[error.start]:02x}", line
        ) from error


def _is_path(word: str) -> bool:
    return os.sep in word or word in (".", "..") or word.endswith(SUFFIXES)


def _stem(entry: str) -> str:
    stem, suffix = os.path.splitext(entry)
    return stem if suffix in SUFFIXES else ""


def _folders(cwd: str) -> Iterator[str]:
    """The workflow folders that count in `cwd`, nearest first."""
    here = os.path.abspath(cwd)
    while True:
        for folder in FOLDERS:
            yield os.path.join(here, folder)
        above = os.path.dirname(here)
        if above == here or os.path.exists(os.path.join(here, ".git")):
            return
        here = above


def _first(paths: Iterator[str]) -> str | None:
    return next((path for path in paths if os.path.isfile(path)), None)


def _read_bytes(path: str, limit_bytes: int) -> bytes:
    try:
        # A named pipe would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise FileUnreadable("missing_file", "no such file") from error
    except (OSError, ValueError) as error:
        raise FileUnreadable("unreadable_file", f"cannot be read: {_cause(error)}") from error
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise FileUnreadable("not_a_file", "this is a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise FileUnreadable("not_a_file", "this is not an ordinary file")
        data = b""
        while len(data) <= limit_bytes:
            more = os.read(descriptor, 1 << 20)
            if not more:
                return data
            data += more
    except OSError as error:
        raise FileUnreadable("unreadable_file", f"cannot be read: {_cause(error)}") from error
    finally:
        os.close(descriptor)
    raise FileUnreadable("too_large", f"larger than {limit_bytes // 1024 // 1024} MiB")


def _cause(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
