"""`uwf digest`: a morning's page."""

from __future__ import annotations

from tests.helpers.project import ASKS, Project, reply


def test_it_is_short_and_begins_with_what_waits(project: Project) -> None:
    asks, done = project.agent(ASKS), project.agent(reply("done", usage="{usd: 0.31}"))
    waiting, ended = project.begin(), project.begin()
    project.step(waiting, asks, expect=3)
    project.step(ended, done)
    lines = project("digest").out.splitlines()
    assert len(lines) <= 60
    assert lines[2] == "waits for you (1)"
    assert waiting in lines[3]
    assert "Which colour?" in lines[3]
    assert f"  {ended}  completed" in "\n".join(lines)
    assert lines[-1].startswith("cost: ")
    found = project("digest", "--json").json
    assert [item["thread"] for item in found["inbox"]["waiting"]] == [waiting]
    assert found["steps"] == 2


def test_a_time_that_is_none_is_refused(project: Project) -> None:
    done = project("digest", "--since", "yesterdayish", "--json", expect=2)
    assert done.error["hint"] == "uwf digest --since 2h"


def test_an_empty_home_has_a_digest(project: Project) -> None:
    assert project("digest").out.splitlines()[2] == "waits for you: nothing"


def test_what_was_repaired_and_what_is_odd_stand_in_it(project: Project) -> None:
    thread = project.begin()
    agent = project.program("s", "cat >/dev/null; kill -9 $PPID; sleep 100")
    project.start("thread", "exec", thread, "--agent", agent).wait(20)
    project("doctor", "--repair", expect=None)
    lines = project("digest").out.splitlines()
    assert any(line.startswith("repaired (") for line in lines), lines
