"""What a person at a terminal sees while an agent runs, and how their Ctrl-C reaches it."""

from __future__ import annotations

from contextlib import contextmanager
from shlex import quote

from uwf import clock, quantities
from uwf.app.progress import (
    BudgetUnseen,
    CheckInNoted,
    CodeNotPushed,
    CodeStays,
    FilesLeftOut,
    FilesNotKept,
    NoProgress,
    NotDue,
    NotTakenIn,
    Recovered,
    ReplyRejected,
    Retrying,
    RunsElsewhere,
    StepStarted,
    TakenIn,
    Turn,
    UsageLeftOut,
    Used,
    Waiting,
    WorktreeMade,
    WorktreeReplaced,
)
from uwf.display import numbers, turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from types import FrameType

    from uwf.app.progress import Progress, Stop
    from uwf.cli.screen.output import Output
else:
    try:
        # The C module itself: `signal` wraps it in enums, whose import costs a third of a whole command.
        import _signal as signal
    except ImportError:
        import signal

TICK_S = 1.0
WAITING = "waiting"
COUNTED = (quantities.USD, quantities.TOKENS)
"""What of the usage there is room for."""
AGENT_CHARS = 24
"""A long command line shall leave room for the time and the latest words."""


@contextmanager
def signals_to(stop: Stop) -> Iterator[None]:
    """While this lasts, SIGINT, SIGTERM and SIGHUP ask `stop` instead of ending the process, and SIGUSR1 to end after
    the step. Whoever has begun this may have blocked that one until it is listened to.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in (*numbers, signal.SIGUSR1)}
    try:
        for number in numbers:
            if not (number == signal.SIGHUP and before[number] == signal.SIG_IGN):  # nohup stays
                signal.signal(number, stop.handle)
        signal.signal(signal.SIGUSR1, stop.handle_after_step)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()


class Live:
    """The live line: role, agent, elapsed time, what was used, and what the agent says or does; or that it waits.

    Silent without a terminal, but for notes and warnings.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._began_s = 0.0
        self._head = ""
        self._used = ""
        self._words = ""
        self._ticking = False
        self._problems: tuple[str, ...] = ()
        self._left_out: set[tuple[str, ...]] = set()
        self._unseen: set[str] = set()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_error: object) -> None:
        self.pause()

    def on_progress(self, event: Progress) -> None:
        if isinstance(event, StepStarted):
            again = "" if event.ask == 1 else f", asked {event.ask} times"
            self._head = f"{event.index} {event.role} · {_short(event.agent)}{again}"
            self._used = self._words = ""
            self._began_s = clock.monotonic_s()
            self._start_ticking()
        elif isinstance(event, Turn):
            self._words = turns.now(event.kind, event.text) or self._words
        elif isinstance(event, Used):
            counted = {name: event.amounts[name] for name in COUNTED if name in event.amounts}
            self._used = numbers.amounts(counted)
        elif isinstance(event, Waiting):
            self._note_waiting(event)
        else:
            self._say(event)
        self._draw()

    def _say(self, event: Progress) -> None:
        """What is worth a note or a warning, also without a terminal."""
        if isinstance(event, ReplyRejected):
            why = "as before" if event.problems == self._problems else "; ".join(event.problems)
            self._problems = event.problems
            self._out.note(f"{event.role}: reply not valid, asking again: {why}")
        elif isinstance(event, UsageLeftOut):
            self._warn_left_out(event)
        elif isinstance(event, BudgetUnseen) and event.message not in self._unseen:
            self._unseen.add(event.message)
            self._out.warning(event.message)
        elif isinstance(event, NoProgress):
            self._out.warning(event.message)
        elif isinstance(event, CheckInNoted):
            self._out.warning(f"{event.role}: {event.message}")
        elif isinstance(event, NotDue):
            self._out.note(f"thread {event.thread} is not due: nothing was run")
        elif isinstance(event, RunsElsewhere):
            self._out.note(f"thread {event.thread} is to run at {event.place}: nothing was run")
        elif isinstance(event, Retrying):
            again = numbers.amount(quantities.TIME, event.delay_s)
            self._out.note(f"{event.message}; trying again in {again}")
        elif isinstance(event, Recovered):
            ended = ", ".join(map(str, event.ended_pids))
            self._out.note(
                "an earlier run of this thread died; its attempt is kept"
                + (f", its processes were ended ({ended})" if ended else "")
            )
        elif isinstance(event, WorktreeMade):
            self._note_worktree(event)
        elif isinstance(event, WorktreeReplaced):
            self._warn_replaced(event)
        elif isinstance(event, FilesLeftOut):
            self._warn_files(event)
        elif isinstance(event, FilesNotKept):
            self._out.warning(f"the files after {event.role} are in no snapshot: {event.why}")
        elif isinstance(event, CodeNotPushed):
            self._out.warning(f"its code goes along in the store: {event.why}")
        elif isinstance(event, CodeStays):
            why = f"no other machine can go on after {event.role}"
            self._out.warning(f"{why}: its code does not go along, {event.why}")
        elif isinstance(event, TakenIn):
            self._out.note(f"the reply of {event.role} that could not be stored is taken in")
        elif isinstance(event, NotTakenIn):
            why = "belongs to an attempt that this store does not know"
            self._out.warning(f"the reply in {event.path} {why}; it stays there")

    def _note_worktree(self, event: WorktreeMade) -> None:
        self._out.note(f"worktree {event.path} on branch {event.branch}")
        if event.aside is not None:
            self._out.warning(f"git knew nothing of the folder there; it is in {event.aside}")
        if event.lost is not None:
            what = f"commit {event.lost[:12]}, which had its files, is gone from the repository"
            self._out.warning(f"{what}: it begins with what its branch has")

    def _warn_replaced(self, event: WorktreeReplaced) -> None:
        what = f"worktree {event.path} is as it was on {event.host}"
        look = f"git -C {quote(event.repo)} show {event.ref}"
        self._out.warning(f"{what}; what was changed in it here is kept: {look}")

    def _warn_files(self, event: FilesLeftOut) -> None:
        """Once for each set of them."""
        if event.paths not in self._left_out:
            self._left_out.add(event.paths)
            names = ", ".join(event.paths[:3]) + (", …" if len(event.paths) > 3 else "")
            why = "too large (workspace.largest_file), or repositories of their own"
            self._out.warning(f"no snapshot of the worktree has {names}: {why}")

    def _warn_left_out(self, event: UsageLeftOut) -> None:
        """Once for each role and what it named."""
        if (event.role, *event.names) not in self._left_out:
            self._left_out.add((event.role, *event.names))
            names = ", ".join(event.names)
            self._out.warning(f"the usage of {event.role}: {names} is no number and not counted")

    def _note_waiting(self, event: Waiting) -> None:
        """One note; then the live line counts the time."""
        if self._head != WAITING:
            most = ""
            if event.wait_s:
                most = f", {quantities.said(quantities.TIME, round(event.wait_s, 1))} at most"
            self._out.note(f"waiting{most}: {event.message}")
            self._head, self._used, self._words = WAITING, "", ""
            self._began_s = clock.monotonic_s()
            self._start_ticking()

    def pause(self) -> None:
        """Take the line away until the next event."""
        if self._ticking:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            self._ticking = False
        self._out.clear_status()

    def _start_ticking(self) -> None:
        if self._out.is_live and not self._ticking:
            self._ticking = True
            signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, TICK_S, TICK_S)

    def _tick(self, _signum: int, _frame: FrameType | None) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._out.is_live:
            elapsed = int(clock.monotonic_s() - self._began_s)
            parts = (self._head, f"{elapsed // 60}:{elapsed % 60:02d}", self._used, self._words)
            self._out.status(" · ".join(filter(None, parts)))


def _short(agent: str) -> str:
    """An agent's name, or its command line without the path of its program, cut where it is long."""
    program, space, rest = agent.partition(" ")
    text = program.rpartition("/")[2] + space + rest
    return text if len(text) <= AGENT_CHARS else f"{text[: AGENT_CHARS - 1]}…"
