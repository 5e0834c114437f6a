"""The chain: asked in order, let go in reverse, and closed whatever breaks in it."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guard.asking import REQUEST, refused
from uwf.errors import (
    Busy,
    Conflict,
    Interrupted,
    NotFound,
    Refused,
    StoreAway,
    StoreBusy,
    UwfError,
)
from uwf.guard.chain import entered
from uwf.guard.contract import Guard, Release, Request


class Step(Guard):
    """A guard that tells what becomes of it. `on_enter` and `on_release` may raise."""

    def __init__(
        self,
        name: str,
        told: list[str],
        *,
        holds: bool = True,
        on_enter: Callable[[], None] | None = None,
        on_release: Callable[[], None] | None = None,
        waits: bool = False,
    ) -> None:
        self.name = name  # type: ignore[misc]  # each its own
        self.waits = waits
        self._told, self._holds = told, holds
        self._on_enter, self._on_release = on_enter, on_release

    def enter(self, request: Request) -> Release | None:
        assert request is REQUEST
        self._told.append(f"enter {self.name}")
        if self._on_enter:
            self._on_enter()
        return Release(self._release, has_waited=self.waits) if self._holds else None

    def _release(self) -> None:
        self._told.append(f"release {self.name}")
        if self._on_release:
            self._on_release()


def raises(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def no(reason: str) -> Callable[[], None]:
    return raises(Refused(f"no: {reason}", reason=reason))


def test_guards_are_entered_in_order_and_released_in_reverse() -> None:
    told: list[str] = []
    with entered([Step("a", told), Step("b", told, holds=False), Step("c", told)], REQUEST):
        told.append("run")
    assert told == ["enter a", "enter b", "enter c", "run", "release c", "release a"]


def test_first_no_wins_and_rolls_back_what_was_held() -> None:
    told: list[str] = []
    guards = [
        Step("a", told),
        Step("b", told, on_enter=no("first")),
        Step("c", told, on_enter=no("c")),
    ]
    refusal = refused(lambda: run(guards, told))
    assert (refusal.reason, told) == ("first", ["enter a", "enter b", "release a"])


@pytest.mark.parametrize(
    "error",
    [Busy("it runs"), Interrupted("stopped", signum=15), KeyboardInterrupt(), SystemExit(3)],
)
def test_what_is_no_fault_of_the_guard_is_told_as_it_is(error: BaseException) -> None:
    told: list[str] = []
    with pytest.raises(type(error)) as caught:
        run([Step("a", told), Step("b", told, on_enter=raises(error))], told)
    assert caught.value is error
    assert told == ["enter a", "enter b", "release a"]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("odd"),
        KeyError("sinceMs"),
        OSError(28, "No space left on device"),
        MemoryError(),
        RecursionError("too deep"),
        StoreBusy("the store is in use"),
        Conflict("somebody else was faster"),  # an answer of the store, not of a guard
        NotFound("gone"),
        ExceptionGroup("many", [ValueError("one")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_broken_guard_refuses_with_its_name_and_the_cause(error: Exception) -> None:
    told: list[str] = []
    guards = [Step("a", told), Step("breaker", told, on_enter=raises(error)), Step("c", told)]
    refusal = refused(lambda: run(guards, told))
    assert refusal.reason == refusal.code == "guard_error"
    assert "guard breaker broke" in refusal.message
    assert str(error) in refusal.message
    assert refusal.__cause__ is error
    assert told == ["enter a", "enter breaker", "release a"]


def test_a_store_that_does_not_answer_is_no_fault_of_a_guard() -> None:
    told: list[str] = []
    guards = [Step("a", told), Step("b", told, on_enter=raises(StoreAway("it does not answer")))]
    with pytest.raises(StoreAway, match="it does not answer"):
        run(guards, told)
    assert told == ["enter a", "enter b", "release a"]


class StepFailed(Exception):
    pass


def run(guards: list[Step], told: list[str], error: BaseException | None = None) -> None:
    with entered(guards, REQUEST):
        told.append("run")
        if error is not None:
            raise error


FAULTS = st.sampled_from(
    [ValueError("a"), OSError(5, "b"), StoreBusy("c"), Refused("d", reason="draining"), Busy("e")]
)


@given(
    holds=st.lists(st.booleans(), min_size=1, max_size=8),
    fails_to_enter=st.dictionaries(
        st.integers(0, 7), st.sampled_from([ValueError, OSError, KeyError])
    ),
    fails_to_release=st.dictionaries(st.integers(0, 7), FAULTS),
    step_fails=st.booleans(),
)
def test_chain_with_any_of_its_guards_broken_is_closed(
    holds: list[bool],
    fails_to_enter: dict[int, type[Exception]],
    fails_to_release: dict[int, Exception],
    step_fails: bool,
) -> None:
    told: list[str] = []
    guards = [
        Step(
            str(number),
            told,
            holds=hold,
            on_enter=raises(fails_to_enter[number]("broken")) if number in fails_to_enter else None,
            on_release=raises(fails_to_release[number]) if number in fails_to_release else None,
        )
        for number, hold in enumerate(holds)
    ]
    first_broken = min((n for n in fails_to_enter if n < len(holds)), default=None)
    let_in = range(len(holds) if first_broken is None else first_broken)
    releases = [number for number in reversed(let_in) if holds[number]]
    failed_releases = [number for number in releases if number in fails_to_release]
    error: BaseException | None = None
    try:
        run(guards, told, StepFailed() if step_fails else None)
    except Exception as caught:
        error = caught

    entered_ones = [*let_in, *([] if first_broken is None else [first_broken])]
    assert told == [
        *(f"enter {number}" for number in entered_ones),
        *(["run"] if first_broken is None else []),
        *(f"release {number}" for number in releases),
    ]
    if first_broken is not None:
        assert isinstance(error, Refused)
        assert error.reason == "guard_error"
        assert f"guard {first_broken} broke" in error.message
    elif step_fails:
        assert isinstance(error, StepFailed)
    elif failed_releases:
        assert type(error) is UwfError  # not `Refused`: the step ran
        assert error.code == "guard_error"
    else:
        assert error is None
    for number in failed_releases:  # nothing that went wrong goes unsaid
        assert f"guard {number} could not let go" in "".join(traceback.format_exception(error))


def test_release_goes_on_when_one_of_them_is_interrupted() -> None:
    told: list[str] = []
    guards = [Step("a", told), Step("b", told, on_release=raises(KeyboardInterrupt()))]
    with pytest.raises(KeyboardInterrupt):
        run(guards, told)
    assert told == ["enter a", "enter b", "run", "release b", "release a"]


def test_guards_before_one_that_waited_are_asked_again() -> None:
    # In the hour in which a thread waits in the queue, the machine may begin to drain.
    told: list[str] = []
    answers = iter([None, no("draining")])

    def drain() -> None:
        answer = next(answers)
        if answer is not None:
            answer()

    guards = [
        Step("drain", told, holds=False, on_enter=drain),
        Step("lock", told),
        Step("slots", told, waits=True),
    ]
    assert refused(lambda: run(guards, told)).reason == "draining"
    assert told == [
        *("enter drain", "enter lock", "enter slots"),
        *("enter drain", "release slots", "release lock"),
    ]


def test_guard_that_holds_something_only_when_asked_again_is_released_too() -> None:
    # The breaker may half-open meanwhile: what comes out of the queue is its probe.
    told: list[str] = []
    probe = Step("breaker", told, holds=False)

    def wait() -> None:
        probe._holds = True

    guards = [
        probe,
        Step("first", told, waits=True),
        Step("slots", told, on_enter=wait, waits=True),
    ]
    run(guards, told)
    assert told[-4:] == ["run", "release breaker", "release slots", "release first"]
    assert told.count("enter breaker") == 3  # and after each that waited


def test_guards_are_asked_once_where_none_waited() -> None:
    told: list[str] = []
    run([Step("a", told, holds=False), Step("b", told)], told)
    assert told.count("enter a") == 1
