"""Whether an agent that is busy comes to anything: the same tool with the same arguments again and again, or tokens
without end, while nothing in its folder changes, is no progress, and costs like work.

First it is said; where it goes on for as long again, the agent is ended, and a person is asked.
"""

from __future__ import annotations

import os

from uwf.quantities import TOKENS, counted, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.agent.protocol import ToolCall

MOST_ENTRIES = 20_000
"""How many files of a folder are looked at: in a larger one a change may go unseen."""

_PASSED_BY = (".git", "node_modules", ".venv", "__pycache__")


class Standstill:
    """What one attempt does in the folder `cwd`, where nothing changes, from when it had `used` so many tokens.
    `most_calls` of the same tool in a row are too many, and `most_tokens` without a change; None: any number may be.

    `in_words` is what there was too much of, `is_over` whether that was said before, and has gone on.
    """

    def __init__(
        self, cwd: str, most_calls: int | None, most_tokens: float | None, used: float
    ) -> None:
        self._cwd = cwd
        self._most_calls, self._most_tokens = most_calls, most_tokens
        self._last = ""
        self._times = 0
        self._used = self._used_at_change = used
        self._tree = None if most_calls is most_tokens is None else fingerprint(cwd)
        self._said_tokens = 0
        self.in_words = ""
        self.is_over = False

    def called(self, call: ToolCall) -> bool:
        """Take note of a call. True once too many of them were the same."""
        import json

        this = f"{call.name} {json.dumps(call.arguments, sort_keys=True)}"
        self._times = self._times + 1 if this == self._last else 1
        self._last = this
        most = self._most_calls
        if most is None or self._times % most or self._has_changed():
            return False
        self.in_words = f"the same call of {call.name} {counted(self._times, 'time')}"
        self.is_over = self._times > most
        return True

    def used(self, amounts: Mapping[str, float]) -> bool:
        """Take note of what is used by now. True once too much of it was."""
        self._used, most = amounts.get(TOKENS, 0), self._most_tokens
        if most is None:
            return False
        times = int((self._used - self._used_at_change) // most)
        if times <= self._said_tokens or self._has_changed():
            return False
        self._said_tokens = times
        self.in_words = f"{written(TOKENS, self._used - self._used_at_change)} tokens"
        self.is_over = times > 1
        return True

    def _has_changed(self) -> bool:
        tree = fingerprint(self._cwd)
        if tree == self._tree:
            return False
        self._tree, self._times, self._said_tokens = tree, 0, 0
        self._used_at_change = self._used
        return True


def fingerprint(folder: str) -> int:
    """What stands for names, sizes and times of the files below `folder`, without what tools make for themselves."""
    found, seen, folders = 0, 0, [folder]
    while folders and seen < MOST_ENTRIES:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in _PASSED_BY:
                            folders.append(entry.path)
                        continue
                    state = entry.stat(follow_symlinks=False)
                    found ^= hash((entry.path, state.st_size, state.st_mtime_ns))
        except OSError:
            continue
    return found
