"""What Codex keeps of a session in a file, its rollout: of each answer of its model what the session has used by then.

Seen with 0.171.0. The count in it is that of all answers since the session began, and goes on in a fork; that of
`turn.completed` leaves out what a run has used that was killed. A line stands there once its answer is whole, before
what the answer has asked for is done.
"""

from __future__ import annotations

import glob
import json
import os

from uwf.agent.clients.client import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, BinaryIO

COUNTED = {
    "input": "input_tokens",
    "cached": "cached_input_tokens",
    "output": "output_tokens",
}
"""What is counted of a session, and how its client calls it. What was cached is part of the input."""
_KIND = "token_usage_record"
_MARK = f'"{_KIND}"'.encode()
_BLOCK_BYTES = 256 << 10


class Rollout:
    """The file of `session`. `env` is the environment of its client.

    A file that is not there, that cannot be read or has no such line says nothing; it is only read, and may be written
    meanwhile.
    """

    def __init__(self, env: Mapping[str, str], session: str) -> None:
        home = env.get("CODEX_HOME") or os.path.join(env.get("HOME", ""), ".codex")
        name = f"rollout-*-{glob.escape(session)}.jsonl"
        self._pattern = os.path.join(glob.escape(home), "sessions", "*", "*", "*", name)
        self._path: str | None = None
        self._read_bytes = -1
        self._counts: dict[str, float] | None = None

    def counts(self) -> dict[str, float] | None:
        """What the session has used by now; None where that is not said. A file that has not grown is not read."""
        if self._path is None:
            self._path = next(iter(glob.glob(self._pattern)), None)
        if self._path is None:
            return None
        try:
            with open(self._path, "rb") as file:
                size_bytes = os.fstat(file.fileno()).st_size
                if size_bytes != self._read_bytes:
                    self._counts = _newest(file, size_bytes) or self._counts
                    self._read_bytes = size_bytes
        except OSError:
            pass  # as it was when it could be read
        return self._counts


def counts_of(used: Any) -> dict[str, float]:
    """The counts in an object of Codex."""
    given = used if isinstance(used, dict) else {}
    return {name: number(given.get(word)) for name, word in COUNTED.items()}


def _newest(file: BinaryIO, size_bytes: int) -> dict[str, float] | None:
    for line in _from_the_end(file, size_bytes):
        if _MARK in line:
            try:
                said = json.loads(line)
                if said["type"] == _KIND:
                    return counts_of(said["payload"]["thread_token_usage"])
            except (ValueError, LookupError, TypeError, RecursionError):
                continue  # not written to its end
    return None


def _from_the_end(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The lines before `end`, the last one first, but for those that are longer than a block: none that counts is."""
    rest = b""
    while end:
        begin = max(0, end - _BLOCK_BYTES)
        file.seek(begin)
        first, *lines = (file.read(end - begin) + rest).split(b"\n")
        yield from reversed(lines)
        rest, end = first if len(first) <= _BLOCK_BYTES else b"", begin
    yield rest
