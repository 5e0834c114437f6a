"""Who leads of the daemons of all machines, and how the one that does has threads run.

In a home whose store is a file there is nobody else: the daemon that leads the home leads, and runs are its children.
Where many machines share a store, those that lead their homes try to have a lease in it. One does, and puts what is
due into the queue of the workers; the others look once a second, and are woken when it lets go.
"""

from __future__ import annotations

import random
from typing import Protocol

from uwf import points
from uwf.daemon.loop.loop import LOOK_S
from uwf.daemon.loop.wakeups import DRAIN, NOW
from uwf.daemon.news import CLOCK_RIGHT, News
from uwf.daemon.runs import children
from uwf.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App
    from uwf.app.unattended.daemon import Daemons, SharedLead
    from uwf.daemon.loop.part import Tell
    from uwf.daemon.loop.quarantine import Quarantine
    from uwf.daemon.loop.wakeups import Wakeups
    from uwf.daemon.notify import Supervisor
    from uwf.daemon.runs.runs import Runs

LEADER_LOOK_S = 0.5
"""How often whoever leads looks at the store where nobody says anything: with the look of a worker after it, an agent
begins within 1.5 s of its wake also where no word arrives."""
POLL_S = 1.0
"""How often those that wait to lead look."""
FIRST_S, LONGEST_S = 0.5, 15.0
"""After how long a store that does not answer is asked again."""


class Election(Protocol):
    """Leading, again and again until it `is_over`."""

    is_over: bool
    runs_here: bool
    look_s: float

    def lead(self, wakeups: Wakeups) -> bool:
        """Wait until this process leads. False: it was told to end meanwhile."""
        ...

    def still_leads(self) -> bool: ...

    def leads_in_another_store(self) -> bool:
        """Whether it goes on leading when another store has taken the place of the one there was."""
        ...

    def runs(self, quarantine: Quarantine) -> Runs:
        """How the one that leads has threads run."""
        ...

    def fileno(self) -> int | None:
        """What becomes readable when others have said something."""
        ...

    @property
    def has_heard(self) -> bool:
        """Whether others have said something that nobody has looked at."""
        ...

    def close(self) -> None: ...


def election(app: App, daemons: Daemons, tell: Tell, supervisor: Supervisor) -> Election:
    """That of a daemon which leads its home."""
    lead = daemons.shared()
    return _OfHome(app) if lead is None else _OfAll(app, lead, tell, supervisor)


class _OfHome:
    """It leads its home, and that is all there is."""

    runs_here = True
    look_s = LOOK_S

    def __init__(self, app: App) -> None:
        self._app = app
        self.is_over = False

    def lead(self, wakeups: Wakeups) -> bool:
        return not self.is_over

    def still_leads(self) -> bool:
        return True

    def leads_in_another_store(self) -> bool:
        return True

    def runs(self, quarantine: Quarantine) -> Runs:
        return children.ChildRuns(self._app.home, children.scope_prefix(self._app.home))

    def fileno(self) -> int | None:
        return None

    @property
    def has_heard(self) -> bool:
        return False

    def close(self) -> None:
        return


class _OfAll:
    """One of those of all machines leads."""

    runs_here = False
    look_s = LEADER_LOOK_S

    def __init__(self, app: App, lead: SharedLead, tell: Tell, supervisor: Supervisor) -> None:
        from uwf.jobs.link import QueueLink
        from uwf.jobs.queue import ENDED, WAKE

        self._app, self._lead, self._tell, self._supervisor = app, lead, tell, supervisor
        self._link = QueueLink(app.store_address, "uwf daemon", [ENDED, WAKE])
        self._said: str | None = None
        self._skew = News(app.health.skew, CLOCK_RIGHT)
        self.is_over = False

    def lead(self, wakeups: Wakeups) -> bool:
        failures = 0
        while not self.is_over:
            wait_s, failures = self._tried(failures)
            if wait_s is None:
                self._said = None
                return True
            wakeups.until(0.0 if self._link.has_heard else wait_s)
            signals, wakeups.signals = wakeups.signals, []
            self.is_over = any(number in (*DRAIN, NOW) for number in signals)
        return False

    def _tried(self, failures: int) -> tuple[float | None, int]:
        """Try to lead. None: it does; else how long to wait, and how often in a row the store did not answer."""
        try:
            self._link.query("SELECT 1")
            self._link.heard()
            if self._app.let_go_of_stale_store():
                self._lead.forget()
            leads = self._lead.take()
            self._heed_clock()
            if leads:
                points.at("lead: taken")
                return None, 0
            self._stands_by()
            return POLL_S * random.uniform(0.8, 1.2), 0
        except StoreError as error:
            said = f"{error.message}; it is tried again"
            if self._said != said:
                self._supervisor.waiting(said)
            self._say(said, what="store_away")
            wait_s = min(FIRST_S * 2.0**failures, LONGEST_S) * random.uniform(0.5, 1.5)
            return wait_s, min(failures + 1, 20)

    def _stands_by(self) -> None:
        owner = self._lead.leader()
        if owner is not None:
            said = f"{owner.in_words} leads; this one waits to take over"
            if self._said != said:
                self._supervisor.waiting(said)
            self._say(said, what="standby", leader=owner.pid, host=owner.host)

    def _say(self, text: str, *, what: str, **facts: object) -> None:
        """Once, until it is something else."""
        if self._said != text:
            self._said = text
            self._tell(text, {"what": what, **facts})

    def still_leads(self) -> bool:
        leads = self._lead.leads()
        self._heed_clock()
        return leads

    def leads_in_another_store(self) -> bool:
        self._lead.forget()
        return False

    def _heed_clock(self) -> None:
        """The store that was asked just now has told what its clock says."""
        said = self._skew.taken()
        if said is not None:
            self._tell(said, {"what": "clock"})
            self._app.log.write("clock", text=said)

    def runs(self, quarantine: Quarantine) -> Runs:
        from uwf.daemon.runs.queued import QueuedRuns

        return QueuedRuns(self._link, self._app.wakes, quarantine)

    def fileno(self) -> int | None:
        return self._link.fileno()

    @property
    def has_heard(self) -> bool:
        return self._link.has_heard

    def close(self) -> None:
        self._lead.release()
        self._link.close()
