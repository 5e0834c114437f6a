"""`uwf thread exec`: steps, one JSON line each, until what was asked for is done."""

from __future__ import annotations

import json
import re

import pytest

from tests.helpers.project import APPROVED, ASKS, ONE, REJECTED, REVIEW, WRITTEN, Project, reply

LINE = {
    *("thread", "workflow", "head", "status", "role", "step", "currentRole", "suspendedRole"),
    *("suspendMessage", "done", "round", "usage", "error"),
}


def test_a_step_is_one_json_line_with_the_fields_of_the_contract(project: Project) -> None:
    thread = project.begin(REVIEW)
    [line] = project.step(thread, project.agent(WRITTEN))
    assert set(line) >= LINE
    assert line["thread"] == thread
    assert line["head"] == line["step"] == project.show(thread)["head"]
    told = {key: line[key] for key in LINE - {"thread", "workflow", "head", "step"}}
    assert told == {
        "status": "idle",
        "role": "writer",
        "currentRole": "reviewer",
        "suspendedRole": None,
        "suspendMessage": None,
        "done": False,
        "round": 1,
        "usage": None,
        "error": None,
    }


def test_the_last_step_completes_the_thread(project: Project) -> None:
    thread = project.begin(REVIEW)
    _, line = project.step(thread, project.agent(WRITTEN, APPROVED), "-c", "2")
    assert (line["status"], line["done"], line["currentRole"]) == ("completed", True, None)
    shown = project.show(thread)
    assert shown["completedAt"] >= shown["startedAt"]
    assert (shown["steps"], shown["rounds"]) == (2, 1)


def test_a_count_takes_that_many_steps_and_no_more_than_there_are(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, REJECTED, WRITTEN, APPROVED)
    assert [line["role"] for line in project.step(thread, agent, "--count", "3")] == [
        *("writer", "reviewer", "writer"),
    ]
    assert [line["status"] for line in project.step(thread, agent, "-c", "9")] == ["completed"]


def test_each_line_is_there_when_its_step_is_done(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.program(
        "pausing",
        "cat >/dev/null; [ $UWF_ROLE = writer ] || while [ ! -e go ]; do sleep 0.01; done\n"
        "[ $UWF_ROLE = writer ] && printf -- '---\\n$status: written\\ntitle: x\\n---\\n' && exit\n"
        "printf -- '---\\n$status: approved\\n---\\n'",
    )
    words = ("thread", "exec", thread, "--agent", agent, "--until-done", "--json")
    process = project.start(*words)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["role"] == "writer"
    assert process.poll() is None
    (project.cwd / "go").touch()
    rest, _ = process.communicate(timeout=20)
    assert (json.loads(rest)["status"], process.returncode) == ("completed", 0)


def test_text_says_what_was_done_and_quiet_gives_the_step_ids(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED).command
    paid = project.agent(reply("written", title="x", usage={"tokens": 12, "usd": 0.309})).command
    told = project("thread", "exec", thread, "--agent", agent)
    first = project.show(thread)["head"]
    assert re.fullmatch(r"writer → written  \d\.\ds  \(next: reviewer\)\n", told.out)
    poked = project("thread", "poke", thread, "-p", "again", "--agent", paid, "-v").out
    head = project.show(thread)["head"]
    assert head != first
    assert re.fullmatch(rf"writer → written  \d\.\ds, \$0\.31  {head[:12]}  \(.*\)\n", poked)
    quiet = project("thread", "exec", thread, "--agent", agent, "-q")
    assert quiet.out == project.show(thread)["head"] + "\n"


def test_until_done_stops_at_a_suspension_with_exit_3(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, ASKS)
    words = ("thread", "exec", thread, "--agent", agent.command, "--until-done")
    done = project(*words, expect=3)
    assert done.out.splitlines()[-1] == "suspended: Which colour?"
    way_on = f"uwf thread resume {thread} --agent {agent.command} --supplement TEXT"
    assert done.err == f"hint: {way_on}\n"
    shown = project.show(thread)
    assert (shown["status"], shown["suspendedRole"]) == ("suspended", "reviewer")
    assert (shown["suspendMessage"], shown["currentRole"]) == ("Which colour?", "reviewer")


def test_until_done_never_goes_on_for_ever(project: Project) -> None:
    project("config", "set", "limits.max_steps", "5")
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, REJECTED, WRITTEN, REJECTED, WRITTEN, APPROVED)
    lines = project.step(thread, agent, "--until-done", expect=3)
    assert [line["status"] for line in lines] == [*["idle"] * 4, "suspended"]
    assert "5 steps" in lines[-1]["suspendMessage"] and "max_steps" in lines[-1]["suspendMessage"]
    assert lines[-1]["suspendedRole"] == "reviewer"
    [line] = project.step(thread, agent, "--until-done", verb="resume")
    assert (line["role"], line["status"]) == ("reviewer", "completed")


