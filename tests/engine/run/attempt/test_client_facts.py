"""What is made of what a client says of itself: its model, its count, what it was denied, that it stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.flows import PAIR
from tests.helpers.rig import Rig
from uwf import clock
from uwf.agent import failure
from uwf.agent.protocol import (
    AgentFailure,
    AgentRequest,
    Denied,
    Model,
    NewsHeard,
    Session,
    ToolCall,
    Usage,
)
from uwf.engine.chain import told
from uwf.engine.chain.nodes import Step
from uwf.engine.chain.word import Word, of_person, of_thread
from uwf.engine.progress import NoProgress
from uwf.engine.run.attempt.standstill import Standstill, fingerprint
from uwf.record import replace
from uwf.workflow.model import Workflow

WROTE = reply("done", "I wrote it.", file="a.py")


def step_of(rig: Rig, id: str) -> Step:
    return Step.read(rig.store, rig.thread(id).head)


def say(rig: Rig, id: str, text: str) -> None:
    with rig.store.transaction("test") as tx:
        told.tell(tx, id, of_person(text, clock.now_ms()))


def needing(*needs: str) -> Workflow:
    return replace(PAIR, roles={**PAIR.roles, "writer": replace(PAIR.roles["writer"], needs=needs)})


def test_the_chain_says_which_model_wrote_and_what_its_session_has_used(rig: Rig) -> None:
    id = rig.start()
    counted = {"input": 12.0, "usd": 0.5}
    events = (Model("big"), Session("s1"), Usage({"tokens": 12}, counted))
    rig.run(id, "exec", Said(WROTE, events=events))
    step = step_of(rig, id)
    assert (step.client.model, step.client.counted) == ("big", counted)


def test_the_count_of_a_session_is_handed_on_also_after_a_failure(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", crash(events=(Session("s1"), Usage({"tokens": 3}, {"input": 3.0}))))
    again = (Usage({"tokens": 4}, {"input": 7.0}),)
    rig.run(id, "resume", Said("no front matter", events=again), WROTE)
    assert [request.counted for request in rig.agent.asks] == [None, {"input": 3.0}, {"input": 7.0}]
    assert [request.session for request in rig.agent.asks] == [None, "s1", "s1"]


@pytest.mark.parametrize(("usd", "is_over"), [(0.6, True), (0.2, False)])
def test_a_client_that_ends_at_what_it_may_cost_has_failed_only_where_that_is_not_so(
    rig: Rig, usd: float, is_over: bool
) -> None:
    ended = AgentFailure(failure.BUDGET, failure.EXIT_CODE, "it ended", is_told=True)
    id = rig.start()
    rig.run(id, "exec", crash(failure=ended, usage={"usd": usd}), budget="usd=0.5")
    assert rig.agent.asks[0].usd_left == 0.5
    message = rig.thread(id).tags["suspendMessage"]
    assert message.startswith("the budget is used up: $0.60 of $0.50") is is_over
    assert message.startswith("it ended") is not is_over


def test_what_was_denied_is_told_and_fails_a_role_that_needs_it(rig: Rig) -> None:
    denied = Said(WROTE, events=(Denied("Write", {"file_path": "/x"}),))
    id = rig.start()
    rig.run(id, "exec", denied)
    assert step_of(rig, id).client.denied == ('Write {"file_path": "/x"}',)
    id = rig.start(needing("write"))
    [result] = rig.run(id, "exec", denied)
    assert result.failure is not None and result.failure.code == "permission"
    assert "denied what role writer needs: Write" in result.failure.message
    assert rig.thread(id).status == "suspended"


def test_what_a_client_says_of_itself_has_an_end(rig: Rig) -> None:
    denied = (Denied("Write", {"text": f"{number} {'x' * 5000}"}) for number in range(150))
    id = rig.start()
    rig.run(id, "exec", Said(WROTE, events=(Model("m" * 5000), *denied)))
    facts = step_of(rig, id).client
    assert facts.model == "m" * 200
    assert [len(words) for words in facts.denied] == [1000] * 100
    assert (
        len([turn for turn in rig.step(rig.head(id))["turns"] if turn["kind"] == "denied"]) == 150
    )


def test_what_was_given_and_not_heard_is_given_again_where_it_is_asked_again(rig: Rig) -> None:
    id = rig.start()

    def works(request: AgentRequest) -> Said:
        say(rig, id, "also tests")
        assert request.news() is not None
        return Said("no front matter")

    def again(request: AgentRequest) -> Said:
        news = request.news()
        assert news is not None and "also tests" in news
        return Said(WROTE, events=(NewsHeard(),))

    rig.run(id, "exec", works, again)
    assert [word.text for word in step_of(rig, id).told] == ["also tests"]


def test_what_is_said_meanwhile_and_heard_is_told_by_that_step(rig: Rig) -> None:
    id = rig.start()

    def works(request: AgentRequest) -> Said:
        assert request.news() is None
        say(rig, id, "also tests")
        news = request.news()
        assert news is not None and "also tests" in news
        assert request.news() is None, "each word once"
        say(rig, id, "too late")
        return Said(WROTE, events=(NewsHeard(),))

    rig.run(id, "exec", works)
    assert [word.text for word in step_of(rig, id).told] == ["also tests"]
    assert [word.text for word in told.waiting(rig.store, id)] == ["too late"]


def test_what_was_heard_in_a_run_that_came_to_nothing_is_told_again_until_a_step_has_it(
    rig: Rig,
) -> None:
    """Its client may have lost that run, or another agent may stand in."""
    id = rig.start()

    def works(request: AgentRequest) -> Said:
        say(rig, id, "also tests")
        assert request.news() is not None
        return Said("", events=(NewsHeard(),), ended="signal")

    def again(request: AgentRequest) -> str:
        assert "also tests" in request.prompt and request.news() is None
        return WROTE

    rig.run(id, "exec", works)
    rig.resume(id, again)
    assert [word.text for word in step_of(rig, id).told] == ["also tests"]
    assert told.waiting(rig.store, id) == ()


def test_what_was_given_and_not_heard_waits_for_the_next_step(rig: Rig) -> None:
    id = rig.start()

    def works(request: AgentRequest) -> str:
        say(rig, id, "also tests")
        assert request.news() is not None
        return WROTE

    rig.run(id, "exec", works)
    assert step_of(rig, id).told == ()
    assert [word.text for word in told.waiting(rig.store, id)] == ["also tests"]


@pytest.mark.parametrize("name", [None, "a friend"])
def test_what_an_agent_leaves_itself_is_for_the_next_step(rig: Rig, name: str | None) -> None:
    id = rig.start()
    speaker = of_thread(id) if name is None else of_thread(id).naming(name)

    def works(request: AgentRequest) -> Said:
        with rig.store.transaction("test") as tx:
            told.tell(tx, id, Word("mind it", speaker.who, speaker.trust, clock.now_ms()))
        assert request.news() is None
        return Said(WROTE, events=(NewsHeard(),))

    rig.run(id, "exec", works)
    assert step_of(rig, id).told == ()
    assert [word.text for word in told.waiting(rig.store, id)] == ["mind it"]


@pytest.mark.parametrize("changes", [False, True])
def test_the_same_call_again_and_again_is_said_and_then_ended(
    rig: Rig, tmp_path: Path, changes: bool
) -> None:
    call = ToolCall("t", "Bash", {"command": "make"})

    def busy() -> Iterator[ToolCall]:
        for number in range(10):
            if changes:
                (tmp_path / "out").write_text("x" * number)
            yield call

    id = rig.start(cwd=str(tmp_path))
    answer = Said(WROTE, events=busy())  # type: ignore[arg-type]  # as it goes
    [result] = rig.run(id, "exec", answer)
    said = [event.message for event in rig.events if isinstance(event, NoProgress)]
    if changes:
        assert (said, result.failure) == ([], None)
    else:
        words = "the same call of Bash 5 times, and nothing has changed"
        assert said == [f"agent fake makes no progress: {words}"]
        assert result.failure is not None and result.failure.code == "no_progress"
        assert rig.thread(id).status == "suspended"


def test_tokens_are_counted_from_when_its_folder_was_looked_at(tmp_path: Path) -> None:
    watch = Standstill(str(tmp_path), None, 100, 1000)
    told = [watch.used({"tokens": tokens}) for tokens in (1000, 1099, 1100, 1199, 1200)]
    assert (told, watch.is_over) == ([False, False, True, False, True], True)


def test_a_folder_looks_otherwise_once_a_file_of_it_is(tmp_path: Path) -> None:
    first = fingerprint(str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("x")
    second = fingerprint(str(tmp_path))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x").write_text("x")
    assert first != second == fingerprint(str(tmp_path))
    assert fingerprint("/nowhere") == 0
