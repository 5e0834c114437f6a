"""The project that is tidied, seen as files: which are Python, which have changed, and how."""

from __future__ import annotations

import ast
import difflib
import os
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PYTHON = (".py", ".pyi")
BEFORE = "before"
"""The folder beside the project that holds it as it was."""

LISTED = 6


def python_files(folder: str) -> list[str]:
    """The Python files below `folder`, as paths seen from there, in order."""
    found = []
    for parent, _, names in os.walk(folder):
        found += [os.path.join(parent, name) for name in names if name.endswith(PYTHON)]
    return sorted(os.path.relpath(path, folder) for path in found if os.path.isfile(path))


def sources(folder: str) -> dict[str, bytes]:
    """The content of every Python file below `folder`."""
    found = {}
    for path in python_files(folder):
        with open(os.path.join(folder, path), "rb") as file:
            found[path] = file.read()
    return found


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The paths whose content is not what it was."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def diff(path: str, before: bytes, after: bytes) -> list[str]:
    """The changed lines of one file, as `diff -U1` shows them."""
    old, new = (text.decode(errors="replace").splitlines() for text in (before, after))
    return list(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=1, lineterm=""))


def broken(
    paths: Iterable[str], before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[str]:
    """Those of `paths` that were Python before and are no more."""
    return [
        path
        for path in paths
        if path in after and compiles(before.get(path, b"")) and not compiles(after[path])
    ]


def compiles(source: bytes) -> bool:
    """Whether this Python takes `source` for Python. Nothing of it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "source", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def listed(words: Sequence[str]) -> str:
    """Some words and how many more there are."""
    more = len(words) - LISTED
    shown = ", ".join(words[:LISTED])
    return f"{shown} and {more} more" if more > 0 else shown
