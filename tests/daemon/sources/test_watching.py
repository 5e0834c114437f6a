"""Which pull requests a source asks about: bounded, everyone has a turn, and nothing is forgotten silently."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from uwf.daemon.sources.watching import AGE_MS, MOST, ROTATING, Pull, choose
from uwf.record import replace

NOW = 1_700_000_000_000
HOUR = 3_600_000


def pulls(count: int) -> list[Pull]:
    """Number 1 was active last."""
    return [
        Pull("octo/shop", number, 0, NOW - number * HOUR // 100) for number in range(1, count + 1)
    ]


def numbers(found: tuple[Pull, ...]) -> list[int]:
    return [pull.number for pull in found]


def test_few_are_all_asked_about_the_latest_first() -> None:
    found = choose(list(reversed(pulls(MOST))), NOW)
    assert numbers(found.asked) == list(range(1, MOST + 1))
    assert not found.waiting and not found.aged


def test_many_share_the_last_places() -> None:
    found = choose(pulls(200), NOW)
    assert numbers(found.asked) == list(range(1, MOST + 1))
    assert len(found.waiting) == 150


def test_whoever_waited_longest_is_next() -> None:
    asked = [replace(pull, polled_ms=NOW - 1) for pull in pulls(200)[:190]] + pulls(200)[190:]
    found = choose(asked, NOW)
    assert numbers(found.asked)[MOST - ROTATING :] == list(range(191, 201))


@given(st.integers(MOST + 1, 300))
def test_each_has_its_turn(count: int) -> None:
    known = {pull.number: pull for pull in pulls(count)}
    rounds = -(-(count - (MOST - ROTATING)) // ROTATING)
    for at in range(rounds):
        found = choose(list(known.values()), NOW + at)
        assert len(found.asked) == MOST
        for pull in found.asked:
            known[pull.number] = replace(pull, polled_ms=NOW + at)
    assert all(pull.polled_ms for pull in known.values())


def test_what_is_quiet_for_a_fortnight_drops_out_by_name() -> None:
    old = Pull("octo/shop", 7, 0, NOW - AGE_MS - 1)
    edge = Pull("octo/shop", 8, 0, NOW - AGE_MS)
    found = choose([old, edge], NOW)
    assert numbers(found.asked) == [8]
    assert [pull.name for pull in found.aged] == ["octo/shop#7"]


def test_what_moves_again_is_asked_about_again() -> None:
    old = Pull("octo/shop", 7, 0, NOW - AGE_MS - 1)
    assert numbers(choose([replace(old, active_ms=NOW)], NOW).asked) == [7]
