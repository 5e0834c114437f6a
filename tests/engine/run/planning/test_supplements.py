"""What a person adds: for one step, and not lost until that step is taken."""

from __future__ import annotations

import pytest

from tests.helpers.fake_agent import crash, suspend
from tests.helpers.rig import CHANGES, WROTE, Rig


def go_wrong(rig: Rig, id: str, how: str, verb: str, supplement: str) -> None:
    """A try with `supplement` that does not become a step."""
    if how == "failed":
        rig.run(id, verb, crash(), supplement=supplement)
    elif how == "stopped":
        rig.stopped(id, verb, supplement=supplement)
    else:
        with pytest.raises(KeyboardInterrupt):
            rig.run(id, verb, KeyboardInterrupt(), supplement=supplement)


@pytest.mark.parametrize("how", ["failed", "stopped", "died"])
def test_supplement_survives(each_rig: Rig, how: str) -> None:
    rig = each_rig
    id = rig.start()
    rig.exec(id, WROTE, suspend("tabs?"))
    go_wrong(rig, id, how, "resume", "use tabs")
    rig.resume(id, CHANGES)
    assert "## New information\n\n### From a person, 20" in rig.prompt
    assert "Z\n\nuse tabs\n\n## Your instruction" in rig.prompt
    assert rig.steps(id)[-1].supplement == "use tabs"


@pytest.mark.parametrize("how", ["failed", "stopped", "died"])
def test_second_supplement_is_added_to_the_first(rig: Rig, how: str) -> None:
    id = rig.start()
    go_wrong(rig, id, how, "exec", "use tabs")
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
