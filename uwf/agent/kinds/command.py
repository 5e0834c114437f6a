"""The agent that is a command line: the prompt on stdin, the reply on stdout, an exit code.

It keeps no session of its own. Who supervises the process is `process`; what the reply means, `reply`.
"""

from __future__ import annotations

import codecs

from uwf.agent.process import program, supervise
from uwf.agent.protocol import Answer
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.agent.protocol import Ask
    from uwf.agent.stop import Stop

TURN_BYTES = 64 << 10  # a burst of output longer than this is more than one turn


class CommandAgent:
    """Runs `argv`, without a shell, for every ask."""

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self.name = name
        self.argv = tuple(argv)

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        return available(self.argv, cwd, path)

    def ask(
        self,
        ask: Ask,
        *,
        stop: Stop,
        on_ready: Callable[[int, str], None],
        on_turn: Callable[[str], None],
    ) -> Answer:
        """Run the command once. Its turns are bursts of stdout: what came until a pause, or 64 KiB of it.

        What came last, with no pause after it, is the answer's tail.
        """
        turns = _Turns(on_turn)
        outcome = supervise.run(
            supervise.Command(
                argv=self.argv,
                cwd=ask.cwd,
                env=ask.env,
                mark=ask.mark,
                spool_dir=ask.spool_dir,
                stdin=ask.prompt.encode(errors="replace"),
                timeout_s=ask.timeout_s,
                stall_timeout_s=ask.stall_timeout_s,
                output_limit_bytes=ask.output_limit_bytes,
                grace_s=ask.grace_s,
                keep_fds=ask.keep_fds,
            ),
            stop=stop,
            on_ready=on_ready,
            on_output=turns.add,
            on_pause=turns.flush,
        )
        tail = turns.rest()
        text = outcome.stdout.decode(errors="replace")
        stderr = outcome.stderr.decode(errors="replace")
        return Answer(replace(outcome, stdout=b"", stderr=b""), text, stderr, tail)


class _Turns:
    """Cuts a stream of bytes into turns of text, never inside a character."""

    def __init__(self, on_turn: Callable[[str], None]) -> None:
        self._on_turn = on_turn
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._size_bytes = 0

    def add(self, chunk: bytes) -> None:
        self._parts.append(self._decoder.decode(chunk))
        self._size_bytes += len(chunk)
        if self._size_bytes >= TURN_BYTES:
            self.flush()

    def flush(self) -> None:
        text = "".join(self._parts)
        self._parts.clear()
        self._size_bytes = 0
        if text:
            self._on_turn(text)

    def rest(self) -> str:
        """What came since the last turn."""
        self._parts.append(self._decoder.decode(b"", final=True))
        return "".join(self._parts)


def available(argv: Sequence[str], cwd: str, path: str) -> str | None:
    """Why `argv` cannot be run in the folder `cwd` with `path` as PATH, in one line; None when it can."""
    try:
        program.find_program(argv, cwd, path)
    except program.SpawnFailed as failed:
        return str(failed)
    return None
