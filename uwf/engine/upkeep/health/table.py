"""The table of checks, in their order, and an examination: each detects, repairs, and looks again.

`uwf doctor` makes them all; a daemon makes each as often as it says. A further check is a file and a line.
"""

from __future__ import annotations

from uwf.engine.upkeep.health.agents import BreakerCheck, FailingAgentCheck
from uwf.engine.upkeep.health.backed_up import BackupCheck
from uwf.engine.upkeep.health.clocks import ClockCheck, SkewCheck
from uwf.engine.upkeep.health.counters import CounterCheck
from uwf.engine.upkeep.health.files import FileCheck
from uwf.engine.upkeep.health.left import AttemptCheck, OrphanCheck, ReplyCheck
from uwf.engine.upkeep.health.machine import DiskCheck
from uwf.engine.upkeep.health.outside import ScheduleCheck, SourceCheck
from uwf.engine.upkeep.health.settings import ConfigCheck
from uwf.engine.upkeep.health.store import StoreCheck, WalCheck
from uwf.engine.upkeep.health.waiting import QueueCheck, StuckCheck
from uwf.engine.upkeep.health.workers import WorkerCheck
from uwf.errors import ConfigInvalid, CounterUnreadable, NotFound, StoreError, UwfError
from uwf.nearest import nearest
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.engine.upkeep.health.check import Check, Finding, Ground

CHECKS: tuple[type[Check], ...] = (
    CounterCheck,  # the first: no guard can be read, nor the queue, with one that is spoilt
    StoreCheck,
    WalCheck,
    BackupCheck,
    DiskCheck,
    ConfigCheck,
    ReplyCheck,
    AttemptCheck,
    OrphanCheck,
    QueueCheck,
    StuckCheck,
    SourceCheck,
    ScheduleCheck,
    FileCheck,
    FailingAgentCheck,
    BreakerCheck,
    ClockCheck,
    SkewCheck,
    WorkerCheck,
)


UNCHECKED = "unchecked"
"""The subject of what is told where a check cannot be made."""


def named(names: Sequence[str]) -> list[type[Check]]:
    """The checks of these names, in the order of the table; all for none."""
    known = [check.name for check in CHECKS]
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise NotFound(
                f"there is no check {name!r}; there are {', '.join(known)}",
                hint=f"uwf doctor --only {near}" if near else "uwf doctor --help",
                code="no_such_check",
            )
    return [check for check in CHECKS if not names or check.name in names]


def examine(ground: Ground, checks: Sequence[type[Check]], *, repair: bool) -> list[Finding]:
    """What these checks find; with `repair` put right, as far as that can be.

    Where the configuration is not valid, its check says so, and those that need it are left out; `ConfigInvalid` where
    that check is not among these.
    """
    found: list[Finding] = []
    for kind in checks:
        if kind.needs_store and ground.opened is None:
            continue
        check = kind(ground)
        try:
            findings = _detected(check)
        except ConfigInvalid:
            if ConfigCheck not in checks:
                raise
            continue
        is_checked = all(finding.subject != UNCHECKED for finding in findings)
        if repair and findings and is_checked and kind.can_repair():
            findings = _repaired(check, findings)
        found += findings
    return found


def _detected(check: Check) -> list[Finding]:
    try:
        return check.detect()
    except CounterUnreadable:
        return []  # which the first check has found
    except (StoreError, ConfigInvalid):
        raise
    except (UwfError, OSError) as error:
        what, hint = f"it could not be checked: {error}", getattr(error, "hint", None)
        return [check.found(UNCHECKED, what, hint=hint)]


def _repaired(check: Check, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, each put right if that was possible: it is, when it is not found again."""
    refused: dict[str, UwfError] = {}
    for finding in findings:
        try:
            check.repair(finding)
        except UwfError as error:
            refused[finding.subject] = error
    left = {finding.subject: finding for finding in _detected(check)}
    return [
        _after(check, finding, refused.get(finding.subject), left.get(finding.subject))
        for finding in findings
    ]


def _after(
    check: Check, finding: Finding, refused: UwfError | None, left: Finding | None
) -> Finding:
    if refused is not None:
        after = replace(finding, what=refused.message, hint=refused.hint)
    elif left is not None:
        after = left
    else:
        after = replace(finding, repaired=True)
    check.tell_repair(finding, after)
    return after
