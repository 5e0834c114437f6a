"""Signs and colours of states."""

from __future__ import annotations

from uwf.display import states

THREADS = [
    states.of_thread("suspended"),
    states.of_thread("suspended", has_failed=True),
    states.of_thread("corrupt"),
    states.of_thread("running"),
    states.of_thread("waiting"),
    states.of_thread("idle", is_postponed=True),
    states.of_thread("idle"),
    states.of_thread("completed"),
    states.of_thread("cancelled"),
]
TERMINAL = {"", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}


def test_states_of_threads_are_told_apart_without_colour() -> None:
    assert len({look.sign for look in THREADS}) == len(THREADS)
    assert len({look.ascii for look in THREADS}) == len(THREADS)
    assert all(len(look.sign) == len(look.ascii) == 1 for look in THREADS)
    assert all(look.ascii.isascii() for look in THREADS)


def test_what_waits_for_a_person_comes_first_and_what_has_ended_last() -> None:
    assert [look.rank for look in THREADS] == sorted(look.rank for look in THREADS)
    assert states.of("no such word").rank > THREADS[-1].rank


def test_colours_are_those_that_the_theme_of_a_terminal_has() -> None:
    assert {look.colour for look in THREADS} <= TERMINAL


def test_only_a_suspended_thread_is_shown_as_failed() -> None:
    assert states.of_thread("running", has_failed=True) == states.of("running")
    assert states.of_thread("completed", is_postponed=True) == states.of("completed")
