"""Which parts the daemon has, in their order: take in, decide, schedules, run, reap, tend. A part is a line here."""

from __future__ import annotations

from uwf.daemon.alerts.alerting import Alerting
from uwf.daemon.deciding import Decisions
from uwf.daemon.intake.buffer import Intake
from uwf.daemon.intake.taking_in import Listening, SpoolFolder
from uwf.daemon.runs.dispatch import Dispatch, Reaping
from uwf.daemon.runs.patience import Patience
from uwf.daemon.scheduling import Scheduling
from uwf.daemon.sources.looker import Looker
from uwf.daemon.sources.part import SourcePolls
from uwf.daemon.upkeep.figuring import Figuring
from uwf.daemon.upkeep.housekeeping import Housekeeping
from uwf.daemon.upkeep.tending import Tending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.loop.part import Daemon, Part


def parts(daemon: Daemon) -> tuple[Part, ...]:
    """All of them, in order."""
    patience, intake = Patience(), Intake(daemon.wake)
    return (
        SpoolFolder(daemon),
        Listening(daemon, intake),
        SourcePolls(daemon, intake.wishes),
        Decisions(daemon),
        Scheduling(daemon),
        Dispatch(daemon, patience, Looker(daemon)),
        Reaping(daemon, patience),
        Tending(daemon),
        Figuring(daemon),
        Housekeeping(daemon),
        Alerting(daemon),
    )
