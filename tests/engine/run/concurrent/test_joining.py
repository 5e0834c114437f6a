"""A second `exec --wait` joins the run of its thread: what it adds is told, and one step answers all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.fake_agent import Answers, crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.agent.process import platform
from uwf.engine.progress import FailureJoined, StepDone
from uwf.engine.run.concurrent.joining import Joiner
from uwf.engine.run.order import EXEC, RESUME, Order
from uwf.errors import Refused
from uwf.guard.capacity import joined
from uwf.record import replace
from uwf.store.owner import Owner


def joiner(rig: Rig, id: str, **order: Any) -> Joiner:
    """One that has found the thread running."""
    found = Joiner(rig.engine, id, Order(EXEC, wait_s=60.0, **order))
    assert found.is_answered() is False
    return found


def meanwhile(act: Callable[[], object], answer: Answers) -> Answers:
    """An agent that says `answer`, and in the middle of whose work something happens."""

    def say(_: object) -> Answers:
        act()
        return answer

    return say


def test_all_that_asked_for_a_step_are_answered_by_the_one_that_was_made(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    came: list[Joiner] = []
    rig.exec(id, meanwhile(lambda: came.extend(joiner(rig, id) for _ in range(25)), CHANGES))
    answers = [each.answer() for each in came]
    assert {(each.role, each.step, each.is_joined) for each in answers if each is not None} == {
        ("reviewer", rig.head(id), True)
    }
    assert None not in answers


def test_a_step_that_was_there_before_answers_nobody(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    late = joiner(rig, id)
    assert late.answer() is None
    rig.undo(id)
    assert late.answer() is None
    rig.exec(id, WROTE)
    answer = late.answer()
    assert answer is None or answer.step == rig.head(id)


def test_one_that_never_had_to_wait_makes_its_own_step(rig: Rig) -> None:
    id = rig.start()
    with Joiner(rig.engine, id, Order(EXEC, wait_s=60.0)) as early:
        rig.exec(id, WROTE)
        assert early.answer() is None
    assert rig.exec(id, CHANGES, wait_s=60.0).role == "reviewer"


def test_what_all_of_them_add_is_told_to_one_step_which_answers_them(rig: Rig) -> None:
    id = rig.start()
    came: list[Joiner] = []

    def come() -> None:
        came.extend(joiner(rig, id, supplement=f"word {n}") for n in range(3))

    rig.exec(id, meanwhile(come, WROTE))
    assert [each.answer() for each in came] == [None, None, None]
    assert came[0].goes_on() == Order(EXEC, wait_s=60.0, supplement="word 0")
    rig.exec(id, CHANGES, wait_s=60.0, supplement="word 0")
    assert rig.steps(id)[-1].supplement == "word 1\n\nword 2\n\nword 0"
    assert all(word in rig.prompt for word in ("word 0", "word 1", "word 2"))
    assert {each.answer().step for each in came[1:]} == {rig.head(id)}  # type: ignore[union-attr]


def test_a_run_of_many_steps_tells_it_to_its_next_one(rig: Rig) -> None:
    id = rig.start()
    came: list[Joiner] = []
    come = meanwhile(lambda: came.append(joiner(rig, id, supplement="shorter")), WROTE)
    rig.exec(id, come, CHANGES, WROTE)
    assert [step.supplement for step in rig.steps(id)] == [None, "shorter", None]
    assert came[0].answer() is not None


def test_what_was_told_to_an_attempt_that_failed_is_not_said_twice(rig: Rig) -> None:
    id = rig.start()
    came: list[Joiner] = []
    come = meanwhile(lambda: came.append(joiner(rig, id, supplement="shorter")), WROTE)
    rig.exec(id, come, crash(), count=2)
    assert came[0].answer() is None
    assert came[0].goes_on() == Order(EXEC, wait_s=60.0)
    rig.resume(id, CHANGES)
    assert rig.steps(id)[-1].supplement == "shorter"


def test_nothing_is_told_twice_to_two_steps(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, meanwhile(lambda: joiner(rig, id, supplement="shorter"), WROTE), CHANGES)
    rig.exec(id, WROTE)
    assert [step.supplement for step in rig.steps(id)] == [None, "shorter", None]


def test_one_that_leaves_takes_its_words_along_unless_they_were_told(rig: Rig) -> None:
    id = rig.start()
    left = joiner(rig, id, supplement="I have left")
    assert rig.waiting(id) == ["I have left"]
    left.__exit__(None, None, None)
    assert rig.waiting(id) == []
    told = joiner(rig, id, supplement="an attempt was told")
    rig.exec(id, crash())
    told.__exit__(None, None, None)
    assert rig.waiting(id) == ["an attempt was told"]
    assert joined.all_of(rig.store) == []


def test_one_of_two_that_add_the_same_leaves_the_words_to_the_other(rig: Rig) -> None:
    id = rig.start()
    first, second = (joiner(rig, id, supplement="shorter") for _ in range(2))
    assert rig.waiting(id) == ["shorter"]
    second.__exit__(None, None, None)
    assert rig.waiting(id) == ["shorter"]
    rig.exec(id, WROTE)
    assert rig.steps(id)[-1].supplement == "shorter"
    answer = first.answer()
    assert answer is not None and answer.step == rig.head(id)  # type: ignore[union-attr]


def test_one_that_died_waits_no_longer_and_its_words_do(rig: Rig) -> None:
    id = rig.start()
    joiner(rig, id, supplement="said before I died")
    with rig.store.transaction("test") as tx:
        for each in joined.all_of(tx):
            tx.set_counter(each.name, None)
        joined.put(tx, id, Owner(1 << 30, "no-boot:1"))
    joiner(rig, id)
    assert [each.owner for each in joined.all_of(rig.store)] == [platform.this_process()]
    rig.exec(id, WROTE)
    assert rig.steps(id)[-1].supplement == "said before I died"


def test_counters_hold_no_words(rig: Rig) -> None:
    id = rig.start()
    joiner(rig, id, supplement="a long story")
    assert "a long story" not in repr(rig.store.counters(""))


@pytest.mark.parametrize("last", [APPROVED, suspend("which one?")])
def test_a_run_to_the_end_is_answered_by_the_end(rig: Rig, last: str) -> None:
    id = rig.start()
    came: list[Joiner] = []

    def one(answer: Answers) -> Answers:
        return meanwhile(lambda: came.append(joiner(rig, id, count=None)), answer)

    rig.exec(id, one(WROTE), one(CHANGES), WROTE)
    assert [each.answer() for each in came] == [None, None]
    rig.exec(id, last)
    assert [each.answer().step for each in came] == [rig.head(id)] * 2  # type: ignore[union-attr]


def test_what_failed_answers_all_that_came_before_and_add_nothing(rig: Rig) -> None:
    id = rig.start()
    came: list[Joiner] = []

    def come() -> None:
        orders: list[dict[str, Any]] = [{"count": None}, {}, {"count": None, "supplement": "more"}]
        came.extend(joiner(rig, id, **order) for order in orders)

    rig.exec(id, meanwhile(come, WROTE))
    to_end, one, adds = came
    assert [to_end.answer(), adds.answer()] == [None, None]
    rig.exec(id, meanwhile(lambda: came.append(joiner(rig, id)), crash()))
    failed = rig.thread(id).pending
    assert failed is not None
    for each in (to_end, came[-1]):
        answer = each.answer()
        assert isinstance(answer, FailureJoined) and answer.attempt == failed.last
        assert (answer.role, answer.failure) == ("reviewer", failed.failure)
    made = one.answer()
    assert isinstance(made, StepDone) and made.step == rig.head(id)
    assert adds.answer() is None
    late = joiner(rig, id)
    assert late.answer() is None, "it failed before"


def test_the_threads_that_are_joined_are_those_for_which_the_queue_has_room(rig: Rig) -> None:
    first, second, third = (rig.start() for _ in range(3))
    rules = {**rig.engine.config.settings, "limits": {"max_queue": 2}}
    rig.engine = replace(rig.engine, config=replace(rig.engine.config, settings=rules))
    for _ in range(5):
        joiner(rig, first)
    joiner(rig, second)
    with pytest.raises(Refused) as refused:
        joiner(rig, third)
    assert refused.value.reason == "queue_full"
    assert "the queue has 2 threads already" in refused.value.message
    joiner(rig, second)


@pytest.mark.parametrize(
    "order",
    [
        Order(RESUME, wait_s=5.0, supplement="resume with this"),
        Order(EXEC, wait_s=5.0, rebind="ab" * 32, supplement="another file"),
    ],
)
def test_what_asks_for_something_else_only_waits(rig: Rig, order: Order) -> None:
    id = rig.start()
    came: list[Joiner] = []

    def come() -> None:
        came.append(Joiner(rig.engine, id, order))
        assert came[0].is_answered() is False

    rig.exec(id, meanwhile(come, WROTE), CHANGES)
    assert joined.threads(rig.store, platform.is_alive) == {id}
    assert (came[0].answer(), came[0].goes_on()) == (None, order)
    assert [step.supplement for step in rig.steps(id)] == [None, None]
    assert joined.all_of(rig.store) == []
