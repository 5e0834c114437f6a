"""The loop: who is asked when, what a failing part does to the others, and when it gives up."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.daemon.clocks import Clocks
from uwf.daemon.loop.budget import DEGRADED, FAILING, LONGEST_S, OK, ErrorBudget, PartView
from uwf.daemon.loop.loop import LOOK_S, Loop
from uwf.daemon.loop.part import Part
from uwf.errors import InputError, PartBroken


class Wishing(Part):
    """Gives what `will` gives, and remembers when it was asked."""

    def __init__(self, name: str, will: Callable[[int], float | None]) -> None:
        self.name, self._will = name, will
        self.asked: list[int] = []
        self.is_closed = False

    def tick(self, now_ms: int) -> float | None:
        self.asked.append(now_ms)
        return self._will(now_ms)

    def close(self) -> None:
        self.is_closed = True


def idle(_now_ms: int) -> None:
    return None


def broken(_now_ms: int) -> float:
    raise OSError(28, "No space left on device")


class Passes:
    """A loop that ends after so many passes."""

    def __init__(self, parts: list[Part], clocks: Clocks, say: Callable[[str], None] = print):
        self.loop = Loop(parts, clocks, say, self._count)
        self._left = 0

    def run(self, number: int) -> None:
        self._left = number
        self.loop.run(lambda: LOOK_S if self._left > 0 else None)

    def _count(self) -> None:
        self._left -= 1


def test_without_wishes_it_looks_every_half_minute(clocks: Clocks) -> None:
    part = Wishing("a", idle)
    Passes([part], clocks).run(4)
    assert clocks.slept == [LOOK_S] * 3
    assert len(part.asked) == 4


def test_the_earliest_wish_is_kept_and_all_are_asked_in_order(clocks: Clocks) -> None:
    order = list[str]()

    def says(name: str, wish: float | None) -> Part:
        return Wishing(name, lambda now: (order.append(name), wish)[1])

    Passes([says("a", 7.0), says("b", None), says("c", 90.0)], clocks).run(2)
    assert clocks.slept == [7.0]
    assert order == ["a", "b", "c"] * 2


def test_it_sleeps_no_longer_than_it_is_allowed_to(clocks: Clocks) -> None:
    left = [5.0, 5.0, None]
    Loop([Wishing("a", idle)], clocks, print).run(lambda: left.pop(0))
    assert clocks.slept == [5.0]


def test_a_part_that_fails_is_tried_again_later_and_later_and_the_others_go_on(
    clocks: Clocks,
) -> None:
    said = list[str]()
    bad, good = Wishing("bad", broken), Wishing("good", lambda now: 1.0)
    passes = Passes([bad, good], clocks, said.append)
    passes.run(1)
    assert passes.loop.views() == {
        "bad": PartView(FAILING, 1, "OSError: [Errno 28] No space left on device"),
        "good": PartView(OK),
    }
    assert "bad failed, tried again in" in said[0] and "No space left" in said[0]
    while len(bad.asked) < 3:
        passes.run(2)
    assert passes.loop.views()["bad"].state == DEGRADED
    assert sum("bad is degraded" in line for line in said) == 1
    assert len(good.asked) > len(bad.asked)


def test_a_part_that_works_again_is_forgiven(clocks: Clocks) -> None:
    said, fails = list[str](), [True, True, False]

    def will(now_ms: int) -> None:
        if fails.pop(0):
            raise InputError("the file is bad")

    loop = Loop([Wishing("a", will)], clocks, said.append)
    while fails:
        loop.once()
        clocks.until(LONGEST_S)
    assert loop.views() == {"a": PartView(OK)}
    assert said[-1] == "a works again"
    assert said[0].endswith(": the file is bad")


def test_ten_failures_in_a_row_end_it(clocks: Clocks) -> None:
    part = Wishing("sources", broken)
    with pytest.raises(PartBroken, match="sources failed 10 times in a row: OSError"):
        Passes([part], clocks).run(1000)
    assert len(part.asked) == 10
    assert sum(clocks.slept) < 5 * 60


def test_jump_of_the_clock_is_noted_once(clocks: Clocks) -> None:
    said = list[str]()
    passes = Passes([Wishing("a", idle)], clocks, said.append)
    passes.run(2)
    clocks.wall_ms -= 3_600_000
    passes.run(2)
    assert passes.loop.jumps == 1
    assert said == ["the clock has jumped by -3600 s"]
    clocks.wall_ms += 1_900
    passes.run(2)
    assert passes.loop.jumps == 1


def test_all_are_closed_though_one_cannot_be(clocks: Clocks) -> None:
    first, last = Wishing("first", idle), Wishing("last", idle)

    class Stuck(Wishing):
        def close(self) -> None:
            raise RuntimeError("it hangs")

    said = list[str]()
    Loop([first, Stuck("stuck", idle), last], clocks, said.append).close()
    assert first.is_closed and last.is_closed
    assert said == ["stuck could not be closed: RuntimeError: it hangs"]


def test_delays_grow_to_a_bound_and_are_spread() -> None:
    budget = ErrorBudget(random.Random(1))
    delays = [budget.failed(ValueError("x"), 0.0) for _ in range(8)]
    assert all(delay <= min(2.0**n, LONGEST_S) for n, delay in enumerate(delays))
    assert all(delay >= min(2.0**n, LONGEST_S) / 2 for n, delay in enumerate(delays))
    assert len({ErrorBudget().failed(ValueError("x"), 0.0) for _ in range(20)}) > 1
