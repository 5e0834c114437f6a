"""What Codex keeps of a session in a file, its rollout: of each answer of its model what the session has used by then.

Seen with 0.171.0. The count in it is that of all answers since the session began, and goes on in a fork; that of
`turn.completed` leaves out what a run has used that was killed. A line stands there once its answer is whole, before
what the answer has asked for is done.
"""

from __future__ import annotations

import json
import os
import stat

from uwf.agent.clients.client import number
from uwf.agent.clients.session_files import SessionFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, BinaryIO

    from uwf.agent.protocol import SessionFile

COUNTED = {
    "input": "input_tokens",
    "cached": "cached_input_tokens",
    "output": "output_tokens",
}
"""What is counted of a session, and how its client calls it. What was cached is part of the input."""
_KIND = "token_usage_record"
_MARK = f'"{_KIND}"'.encode()
_BLOCK_BYTES = 256 << 10


def folder(env: Mapping[str, str], cwd: str) -> SessionFolder:
    """Where the sessions are of a client with the environment `env`, which works in `cwd`."""
    home = env.get("CODEX_HOME") or os.path.join(env.get("HOME", ""), ".codex")
    return SessionFolder(os.path.join(cwd, home, "sessions"), "*/*/*/rollout-*-{}.jsonl")


class Rollout:
    """The file of `session`. `env` is the environment of its client, which works in `cwd`.

    A file that is not there, that cannot be read or has no such line says nothing; it is only read, and may be written
    meanwhile.
    """

    def __init__(self, env: Mapping[str, str], cwd: str, session: str) -> None:
        self._folder, self._session = folder(env, cwd), session
        self.file: SessionFile | None = None
        self._read_bytes = 0
        self._counts: dict[str, float] | None = None

    def counts(self) -> dict[str, float] | None:
        """What the session has used by now; None where that is not said. Only what is new in the file is read."""
        if self.file is None:
            self.file = self._folder.find(self._session)
        if self.file is None:
            return None
        try:
            with open(self.file.path, "rb", opener=_at_once) as file:
                found = os.fstat(file.fileno())
                if stat.S_ISREG(found.st_mode) and found.st_size != self._read_bytes:
                    is_longer = found.st_size > self._read_bytes  # else it was written anew
                    begin = max(0, self._read_bytes - _BLOCK_BYTES) if is_longer else 0
                    self._counts = _newest(file, begin, found.st_size) or self._counts
                    self._read_bytes = found.st_size
        except OSError:
            pass  # as it was when it could be read
        return self._counts


def counts_of(used: Any) -> dict[str, float]:
    """The counts in an object of Codex."""
    given = used if isinstance(used, dict) else {}
    return {name: number(given.get(word)) for name, word in COUNTED.items()}


def _at_once(path: str, flags: int) -> int:
    """Nothing is waited for where something else than a file stands."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _newest(file: BinaryIO, begin: int, end: int) -> dict[str, float] | None:
    for line in _from_the_end(file, begin, end):
        if _MARK in line:
            try:
                said = json.loads(line)
                if said["type"] == _KIND:
                    used = said["payload"]["thread_token_usage"]
                    return {name: number(used[word]) for name, word in COUNTED.items()}
            except (ValueError, LookupError, TypeError, RecursionError):
                continue  # not written to its end, or of another version
    return None


def _from_the_end(file: BinaryIO, first: int, end: int) -> Iterator[bytes]:
    """The lines between, the last one first, but for those that are longer than a block: none that counts is."""
    rest = b""
    while end > first:
        begin = max(first, end - _BLOCK_BYTES)
        file.seek(begin)
        part, *lines = (file.read(end - begin) + rest).split(b"\n")
        yield from reversed(lines)
        rest, end = part if len(part) <= _BLOCK_BYTES else b"", begin
    yield rest
