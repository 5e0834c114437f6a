"""What becomes of a step whose agent has reached its limit: it waits, a person is asked, or another agent stands in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.fake_agent import crash
from tests.helpers.rig import Rig
from uwf.config.records import AgentConfig
from uwf.engine.chain.nodes import Step
from uwf.errors import Refused
from uwf.guard import pause

LIMIT = "Error: usage limit reached, try again later"
REPLY = "cat > /dev/null; printf -- '---\\n$status: done\\nfile: a.py\\n---\\nOther.\\n'"
OTHER = AgentConfig(command=("sh", "-c", REPLY))
LIMITED = AgentConfig(command=("sh", "-c", f"cat > /dev/null; echo '{LIMIT}' >&2; exit 1"))

Make = Callable[..., Rig]


def having(make_rig: Make, on_limit: str, **others: AgentConfig) -> Rig:
    own = AgentConfig(command=("x",), on_limit=on_limit, fallback=tuple(others))
    rig = make_rig(agents={"fake": own, **others})
    rig.engine.environ["PATH"] = "/bin:/usr/bin"
    return rig


def agents_of(rig: Rig, id: str) -> list[str]:
    step = Step.read(rig.store, rig.thread(id).head)
    ends = [rig.store.get(end).payload["begun"] for end in step.attempts]
    return [*(rig.store.get(begun).payload["agent"] for begun in ends), step.agent]


def test_the_first_agent_stands_in_that_has_not_reached_its_own(make_rig: Make) -> None:
    rig = having(make_rig, "fallback", second=LIMITED, third=OTHER)
    id = rig.start()
    [result] = rig.run(id, "exec", crash(LIMIT))
    assert result.failure is None
    assert agents_of(rig, id) == ["fake", "second", "third"]


def test_an_agent_that_is_paused_is_passed_over_at_once(make_rig: Make) -> None:
    rig = having(make_rig, "fallback", second=OTHER)
    pause.turn_on(rig.store, pause.of_agent("fake"), "fake", until_ms=None, why="limit")
    id = rig.start()
    rig.run(id, "exec")
    assert agents_of(rig, id) == ["second"]


def test_where_all_have_reached_their_limits_the_thread_waits(make_rig: Make) -> None:
    rig = having(make_rig, "fallback", second=LIMITED)
    id = rig.start()
    with pytest.raises(Refused, match="agent second"):
        rig.run(id, "exec", crash(LIMIT))
    assert rig.state(id)["status"] == "idle"
    assert "wakeAt" in rig.state(id)


def test_a_person_is_asked(make_rig: Make) -> None:
    rig = having(make_rig, "ask", second=OTHER)
    id = rig.start()
    [result] = rig.run(id, "exec", crash(LIMIT))
    assert result.failure is not None and result.failure.code == "quota"
    assert rig.state(id)["status"] == "suspended"


def test_else_it_waits(make_rig: Make) -> None:
    rig = having(make_rig, "wait", second=OTHER)
    id = rig.start()
    with pytest.raises(Refused, match="agent fake"):
        rig.run(id, "exec", crash(LIMIT))
    assert rig.state(id)["status"] == "idle"


def test_an_agent_that_was_asked_for_is_not_replaced(make_rig: Make) -> None:
    rig = having(make_rig, "fallback", second=OTHER)
    id = rig.start()
    with pytest.raises(Refused, match="agent fake"):
        rig.run(id, "exec", crash(LIMIT), agent="fake")
    assert rig.state(id)["status"] == "idle"
