"""One pass of the parts that take in, without staying: for `uwf thread run --due`, where no daemon leads.

What came into the spool folder is stored, and what sources say that are due to be asked.
"""

from __future__ import annotations

from uwf import clock
from uwf.daemon.intake.taking_in import SpoolFolder
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.runs.runs import NoRuns
from uwf.daemon.sources.looker import Looker
from uwf.daemon.sources.part import SourcePolls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.app import App

WITHIN_S = 120.0
"""How long sources are waited for, each of which has a time limit of its own."""


class OnePass:
    """Takes in once; then `may_run` says of each thread that is due whether there is still something to run it for."""

    def __init__(self, app: App, say: Callable[[str], None]) -> None:
        self._daemon = Daemon(
            app, NoRuns(), Quarantine(), lambda: None, lambda text, _facts: say(text)
        )
        self._looker = Looker(self._daemon)

    def take_in(self) -> None:
        daemon, sources = self._daemon, SourcePolls(self._daemon)
        spool = SpoolFolder(daemon)
        while spool.tick(clock.now_ms()) is not None:
            pass  # there are more
        sources.tick(clock.now_ms())
        sources.finish(WITHIN_S)
        daemon.end_programs()
        sources.close()

    def may_run(self, thread: str) -> bool:
        return self._looker.settle(thread)
