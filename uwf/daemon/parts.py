"""Which parts the daemon has, in their order: take in, decide, schedules, run, reap, tend. A part is a line here."""

from __future__ import annotations

from uwf.daemon.alerting import Alerting
from uwf.daemon.dispatch import Dispatch, Reaping
from uwf.daemon.figuring import Figuring
from uwf.daemon.housekeeping import Housekeeping
from uwf.daemon.patience import Patience
from uwf.daemon.scheduling import Scheduling
from uwf.daemon.tending import Tending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.daemon.part import Daemon, Part


def parts(daemon: Daemon) -> tuple[Part, ...]:
    """All of them, in order."""
    patience = Patience()
    return (
        Scheduling(daemon),
        Dispatch(daemon, patience),
        Reaping(daemon, patience),
        Tending(daemon),
        Figuring(daemon),
        Housekeeping(daemon),
        Alerting(daemon),
    )
