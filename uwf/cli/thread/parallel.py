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
from typing import Protocol

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

ERRORS, HINTS = ("error: ", '{"error":'), ("hint: ", '{"hint":')
"""How a line begins that says why a run has failed, and what to type next."""

SAID = {
    exits.DONE: "done",
    exits.SUSPENDED: "suspended",
    exits.AGENT_FAILED: "failed",
    exits.WRONG_STATE: "refused",
    exits.NOT_NOW: "not now",
}
"""What an exit code is called where they are counted."""


class WhoIsDue(Protocol):
    """Says of a thread whether it is to be run now, and whether it wakes again by a timer of its own."""

    def is_now(self, thread: str) -> bool: ...

    def wakes_again(self, thread: str) -> bool: ...


class Member:
    """One thread with its process, and what it has said that is no whole line yet."""

    def __init__(self, thread: str, process: Popen[bytes]) -> None:
        self.thread = thread
        self.process = process
        self.told = 0
        """How many signals it was sent."""
        self.has_answered = False
        self.errors: list[str] = []
        """What it says at its end of why it has failed, as long as it may be run once more."""
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
    due: WhoIsDue | None = None,
) -> int:
    """Run the typed command for each of `threads`, `jobs` at a time; the exit code of all. `text` is its TEXT, `done`
    what is said of each where that is all there is to say. `words` gives another command line for each than the typed.

    With `due` one that is not due any more is left out: another process was quicker. One whose run was stopped by
    somebody else, and that is due again, is run once more: it was interrupted for what it is to be told.

    Raises `Interrupted` when a signal has ended it.
    """
    from uwf.app.progress import Stop
    from uwf.cli.screen.live import signals_to

    stop = Stop()
    with signals_to(stop):
        line = words or partial(respawn.words, ctx)
        crew = _Crew(ctx, threads, line, text, jobs, done, stop, due)
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
    return _summed_up(ctx, codes, crew.left_out)


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
        due: WhoIsDue | None,
    ) -> None:
        self._ctx, self._text, self._jobs, self._done, self._stop = ctx, text, jobs, done, stop
        self._words, self._due = words, due
        self._waiting = deque(threads)
        self._all = len(threads)
        self._running: list[Member] = []
        self._codes: list[int] = []
        self.left_out = 0
        """How many were not due any more when it was their turn."""
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

        if self._due is not None and not self._due.is_now(thread):
            self.left_out += 1
            return
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
                self._remark(member, text)
            else:
                member.has_answered = True
                said = self._ctx.in_short(f"{member.thread}  {self._done or text}")
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

    def _remark(self, member: Member, line: str) -> None:
        """Pass on what one says on stderr; for now without an error if it may turn out to be none."""
        is_error = line.startswith(ERRORS) or (member.errors and line.startswith(HINTS))
        said = _remark(member.thread, line, is_json=self._ctx.json)
        if self._due is not None and is_error:
            member.errors.append(said)
        else:
            self._ctx.out.remark(said)

    def _ended(self, member: Member) -> None:
        code = member.process.wait()
        self._running.remove(member)
        if self._due is not None:
            is_stopped = exits.of_process(code) in exits.STOPPED and not self._stop.count
            if is_stopped and self._due.wakes_again(member.thread):
                self._ctx.out.note(f"{member.thread}  was stopped, and wakes again")
                self._waiting.appendleft(member.thread)
                return
            if not (code or member.has_answered):
                self.left_out += 1
                return
        for line in member.errors:
            self._ctx.out.remark(line)
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


def _summed_up(ctx: Context, codes: list[int], left_out: int) -> int:
    """Say how many came to what, and what that makes of the whole."""
    code = exits.of_several(codes)
    said = Counter(SAID.get(each, f"exit {each}") for each in codes)
    if left_out:
        said["left out"] = left_out
    counts = ", ".join(f"{many} {word}" for word, many in said.items())
    ctx.out.note(f"{counted(said.total(), 'thread')}: {counts}")
    return code
