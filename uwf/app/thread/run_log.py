"""What a run writes to the log of its home, by hand or under a daemon: progress, steps, and why it went no further."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.engine.progress import Progress
    from uwf.engine.query.thread_view import RunView
    from uwf.engine.upkeep.log.writer import Log
    from uwf.errors import UwfError

UNSAID = ("Turn", "StepStarted")
"""What agents say is in the store, and that one is asked is said by what was dispatched or rejected."""


class RunLog:
    """The log of one run of a thread."""

    def __init__(self, log: Log, thread: str, tell: Callable[[Progress], None] | None) -> None:
        """Progress is passed on to `tell`."""
        self._log = log
        self._thread = thread
        self._tell = tell

    def on_progress(self, progress: Progress) -> None:
        name = type(progress).__name__
        if name not in UNSAID:
            facts = {field: getattr(progress, field) for field in progress._fields}
            self._log.write(_words(name), **{**facts, "thread": self._thread})
        if self._tell is not None:
            self._tell(progress)

    def step(self, line: RunView) -> None:
        error = line.error
        if error is not None:
            what = "step_postponed" if line.is_postponed else "step_failed"
        elif line.step is not None:
            what = "step_done"
        else:
            what = "graph_done" if line.role is None else "step_over_budget"
        self._log.write(
            what,
            thread=line.thread,
            step=line.step,
            role=line.role,
            status=line.step_status,
            leaves=line.status,
            next=line.current_role,
            usage=line.usage and dict(line.usage),
            error=error and error.code,
            message=line.suspend_message if error is None else error.message,
        )

    def ended(self, error: UwfError) -> None:
        """The run ends in an error, as one that nothing may begin does."""
        self._log.write("run_ended", thread=self._thread, reason=error.code, message=error.message)


def _words(name: str) -> str:
    """The name of a class as the log has it: `TaskDispatched` is `task_dispatched`."""
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)[1:]
