"""What in the command of an agent only a shell would understand. No shell is run: an agent gets it as it is written."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"}
_JOINS = re.compile(r"[|&;]+|\d?[<>].*|&>.*|.*[^\\];")
"""Words that join or redirect commands; an `&` or `|` within a word, as in a URL, does neither."""

_EXPANDS = re.compile(r"~(/.*)?|\S*\$(\w+|[{(])\S*|\S*`\S*")
"""Words without a blank that stand for something else. One with blanks was quoted, and so meant as it is."""


def shell_signs(command: Sequence[str]) -> list[str]:
    """The words of `command` that look as if they were written for a shell, in their order."""
    words, is_shell = list(command), False
    if words:
        is_shell = os.path.basename(words[0]) in _SHELLS
    if is_shell and any(re.fullmatch(r"-\w*c", word) for word in words):
        return []
    return [word for word in words if _JOINS.fullmatch(word) or _EXPANDS.fullmatch(word)]
