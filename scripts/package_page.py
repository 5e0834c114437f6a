"""The README as a package page shows it, where no file of the project stands beside it: links to guides become the
command that prints them from the installed package. Hatchling asks for it (see pyproject.toml).
"""

from __future__ import annotations

import os
import re
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)#]*)[^)]*\)")


def text(readme: str) -> str:
    """`readme` without links that lead nowhere from elsewhere."""
    return _LINK.sub(_said, readme)


def _said(link: re.Match[str]) -> str:
    picture, said, path = link.groups()
    if picture:
        return f"*{said}* ({path} of the sources)"
    guide = path.removeprefix("docs/").removesuffix(".md")
    return f"`uwf help {guide}`" if said.endswith(".md") else said


class PackagePage(MetadataHookInterface):  # type: ignore[misc]  # where nothing is built it is not there
    def update(self, metadata: dict[str, Any]) -> None:
        with open(os.path.join(self.root, "README.md"), encoding="utf-8") as file:
            metadata["readme"] = {"content-type": "text/markdown", "text": text(file.read())}
