"""Who is due, in which order, and who is reminded that a thread waits for a person."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.states import asked, completed, failed, idle
from tests.helpers.rig import Rig
from tests.helpers.ticking import Ticking
from uwf.engine.chain import thread as threads
from uwf.engine.chain import wake
from uwf.engine.chain.tags import THREADS
from uwf.engine.chain.wake import KINDS, Wake
from uwf.engine.query.home import due
from uwf.engine.query.home.due import FIRST_LOOK_MS, LAST_LOOK_MS
from uwf.engine.query.home.urgency import AGE_MS, SLIPPING_MS, DueThread, ordered
from uwf.engine.run import lock
from uwf.record import replace

NOW_MS = 1_700_000_000_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def wish(rig: Rig, id: str, at_ms: int, kind: str = wake.PERSON) -> None:
    with rig.store.transaction("test") as tx:
        threads.wake_by(tx, id, Wake(at_ms, kind, "a word"))


def spoil(rig: Rig, id: str, **tags: str) -> None:
    """What a person's own hand can do to a thread."""
    ref = rig.ref(id)
    with rig.store.transaction("test") as tx:
        tx.set_ref(ref.name, ref.id, tags={**ref.tags, **tags}, why="test")


def ids(rig: Rig, now_ms: int, *, look_ahead: bool = True) -> list[str]:
    return [each.thread for each in due.due(rig.store, now_ms, look_ahead=look_ahead).threads]


# What is due.


@pytest.mark.parametrize("look_ahead", [False, True])
def test_due_is_whose_time_has_come_in_whatever_state(
    each_rig: Rig, now: Ticking, look_ahead: bool
) -> None:
    rig, at_ms = each_rig, now() + HOUR_MS
    states = [make(rig) for make in (idle, asked, failed, completed)]
    for number, id in enumerate(states):
        wish(rig, id, at_ms + number)
    rig.start()
    assert ids(rig, at_ms - 1, look_ahead=look_ahead) == []
    assert ids(rig, at_ms + 1, look_ahead=look_ahead) == states[:2]
    found = due.due(rig.store, at_ms + 1, look_ahead=look_ahead)
    assert found.next_ms == at_ms + 2
    assert [each.status for each in found.threads] == ["idle", "suspended"]
    assert ids(rig, at_ms + HOUR_MS, look_ahead=look_ahead) == states
    assert due.due(rig.store, at_ms + HOUR_MS, look_ahead=look_ahead).next_ms is None


def test_the_soonest_timers_are_those_of_threads_that_do_not_run(
    each_rig: Rig, now: Ticking
) -> None:
    rig, at_ms = each_rig, now()
    last, runs, first = (rig.start() for _ in range(3))
    for id, later_ms in ((last, HOUR_MS), (runs, 1), (first, -HOUR_MS)):
        wish(rig, id, at_ms + later_ms)
    spoil(rig, rig.start(), **{wake.WAKE_AT: "9soon"})
    with lock.hold(rig.engine, runs):
        found = due.soonest(rig.store, 9)
        assert [(each.thread, each.wake.at_ms) for each in found] == [
            (first, at_ms - HOUR_MS),
            (last, at_ms + HOUR_MS),
        ]
    assert [each.thread for each in due.soonest(rig.store, 2)] == [first, runs]


def test_a_run_that_was_killed_is_due_and_first(rig: Rig, now: Ticking) -> None:
    one, other = rig.start(), rig.start()
    wish(rig, one, now() - HOUR_MS)
    spoil(rig, other, wokenFor="economy: a word")
    found = due.due(rig.store, now(), look_ahead=False).threads
    assert [(each.thread, each.wake.kind) for each in found] == [
        (other, wake.RECOVERY),
        (one, wake.PERSON),
    ]


