"""One command for several threads: each is run by a `uwf` of its own, a few at a time, and told here line by line.

A signal reaches all of them through this process, which they are not in one process group with: each gets it once, ends
its agent and leaves its thread at a whole step. What ends this process at once, SIGKILL, leaves runs that end with the
step they are in, as nobody reads what they say.
"""

from __future__ import annotations

import os
import selectors
from collections import Counter, deque
from functools import partial

from uwf.cli import exits
from uwf.cli.thread import respawn
from uwf.errors import Interrupted
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from subprocess import Popen
    from typing import IO

    from uwf.app.progress import Stop
    from uwf.cli.context import Context

TICK_S = 0.1
"""How often a stop is looked for once one was asked: a second one ends the agents at once."""
SHOWN_CHARS = 6
"""Of a thread, on the live line."""

SAID = {
    exits.DONE: "done",
    exits.SUSPENDED: "suspended",
    exits.AGENT_FAILED: "failed",
    exits.WRONG_STATE: "refused",
    exits.NOT_NOW: "not now",
}
"""What an exit code is called where they are counted."""


class Member:
    """One thread with its process, and what it has said that is no whole line yet."""

    def __init__(self, thread: str, process: Popen[bytes]) -> None:
        self.thread = thread
        self.process = process
        self.told = 0
        """How many signals it was sent."""
        assert process.stdout is not None and process.stderr is not None, "both are pipes"
        self.open: dict[IO[bytes], bytes] = {process.stdout: b"", process.stderr: b""}


def run(
    ctx: Context,
    threads: Sequence[str],
    text: str | None,
    *,
    jobs: int,
    done: str | None,
    words: Callable[[str], list[str]] | None = None,
) -> int:
    """Run the typed command for each of `threads`, `jobs` at a time; the exit code of all. `text` is its TEXT, `done`
    what is said of each where that is all there is to say. `words` gives another command line for each than the typed.

    Raises `Interrupted` when a signal has ended it.
    """
    from uwf.app.progress import Stop
    from uwf.cli.screen.live import signals_to

    stop = Stop()
    with signals_to(stop):
        crew = _Crew(ctx, threads, words or partial(respawn.words, ctx), text, jobs, done, stop)
        try:
            codes = crew.work()
        finally:
            crew.end()
    if stop.signum is not None:
        raise Interrupted(
            f"stopped; each of {counted(len(threads), 'thread')} is at a whole step",
            signum=stop.signum,
            hint="uwf thread list",
        )
    return _summed_up(ctx, codes)


class _Crew:
    """The processes that run now, and the threads that wait for theirs."""

    def __init__(
        self,
        ctx: Context,
        threads: Sequence[str],
        words: Callable[[str], list[str]],
        text: str | None,
        jobs: int,
        done: str | None,
        stop: Stop,
    ) -> None:
        self._ctx, self._text, self._jobs, self._done, self._stop = ctx, text, jobs, done, stop
        self._words = words
        self._waiting = deque(threads)
        self._all = len(threads)
        self._running: list[Member] = []
        self._codes: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(stop, selectors.EVENT_READ)

    def work(self) -> list[int]:
        """Until each thread was run, or the stop was asked for and all that ran have ended. Their exit codes."""
        while True:
            while self._waiting and len(self._running) < self._jobs and not self._stop.count:
                self._begin(self._waiting.popleft())
            if not self._running:
                return self._codes
            self._look()

    def end(self) -> None:
        """Something has gone wrong here: nobody is left behind."""
        for member in self._running:
            member.process.terminate()
        for member in self._running:
            member.process.communicate()
        self._selector.close()

    @property
    def _is_drawn(self) -> bool:
        """Whether there is a reader: neither ids alone nor JSON are asked for."""
        return not (self._ctx.json or self._ctx.quiet)

    def _begin(self, thread: str) -> None:
        from subprocess import PIPE

        words = self._words(thread)
        if self._is_drawn and self._done:
            words.append("--quiet")
        process = respawn.spawn(
            self._ctx, words, self._text, stdout=PIPE, stderr=PIPE, process_group=0
        )
        member = Member(thread, process)
        self._running.append(member)
        for stream in member.open:
            self._selector.register(stream, selectors.EVENT_READ, (member, stream))
        self._draw()

    def _look(self) -> None:
        """Wait for something to happen, and pass it on."""
        is_stopping = self._stop.count > 0
        for key, _ in self._selector.select(TICK_S if is_stopping else None):
            if key.data is None:
                self._selector.unregister(self._stop)  # it stays readable
            else:
                self._read(*key.data)
        for member in self._running:
            while member.told < self._stop.count:
                member.told += 1
                member.process.send_signal(self._stop.signum or 0)

    def _read(self, member: Member, stream: IO[bytes]) -> None:
        data = os.read(stream.fileno(), 1 << 16)
        *lines, rest = (member.open[stream] + data).split(b"\n")
        if not data and rest:
            lines.append(rest)
        for line in lines:
            text = line.decode(errors="backslashreplace")
            if stream is member.process.stderr:
                self._ctx.out.remark(_remark(member.thread, text, is_json=self._ctx.json))
            else:
                said = f"{member.thread}  {self._done or text}"
                self._ctx.out.passed_on(said if self._is_drawn else text)
        member.open[stream] = rest
        if not data:
            self._selector.unregister(stream)
            stream.close()
            del member.open[stream]
            if not member.open:
                self._ended(member)
        if lines:
            self._draw()

    def _ended(self, member: Member) -> None:
        code = member.process.wait()
        self._running.remove(member)
        if code < 0 and -code not in (1, exits.SIGINT, 15):
            self._ctx.out.error(
                "killed",
                f"the process that ran thread {member.thread} was killed by signal {-code}",
                f"uwf thread show {member.thread}",
                thread=member.thread,
            )
            code = exits.FAULT
        self._codes.append(exits.of_process(code))

    def _draw(self) -> None:
        names = ", ".join(member.thread[-SHOWN_CHARS:] for member in self._running)
        self._ctx.out.status(f"{len(self._codes)} of {self._all} · running {names}")


def _remark(thread: str, line: str, *, is_json: bool) -> str:
    """What one of them says on stderr, with its thread. A hint is the next command to type, and has it already."""
    if is_json:
        kind, opens, rest = line.partition('":{')
        return f'{kind}{opens}"thread":"{thread}",{rest}' if opens else line
    word, colon, rest = line.partition(": ")
    if word in ("error", "warning"):
        return f"{word}{colon}{thread}: {rest}"
    return line if word == "hint" else f"{thread}  {line}"


def _summed_up(ctx: Context, codes: list[int]) -> int:
    """Say how many came to what, and what that makes of the whole."""
    code = exits.of_several(codes)
    said = Counter(SAID.get(each, f"exit {each}") for each in codes)
    counts = ", ".join(f"{many} {word}" for word, many in said.items())
    ctx.out.note(f"{counted(len(codes), 'thread')}: {counts}")
    return code
