"""Where a workflow's file is, given what a person typed.

A word with a slash in it or with the suffix of a YAML file is a path. Otherwise it is a name, looked
for in `.workflows/` and the older `.workflow/` of the working directory and of each folder above it,
up to the root of the repository: the nearest wins. So no file or folder that is called like a
workflow hides it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = (".workflows", ".workflow")
SUFFIXES = (".yaml", ".yml")


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
