"""Promises of schedules: kept, broken, pending."""

from __future__ import annotations

from typing import Any

import pytest

from uwf.app.upkeep import audit
from uwf.engine.query.home.audit import LATE_MS
from uwf.engine.schedules.alarms import QUIET_MS
from uwf.engine.schedules.view import OccurrenceView, ScheduleView
from uwf.record import replace

DUE = 1_700_000_000_000
CLAIMED = OccurrenceView("nightly", DUE, "claimed", "time", DUE, None, None, None, None, "", ())
TURNED = replace(CLAIMED, state="turned", started=DUE, first_turn=DUE)
ENDED = replace(TURNED, state="ended", ended=DUE, how="completed")


def state(one: OccurrenceView, *, is_silent: bool = False) -> str:
    return audit.occurrence(one, DUE, "look", is_silent=is_silent).state


@pytest.mark.parametrize(
    ("one", "changes", "is_silent", "expected"),
    [
        (CLAIMED, {}, False, "pending"),
        (CLAIMED, {}, True, "broken"),
        (TURNED, {}, False, "pending"),
        (ENDED, {}, False, "kept"),
        (ENDED, {"how": "failed"}, False, "kept"),
        (ENDED, {"how": "failed", "started": None}, False, "broken"),
        (ENDED, {"claimed": DUE + LATE_MS}, False, "kept"),
        (ENDED, {"claimed": DUE + LATE_MS + 1}, False, "broken"),
        (TURNED, {"claimed": DUE + LATE_MS + 1}, False, "broken"),
        (ENDED, {"claimed": DUE + LATE_MS + 1, "by": "backfill"}, False, "kept"),
        (TURNED, {"first_turn": DUE + QUIET_MS - 1}, False, "pending"),
        (TURNED, {"first_turn": DUE + QUIET_MS}, False, "broken"),
        (ENDED, {"first_turn": DUE + QUIET_MS}, False, "broken"),
        (CLAIMED, {"state": "skipped", "why": "the last one has not ended"}, False, "kept"),
    ],
)
def test_what_became_of_an_occurrence(
    one: OccurrenceView, changes: dict[str, Any], is_silent: bool, expected: str
) -> None:
    assert state(replace(one, **changes), is_silent=is_silent) == expected


def test_it_says_which_facts_there_are_and_why() -> None:
    late = replace(ENDED, claimed=DUE + 3_600_000)
    found = audit.occurrence(late, DUE, "look", is_silent=False)
    assert found.why == "1h late: claimed, started, first turn, ended (completed)"
    skipped = replace(CLAIMED, state="skipped", why="it is a holiday")
    assert audit.occurrence(skipped, DUE, "look", is_silent=False).why == (
        "claimed, skipped: it is a holiday"
    )


@pytest.mark.parametrize(
    ("is_made_up", "expected", "end"),
    [(True, "kept", "a later one ran"), (False, "broken", "none ran")],
)
def test_times_that_were_dropped_leave_a_trace(is_made_up: bool, expected: str, end: str) -> None:
    gap = {"missed": 3, "missed_at": DUE, "is_made_up": is_made_up}
    schedule = ScheduleView("nightly", "hourly", "starts one", None, None, "on", 0, **gap)
    found = audit.missed(schedule, DUE, "look")
    assert (found.state, found.at) == (expected, DUE)
    assert found.why.startswith("nobody looked in time, and 3 were dropped") and found.why.endswith(
        end
    )
