"""`--wait` waits for what will pass by itself: a pause whose end is known, not one that a person must end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers.rig import WROTE, Rig
from uwf import clock
from uwf.engine.progress import Waiting
from uwf.engine.run import lock
from uwf.errors import Interrupted, Refused
from uwf.guard import pause as switch
from uwf.guard import refusals
from uwf.guard.success_rate import SuccessRate
from uwf.record import replace

if TYPE_CHECKING:
    from uwf.engine.progress import Progress

DAY_MS = 86_400_000


def pause(rig: Rig, until_ms: int | None) -> None:
    with rig.store.transaction("test") as tx:
        switch.pause_agent(tx, "fake", until_ms=until_ms, why="its limit is reached")


def test_a_pause_that_ends_within_the_wait_is_waited_for(rig: Rig) -> None:
    id = rig.start()
    pause(rig, clock.now_ms() + 20)
    assert rig.exec(id, WROTE, wait_s=30.0).step is not None
    assert refusals.refusals(rig.store, SuccessRate.Rules()) == {}


def test_a_command_that_is_refused_is_counted_once(rig: Rig) -> None:
    id = rig.start()
    pause(rig, clock.now_ms() + 60_000)
    with pytest.raises(Refused):
        rig.exec(id, wait_s=1.0, count=5)
    assert refusals.refusals(rig.store, SuccessRate.Rules()) == {"agent_paused": 1}


def test_without_a_wait_the_refusal_says_when_to_come_back(rig: Rig) -> None:
    id = rig.start()
    until_ms = clock.now_ms() + 60_000
    pause(rig, until_ms)
    with pytest.raises(Refused) as refused:
        rig.exec(id)
    assert (refused.value.reason, refused.value.retry_at_ms) == ("agent_paused", until_ms)


def test_a_wait_of_months_is_slept_in_pieces_and_ends_when_it_is_stopped(rig: Rig) -> None:
    id = rig.start()
    pause(rig, clock.now_ms() + 60 * DAY_MS)
    events = rig.engine.on_progress

    def stop_when_it_waits(event: Progress) -> None:
        events(event)
        if isinstance(event, Waiting):
            rig.stop.request()

    rig.engine = replace(rig.engine, on_progress=stop_when_it_waits)
    with pytest.raises(Interrupted):
        rig.exec(id, wait_s=9_999_999.0)


def test_pieces_of_a_sleep_are_as_long_as_the_whole(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "LONGEST_SLEEP_S", 0.01)
    id = rig.start()
    pause(rig, clock.now_ms() + 5)  # on a clock that goes on by one at each look
    began_s = clock.monotonic_s()
    rig.exec(id, WROTE, wait_s=30.0)
    sleeps = sum(isinstance(event, Waiting) for event in rig.events)
    assert sleeps >= 1
    assert clock.monotonic_s() - began_s >= sleeps * 0.045, "each of them is to last 50 ms"


@pytest.mark.parametrize("until_ms", [None, 4_000_000_000_000])
def test_what_does_not_end_within_the_wait_is_refused_at_once(
    rig: Rig, until_ms: int | None
) -> None:
    id = rig.start()
    pause(rig, until_ms)
    with pytest.raises(Refused, match="paused"):
        rig.exec(id, wait_s=5.0)
