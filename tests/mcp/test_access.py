"""What a client may do: to look, always; to act, where it was allowed."""

from __future__ import annotations

import pytest

from uwf.errors import InputError
from uwf.mcp.access import VERBS, Access, verbs_of
from uwf.mcp.tools.table import TOOLS

OWN = "01HF7YAT000000000000AAAAAA"


def names(access: Access) -> set[str]:
    return {name for name in TOOLS if access.has(name)}


def test_by_default_nothing_is_changed() -> None:
    assert names(Access()) == set(TOOLS) - set(VERBS)
    assert set(VERBS) < set(TOOLS)


@pytest.mark.parametrize("verb", VERBS)
def test_each_act_is_allowed_by_its_name(verb: str) -> None:
    access = Access(verbs_of([verb]))
    assert names(access) - names(Access()) == {verb}
    access.check(verb, OWN)


def test_several_are_allowed_at_once_and_a_wrong_one_is_told_with_the_nearest() -> None:
    assert verbs_of(["start,tell", "exec"]) == {"start", "tell", "exec"}
    with pytest.raises(InputError, match=r"'strat', and takes .*; did you mean start\?"):
        verbs_of(["exec,strat"])
    with pytest.raises(InputError, match="''"):
        verbs_of([""])


def test_an_agent_inside_of_a_step_may_tell_its_own_thread_alone() -> None:
    access = Access(own=OWN)
    assert names(access) == names(Access()) | {"tell"}
    access.check("tell", OWN)
    with pytest.raises(InputError, match="tell is not allowed here, but for thread"):
        access.check("tell", OWN.replace("A", "B"))
    Access(frozenset({"tell"}), OWN).check("tell", OWN.replace("A", "B"))


def test_its_own_thread_is_meant_where_none_is_named_but_not_to_run_answer_or_end_it() -> None:
    access = Access(frozenset(VERBS), OWN)
    meant = {name for name in TOOLS if access.thread_for(name) == OWN}
    assert meant == set(TOOLS) - set(VERBS) | {"tell"}
    assert "thread" in TOOLS["cancel"].schema(access)["required"]
    assert "thread" not in TOOLS["steps"].schema(access)["required"]
    assert "thread" in TOOLS["steps"].schema(Access())["required"]
