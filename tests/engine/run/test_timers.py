"""The timer of a thread while it is run: a run that begins takes it away, what is wished for meanwhile stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.states import completed, failed, idle
from tests.helpers.fake_agent import crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.chain import thread as threads
from uwf.engine.chain import wake
from uwf.engine.chain.wake import Wake

HOUR_MS = 3_600_000


def wish(rig: Rig, id: str, at_ms: int, kind: str = wake.PERSON, **more: Any) -> Wake:
    wished = Wake(at_ms, kind, "a word", **more)
    with rig.store.transaction("test") as tx:
        threads.wake_by(tx, id, wished)
    return wished


def timer(rig: Rig, id: str) -> Wake | None:
    return wake.of(rig.ref(id).tags, id)


def meanwhile(answer: str, *acts: Callable[[], Any]) -> Callable[[Any], str]:
    """An agent that replies `answer` once others have done something."""

    def say(_request: Any) -> str:
        for act in acts:
            act()
        return answer

    return say


def test_the_earliest_wish_wins_and_a_later_one_is_no_move(each_rig: Rig, now: Ticking) -> None:
    rig = each_rig
    id = rig.start()
    at_ms = now() + HOUR_MS
    first = wish(rig, id, at_ms)
    version = rig.ref(id).version
    wish(rig, id, at_ms + 1, wake.ECONOMY)
    assert (timer(rig, id), rig.ref(id).version) == (first, version)
    earlier = wish(rig, id, at_ms - 1, wake.ECONOMY)
    assert timer(rig, id) == earlier
    assert rig.store.moves(f"@uwf/thread/{id}")[-1].why.startswith("wakes at 2023-")


@pytest.mark.parametrize("ahead_ms", [-HOUR_MS, HOUR_MS])
@pytest.mark.parametrize("make", [idle, completed, failed])
def test_a_command_never_waits_for_the_timer_and_takes_it_away(
    rig: Rig, now: Ticking, make: Callable[[Rig], str], ahead_ms: int
) -> None:
    id = make(rig)
    wish(rig, id, now() + ahead_ms)
    verb = "exec" if make is idle else "resume"
    rig.run(id, verb, CHANGES if make is not completed else WROTE)
    assert timer(rig, id) is None


@pytest.mark.parametrize("answer", [WROTE, suspend("which file?"), crash("no network")])
def test_what_is_wished_for_while_a_run_goes_on_outlives_its_steps(
    rig: Rig, now: Ticking, answer: Any
) -> None:
    id = rig.start()
    wish(rig, id, now())
    at_ms = now() + HOUR_MS
    asked = meanwhile(answer, lambda: wish(rig, id, at_ms))
    rig.run(id, "exec", asked)
    assert timer(rig, id) == Wake(at_ms, wake.PERSON, "a word")


def test_it_outlives_the_end_of_the_thread_and_the_steps_that_follow(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()
    at_ms = now() + HOUR_MS
    rig.run(id, "exec", meanwhile(WROTE, lambda: wish(rig, id, at_ms)), APPROVED, count=2)
    assert rig.state(id)["status"] == "completed"
    assert timer(rig, id) == Wake(at_ms, wake.PERSON, "a word")


def test_what_is_due_is_done_by_the_next_step_of_the_run(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    rig.run(id, "exec", meanwhile(WROTE, lambda: wish(rig, id, now())), APPROVED, count=2)
    assert timer(rig, id) is None
    id = rig.start()
    rig.run(id, "exec", WROTE, meanwhile(APPROVED, lambda: wish(rig, id, now())), count=2)
    assert timer(rig, id) is not None


def test_a_timer_that_comes_between_plan_and_beginning_stays(
    rig: Rig, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    wish(rig, id, now() + HOUR_MS)
    monkeypatch.setattr(
        rig.agent, "unavailable", lambda cwd, path: wish(rig, id, 5) and None, raising=True
    )
    rig.run(id, "exec", WROTE)
    assert timer(rig, id) == Wake(5, wake.PERSON, "a word")


def test_cancelling_clears_it_and_undoing_that_brings_it_back(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wished = wish(rig, id, now() + HOUR_MS)
    rig.cancel(id)
    assert timer(rig, id) is None
    rig.undo(id)
    assert timer(rig, id) == wished


def test_an_undo_brings_no_older_timer_back_and_takes_none_of_another_away(
    rig: Rig, now: Ticking
) -> None:
    id = idle(rig)
    wish(rig, id, now() + HOUR_MS)
    rig.exec(id, CHANGES)
    rig.undo(id)
    assert timer(rig, id) is None
    wished = wish(rig, id, now() + HOUR_MS)
    rig.undo(id)
    assert timer(rig, id) == wished


def test_a_fork_has_no_timer(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wish(rig, id, now())
    assert timer(rig, rig.fork(rig.head(id), id)) is None
