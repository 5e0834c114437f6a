"""`--wait` waits for what will pass by itself: a pause whose end is known, not one that a person must end."""

from __future__ import annotations

import pytest

from tests.helpers.rig import WROTE, Rig
from uwf import clock
from uwf.errors import Refused
from uwf.guard import switch


def pause(rig: Rig, until_ms: int | None) -> None:
    with rig.store.transaction() as tx:
        switch.pause_agent(tx, "fake", until_ms=until_ms, why="its limit is reached")


def test_a_pause_that_ends_within_the_wait_is_waited_for(rig: Rig) -> None:
    id = rig.start()
    pause(rig, clock.now_ms() + 200)
    assert rig.exec(id, WROTE, wait_s=30.0).step is not None


def test_without_a_wait_the_refusal_says_when_to_come_back(rig: Rig) -> None:
    id = rig.start()
    until_ms = clock.now_ms() + 60_000
    pause(rig, until_ms)
    with pytest.raises(Refused) as refused:
        rig.exec(id)
    assert (refused.value.reason, refused.value.retry_at_ms) == ("agent_paused", until_ms)


@pytest.mark.parametrize("until_ms", [None, 4_000_000_000_000])
def test_what_does_not_end_within_the_wait_is_refused_at_once(
    rig: Rig, until_ms: int | None
) -> None:
    id = rig.start()
    pause(rig, until_ms)
    with pytest.raises(Refused, match="paused"):
        rig.exec(id, wait_s=5.0)
