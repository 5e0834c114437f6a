"""The one timer of a thread, as tags: the earliest wish wins, and what a run makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uwf.engine.chain import wake
from uwf.engine.chain.tags import (
    CANCELLED,
    COMPLETED,
    IDLE,
    STATUSES,
    SUSPENDED,
    ThreadState,
    lasting,
    with_state,
)
from uwf.engine.chain.wake import KINDS, LAST_MS, Wake
from uwf.errors import StoreError

NOW_MS = 1_700_000_000_000
LATER_MS = NOW_MS + 1_800_000

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=20)
WAKES = st.builds(
    Wake, st.integers(0, LAST_MS), st.sampled_from(KINDS), TEXTS, for_words=st.booleans()
)
LOOK = Wake(LATER_MS, wake.TIMER, "writer asked for a look")
WORDS = Wake(NOW_MS, wake.COLLABORATION, "alice on src/x.py", for_words=True)
BY_HAND = Wake(LATER_MS, wake.PERSON, "asked by a person")


def tags_of(*wishes: Wake) -> dict[str, str]:
    tags = {"status": IDLE, "label.pr": "42"}
    for each in wishes:
        tags = wake.wish(tags, each)
    return tags


def began(
    tags: dict[str, str], seen: dict[str, str] | None = None, *, first: bool = True
) -> dict[str, str]:
    return wake.run_began(
        tags, tags if seen is None else seen, NOW_MS, is_first=first, is_woken=False
    )


@given(WAKES)
def test_a_timer_is_read_as_it_was_wished_for(one: Wake) -> None:
    tags = tags_of(one)
    assert wake.of(tags, "T") == one
    assert wake.without(tags) == {"status": IDLE, "label.pr": "42"}
    assert lasting(tags) == {"label.pr": "42"}


def test_it_is_stored_in_words_and_so_that_texts_sort_as_times_do() -> None:
    assert tags_of(WORDS)["wakeWhy"] == "collaboration, told: alice on src/x.py"
    assert tags_of(LOOK)["wakeWhy"] == "timer: writer asked for a look"
    assert tags_of(Wake(5, wake.TIMER, "long ago"))["wakeAt"] == "0000000000005"
    assert tags_of(Wake(10**15, wake.TIMER, "never"))["wakeAt"] == "9999999999999"


@given(st.lists(WAKES, min_size=1, max_size=6))
def test_the_earliest_wish_wins_whatever_their_order(wishes: list[Wake]) -> None:
    found = wake.of(tags_of(*wishes), "T")
    assert found is not None and found in wishes
    assert found.at_ms == min(each.at_ms for each in wishes)


def test_a_timer_of_before_there_were_kinds_is_that_of_a_failed_attempt() -> None:
    old = {"wakeAt": f"{NOW_MS}", "wakeWhy": "agent claude: the network: is away"}
    assert wake.of(old, "T") == Wake(NOW_MS, wake.RECOVERY, "agent claude: the network: is away")
    assert wake.of({"wakeAt": f"{NOW_MS}"}, "T") == Wake(NOW_MS, wake.RECOVERY, "")
    assert wake.of({}, "T") is None


@pytest.mark.parametrize("text", ["soon", "-5", "1e9", "", "\u0661\u0667"])
def test_a_time_that_cannot_be_read_is_an_error_and_gives_way_to_a_wish(text: str) -> None:
    with pytest.raises(StoreError, match="which is no number") as error:
        wake.of({"wakeAt": text}, "T")
    assert error.value.hint == "uwf thread wake T --clear"
    assert wake.of(wake.wish({"wakeAt": text}, LOOK), "T") == LOOK


@given(st.lists(WAKES, max_size=3), st.sampled_from(STATUSES), st.none() | WAKES)
def test_a_state_keeps_the_timer_unless_it_is_cancelled(
    wishes: list[Wake], status: str, own: Wake | None
) -> None:
    tags = with_state(tags_of(*wishes), ThreadState(status, wake=own), NOW_MS)
    all = [] if status == CANCELLED else wishes
    all = all if own is None else [*all, own]
    found = wake.of(tags, "T")
    assert (found is None) == (not all)
    assert found is None or found.at_ms == min(each.at_ms for each in all)
    assert tags["label.pr"] == "42"


def test_a_run_that_begins_takes_the_timer_away() -> None:
    for timer in (LOOK, WORDS, BY_HAND):
        assert wake.of(began(tags_of(timer)), "T") is None


def test_a_timer_that_was_set_since_the_step_was_planned_stays() -> None:
    seen, now = tags_of(LOOK), tags_of(LOOK, WORDS)
    assert wake.of(began(now, seen), "T") == WORDS
    assert wake.of(began(now, tags_of()), "T") == WORDS
    assert wake.of(began(now, seen, first=False), "T") == WORDS


def test_a_later_step_takes_away_what_is_due_and_what_its_own_run_has_asked_for() -> None:
    assert wake.of(began(tags_of(WORDS), first=False), "T") is None
    assert wake.of(began(tags_of(LOOK), first=False), "T") is None
    assert wake.of(began(tags_of(BY_HAND), first=False), "T") == BY_HAND
    debounced = Wake(LATER_MS, wake.TIMER, "a schedule", for_words=True)
    assert wake.of(began(tags_of(debounced), first=False), "T") == debounced


@pytest.mark.parametrize("status", [SUSPENDED, COMPLETED])
def test_a_run_that_was_woken_says_so_until_it_has_ended(status: str) -> None:
    tags = tags_of(WORDS)
    running = wake.run_began(tags, tags, NOW_MS, is_first=True, is_woken=True)
    assert (running.get("wakeAt"), running["wokenFor"]) == (None, tags["wakeWhy"])
    next_step = with_state(running, ThreadState(IDLE), NOW_MS)
    assert next_step["wokenFor"] == tags["wakeWhy"]
    killed = wake.cut_off(next_step, NOW_MS)
    assert killed is not None and (killed.kind, killed.for_words) == (wake.RECOVERY, False)
    assert "alice on src/x.py" in killed.why
    again = wake.run_began(next_step, next_step, NOW_MS, is_first=True, is_woken=True)
    assert again == next_step
    assert "wokenFor" not in with_state(next_step, ThreadState(status), NOW_MS)
    by_hand = began(next_step)
    assert "wokenFor" not in by_hand and wake.cut_off(by_hand, NOW_MS) is None
