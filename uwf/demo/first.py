"""The first workflow of a project: that of the README, as a file."""

from __future__ import annotations

import os

GREET = os.path.join(os.path.dirname(__file__), "greet.yaml")


def write(path: str) -> None:
    """Write it to `path`, where there must be no file yet. OSError."""
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(GREET, encoding="utf-8") as source, open(path, "x", encoding="utf-8") as file:
        file.write(source.read())
