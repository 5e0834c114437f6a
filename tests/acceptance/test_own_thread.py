"""An agent that calls `uwf` on the thread it works for gets an answer, and ends no caller of its own."""

from __future__ import annotations

import time

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import ONE, Project, reply

AGAIN = """\
version: 1
name: again
description: Goes round.
roles:
  worker: {goal: Work., frontmatter: {type: object, properties: {$status: {enum: [done, again]}}, required: [$status]}}
graph:
  $START: {new: {role: worker, prompt: Work.}, resume: {role: worker, prompt: Work.}}
  worker: {done: {role: $END, prompt: ""}, again: {role: worker, prompt: Again.}}
"""


def calling(project: Project, words: str, then: str) -> str:
    """An agent that calls `uwf` with these words and keeps how that went."""
    call = f'{PROGRAM} {words} >>"$UWF_HOME/../said" 2>&1; echo "exit $?" >>"$UWF_HOME/../said"'
    return project.program("caller", f"cat >/dev/null; {call}\n{then}")


def said(project: Project) -> str:
    return (project.home.parent / "said").read_text()


REPLY = f"cat <<'END'\n{reply('again', 'ok')}\nEND"
FAIL = "exit 3"


@pytest.mark.parametrize(("then", "code"), [(REPLY, 0), (FAIL, 6)])
def test_a_cancel_from_inside_takes_effect_when_the_step_ends(
    project: Project, then: str, code: int
) -> None:
    words = "thread cancel $UWF_THREAD --reason 'nothing to do'"
    thread = project.begin(AGAIN)
    agent = calling(project, words, then)
    project("thread", "exec", thread, "--until-done", "--agent", agent, expect=code)
    shown = project.show(thread)
    assert (shown["status"], shown["steps"]) == ("cancelled", int(code == 0))
    assert "when its step ends" in said(project) and said(project).endswith("exit 0\n")
    log = project("ref", "log", f"@uwf/thread/{thread}", "--json").json
    assert any("cancelled: nothing to do" in move["why"] for move in log)
    project("thread", "exec", thread, "--agent", agent, expect=5)


def test_a_stop_from_inside_ends_the_run_after_its_step(project: Project) -> None:
    thread = project.begin(AGAIN)
    agent = calling(project, "thread stop $UWF_THREAD", REPLY)
    project("thread", "exec", thread, "--until-done", "--agent", agent)
    shown = project.show(thread)
    assert (shown["status"], shown["steps"]) == ("idle", 1)
    project("thread", "exec", thread, "--agent", agent)
    assert project.show(thread)["steps"] == 2


def test_an_exec_of_its_own_thread_is_refused_at_once(project: Project) -> None:
    thread, began_s = project.begin(AGAIN), time.monotonic()
    agent = calling(project, "thread exec $UWF_THREAD --wait 600 --agent true", REPLY)
    project("thread", "exec", thread, "--agent", agent)
    assert said(project).endswith("exit 5\n")
    assert time.monotonic() - began_s < 30


def test_a_cancel_of_another_thread_is_done_at_once(project: Project) -> None:
    other, thread = project.begin(ONE), project.begin(AGAIN)
    agent = calling(project, f"thread cancel {other}", REPLY)
    project("thread", "exec", thread, "--agent", agent)
    assert (project.show(other)["status"], project.show(thread)["status"]) == ("cancelled", "idle")
