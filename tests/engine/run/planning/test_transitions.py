"""The transition table of the design: every command in every state, with the tags it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.states import COMMANDS, REFUSED, RUNS, STATES
from tests.helpers.fake_agent import Said, crash, suspend
from tests.helpers.flows import PAIR
from tests.helpers.rig import APPROVED, CHANGES, STATE_TAGS, WROTE, Rig, everything
from uwf.errors import Interrupted, Refused, StateError
from uwf.record import replace

RUNNING = [pytest.param(*case, id=" ".join(case)) for case in RUNS]
ENDING = [pytest.param(*case, id=" ".join(case)) for case in RUNS if RUNS[case] == "reviewer"]


def go(rig: Rig, id: str, command: str, *answers: Any) -> None:
    verb, supplement = COMMANDS[command]
    rig.run(id, verb, *answers, supplement=supplement)


def only_state_changed(rig: Rig, id: str) -> bool:
    """Whether the tags that do not speak of the state are as `start` made them."""
    rest = {key: tag for key, tag in rig.ref(id).tags.items() if key not in STATE_TAGS}
    return rest == {"workflow": "pair", "label.repo": "shop", "priority": "2"}


def test_every_command_in_every_state_is_in_the_table() -> None:
    cases = {(state, command) for state in STATES for command in COMMANDS}
    assert RUNS.keys() | REFUSED.keys() == cases
    assert not RUNS.keys() & REFUSED.keys()


@pytest.mark.parametrize(
    ("state", "tags"),
    [
        ("fresh", {"status": "idle"}),
        ("idle", {"status": "idle"}),
        (
            "asked",
            {
                "status": "suspended",
                "suspendedRole": "reviewer",
                "suspendMessage": "which file?",
            },
        ),
        (
            "failed",
            {
                "status": "suspended",
                "suspendedRole": "reviewer",
                "suspendMessage": "agent fake exited with code 7: no network",
            },
        ),
    ],
)
def test_active_states_have_these_tags(each_rig: Rig, state: str, tags: dict[str, str]) -> None:
    id = STATES[state](each_rig)
    assert each_rig.state(id) == tags
    assert only_state_changed(each_rig, id)


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_ended_states_have_the_time_they_ended(each_rig: Rig, state: str) -> None:
    id = STATES[state](each_rig)
    tags = each_rig.state(id)
    assert tags.keys() == {"status", "completedAt"}
    assert tags["status"] == state
    assert abs(int(tags["completedAt"]) - each_rig.ref(id).updated_ms) < 10
    assert only_state_changed(each_rig, id)


@pytest.mark.parametrize(("state", "command"), RUNNING)
def test_a_valid_reply_makes_it_idle_or_completed(each_rig: Rig, state: str, command: str) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    role = RUNS[state, command]
    go(rig, id, command, WROTE if role == "writer" else CHANGES)
    assert rig.agent.asks[-1].env["UWF_ROLE"] == role
    assert rig.state(id) == {"status": "idle"}
    assert rig.row(id)["currentRole"] == ("reviewer" if role == "writer" else "writer")
    assert rig.attempt(id) is None
    assert only_state_changed(rig, id)


@pytest.mark.parametrize(("state", "command"), ENDING)
def test_the_end_of_the_graph_completes_it(rig: Rig, state: str, command: str) -> None:
    id = STATES[state](rig)
    go(rig, id, command, APPROVED)
    assert rig.state(id).keys() == {"status", "completedAt"}
    assert rig.state(id)["status"] == "completed"
    assert rig.row(id)["currentRole"] is None
    assert rig.row(id)["done"] is True


@pytest.mark.parametrize(("state", "command"), RUNNING)
def test_a_role_that_asks_suspends_it(rig: Rig, state: str, command: str) -> None:
    id = STATES[state](rig)
    before = rig.head(id)
    go(rig, id, command, suspend("tabs or spaces?"))
    role = RUNS[state, command]
    assert rig.head(id) != before
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": role,
        "suspendMessage": "tabs or spaces?",
    }
    assert rig.row(id)["currentRole"] == role


@pytest.mark.parametrize(("state", "command"), RUNNING)
def test_a_failing_agent_suspends_it_and_its_head_stays(
    each_rig: Rig, state: str, command: str
) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    before = rig.head(id)
    go(rig, id, command, crash("again no network"))
    role = RUNS[state, command]
    assert rig.head(id) == before
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": role,
        "suspendMessage": "agent fake exited with code 7: again no network",
    }
    assert rig.row(id)["currentRole"] == role
    assert only_state_changed(rig, id)


@pytest.mark.parametrize(("state", "command"), RUNNING)
def test_a_stop_leaves_head_and_tags(each_rig: Rig, state: str, command: str) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    before = rig.ref(id)
    with pytest.raises(Interrupted):
        go(rig, id, command, Said(ended="stopped", turns=("half a",)))
    assert rig.head(id) == before.id
    if state == "completed":  # it was re-entered before the agent was asked
        assert rig.state(id) == {"status": "idle"}
    else:
        assert rig.ref(id) == before
    assert rig.row(id)["currentRole"] == RUNS[state, command]


@pytest.mark.parametrize(("state", "command"), RUNNING)
def test_a_guard_that_says_no_changes_nothing(rig: Rig, state: str, command: str) -> None:
    id = STATES[state](rig)
    before = everything(rig.store)
    rig.no_agent = True
    with pytest.raises(Refused) as refused:
        go(rig, id, command)
    assert refused.value.reason == "no_agent"
    assert everything(rig.store) == before


@pytest.mark.parametrize(
    ("state", "command", "code"),
    [pytest.param(*case, code, id=" ".join(case)) for case, code in REFUSED.items()],
)
def test_what_is_refused_changes_nothing(
    each_rig: Rig, state: str, command: str, code: str
) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    before, asks = everything(rig.store), len(rig.agent.asks)
    with pytest.raises(StateError) as refused:
        go(rig, id, command)
    assert refused.value.code == code
    assert refused.value.hint
    assert everything(rig.store) == before
    assert len(rig.agent.asks) == asks


@pytest.mark.parametrize("state", ["fresh", "idle", "asked", "failed"])
def test_what_has_not_ended_can_be_cancelled(each_rig: Rig, state: str) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    before = rig.head(id)
    rig.cancel(id, "no longer needed")
    assert rig.head(id) == before
    assert rig.state(id).keys() == {"status", "completedAt"}
    assert rig.state(id)["status"] == "cancelled"
    assert rig.row(id)["endReason"] == "no longer needed"
    assert rig.row(id)["currentRole"] is None
    assert rig.row(id)["done"] is False


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_what_has_ended_cannot_be_cancelled(each_rig: Rig, state: str) -> None:
    id = STATES[state](each_rig)
    before = everything(each_rig.store)
    with pytest.raises(StateError) as refused:
        each_rig.cancel(id)
    assert refused.value.code == state
    assert everything(each_rig.store) == before


@pytest.mark.parametrize("state", STATES)
def test_a_fork_stands_where_the_chain_leaves_it(each_rig: Rig, state: str) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    before = rig.ref(id)
    fork = rig.fork(before.id, id)
    assert rig.ref(id) == before
    assert rig.head(fork) == before.id
    by_chain = {"failed": "idle", "cancelled": "idle", "fresh": "idle", "asked": "suspended"}
    assert rig.state(fork)["status"] == by_chain.get(state, state)
    shown = rig.row(fork)
    assert shown["forkedFrom"] == {"thread": id, "step": before.id}
    assert (shown["labels"], shown["priority"]) == ({"repo": "shop"}, 2)


@pytest.mark.parametrize("state", STATES)
def test_a_rebind_leaves_the_state(each_rig: Rig, state: str) -> None:
    rig, id = each_rig, STATES[state](each_rig)
    other = rig.put_workflow(replace(PAIR, description="mended"))
    before, refs = rig.state(id), everything(rig.store)
    if state == "cancelled":
        with pytest.raises(StateError):
            rig.rebind(id, other)
        assert everything(rig.store) == refs
        return
    next_role = rig.row(id)["currentRole"]
    rig.rebind(id, other)
    assert rig.state(id) == before
    assert rig.row(id)["workflow"] == other
    assert rig.row(id)["currentRole"] == next_role
