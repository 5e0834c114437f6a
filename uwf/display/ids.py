"""Ids of threads in sentences and commands: a person types less of them than is stored."""

from __future__ import annotations

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BEFORE = "('\""
_AFTER = "~/)'\".,:;"
"""What may stand right before and after an id that is a word, or begins one: `THREAD~2`, `THREAD/role@1`."""


def shortened(text: str, short: Callable[[str], str]) -> str:
    """`text` with `short` of each whole id that is a word of it. What is part of a path, a branch or a ref stays."""
    return "\n".join(
        " ".join(_word(word, short) for word in line.split(" ")) for line in text.split("\n")
    )


def _word(word: str, short: Callable[[str], str]) -> str:
    bare = word.lstrip(_BEFORE)
    id, rest = bare[: clock.ULID_LENGTH], bare[clock.ULID_LENGTH :]
    if not clock.is_ulid(id) or (rest and rest[0] not in _AFTER):
        return word
    return word[: len(word) - len(bare)] + short(id) + rest
