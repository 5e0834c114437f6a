"""Attempts that do not become a step: what is kept of them, and how the next one goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.engine.chain.attempt import ended_attempts
from uwf.guard import breaker, success_rate
from uwf.guard.success_rate import SuccessRate
from uwf.jsontext import document

if TYPE_CHECKING:
    from uwf.agent.protocol import Ended


def test_failed_attempt_is_kept_with_all_that_is_known_of_it(each_rig: Rig) -> None:
    rig = each_rig
    id = rig.start()
    result = rig.exec(id, crash("warn\nno network", turns=("I try", " it."), exit_code=9))
    assert result.failure is not None
    assert (result.role, result.step) == ("writer", None)
    assert result.failure.code == "exit_code"
    assert result.attempt == rig.attempt(id).id  # type: ignore[union-attr]
    rig.resume(id, WROTE)
    (kept,) = rig.failed_attempts(id)
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
    rig.run(id, "resume", failed, WROTE, supplement="it is there now")
    assert len(rig.steps(id)[0].attempts) == 4


def test_failure_is_one_line_of_exec(rig: Rig) -> None:
    id = rig.start()
    result = rig.exec(id, crash("no network"))
    line = document(rig.views.result(result.event))
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
    rig.stopped(id, "resume")
    rig.resume(id, WROTE)
    assert [ask.env["UWF_ATTEMPT"] for ask in rig.agent.asks] == ["1", "2", "3", "4"]
    assert [row["number"] for row in rig.failed_attempts(id)] == [1, 2, 3]
    codes = [row["error"]["code"] for row in rig.failed_attempts(id)]
    assert codes == ["exit_code", "exit_code", "stopped"]
    assert rig.step_rows(rig.head(id))[0]["attempts"] == [
        row["attempt"] for row in rig.failed_attempts(id)
    ]


def test_tries_are_counted_anew_after_a_step(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, crash())
    rig.resume(id, WROTE)
    rig.exec(id, crash())
    assert rig.agent.asks[-1].env["UWF_ATTEMPT"] == "1"
    rig.resume(id, CHANGES)
    assert len(rig.failed_attempts(id)) == 1


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


def test_session_outlives_an_interruption(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, Said(ended="timeout", session="s-1"))
    with pytest.raises(KeyboardInterrupt):
        rig.resume(id, KeyboardInterrupt())
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-1"


def test_tries_that_were_made_again_by_themselves_count_as_one(rig: Rig) -> None:
    """They exhaust a step no sooner than one would, and teach the guards no more."""
    failed = Said(ended="spawn_failed", error="no such file")
    id = rig.start()
    rig.exec(id, failed, failed, failed)
    assert [end["retried"] for end in ended(rig, id)] == [True, True, False]
    rig.resume(id, failed, failed, failed, count=1)
    assert {one.failures for one in breaker.all_of(rig.store)} == {2}
    (figures,) = success_rate.figures(rig.store, SuccessRate.Rules(), by="agent")
    assert figures.attempts == 2
    rig.resume(id, WROTE)
    assert len(rig.steps(id)[0].attempts) == 6


def ended(rig: Rig, id: str) -> list[dict[str, object]]:
    attempt = rig.thread(id).attempt
    assert attempt is not None
    return [rig.store.get(end).payload for end in ended_attempts(rig.store, attempt.last_end)]


@pytest.mark.parametrize("end", ["timeout", "stall", "output_limit"])
def test_session_that_an_agent_named_before_it_was_ended_goes_on(rig: Rig, end: Ended) -> None:
    id = rig.start()
    said = reply("done", "Half of it.", session="s-42")
    result = rig.exec(id, Said(said, ended=end))
    assert result.failure is not None
    assert ("goes on in the same session" in result.failure.message) == (end != "output_limit")
    rig.resume(id, WROTE)
    assert rig.agent.asks[-1].session == "s-42"


def test_agent_without_a_session_is_told_of_none(rig: Rig) -> None:
    result = rig.exec(rig.start(), Said("half a rep", ended="timeout"))
    assert result.failure is not None
    assert result.failure.message == "agent fake reached its timeout"


def test_what_a_process_came_to_is_kept_with_its_step(rig: Rig) -> None:
    result = rig.exec(rig.start(), WROTE)
    assert result.step is not None
    facts = rig.step(result.step)["process"]
    assert (facts["ended"], facts["exitCode"], facts["rung"], facts["survivors"]) == (
        "exit",
        0,
        "",
        [],
    )