def test_a_supplement_on_an_idle_thread_goes_into_the_next_prompt_only(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent, "--supplement", "mind the CAPITALS", "-c", "2")
    assert "## New information" in agent.prompt(1) and "mind the CAPITALS" in agent.prompt(1)
    assert "## New information" not in agent.prompt(2)
    first, second = project.steps(thread)
    assert (
        project("step", "show", first["step"], "--json").json["supplement"] == "mind the CAPITALS"
    )
    assert project("step", "show", second["step"], "--json").json["supplement"] is None


@pytest.mark.parametrize("status", ["completed", "suspended"])
def test_a_stopped_thread_is_resumed_by_exec_only_with_a_supplement(
    project: Project, status: str
) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply() if status == "completed" else ASKS, reply())
    project.step(thread, agent, expect=0 if status == "completed" else 3)
    refused = project("thread", "exec", thread, "--agent", agent.command, "--json", expect=5)
    assert refused.out == ""
    assert refused.error["code"] == status
    way_on = f"uwf thread resume {thread} --agent {agent.command} --supplement TEXT"
    assert refused.error["hint"] == way_on
    assert agent.calls == 1
    [line] = project.step(thread, agent, "--supplement", "go on")
    assert line["status"] == "completed"
    assert line["round"] == (2 if status == "completed" else 1)


def test_an_agent_may_be_named_or_given_as_a_command_line(project: Project) -> None:
    agent = project.agent(reply())
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "agents.other.command", "false")
    by_word = project.begin()
    assert project.step(by_word, "mine")[0]["status"] == "completed"
    assert project.steps(by_word)[0]["agent"] == "mine"
    script = project.cwd / "with space.sh"
    script.write_text("cat >/dev/null; echo '---\n$status: done\n---'; echo \"$1\"")
    thread = project.begin()
    project.step(thread, f"sh '{script}' 'two words'")
    assert project("step", "show", thread, "--json").json["body"] == "two words\n"


def test_the_default_agent_runs_and_an_override_goes_before_it(project: Project) -> None:
    project("config", "set", "agents.plain.command", project.agent(WRITTEN).command)
    project("config", "set", "agents.strict.command", project.agent(APPROVED).command)
    project("config", "set", "default_agent", "plain")
    project("config", "set", "overrides.review.reviewer", "strict")
    thread = project.begin(REVIEW)
    project("thread", "exec", thread, "--until-done")
    assert [row["agent"] for row in project.steps(thread)] == ["plain", "strict"]


def test_no_agent_is_a_refusal_that_changes_nothing(project: Project) -> None:
    thread = project.begin()
    before = project.show(thread)
    done = project("thread", "exec", thread, "--json", expect=5)
    assert done.error["code"] == done.error["reason"] == "no_agent"
    assert project.show(thread) == before


def test_a_missing_working_directory_is_a_refusal_whose_hint_mends_it(project: Project) -> None:
    place = project.cwd / "inner"
    place.mkdir()
    thread = project.begin(ONE, "--cwd", str(place))
    place.rmdir()
    agent = project.agent(reply())
    words = ("thread", "exec", thread, "--agent", agent.command, "--json")
    done = project(*words, expect=5)
    assert done.error["reason"] == "preflight_failed"
    assert done.error["hint"] == f"mkdir -p {place}"
    place.mkdir()
    project(*words)


def test_usage_is_reported_and_summed(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(
        reply("written", title="x", usage={"tokens": 10, "usd": 0.5}),
        reply("approved", usage={"tokens": 5}),
    )
    lines = project.step(thread, agent, "--until-done")
    assert [line["usage"] for line in lines] == [{"tokens": 10, "usd": 0.5}, {"tokens": 5}]
    assert project.show(thread)["usage"] == {"tokens": 15, "usd": 0.5}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["-c", "0"], "less than 1"),
        (["-c", "two"], "not a whole number"),
        (["-c", "2", "--until-done"], "exclude each other"),
        (["--wait", "-1"], "not a number"),
        (["--supplement", " "], "empty"),
        (["--supplement", "@none"], "none: No such file"),
        (["--agent", " "], "the agent given is empty"),
        (["--agent", "'no end"], "No closing quotation"),
    ],
)
def test_bad_usage_is_exit_2_and_runs_nothing(project: Project, more: list[str], said: str) -> None:
    thread = project.begin()
    agent = project.agent(reply())
    done = project("thread", "exec", thread, "--agent", agent.command, *more, "--json", expect=2)
    assert said in done.error["message"]
    assert agent.calls == 0 and project.show(thread)["steps"] == 0


def test_until_done_does_not_go_round_with_an_agent_that_says_the_same(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(*[WRITTEN, REJECTED] * 6)
    lines = project.step(thread, agent, "--until-done", expect=3)
    assert len(lines) == agent.calls == 10
    message = "reviewer replied the same 5 times in a row, to the same prompt (limits.max_same)"
    assert lines[-1]["suspendMessage"] == message
    hint = project("thread", "exec", thread, "--json", expect=5).error["hint"]
    assert hint == f"uwf thread resume {thread} --agent {agent.command} --supplement TEXT"
