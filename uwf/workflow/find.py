"""Workflow files on disk: where one is, given what a person typed, and its text.

A word with a slash in it or with the suffix of a YAML file is a path. Otherwise it is a name, looked
for in `.workflows/` and the older `.workflow/` of the working directory and, in a repository, of each folder
above it up to its root: the nearest wins. So no file or folder that is called like a workflow hides it.

A workflow writes the prompts of one's agents. So a folder that belongs to another user, root aside, is passed over,
and its files are taken by their path alone.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def find_file(
    word: str, cwd: str, passed_over: Callable[[str], None] = lambda folder: None
) -> str | None:
    """The path of the workflow file that `word` means in `cwd`; None when there is none.

    `passed_over` is told each folder that has a file of that name and belongs to another user.
    """
    if not word or "\0" in word:
        return None
    if is_path(word):
        path = os.path.join(cwd, os.path.expanduser(word))
        if os.path.isdir(path):
            return next(_there(os.path.join(path, "index")), None)
        return path if os.path.isfile(path) else None
    for folder in _folders(cwd):
        for base in (os.path.join(folder, word), os.path.join(folder, word, "index")):
            for path in _there(base):
                if _is_ours(folder) and _is_ours(os.path.dirname(path)):
                    return path
                passed_over(folder)
    return None


def names(cwd: str, passed_over: Callable[[str], None] = lambda folder: None) -> dict[str, str]:
    """Every name that `find_file` knows in `cwd`, with its file. `passed_over` is told each folder of another user."""
    found: dict[str, str] = {}
    for folder in _folders(cwd):
        for entry in _entries(folder):
            name = entry if os.path.isdir(os.path.join(folder, entry)) else _stem(entry)
            path = find_file(name, cwd, passed_over) if name and name not in found else None
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


def is_path(word: str) -> bool:
    """Whether `word` means a path, and no name."""
    return os.sep in word or word in (".", "..") or word.endswith(SUFFIXES)


def _stem(entry: str) -> str:
    stem, suffix = os.path.splitext(entry)
    return stem if suffix in SUFFIXES else ""


def _folders(cwd: str) -> Iterator[str]:
    """The workflow folders that count in `cwd`, nearest first."""
    here, inside = os.path.abspath(cwd), []
    while True:
        inside.append(here)
        if os.path.exists(os.path.join(here, ".git")):
            break
        above = os.path.dirname(here)
        if above == here:
            del inside[1:]  # in no repository
            break
        here = above
    for each in inside:
        for folder in FOLDERS:
            yield os.path.join(each, folder)


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_ours(folder: str) -> bool:
    """Whether nobody but the user and root decides what is in `folder`: by its owner, and that of a link to it."""
    trusted = (os.geteuid(), 0)
    return os.lstat(folder).st_uid in trusted and os.stat(folder).st_uid in trusted


def _there(base: str) -> Iterator[str]:
    return (base + suffix for suffix in SUFFIXES if os.path.isfile(base + suffix))


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
