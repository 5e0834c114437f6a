"""Which machine a thread is on, and for how long it is left to that one."""

from __future__ import annotations

from uwf.engine.chain.hosts import PREFERRED_MS, away, preferred

DUE_MS = 1_700_000_000_000
ON_A = {"status": "idle", "host": "a"}


def test_a_due_thread_is_left_to_its_last_machine_for_a_while_and_then_to_any() -> None:
    assert preferred(ON_A, DUE_MS, DUE_MS) == "a"
    assert preferred(ON_A, DUE_MS, DUE_MS + PREFERRED_MS - 1) == "a"
    assert preferred(ON_A, DUE_MS, DUE_MS + PREFERRED_MS) is None


def test_a_thread_that_was_nowhere_yet_is_left_to_none() -> None:
    assert preferred({"status": "idle"}, DUE_MS, DUE_MS) is None


def test_a_thread_is_away_where_another_machine_had_it_last() -> None:
    assert away(ON_A, "b") == "a"
    assert away(ON_A, "a") is None
    assert away({"status": "idle"}, "b") is None


def test_in_a_store_of_one_machine_nothing_is_away() -> None:
    assert away(ON_A, None) is None
