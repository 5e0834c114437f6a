"""What in the command of an agent only a shell would understand. No shell is run: an agent gets it as it is written.

What stands in quotes is meant as it is, such as a prompt with a `|` in it. In a command that is a list every word is.
"""

from __future__ import annotations

import os
import re
import shlex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"}
_QUOTED = r"""\\.|'[^']*'|"(?:\\.|[^"\\])*\""""
_WORD = re.compile(rf"""(?:{_QUOTED}|[^\s'"\\])+""", re.DOTALL)

_JOINS = re.compile(r"[|<>;]|&&|&$|^&>")
"""What joins or redirects commands within an unquoted word; one `&` there, as in a URL, does neither."""

_IS_JOIN = re.compile(r"[|&;]+|\d?[<>]\S*|&>\S*|\S*[^\\\s];")
"""Such a word of a list."""

_EXPANDS = re.compile(r"~(/\S*)?|\S*\$(\w+|[{(])\S*|\S*`\S*")
"""Words without a blank that stand for something else, also between double quotes."""


def shell_signs(command: str | Sequence[str]) -> list[str]:
    """The words of `command`, as it is written, that look as if they were meant for a shell, in their order."""
    is_line = isinstance(command, str)
    written = _WORD.findall(command) if isinstance(command, str) else list(command)
    words = [shlex.split(word)[0] for word in written] if is_line else written
    is_shell = bool(words) and os.path.basename(words[0]) in _SHELLS
    if is_shell and any(re.fullmatch(r"-\w*c", word) for word in words):
        return []
    found = []
    for at, (word, raw) in enumerate(zip(words, written, strict=True)):
        bare = re.sub(_QUOTED, "", raw, flags=re.DOTALL)
        joins = _JOINS.search(bare) if is_line else _IS_JOIN.fullmatch(word)
        is_literal = is_line and raw.startswith("'")
        is_home = at == 0 and word.startswith("~/")
        if joins or is_home or (not is_literal and _EXPANDS.fullmatch(word)):
            found.append(word)
    return found
