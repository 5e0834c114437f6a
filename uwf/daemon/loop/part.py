"""What a part of the daemon is, and what all parts are given."""

from __future__ import annotations

from typing import Protocol

from uwf.app.programs import Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.app import App
    from uwf.daemon.loop.quarantine import Quarantine
    from uwf.daemon.runs.runs import Runs

    Tell = Callable[[str, Mapping[str, Any]], None]
    """Says to whoever looks on what has happened: in a sentence, and in facts."""


class Part(Protocol):
    """One thing that the daemon does. `name` is what `daemon status` calls it.

    The parts of a pass run one after the other in the thread of the loop, which alone touches the store. What is slow
    (a poll, a request, a backup) waits in a thread or a process of the part's own, which calls `Daemon.wake` when it
    has something; the next tick takes that.
    """

    name: str

    def tick(self, now_ms: int) -> float | None:
        """Do what there is to do now. In how many seconds to be asked again; None: when something wakes the loop.

        Asked at each pass, so it has to be quick where there is nothing to do. What it raises is logged, and tried
        again later.
        """
        ...

    def close(self) -> None:
        """The daemon ends: let go of threads and sockets. What began and is durable is left as it is."""
        return


class Daemon:
    """What the parts share. Only `wake` may be called from a thread of a part's own."""

    def __init__(
        self,
        app: App,
        runs: Runs,
        quarantine: Quarantine,
        wake: Callable[[], None],
        tell: Tell,
    ) -> None:
        """`wake` ends the sleep of the loop."""
        self.app = app
        self.runs = runs
        self.quarantine = quarantine
        self.wake = wake
        self._tell = tell
        self.stop = Stop()
        """Ends the small programs that its parts have asked."""
        self.stop.fileno()  # made here, before threads share it
        self.is_draining = False
        """The daemon is about to end: what runs goes on, nothing new is begun."""
        self.has_lost_run = False
        """A run was killed: what it has left is to be looked for soon."""
        self.running: frozenset[str] = frozenset()
        self.waiting = 0
        """Which threads run for it, and how many are due and have to wait; as the last pass has found it."""

    def end_programs(self) -> None:
        """It ends: nothing that a program would answer is taken any more."""
        self.stop.request()
        self.stop.request()  # at once

    def say(
        self,
        text: str,
        *,
        what: str = "daemon",
        thread: str | None = None,
        is_logged: bool = False,
        **facts: Any,
    ) -> None:
        """Tell whoever looks on, in one line, and, unless it `is_logged` already, the log of the home: `what` has
        happened, in one word. Without the secrets that others may have said.
        """
        clean = self.app.redactor
        text, facts = clean.text(text), clean.value(facts)
        self._tell(text, {"what": what, "thread": thread, **facts})
        if not is_logged:
            self.app.log.write(what, thread=thread, text=text, **facts)
