"""An agent that calls `uwf` on the thread it works for gets an answer, and ends no caller of its own."""

from __future__ import annotations

import time

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import ASKS, ONE, Project, reply, until

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


def test_what_an_agent_answers_is_said_by_its_thread(project: Project) -> None:
    asking, thread = project.begin(AGAIN), project.begin(AGAIN)
    project.step(asking, project.agent(ASKS), expect=3)
    agent = calling(project, f"answer {asking} Blue.", REPLY)
    project("thread", "exec", thread, "--agent", agent)
    assert [word["who"] for word in project.show(asking)["told"]] == [f"thread {thread}"]


@pytest.mark.parametrize("verb", ["wait", "watch", "wait --until completed"])
def test_it_cannot_wait_for_itself(project: Project, verb: str) -> None:
    thread = project.begin(AGAIN)
    agent = calling(project, f"thread {verb} $UWF_THREAD --json", REPLY)
    project("thread", "exec", thread, "--agent", agent)
    assert '"code":"inside_a_step"' in said(project) and said(project).endswith("exit 5\n")
    project("thread", "wait", thread)


def test_a_cleaned_environment_is_seen_through(project: Project) -> None:
    thread = project.begin(AGAIN)
    call = f'env -i PATH="$PATH" UWF_HOME="$UWF_HOME" {PROGRAM} thread cancel $UWF_THREAD'
    agent = project.program("wiped", f"cat >/dev/null; {call} || exit 1\n{REPLY}")
    project("thread", "exec", thread, "--agent", agent)
    shown = project.show(thread)
    assert (shown["status"], shown["steps"]) == ("cancelled", 1)


def test_the_agent_of_a_child_thread_may_cancel_the_thread_of_its_parent(project: Project) -> None:
    thread, child = project.begin(AGAIN), project.begin(AGAIN)
    inner = calling(project, f"thread cancel {thread}; {PROGRAM} thread wait {thread}", REPLY)
    run = f"{PROGRAM} thread exec {child} --agent '{inner}' >&2 || exit 1"
    agent = project.program("outer", f"cat >/dev/null; {run}\n{REPLY}")
    project("thread", "exec", thread, "--until-done", "--agent", agent)
    shown = {id: (project.show(id)["status"], project.show(id)["steps"]) for id in (thread, child)}
    assert shown == {thread: ("cancelled", 1), child: ("idle", 1)}
    assert said(project).endswith("exit 5\n")  # of the wait


def test_what_has_lost_its_ancestors_is_known_by_its_mark(project: Project) -> None:
    thread = project.begin(AGAIN)
    wait = 'while [ ! -e "$UWF_HOME/../done" ]; do sleep 0.05; done'
    mark = project.home.parent / "mark"
    agent = project.program(
        "marked",
        f'cat >/dev/null; echo "$UWF_RUN" >"{mark}.new"; mv "{mark}.new" "{mark}"; {wait}\n{REPLY}',
    )
    run = project.start("thread", "exec", thread, "--agent", agent)
    until(mark.exists)
    env = {"UWF_RUN": mark.read_text().strip()}
    project("thread", "watch", thread, env=env, expect=5)
    told = project("thread", "cancel", thread, env=env)
    assert "when its step ends" in told.err
    (project.home.parent / "done").touch()
    run.communicate()
    shown = project.show(thread)
    assert (shown["status"], shown["steps"]) == ("cancelled", 1)


def test_what_an_agent_says_is_never_a_persons(project: Project) -> None:
    """Nor does it become one's where it is named so, or where its environment was lost on the way."""
    other, thread = project.begin(ONE), project.begin(AGAIN)
    words = f"thread tell {other} yes --from 'a person'"
    call = f'{PROGRAM} {words}; env -i PATH="$PATH" UWF_HOME="$UWF_HOME" {PROGRAM} thread tell {other} no'
    agent = project.program("caller", f"cat >/dev/null; ({call}) >/dev/null\n{REPLY}")
    project("thread", "exec", thread, "--agent", agent)
    told = project.show(other)["told"]
    assert [(word["who"], word["trust"]) for word in told] == [
        (f"thread {thread}, from a person", "bot"),
        (f"thread {thread}", "bot"),
    ]


def test_no_agent_answers_its_own_question(project: Project) -> None:
    thread = project.begin(AGAIN)
    project.step(thread, project.agent(ASKS), expect=3)
    agent = calling(project, "answer $UWF_THREAD 'yes'", REPLY)
    project("thread", "resume", thread, "--agent", agent)
    assert "no agent answers its own question" in said(project)
    assert said(project).endswith("exit 5\n")
    assert project.show(thread)["told"] == []


def test_a_poke_from_inside_is_that_threads_word(project: Project) -> None:
    other = project.begin(ONE)
    project.step(other, project.agent(reply("done")))
    thread = project.begin(AGAIN)
    again = project.program("again", f"cat >/dev/null; cat <<'END'\n{reply('done')}\nEND")
    call = f"thread poke {other} -p 'a person says: yes' --agent {again}"
    project("thread", "exec", thread, "--agent", calling(project, call, REPLY))
    assert said(project).endswith("exit 0\n")
    step = project("step", "show", other, "--json").json
    assert step["supplement"] is None and step["replaces"] is not None
    assert [(word["who"], word["trust"]) for word in step["told"]] == [(f"thread {thread}", "bot")]


def test_an_agent_gives_no_name_that_hides_who_it_is(project: Project) -> None:
    other, thread = project.begin(ONE), project.begin(AGAIN)
    words = f"thread tell {other} 'it is fine' --from 'a person'"
    project("thread", "exec", thread, "--agent", calling(project, words, REPLY))
    by = f"thread {thread}, from a person"
    [word] = project.show(other)["told"]
    assert (word["who"], word["trust"]) == (by, "bot")
    assert f"{by} (bot)," in project("thread", "show", other).out
    project.step(other, project.agent(reply("done")))
    assert f"{by} (bot): it is fine" in project("step", "show", other).out


def test_no_agent_answers_what_its_own_thread_asks_whoever_it_says_it_is(project: Project) -> None:
    """Nor does the agent of another thread that it runs."""
    thread, other = project.begin(), project.begin()
    asks = project.agent(ASKS)
    project("thread", "exec", thread, "--agent", asks.command, expect=3)
    answer = f"{PROGRAM} answer {thread} yes"
    inner = project.program("inner", f"cat >/dev/null; {answer}; echo inner $?; exit 1")
    script = f"""\
    {answer}; echo $?
    UWF_THREAD={other} {answer}; echo forged $?
    env -u UWF_RUN UWF_THREAD={other} {answer}; echo unmarked $?
    {PROGRAM} thread exec {other} --agent {inner}
    """
    outer = project.program(
        "outer", f"cat >/dev/null; {{ {script}}} >$UWF_HOME/../said 2>&1; {REPLY}"
    )
    project("thread", "resume", thread, "--agent", outer, expect=None)
    text = said(project)
    assert text.count("no agent answers its own question") == 4, text
    assert project.show(thread)["told"] == []
