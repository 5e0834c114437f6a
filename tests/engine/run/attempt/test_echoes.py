"""A role that replies the same again and again to the same prompt is no progress: its thread is left to a person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers.fake_agent import reply
from tests.helpers.flows import role, schema, workflow
from tests.helpers.rig import CHANGES, WROTE, Rig

AGAIN = reply("changes", "Not yet.", remarks="too long")


def test_the_fifth_same_reply_suspends_the_thread_and_says_so(rig: Rig) -> None:
    id = rig.start()
    results = rig.run(id, "exec", *[WROTE, AGAIN] * 5, count=None)
    assert len(results) == 10
    assert rig.state(id) == {
        "status": "suspended",
        "suspendedRole": "writer",
        "suspendMessage": "reviewer replied the same 5 times in a row, to the same prompt (limits.max_same)",
    }


def test_a_person_who_lets_it_go_on_is_not_asked_at_each_step(rig: Rig) -> None:
    id = rig.start()
    rig.run(id, "exec", *[WROTE, AGAIN] * 5, count=None)
    assert len(rig.run(id, "resume", *[WROTE, AGAIN] * 5, count=None)) == 10
    assert rig.state(id)["suspendMessage"].startswith("reviewer replied the same 10 times")


def test_a_role_that_leads_to_itself_is_counted_likewise(rig: Rig) -> None:
    loop = workflow(
        "loop",
        [role("poller", schema(waiting={}, done={}))],
        {
            "$START": {"new": ("poller", "Is it there?")},
            "poller": {"waiting": ("poller", "Is it there?"), "done": ("$END", "")},
        },
    )
    id = rig.start(loop)
    assert len(rig.run(id, "exec", *[reply("waiting")] * 5, count=None)) == 5
    assert "5 times" in rig.state(id)["suspendMessage"]
    rig.run(id, "resume", *[reply("waiting")] * 4, reply("done"), count=None)
    assert rig.state(id)["status"] == "completed"


def test_one_that_differs_begins_anew(rig: Rig) -> None:
    id = rig.start()
    other = reply("changes", "Not yet.", remarks="too short")
    rounds = [WROTE, CHANGES] * 3 + [WROTE, other]
    assert len(rig.run(id, "exec", *rounds * 3, count=24)) == 24
    assert rig.state(id)["status"] == "idle"


@pytest.mark.parametrize("differs", ["output", "body"])
def test_a_loop_in_which_one_role_says_something_new_goes_on(rig: Rig, differs: str) -> None:
    """The prompt of the reviewer is another one each time, though its reply is not."""
    id = rig.start()
    for number in range(8):
        text, file = ("I wrote it.", f"{number}.py") if differs == "output" else (f"{number}", "a")
        rig.run(id, "exec", reply("done", text, file=file), CHANGES, count=2)
    assert rig.state(id)["status"] == "idle"


def test_what_a_person_adds_is_another_prompt(rig: Rig) -> None:
    id = rig.start()
    for number in range(8):
        rig.run(id, "exec", WROTE, CHANGES, count=2, supplement=f"shorter by {number}")
    assert rig.state(id)["status"] == "idle"


def test_pokes_are_not_counted(rig: Rig) -> None:
    id = rig.start()
    rig.exec(id, WROTE)
    for _ in range(9):
        rig.poke(id, "shorter", WROTE)
    assert rig.state(id)["status"] == "idle"


def test_the_limit_is_a_setting(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(max_same=2)
    assert len(rig.run(rig.start(), "exec", *[WROTE, CHANGES] * 2, count=None)) == 4
    rig = make_rig(max_same=None)
    assert len(rig.run(rig.start(), "exec", *[WROTE, CHANGES] * 20, count=40)) == 40
