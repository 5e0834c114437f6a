"""A step that keeps failing is left to a person; the same failure is known again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.guard.asking import bad, end, good, host, request
from uwf.errors import Refused
from uwf.guard import attempts
from uwf.guard.attempts import NOTE, Attempts, signature
from uwf.guard.contract import AttemptStopped
from uwf.record import replace
from uwf.store.sqlite import SqliteStore, open_in_memory

REQUEST = request(thread="T", workflow="w", agent="a")


def guard(rules: Attempts.Rules | None = None, store: SqliteStore | None = None) -> Attempts:
    return Attempts(host(store or open_in_memory(), rules or Attempts.Rules()))


def tell(store: SqliteStore, thread: str, cause: str) -> int:
    """A failure like this; how often it has been told by now."""
    end(guard(store=store), bad(cause=cause), store, request(thread=thread))
    return repeats(store, thread, cause)


def repeats(store: SqliteStore, thread: str, cause: str) -> int:
    return guard(store=store).repeats(thread, "exit_code", cause)


@pytest.mark.parametrize(("failures", "repeats"), [(0, 0), (2, 0), (0, 2), (2, 2)])
def test_few_failures_let_the_step_be_tried(failures: int, repeats: int) -> None:
    guard().enter(replace(REQUEST, failures_in_a_row=failures, repeats=repeats))


@pytest.mark.parametrize(
    ("failures", "repeats", "words"),
    [
        (3, 0, "failed 3 times in a row"),
        (4, 9, "failed 4 times in a row"),
        (0, 3, "failed in the same way 3 times in its life"),
    ],
)
def test_many_failures_are_left_to_a_person(failures: int, repeats: int, words: str) -> None:
    request = replace(REQUEST, failures_in_a_row=failures, repeats=repeats)
    with pytest.raises(Refused, match=words) as caught:
        guard().enter(request)
    assert caught.value.reason == "attempts_exhausted"
    assert "role writer" in caught.value.message
    assert (caught.value.hint or "").startswith("uwf thread resume T --supplement ")
    guard().enter(replace(request, fresh=True))


def test_the_limits_are_settings() -> None:
    guard(Attempts.Rules(max_attempts=9, max_repeats=9)).enter(
        replace(REQUEST, failures_in_a_row=8, repeats=8)
    )
    with pytest.raises(Refused):
        guard(Attempts.Rules(max_attempts=1)).enter(replace(REQUEST, failures_in_a_row=1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no such file /home/a/b-1.txt", "no such file /home/a/c_2.txt"),
        ("cannot open ~/x/y", "cannot open ./x/z/"),
        ("line 12: bad", "line 1234: bad"),
        ("took 3.5s, -2 left", "took 12s, 7 left"),
        ("object 3f9a2b1 missing", "object deadbeef00 missing"),
        ("at 0xdeadbeef", "at 0x12"),
        ("at 2026-01-31T09:15:00Z: gone", "at 2025-11-01 10:00:59,123: gone"),
        ("resets at 3:45pm", "resets at 11:05 am"),
        (
            "request 7c60cd60-066b-4591-bdb0-553c1f8091ff",
            "request ff31ba92-3575-4845-a997-4dd2b0a7df40",
        ),
        ("thread 01JABCDEFGHJKMNPQRSTVWXYZ0 died", "thread 01K00000000000000000000000 died"),
        ("GET https://a.example/v1?x=1 failed", "GET https://a.example/v2?y=2 failed"),
        ("Two  words\n here", "two words here"),
        (r"C:\temp\a1 is gone", r"C:\other\b is gone"),
    ],
)
def test_what_differs_from_time_to_time_makes_no_other_failure(one: str, other: str) -> None:
    assert signature("exit_code", one) == signature("exit_code", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("exit_code", "no such file"), ("signal", "no such file")),
        (("exit_code", "no such file"), ("exit_code", "no such folder")),
        (("exit_code", "the defaced facade"), ("exit_code", "the facade defaced")),
    ],
)
def test_what_is_different_stays_different(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert signature(*one) != signature(*other)


@given(st.text(max_size=5000))
def test_a_signature_is_short_and_one_line(message: str) -> None:
    known = signature("exit_code", message)
    assert known.startswith("exit_code:")
    assert len(known) <= 200
    assert "\n" not in known


@given(st.text(max_size=200))
def test_a_signature_is_its_own(message: str) -> None:
    """Numbers and paths leave nothing behind that would be replaced again."""
    known = signature("c", message).removeprefix("c:").strip()
    assert signature("c", known) == signature("c", message) or len(known) > 190


def test_counts_are_kept_for_each_thread() -> None:
    store = open_in_memory()
    assert repeats(store, "T", "a") == 0
    assert [tell(store, "T", "a"), tell(store, "T", "b"), tell(store, "T", "a")] == [1, 1, 2]
    assert repeats(store, "T", "a") == 2
    assert repeats(store, "U", "a") == 0


def test_a_count_is_kept_also_when_many_other_failures_come() -> None:
    store = open_in_memory()
    tell(store, "T", "often")
    tell(store, "T", "often")
    for n in range(10 * attempts.KEPT):
        tell(store, "T", f"once {word(n)}")
    assert repeats(store, "T", "often") == 2
    assert len(store.counter("failures/T")) == attempts.KEPT


def word(number: int) -> str:
    """A number as letters, which make another failure."""
    return "".join(chr(ord("k") + int(digit)) for digit in str(number))


def test_what_is_tried_again_by_itself_is_no_failure_of_its_thread() -> None:
    store = open_in_memory()
    end(guard(store=store), bad(cause="a", is_retried=True), store)
    end(guard(store=store), good(), store)
    end(guard(store=store), AttemptStopped({}, 5), store)
    assert store.counters("") == []


def test_what_was_noted_of_a_failure_makes_no_other_one() -> None:
    store = open_in_memory()
    tell(store, "T", "it crashed")
    assert repeats(store, "T", f"it crashed{NOTE}the same failure 3 times in this thread") == 1


class Counting(RuleBasedStateMachine):
    """The counter beside a plain dictionary, which nothing is forgotten from."""

    def __init__(self) -> None:
        super().__init__()
        self.store = open_in_memory()
        self.told: dict[tuple[str, str], int] = {}

    @rule(thread=st.sampled_from("TU"), known=st.sampled_from("abcd"))
    def fail(self, thread: str, known: str) -> None:
        self.told[thread, known] = self.told.get((thread, known), 0) + 1
        assert tell(self.store, thread, known) == self.told[thread, known]

    @invariant()
    def counts_agree(self) -> None:
        for thread in "TU":
            for known in "abcd":
                found = repeats(self.store, thread, known)
                assert found == self.told.get((thread, known), 0)


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_what_time_alone_cures_is_not_counted() -> None:
    store = open_in_memory()
    for outcome in (bad("network", is_transient=True), bad("spawn_failed", is_retried=True)):
        end(guard(store=store), outcome, store, request(thread="T"))
    assert store.counters(attempts.FAILURES) == []
