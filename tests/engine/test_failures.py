"""Attempts that do not become a step: what is kept of them, and how the next one goes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.fake_agent import Said, crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig, everything
from uwf.engine import advance
from uwf.engine.advance import Order
from uwf.errors import Conflict, Interrupted, Refused, StoreError
from uwf.guard import breaker
from uwf.store.sqlite import SqliteStore

STOPPED = Said(ended="stopped", turns=("half a",))


def stopped(rig: Rig, id: str, verb: str = "exec", **order: Any) -> None:
    with pytest.raises(Interrupted):
        rig.run(id, verb, STOPPED, **order)
    rig.stop.signum = None


def attempts(rig: Rig, id: str) -> list[dict[str, Any]]:
    """The failed attempts that the head step is linked to."""
    found: list[dict[str, Any]] = rig.view.step(rig.head(id))["failedAttempts"]
    return found


def test_failed_attempt_is_kept_with_all_that_is_known_of_it(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    result = rig.exec(id, crash("warn\nno network", turns=("I try", " it."), exit_code=9))
    assert result.failure is not None
    assert (result.role, result.step) == ("writer", None)
    assert result.failure.code == "exit_code"
    assert result.attempt == rig.attempt(id).id  # type: ignore[union-attr]
    rig.resume(id, WROTE)
    (kept,) = attempts(rig, id)
    assert kept["attempt"] == result.attempt
    assert (kept["number"], kept["role"], kept["agent"]) == (1, "writer", "fake")
    assert kept["error"] == {
        "code": "exit_code",
        "message": "agent fake exited with code 9: no network",
    }
    assert kept["stderr"] == "warn\nno network"
    assert kept["process"]["exitCode"] == 9
    assert [turn["text"] for turn in kept["turns"]] == ["I try", " it."]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("timeout", "reached its timeout"),
        ("stall", "said nothing for too long"),
        ("output_limit", "wrote more than its output limit"),
        ("signal", "was killed by signal"),
    ],
)
def test_every_way_to_end_badly_has_a_code_and_words(rig: Rig, ended: Any, words: str) -> None:
    id = rig.start()
    result = rig.exec(id, Said(ended=ended, error="no such file"))
    assert result.failure is not None
    assert result.failure.code == ended
    assert words in result.failure.message
    assert rig.state(id)["suspendMessage"] == result.failure.message
    assert rig.row(id)["error"] == {
        "code": ended,
        "message": result.failure.message,
        "attempt": result.attempt,
    }


def test_what_may_pass_is_tried_again_and_each_try_is_kept(rig: Rig) -> None:
    id = rig.start()
    failed = Said(ended="spawn_failed", error="no such file")
    result = rig.exec(id, failed, failed, failed)
    assert result.failure is not None
    assert result.failure.code == "spawn_failed"
    assert "could not be started: no such file" in result.failure.message
    with pytest.raises(Refused, match="left alone for a while"):
        rig.resume(id)
    breaker.reset(rig.store, "fake")
    rig.run(id, "resume", failed, WROTE, supplement="it is there now")
    assert len(rig.steps(id)[0].attempts) == 4


def test_failure_is_one_line_of_exec(rig: Rig) -> None:
    id = rig.start()
    result = rig.exec(id, crash("no network"))
    line = rig.view.result(result)
    assert (line["role"], line["step"], line["stepStatus"]) == ("writer", None, None)
    assert (line["status"], line["currentRole"], line["done"]) == ("suspended", "writer", False)
    assert line["error"] == {
        "code": "exit_code",
        "message": "agent fake exited with code 7: no network",
        "attempt": result.attempt,
    }


def test_until_done_ends_at_a_failure(rig: Rig) -> None:
    id = rig.start()
    results = rig.run(id, "exec", WROTE, crash(), count=None)
    assert [result.role for result in results] == ["writer", "reviewer"]
    assert results[-1].failure is not None


def test_tries_are_numbered_and_all_linked_from_the_step(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, crash("one"))
    rig.resume(id, crash("two"))
    stopped(rig, id, "resume")
    rig.resume(id, WROTE)
    assert [ask.env["UWF_ATTEMPT"] for ask in rig.agent.asks] == ["1", "2", "3", "4"]
    assert [row["number"] for row in attempts(rig, id)] == [1, 2, 3]
    codes = [row["error"]["code"] for row in attempts(rig, id)]
    assert codes == ["exit_code", "exit_code", "stopped"]
    assert rig.view.steps(rig.head(id))[0]["attempts"] == [
        row["attempt"] for row in attempts(rig, id)
    ]


def test_tries_are_counted_anew_after_a_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash())
    rig.resume(id, WROTE)
    rig.exec(id, crash())
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"
    rig.resume(id, CHANGES)
    assert len(attempts(rig, id)) == 1


def test_retry_goes_on_in_the_session_of_the_failed_attempt(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(ended="timeout", session="s-1"))
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


def test_retry_without_a_session_of_its_own_has_that_of_the_last_visit(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(WROTE, session="s-1"), CHANGES)
    rig.exec(id, crash())
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


def test_session_of_bad_replies_is_that_of_the_retry(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", Said("bad", session="s-1"), "bad", "bad")
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


@pytest.mark.parametrize("how", ["failed", "stopped", "died"])
def test_supplement_survives(each_rig: Rig, how: str) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, suspend("tabs?"))
    if how == "failed":
        rig.resume(id, crash(), supplement="use tabs")
    elif how == "stopped":
        stopped(rig, id, "resume", supplement="use tabs")
    else:
        with pytest.raises(KeyboardInterrupt):
            rig.resume(id, KeyboardInterrupt(), supplement="use tabs")
    rig.resume(id, CHANGES)
    assert "## New information\n\nA person adds this now:\n\nuse tabs\n\n##" in rig.prompt
    assert rig.steps(id)[-1].supplement == "use tabs"


@pytest.mark.parametrize("how", ["failed", "stopped", "died"])
def test_second_supplement_is_added_to_the_first(rig: Rig, how: str) -> None:
    id = rig.start()
    if how == "failed":
        rig.exec(id, crash(), supplement="use tabs")
    elif how == "stopped":
        stopped(rig, id, supplement="use tabs")
    else:
        with pytest.raises(KeyboardInterrupt):
            rig.exec(id, KeyboardInterrupt(), supplement="use tabs")
    rig.run(id, "exec", WROTE, supplement="and no globals")
    assert rig.steps(id)[-1].supplement == "use tabs\n\nand no globals"


def test_same_supplement_twice_is_said_once(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash(), supplement="use tabs")
    rig.resume(id, WROTE, supplement="use tabs")
    assert rig.steps(id)[-1].supplement == "use tabs"


def test_supplement_is_for_one_step_only(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", WROTE, CHANGES, count=2, supplement="use tabs")
    assert "New information" not in rig.prompt
    assert [step.supplement for step in rig.steps(id)] == ["use tabs", None]


def test_retry_has_the_instruction_of_the_first_try(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, crash())
    rig.resume(id, APPROVED)
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")


def test_round_goes_on_after_a_failure_at_its_beginning(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    rig.resume(id, crash(), supplement="one more thing")
    assert rig.row(id)["round"] == 2
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].env["UWF_ROUND"] == "2"
    assert [step.round for step in rig.steps(id)] == [1, 1, 2]


def test_stop_between_steps_ends_the_run_at_a_whole_step(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()

    def write_and_stop(ask: object) -> str:
        rig.stop.request(2)
        return WROTE

    with pytest.raises(Interrupted) as ended:
        rig.run(id, "exec", write_and_stop, count=None)
    assert ended.value.signum == 2
    assert [step.role for step in rig.steps(id)] == ["writer"]
    assert rig.state(id) == {"status": "idle"}
    assert rig.attempt(id) is None


def test_stop_before_the_first_step_changes_nothing(rig: Rig) -> None:
    id = rig.start()
    before = everything(rig.store)
    rig.stop.request()
    with pytest.raises(Interrupted):
        rig.exec(id)
    assert everything(rig.store) == before


def test_stop_that_came_before_the_agent_was_spawned_leaves_a_completed_thread_alone(
    rig: Rig,
) -> None:
    id = rig.start()
    rig.exec(id, WROTE, APPROVED)
    before = rig.ref(id)
    rig.agent.process = None  # the gate is never reached
    with pytest.raises(Interrupted):
        rig.resume(id, Said(ended="stopped"), supplement="more")
    assert rig.ref(id) == before


def test_stopped_attempt_keeps_its_turns(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    with pytest.raises(Interrupted):
        rig.exec(id, Said(text="half a reply", ended="stopped", turns=("half a",)))
    rig.stop.signum = None
    assert rig.row(id)["error"] is None
    rig.exec(id, WROTE)
    (kept,) = attempts(rig, id)
    assert kept["error"]["code"] == "stopped"
    assert [turn["text"] for turn in kept["turns"]] == ["half a", " reply"]


def test_until_done_is_suspended_after_max_steps(make_rig: Any) -> None:
    rig = make_rig(max_steps=3)
    id = rig.start()
    results = rig.run(id, "exec", WROTE, CHANGES, WROTE, count=None)
    assert len(results) == 3
    assert results[-1].thread.status == "suspended"
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": "reviewer",
        "suspendMessage": "stopped after 3 steps without an end (limits.max_steps)",
    }
    rig.resume(id, CHANGES)
    assert rig.prompt.endswith("Review a.py. The writer says: I wrote it.")


def test_run_that_ends_with_its_last_allowed_step_is_not_suspended(make_rig: Any) -> None:
    rig = make_rig(max_steps=2)
    id = rig.start()
    rig.run(id, "exec", WROTE, APPROVED, count=None)
    assert rig.state(id)["status"] == "completed"


def test_count_is_not_bound_by_max_steps(make_rig: Any) -> None:
    rig = make_rig(max_steps=1)
    id = rig.start()
    rig.run(id, "exec", WROTE, CHANGES, count=2)
    assert rig.state(id) == {"status": "idle"}


class DiskFull(Exception):
    """What the store raises in these tests."""


@pytest.mark.parametrize("at", range(1, 12))
def test_store_that_fails_anywhere_leaves_the_thread_as_it_was_or_done(
    each_rig: Rig, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    before = rig.ref(id)
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise DiskFull

    kind = "SqliteTransaction" if isinstance(rig.store, SqliteStore) else "MemoryTransaction"
    from uwf.store import memory, writing

    transaction: Any = getattr(writing if kind[0] == "S" else memory, kind)
    with monkeypatch.context() as patch:
        for name in ("put", "set_ref", "delete_ref"):
            plain = getattr(transaction, name)

            def failing(self: Any, *args: Any, plain: Any = plain, **named: Any) -> Any:
                count()
                return plain(self, *args, **named)

            patch.setattr(transaction, name, failing)
        try:
            rig.exec(id, Said(CHANGES, turns=("---\n",)))
        except DiskFull:
            assert rig.ref(id) == before
        else:
            assert calls < at
            assert rig.thread(id).place.index == 2
    if rig.ref(id) == before:
        rig.agent.will_say()
        rig.exec(id, CHANGES)
    assert [step.role for step in rig.steps(id)] == ["writer", "reviewer"]
    assert rig.state(id) == {"status": "idle"}


def test_busy_thread_is_refused_and_says_who_has_it(rig: Rig) -> None:
    from uwf.errors import Busy

    id = rig.start()

    def second(ask: object) -> str:
        with pytest.raises(Busy) as busy:
            list(advance.run(rig.engine, id, Order("exec"), rig.stop))
        assert "(writer, since 20" in busy.value.message
        assert busy.value.hint
        return WROTE

    rig.exec(id, second)


def test_session_outlives_an_interruption(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(ended="timeout", session="s-1"))
    with pytest.raises(KeyboardInterrupt):
        rig.resume(id, KeyboardInterrupt())
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


@pytest.mark.parametrize("answer", [WROTE, crash(), "bad"])
def test_tag_set_while_the_agent_runs_is_kept(each_rig: Rig, answer: Any) -> None:
    rig = each_rig
    id = rig.start()

    def label(ask: object) -> Any:
        with rig.store.transaction() as tx:
            tags = {**rig.ref(id).tags, "label.team": "red"}
            tx.set_ref(f"@uwf/thread/{id}", rig.head(id), tags=tags, why="labelled")
        return answer

    rig.run(id, "exec", label, *(["bad", "bad"] if answer == "bad" else []))
    assert rig.row(id)["labels"] == {"team": "red"}


def test_head_moved_by_somebody_else_meanwhile_is_not_overwritten(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE)
    start = rig.thread(id).place.start

    def move(ask: object) -> str:
        with rig.store.transaction() as tx:
            tx.set_ref(f"@uwf/thread/{id}", start, why="by hand")
        return CHANGES

    with pytest.raises(Conflict):
        rig.exec(id, move)
    assert rig.head(id) == start
    rig.exec(id, WROTE)
    assert rig.steps(id)[0].attempts == ()


def test_priority_that_is_no_number_is_told_and_not_run(rig: Rig) -> None:
    id = rig.start()
    with rig.store.transaction() as tx:
        tags = {**rig.ref(id).tags, "priority": "high"}
        tx.set_ref(f"@uwf/thread/{id}", rig.head(id), tags=tags, why="by hand")
    with pytest.raises(StoreError) as refused:
        rig.exec(id)
    assert refused.value.code == "bad_tag"
