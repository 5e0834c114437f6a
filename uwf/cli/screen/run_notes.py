"""What is said of a run while it goes on, beside the live line: notes and warnings, also without a terminal."""

from __future__ import annotations

from uwf.app.progress import (
    BudgetUnseen,
    CheckInNoted,
    FilesLeftOut,
    FilesNotKept,
    NoProgress,
    NotDue,
    NotTakenIn,
    Recovered,
    ReplyRejected,
    Retrying,
    TakenIn,
    UsageLeftOut,
    WorktreeMade,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.progress import Progress
    from uwf.cli.screen.output import Output


class RunNotes:
    """Those of one command."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._problems: tuple[str, ...] = ()
        self._left_out: set[tuple[str, ...]] = set()
        self._unseen: set[str] = set()

    def on_progress(self, event: Progress) -> None:
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
        elif isinstance(event, Retrying):
            self._out.note(f"{event.message}; trying again in {event.delay_s:.0f} s")
        elif isinstance(event, Recovered):
            ended = ", ".join(map(str, event.ended_pids))
            self._out.note(
                "an earlier run of this thread died; its attempt is kept"
                + (f", its processes were ended ({ended})" if ended else "")
            )
        elif isinstance(event, WorktreeMade):
            self._note_worktree(event)
        elif isinstance(event, FilesLeftOut):
            self._warn_files(event)
        elif isinstance(event, FilesNotKept):
            self._out.warning(f"the files after {event.role} are in no snapshot: {event.why}")
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
