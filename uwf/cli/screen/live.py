"""What a person at a terminal sees while an agent runs, and how their Ctrl-C reaches it."""

from __future__ import annotations

from contextlib import contextmanager

from uwf import clock, quantities
from uwf.app.progress import StepStarted, Turn, Used, Waiting
from uwf.cli.screen.run_notes import RunNotes
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
    """While this lasts, SIGINT, SIGTERM and SIGHUP ask `stop` instead of ending the process."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            if not (number == signal.SIGHUP and before[number] == signal.SIG_IGN):  # nohup stays
                signal.signal(number, stop.handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        stop.close()


class Live:
    """The live line: role, agent, elapsed time, what was used, and what the agent says or does; or that it waits.

    Silent without a terminal, but for what `RunNotes` has to say.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._began_s = 0.0
        self._head = ""
        self._used = ""
        self._words = ""
        self._ticking = False
        self._notes = RunNotes(out)

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
            self._notes.on_progress(event)
        self._draw()

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
