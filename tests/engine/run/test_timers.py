"""The timer of a thread while it is run: a run that begins takes it away, what is wished for meanwhile stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.states import asked, completed, failed, fresh, idle
from tests.helpers.fake_agent import FakeAgent, crash, suspend
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from tests.helpers.ticking import Ticking
from uwf.engine.actions import timer as actions
from uwf.engine.chain import thread as threads
from uwf.engine.chain import told, wake
from uwf.engine.chain.redact import Redactor
from uwf.engine.chain.tags import AGENT
from uwf.engine.chain.wake import Wake
from uwf.engine.chain.word import Word
from uwf.engine.progress import NotDue
from uwf.engine.run import lock, timers
from uwf.engine.run.order import WOKEN
from uwf.engine.run.step import StepRun
from uwf.errors import Refused
from uwf.guard import pause
from uwf.record import replace
from uwf.trust import COLLABORATOR
from uwf.workflow.model import Role

HOUR_MS = 3_600_000


def wish(rig: Rig, id: str, at_ms: int, kind: str = wake.PERSON, **more: Any) -> Wake:
    wished = Wake(at_ms, kind, "a word", **more)
    with rig.store.transaction("test") as tx:
        threads.wake_by(tx, id, wished)
    return wished


def timer(rig: Rig, id: str) -> Wake | None:
    return wake.of(rig.ref(id).tags, id)


def meanwhile(answer: str, *acts: Callable[[], Any]) -> Callable[[Any], str]:
    """An agent that replies `answer` once others have done something."""

    def say(_request: Any) -> str:
        for act in acts:
            act()
        return answer

    return say


def test_the_earliest_wish_wins_and_a_later_one_is_no_move(each_rig: Rig, now: Ticking) -> None:
    rig = each_rig
    id = rig.start()
    at_ms = now() + HOUR_MS
    first = wish(rig, id, at_ms)
    version = rig.ref(id).version
    wish(rig, id, at_ms + 1, wake.ECONOMY)
    assert (timer(rig, id), rig.ref(id).version) == (first, version)
    earlier = wish(rig, id, at_ms - 1, wake.ECONOMY)
    assert timer(rig, id) == earlier
    assert rig.store.moves(f"@uwf/thread/{id}")[-1].why.startswith("wakes at 2023-")


@pytest.mark.parametrize("ahead_ms", [-HOUR_MS, HOUR_MS])
@pytest.mark.parametrize("make", [idle, completed, failed])
def test_a_command_never_waits_for_the_timer_and_takes_it_away(
    rig: Rig, now: Ticking, make: Callable[[Rig], str], ahead_ms: int
) -> None:
    id = make(rig)
    wish(rig, id, now() + ahead_ms)
    verb = "exec" if make is idle else "resume"
    rig.run(id, verb, CHANGES if make is not completed else WROTE)
    assert timer(rig, id) is None


@pytest.mark.parametrize("answer", [WROTE, suspend("which file?"), crash("no network")])
def test_what_is_wished_for_while_a_run_goes_on_outlives_its_steps(
    rig: Rig, now: Ticking, answer: Any
) -> None:
    id = rig.start()
    wish(rig, id, now())
    at_ms = now() + HOUR_MS
    rig.run(id, "exec", meanwhile(answer, lambda: wish(rig, id, at_ms)))
    assert timer(rig, id) == Wake(at_ms, wake.PERSON, "a word")


def test_it_outlives_the_end_of_the_thread_and_the_steps_that_follow(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()
    at_ms = now() + HOUR_MS
    rig.run(id, "exec", meanwhile(WROTE, lambda: wish(rig, id, at_ms)), APPROVED, count=2)
    assert rig.state(id)["status"] == "completed"
    assert timer(rig, id) == Wake(at_ms, wake.PERSON, "a word")


def test_what_is_due_is_done_by_the_next_step_of_the_run(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    rig.run(id, "exec", meanwhile(WROTE, lambda: wish(rig, id, now())), APPROVED, count=2)
    assert timer(rig, id) is None
    id = rig.start()
    rig.run(id, "exec", WROTE, meanwhile(APPROVED, lambda: wish(rig, id, now())), count=2)
    assert timer(rig, id) is not None


def test_a_timer_that_comes_between_plan_and_beginning_stays(
    rig: Rig, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start()
    wish(rig, id, now() + HOUR_MS)
    monkeypatch.setattr(
        rig.agent, "unavailable", lambda cwd, path: wish(rig, id, 5) and None, raising=True
    )
    rig.run(id, "exec", WROTE)
    assert timer(rig, id) == Wake(5, wake.PERSON, "a word")


def test_cancelling_clears_it_and_undoing_that_brings_it_back(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wished = wish(rig, id, now() + HOUR_MS)
    rig.cancel(id)
    assert timer(rig, id) is None
    rig.undo(id)
    assert timer(rig, id) == wished


def test_an_undo_brings_no_older_timer_back_and_takes_none_of_another_away(
    rig: Rig, now: Ticking
) -> None:
    id = idle(rig)
    wish(rig, id, now() + HOUR_MS)
    rig.exec(id, CHANGES)
    rig.undo(id)
    assert timer(rig, id) is None
    wished = wish(rig, id, now() + HOUR_MS)
    rig.undo(id)
    assert timer(rig, id) == wished


def test_a_fork_has_no_timer(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wish(rig, id, now())
    assert timer(rig, rig.fork(rig.head(id), id)) is None


# A run that the timer begins.


def run_if_due(rig: Rig, id: str, *answers: Any, **order: Any) -> list[str | None]:
    """The roles that a run of whoever runs what is due has come to."""
    return [each.role for each in rig.run(id, WOKEN, *answers, **{"count": None, **order})]


def refused_if_due(rig: Rig, id: str, *answers: Any, **order: Any) -> Refused:
    with pytest.raises(Refused) as error:
        run_if_due(rig, id, *answers, **order)
    return error.value


@pytest.mark.parametrize("make", [fresh, idle, asked, failed, completed])
def test_it_goes_on_from_whatever_state_the_thread_is_in(
    rig: Rig, now: Ticking, make: Callable[[Rig], str]
) -> None:
    id = make(rig)
    wish(rig, id, now())
    roles = {"fresh": "writer", "completed": "writer"}
    first = roles.get(make.__name__, "reviewer")
    answers = (WROTE, APPROVED) if first == "writer" else (APPROVED,)
    assert run_if_due(rig, id, *answers)[0] == first
    assert (rig.state(id)["status"], timer(rig, id)) == ("completed", None)
    assert rig.thread(id).position.round == (2 if make is completed else 1)


def test_before_its_time_and_a_second_time_nothing_is_run(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    assert run_if_due(rig, id) == []
    wished = wish(rig, id, now() + HOUR_MS)
    version = rig.ref(id).version
    assert run_if_due(rig, id) == []
    assert (timer(rig, id), rig.ref(id).version) == (wished, version)
    now.ms += HOUR_MS
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]
    assert run_if_due(rig, id) == []
    assert [type(event) for event in rig.events if isinstance(event, NotDue)] == [NotDue] * 3


def test_one_that_another_process_runs_is_left_to_it(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wished = wish(rig, id, now())
    with lock.hold(rig.engine, id):
        assert run_if_due(rig, id) == []
    assert timer(rig, id) == wished


def test_a_clock_that_goes_back_keeps_no_thread_asleep(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wish(rig, id, now() + HOUR_MS // 60)
    now.ms -= HOUR_MS
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]
    id = idle(rig)
    wish(rig, id, now() + 24 * HOUR_MS)
    now.ms -= HOUR_MS
    assert run_if_due(rig, id) == []


def test_one_that_is_killed_is_due_again_until_it_has_ended(rig: Rig, now: Ticking) -> None:
    class Killed(BaseException):
        """As SIGKILL leaves things."""

    id = rig.start()
    wish(rig, id, now())
    with pytest.raises(Killed):
        run_if_due(rig, id, WROTE, Killed())
    assert timer(rig, id) is None
    assert rig.state(id)["wokenFor"] == "person: a word"
    rig.agent.forget()
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]
    assert "wokenFor" not in rig.state(id)
    assert run_if_due(rig, id) == []


def test_one_that_a_signal_has_ended_is_due_again(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    wish(rig, id, now())
    rig.stopped(id, WOKEN, count=None)
    assert timers.is_due(rig.engine, rig.thread(id))
    assert run_if_due(rig, id, WROTE, APPROVED) == ["writer", "reviewer"]


def test_a_person_who_goes_on_by_hand_takes_a_killed_run_over(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    wish(rig, id, now())
    rig.stopped(id, WOKEN, count=None)
    rig.exec(id, WROTE)
    assert not timers.is_due(rig.engine, rig.thread(id))


def test_a_refusal_that_names_a_time_puts_it_off_to_then(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    wish(rig, id, now(), wake.COLLABORATION)
    until_ms = now() + HOUR_MS
    pause.turn_on(rig.store, pause.of_agent("fake"), "fake", until_ms=until_ms, why="its limit")
    refused_if_due(rig, id)
    found = timer(rig, id)
    assert found is not None and (found.at_ms, found.kind) == (until_ms, wake.COLLABORATION)
    assert found.why.startswith("a word; put off: agent fake is paused")
    assert run_if_due(rig, id) == []
    now.ms = until_ms
    pause.turn_on(rig.store, pause.of_agent("fake"), "fake", until_ms=None, why="by hand")
    refused_if_due(rig, id)
    again = timer(rig, id)
    assert again is not None and again.why.count("put off") == 1
    assert 0 <= again.at_ms - until_ms - timers.LOOK_MS < 100


def test_what_was_put_off_is_due_once_that_is_lifted(rig: Rig, now: Ticking) -> None:
    id, other = idle(rig), idle(rig)
    wish(rig, id, now(), wake.COLLABORATION)
    not_put_off = wish(rig, other, now() + HOUR_MS)
    pause.turn_on(rig.store, pause.of_agent("fake"), "fake", until_ms=None, why="by hand")
    refused_if_due(rig, id)
    pause.resume_agent(rig.store, "fake")
    others = (pause.is_paused("fak"), pause.ALL_PAUSED)
    actions.lifted(rig.store, lambda _, why: why.startswith(others))
    assert run_if_due(rig, id) == []
    actions.lifted(rig.store, lambda _, why: why.startswith(pause.is_paused("fake")))
    found = timer(rig, id)
    assert found is not None and (found.kind, found.why) == (wake.COLLABORATION, "a word")
    assert timer(rig, other) == not_put_off
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]


def test_one_that_is_refused_in_the_middle_goes_on_there(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    wish(rig, id, now(), wake.ECONOMY)

    def paused() -> None:
        until_ms = now() + HOUR_MS
        pause.turn_on(rig.store, pause.of_agent("fake"), "fake", until_ms=until_ms, why="")

    refused_if_due(rig, id, meanwhile(WROTE, paused))
    found = timer(rig, id)
    assert found is not None and found.kind == wake.RECOVERY and "put off" in found.why
    assert "wokenFor" not in rig.state(id)
    now.ms = found.at_ms
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]


def test_what_only_a_person_can_change_is_left_to_one(rig: Rig, now: Ticking) -> None:
    for make, says in ((idle, "no agent is configured"), (asked, "which file?")):
        id = make(rig)
        wish(rig, id, now())
        rig.no_agent = True
        refused_if_due(rig, id)
        rig.no_agent = False
        state = rig.state(id)
        assert (state["status"], state["suspendedRole"]) == ("suspended", "reviewer")
        assert says in state["suspendMessage"] and "wakeAt" not in state
        assert run_if_due(rig, id) == []
        rig.resume(id, APPROVED)


def test_a_completed_thread_that_cannot_go_on_stays_so_and_is_tried_later(
    rig: Rig, now: Ticking
) -> None:
    id = completed(rig)
    wish(rig, id, now())
    rig.no_agent = True
    refused_if_due(rig, id)
    found = timer(rig, id)
    assert rig.state(id)["status"] == "completed"
    assert found is not None and found.at_ms > now() + timers.LOOK_MS - 100


def test_a_failure_that_time_cures_ends_it_and_sets_the_next_try(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    wish(rig, id, now(), wake.ECONOMY)
    outage = crash("Error: connect ECONNREFUSED 127.0.0.1:443")
    refused_if_due(rig, id, outage, outage, outage, wait_s=3600)
    found = timer(rig, id)
    assert found is not None and found.kind == wake.RECOVERY and found.at_ms > now()
    assert "wokenFor" not in rig.state(id)


def test_a_timer_set_while_it_was_refused_is_not_put_off(
    rig: Rig, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = idle(rig)
    wish(rig, id, now())

    def unavailable(cwd: str, path: str) -> str:
        wish(rig, id, 5)
        return "its program is not there"

    monkeypatch.setattr(rig.agent, "unavailable", unavailable)
    refused_if_due(rig, id)
    assert timer(rig, id) == Wake(5, wake.PERSON, "a word")


# Words.


def say(rig: Rig, id: str, text: str = "on line 5: why?", at_ms: int | None = None) -> Word:
    """What an event does: words and a wish, in one transaction."""
    word = Word(text, "alice", COLLABORATOR, 1, "evt-1")
    with rig.store.transaction("test") as tx:
        told.tell(tx, id, word)
        if at_ms is not None:
            wished = Wake(at_ms, wake.COLLABORATION, "alice", for_words=True)
            threads.wake_by(tx, id, wished)
    return word


def test_words_wake_a_completed_thread_and_are_told(rig: Rig, now: Ticking) -> None:
    id = completed(rig)
    say(rig, id, at_ms=now())
    assert run_if_due(rig, id, WROTE, APPROVED) == ["writer", "reviewer"]
    assert "on line 5: why?" in rig.agent.asks[-2].prompt
    assert (rig.state(id)["status"], timer(rig, id)) == ("completed", None)


def test_a_timer_for_words_that_have_been_told_runs_nothing_and_is_over(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()
    at_ms = now() + HOUR_MS
    rig.run(id, "exec", meanwhile(WROTE, lambda: say(rig, id, at_ms=at_ms)), APPROVED, count=2)
    assert told.waiting(rig.store, id) == ()
    now.ms = at_ms
    assert run_if_due(rig, id) == []
    assert (rig.state(id)["status"], timer(rig, id)) == ("completed", None)


def test_words_that_come_after_the_step_has_read_keep_a_timer_that_was_there(
    rig: Rig, now: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = idle(rig)
    first = wish(rig, id, now())
    make = StepRun.__init__

    def late(*args: Any) -> None:
        say(rig, id, at_ms=now())
        make(*args)

    with monkeypatch.context() as patch:
        patch.setattr(StepRun, "__init__", late)
        assert run_if_due(rig, id, APPROVED) == ["reviewer"]
    assert timer(rig, id) == first
    assert run_if_due(rig, id, WROTE, APPROVED) == ["writer", "reviewer"]
    assert told.waiting(rig.store, id) == () and timer(rig, id) is None


# A command that is refused.


def pausing(rig: Rig, until_ms: int | None) -> Callable[[], None]:
    name = pause.of_agent("fake")
    return lambda: pause.turn_on(rig.store, name, "fake", until_ms=until_ms, why="its limit")


def test_a_run_that_is_refused_on_its_way_wakes_its_thread_when_time_has_cured_that(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()
    until_ms = now() + HOUR_MS
    with pytest.raises(Refused, match="is paused"):
        rig.run(id, "exec", meanwhile(WROTE, pausing(rig, until_ms)), count=None)
    found = timer(rig, id)
    assert found is not None and (found.at_ms, found.kind) == (until_ms, wake.RECOVERY)
    now.ms = until_ms
    assert run_if_due(rig, id, APPROVED) == ["reviewer"]


def test_a_command_that_is_refused_at_once_changes_nothing(rig: Rig, now: Ticking) -> None:
    id = idle(rig)
    pausing(rig, now() + HOUR_MS)()
    version = rig.ref(id).version
    for verb, order in (
        ("exec", {}),
        ("exec", {"supplement": "use tabs"}),
        ("poke", {"supplement": "shorter"}),
    ):
        with pytest.raises(Refused, match="is paused"):
            rig.run(id, verb, **order)
    assert (timer(rig, id), rig.ref(id).version) == (None, version)


def test_what_never_passes_by_itself_sets_none(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    with pytest.raises(Refused, match="is paused"):
        rig.run(id, "exec", meanwhile(WROTE, pausing(rig, None)), count=None)
    assert timer(rig, id) is None


# The agent that a command has named.


def agents_asked(rig: Rig) -> list[str | None]:
    """What is named in the place of the config's agents, each time that one is chosen from now on."""
    asked: list[str | None] = []

    def choose(workflow: str, role: Role, override: str | None) -> FakeAgent:
        asked.append(override)
        return rig.agent

    rig.engine = replace(rig.engine, agent_for=choose)
    return asked