def test_one_that_runs_is_listed_and_known_as_running(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    spoil(rig, id, wokenFor="economy: a word")
    assert due.under_way(rig.store) == []
    with lock.hold(rig.engine, id):
        assert due.under_way(rig.store) == ids(rig, now()) == [id]


@pytest.mark.parametrize("look_ahead", [False, True])
def test_a_timer_of_one_that_runs_does_not_hide_the_next(
    rig: Rig, now: Ticking, look_ahead: bool
) -> None:
    runs, ahead, next_one = rig.start(), rig.start(), rig.start()
    at_ms = now() + HOUR_MS
    wish(rig, runs, at_ms)
    spoil(rig, runs, wokenFor="economy: a word")
    wish(rig, next_one, at_ms + MINUTE_MS)
    assert due.due(rig.store, now(), look_ahead=look_ahead).next_ms == at_ms + MINUTE_MS
    now.ms += 2 * HOUR_MS
    wish(rig, ahead, now())
    spoil(rig, ahead, wakeAt=f"{at_ms + 1:013d}")
    now.ms -= 2 * HOUR_MS  # the clock was ahead when that was set
    assert due.due(rig.store, now(), look_ahead=look_ahead).next_ms == at_ms + MINUTE_MS


def test_a_clock_that_was_set_back_keeps_nobody_asleep(rig: Rig, now: Ticking) -> None:
    soon, later = rig.start(), rig.start()
    wish(rig, soon, now() + MINUTE_MS)
    wish(rig, later, now() + 24 * HOUR_MS)
    now.ms -= HOUR_MS
    assert ids(rig, now.ms, look_ahead=True) == [soon]
    found = due.due(rig.store, now.ms, look_ahead=True)
    assert found.next_ms is not None and found.next_ms > now.ms + 24 * HOUR_MS


def test_what_cannot_be_read_is_named_and_keeps_nobody_else(rig: Rig, now: Ticking) -> None:
    fine, odd, worse = rig.start(), rig.start(), rig.start()
    for id in (fine, odd, worse):
        wish(rig, id, now())
    spoil(rig, odd, wakeAt="1e9")
    spoil(rig, worse, priority="high")
    found = due.due(rig.store, now(), look_ahead=True)
    assert [each.thread for each in found.threads] == [fine]
    assert {each.thread for each in found.unreadable} == {odd, worse}
    assert all(each.hint for each in found.unreadable)
    spoil(rig, odd, wakeAt="tomorrow")
    assert ids(rig, now(), look_ahead=True) == [fine]


def test_a_cancelled_thread_is_never_due(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    rig.cancel(id)
    spoil(rig, id, wakeAt=f"{now():013d}", wakeWhy="timer: x")
    assert ids(rig, now() + HOUR_MS) == []


# In which order.


def one(
    name: str, kind: str, waits_ms: int = 0, *, priority: int = 0, for_words: bool = False
) -> DueThread:
    return DueThread(name, "idle", priority, Wake(NOW_MS - waits_ms, kind, "", for_words))


SYSTEM = [
    one("recovery", wake.RECOVERY, 2),
    one("deadline", wake.DEADLINE, 1),
    one("words of a person", wake.PERSON, for_words=True),
    one("late timer", wake.TIMER, SLIPPING_MS + 1),
]
OTHERS = [
    one("person", wake.PERSON),
    one("review", wake.COLLABORATION, for_words=True),
    one("check", wake.ENVIRONMENT, for_words=True),
    one("chore", wake.ECONOMY),
    one("timer", wake.TIMER),
]


@given(st.permutations([*SYSTEM, *OTHERS]))
def test_the_layers_and_the_kinds_have_one_order(all: list[DueThread]) -> None:
    assert ordered(all, NOW_MS) == [*SYSTEM, *OTHERS]


def test_ties_go_by_arrival() -> None:
    for kind in KINDS:
        first, second, third = one("c", kind, 3), one("b", kind, 2), one("a", kind, 2)
        for some in permutations([first, second, third]):
            assert ordered(some, NOW_MS) == [first, third, second]


def test_waiting_ages_upward_but_not_into_the_system() -> None:
    old = one("chore", wake.ECONOMY, 4 * AGE_MS)
    fresh = one("person", wake.PERSON)
    assert ordered([fresh, old], NOW_MS) == [old, fresh]
    assert ordered([one("chore", wake.ECONOMY, 2 * AGE_MS), fresh], NOW_MS)[0] == fresh
    ancient = one("chore", wake.ECONOMY, 10_000 * AGE_MS)
    assert ordered([ancient, SYSTEM[2]], NOW_MS) == [SYSTEM[2], ancient]


def test_a_threads_own_priority_counts_and_is_bounded() -> None:
    high = one("chore", wake.ECONOMY, priority=5)
    assert ordered([OTHERS[0], high], NOW_MS) == [high, OTHERS[0]]
    low = one("person", wake.PERSON, priority=-5)
    assert ordered([OTHERS[3], low], NOW_MS) == [OTHERS[3], low]
    assert ordered([one("x", wake.ECONOMY, priority=10**9), SYSTEM[0]], NOW_MS)[0] == SYSTEM[0]
    patient = one("y", wake.ECONOMY, 200 * AGE_MS)
    assert ordered([one("x", wake.ECONOMY, priority=10**9), patient], NOW_MS)[0] == patient


DUES = st.builds(
    DueThread,
    st.text("abc", min_size=1, max_size=3),
    st.just("idle"),
    st.integers(-200, 200),
    st.builds(
        Wake,
        st.integers(NOW_MS - 10 * HOUR_MS, NOW_MS + HOUR_MS),
        st.sampled_from(KINDS),
        st.just(""),
        st.booleans(),
    ),
)


@given(DUES, st.text("abc", min_size=1, max_size=3), st.integers(1, 10 * HOUR_MS))
def test_who_has_waited_longer_for_the_same_is_never_overtaken(
    early: DueThread, name: str, by_ms: int
) -> None:
    wished = replace(early.wake, at_ms=early.wake.at_ms + by_ms)
    late = replace(early, thread=name, wake=wished)
    assert ordered([late, early], NOW_MS)[0] == early


# Who is reminded.


def test_the_looks_begin_after_half_an_hour_and_back_off_to_a_day() -> None:
    at_ms, looks = 0, []
    for _ in range(9):
        at_ms = due.next_look_ms(0, at_ms)
        looks.append(at_ms / HOUR_MS)
    assert looks == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 55.5, 79.5, 103.5]


@given(st.integers(0, 400 * LAST_LOOK_MS), st.integers(-HOUR_MS, 400 * LAST_LOOK_MS))
def test_the_next_look_is_after_now_and_within_a_day(since_ms: int, after_ms: int) -> None:
    now_ms = since_ms + after_ms
    next_ms = due.next_look_ms(since_ms, now_ms)
    assert next_ms > now_ms and next_ms >= since_ms + FIRST_LOOK_MS
    assert next_ms - max(now_ms, since_ms) <= LAST_LOOK_MS
    assert due.next_look_ms(since_ms, next_ms - 1) == next_ms


def test_a_thread_that_waits_is_told_of_once_at_each_look(rig: Rig, now: Ticking) -> None:
    id = asked(rig)
    idle(rig)
    since_ms = rig.ref(id).updated_ms
    told, at_ms = [], since_ms
    for minutes in range(0, 500, 10):
        now_ms = since_ms + minutes * MINUTE_MS
        for waits in due.waiting(rig.store, at_ms, now_ms):
            assert (waits.thread, waits.since, waits.message) == (id, since_ms, "which file?")
            told.append(minutes)
        at_ms = now_ms
    assert told == [30, 90, 210, 450]
    assert len(due.waiting(rig.store, 0, since_ms + 9 * HOUR_MS)) == 1
    rig.resume(id, "---\n$status: approved\n---\n")
    assert due.waiting(rig.store, 0, since_ms + 9 * HOUR_MS) == []
    assert rig.store.ref(THREADS + id) is not None
