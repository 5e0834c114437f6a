"""What a killed `uwf` left running: found by pid and start time and by mark, and ended.

Used by whoever finds the record of an unfinished attempt: the next command on that thread, or `doctor`.
"""

from __future__ import annotations

import time

from uwf.agent.process import terminate
from uwf.agent.process.tree import Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.process.terminate import Ending


def end_orphans(pid: int, start: str, mark: str, grace_s: float) -> Ending:
    """End every process of the run whose leader was `pid`, began at `start`, and was given `mark`.

    A pid that belongs to another process by now is left alone. Finding nothing is the usual case and costs one look
    through the process table. May be called twice, also by two programs at once.
    """
    return terminate.end(
        Family(pid, start, mark),
        group=None,
        grace_s=grace_s,
        wait=time.sleep,
        hurry=lambda: False,
    )