def test_a_timer_repeats_the_agent_that_the_last_command_named_in_all_steps(
    rig: Rig, now: Ticking
) -> None:
    asked = agents_asked(rig)
    id = rig.start()
    until_ms = now() + HOUR_MS
    with pytest.raises(Refused, match="is paused"):
        rig.run(id, "exec", meanwhile(WROTE, pausing(rig, until_ms)), count=None, agent="other")
    now.ms = until_ms
    run_if_due(rig, id, CHANGES, WROTE, APPROVED)
    assert set(asked) == {"other"}


def test_a_command_that_names_none_ends_that_and_a_run_of_the_timer_does_not(
    rig: Rig, now: Ticking
) -> None:
    id = rig.start()
    rig.run(id, "exec", suspend("which file?"), agent="other")
    asked = agents_asked(rig)
    for _ in range(2):
        wish(rig, id, now())
        run_if_due(rig, id, suspend("which file?"))
    wish(rig, id, now())
    run_if_due(rig, id, suspend("which file?"), agent="a third")
    rig.run(id, "resume", suspend("which file?"))
    wish(rig, id, now())
    run_if_due(rig, id, suspend("which file?"))
    assert asked == ["other", "other", "a third", None, None]
    log = [move.why for move in rig.store.moves(f"@uwf/thread/{id}")]
    assert "run with other" in log and "run with the agents of the config" in log


def test_a_command_line_is_kept_as_it_is_understood_from_everywhere(
    rig: Rig, now: Ticking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    id = rig.start()
    rig.run(id, "exec", WROTE, agent="./mine  --fast 'two words'")
    assert rig.ref(id).tags[AGENT] == f"{tmp_path}/mine --fast 'two words'"


def test_a_command_line_with_a_secret_in_it_is_not_kept(rig: Rig, now: Ticking) -> None:
    id = rig.start()
    rig.engine = replace(rig.engine, redactor=Redactor([("TOKEN", "s3cr3t-s3cr3t")]))
    rig.run(id, "exec", WROTE, agent="mine --key s3cr3t-s3cr3t")
    assert AGENT not in rig.ref(id).tags
