"""Resuming: a suspended thread gets its answer, a completed one begins its next round, again and again."""

from __future__ import annotations

import pytest

from tests.helpers.project import (
    APPROVED,
    ASKS,
    ONE,
    REVIEW,
    WRITTEN,
    Project,
    Recorder,
    reply,
)


def completed(project: Project) -> tuple[str, Recorder]:
    thread = project.begin(REVIEW)
    agent = project.agent(
        WRITTEN, APPROVED, WRITTEN, APPROVED, WRITTEN, APPROVED, WRITTEN, APPROVED
    )
    project.step(thread, agent, "--until-done")
    return thread, agent


@pytest.mark.parametrize("verb", ["resume", "exec"])
def test_a_completed_thread_goes_through_three_more_rounds(project: Project, verb: str) -> None:
    thread, agent = completed(project)
    for round in (2, 3, 4):
        before = project.show(thread)
        first, last = project.step(
            thread, agent, "--supplement", f"more for round {round}", "--until-done", verb=verb
        )
        assert (first["status"], first["round"], first["role"]) == ("idle", round, "writer")
        assert (last["status"], last["done"], last["round"]) == ("completed", True, round)
        shown = project.show(thread)
        assert shown["startedAt"] == before["startedAt"]
        assert shown["completedAt"] >= before["completedAt"]
        assert (shown["steps"], shown["rounds"]) == (2 * round, round)
    rows = project.steps(thread)
    assert [row["index"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [row["round"] for row in rows] == [1, 1, 2, 2, 3, 3, 4, 4]


def test_the_first_prompt_of_a_new_round_has_what_the_person_said_and_the_last_round(
    project: Project,
) -> None:
    thread, agent = completed(project)
    project.step(thread, agent, "--supplement", "The editor wants it shorter.", verb="resume")
    prompt = agent.prompt(3)
    order = [
        *("## How to reply", "## Where this thread stands", "## Your role: writer"),
        *("## The task\n\nPaint the fence.", "## The story of round 1"),
        *("Step 2: reviewer → approved", "Step 1: writer → written", "Once upon a time."),
        *("## New information", "The editor wants it shorter."),
        "## Your instruction now\n\nWrite again, once more Paint the fence..",
    ]
    places = [prompt.find(words) for words in order]
    assert -1 not in places and places == sorted(places), list(zip(order, places, strict=True))
    assert "round 2, step 3" in prompt


def test_completed_at_is_gone_while_a_new_round_is_on(project: Project) -> None:
    thread, agent = completed(project)
    project.step(thread, agent, "--supplement", "again", verb="resume")
    shown = project.show(thread)
    assert (shown["status"], shown["completedAt"], shown["done"]) == ("idle", None, False)
    assert [row["thread"] for row in project("thread", "list", "--json").json] == [thread]


def test_a_completed_thread_may_be_resumed_without_a_word(project: Project) -> None:
    thread, agent = completed(project)
    [line] = project.step(thread, agent, verb="resume")
    assert line["round"] == 2
    assert "## New information" not in agent.prompt(3)


def test_a_workflow_without_a_resume_edge_begins_its_round_at_new(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply())
    project.step(thread, agent)
    [line] = project.step(thread, agent, verb="resume")
    assert (line["round"], line["status"]) == (2, "completed")
    assert agent.prompt(2).endswith("## Your instruction now\n\nDo it.\n")


def test_an_answer_re_runs_the_role_that_asked(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, ASKS, APPROVED)
    project.step(thread, agent, "--until-done", expect=3)
    [line] = project.step(thread, agent, "--supplement", "Blue.", verb="resume")
    assert (line["role"], line["status"], line["suspendMessage"]) == ("reviewer", "completed", None)
    prompt = agent.prompt(3)
    assert "Blue." in prompt and "Which colour?" in prompt
    assert "Your instruction now\n\nReview A tale: Once upon a time." in prompt
    assert [row["status"] for row in project.steps(thread)] == ["written", "$SUSPEND", "approved"]


def test_a_role_may_ask_as_often_as_it_needs(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(ASKS, ASKS, ASKS, reply())
    project.step(thread, agent, expect=3)
    for answer in ("one", "two"):
        project.step(thread, agent, "--supplement", answer, verb="resume", expect=3)
    project.step(thread, agent, "--supplement", "three", verb="resume")
    assert project.show(thread)["steps"] == 4


def test_an_older_suspend_edge_suspends_with_its_rendered_prompt(project: Project) -> None:
    older = ONE.replace("const: done}", "enum: [done, stuck]}").replace(
        "{done: {role: $END}}",
        '{done: {role: $END}, stuck: {role: $SUSPEND, prompt: "Stuck at {{{ note }}}"}}',
    )
    thread = project.begin(older)
    agent = project.agent(reply("stuck", note="the gate"), reply())
    [line] = project.step(thread, agent, expect=3)
    assert (line["suspendedRole"], line["suspendMessage"]) == ("worker", "Stuck at the gate")
    [line] = project.step(thread, agent, "--supplement", "here is the key", verb="resume")
    assert (line["role"], line["status"]) == ("worker", "completed")


def test_an_idle_thread_cannot_be_resumed_and_the_hint_says_what_to_do(project: Project) -> None:
    thread = project.begin()
    done = project("thread", "resume", thread, "--json", expect=5)
    assert done.error["code"] == "idle"
    assert done.error["hint"] == f"uwf thread exec {thread}"


@pytest.mark.parametrize("verb", ["resume", "exec", "poke"])
def test_a_cancelled_thread_stays_cancelled_and_its_fork_goes_on(
    project: Project, verb: str
) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent)
    project("thread", "cancel", thread)
    option = "-p" if verb == "poke" else "--supplement"
    done = project("thread", verb, thread, option, "go on", "--json", expect=5)
    assert done.error["code"] == "cancelled"
    assert done.error["hint"] == f"uwf thread fork {thread}"
    fork = project("thread", "fork", thread, "--json").json["thread"]
    assert project.step(fork, agent)[0]["status"] == "completed"


def test_editing_the_file_never_changes_a_running_thread(project: Project) -> None:
    thread = project.begin(REVIEW)
    before = project.show(thread)["workflow"]
    project.file("review.yaml", REVIEW.replace("Review {{ title }}", "Ignore {{ title }}"))
    agent = project.agent(WRITTEN, APPROVED, WRITTEN)
    project.step(thread, agent, "--until-done")
    assert "Review A tale" in agent.prompt(2)
    project.file("review.yaml", "no workflow any more")
    project.step(thread, agent, verb="resume")
    assert project.show(thread)["workflow"] == before


def test_another_workflow_is_taken_only_when_asked_for_and_on_the_record(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, APPROVED)
    project.step(thread, agent)
    file = project.file("review.yaml", REVIEW.replace("Review {{ title }}", "Doubt {{ title }}"))
    before = project.show(thread)
    [line] = project.step(thread, agent, "--workflow", str(file))
    assert "Doubt A tale" in agent.prompt(2)
    assert line["workflow"] != before["workflow"]
    assert project.show(thread)["steps"] == 2
    log = project("thread", "log", thread, "--json").json
    words = [move["why"].split()[0] for move in log]
    assert words == ["started", "run", "step", "rebound", "step"]
    fork = project("thread", "fork", f"{thread}/writer@1", "--json").json["thread"]
    by_id = ("--workflow", line["workflow"])
    assert project.step(fork, agent, *by_id)[0]["workflow"] == line["workflow"]


def test_a_workflow_without_the_current_role_is_refused(project: Project) -> None:
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN)
    project.step(thread, agent)
    file = project.file("one.yaml", ONE)
    before = project.show(thread)
    words = ("thread", "exec", thread, "--workflow", file, "--agent", agent.command, "--json")
    done = project(*words, expect=5)
    assert done.error["code"] == "role_gone" and "reviewer" in done.error["message"]
    assert agent.calls == 1
    assert project.show(thread) == before


def test_a_resume_edge_that_renders_empty_is_refused_by_name_and_can_be_mended(
    project: Project,
) -> None:
    silent = REVIEW.replace('"Write again, once more {{ _body }}."', '"{{ title }}"')
    thread = project.begin(silent)
    agent = project.agent(WRITTEN, APPROVED, WRITTEN)
    project.step(thread, agent, "--until-done")
    before = project.show(thread)
    words = ("thread", "resume", thread, "--agent", agent.command, "--json")
    done = project(*words, expect=5)
    assert done.error["code"] == "preflight_failed"
    assert "the prompt of edge $START → resume" in done.error["message"]
    assert "{{ title }}" in done.error["message"]
    assert project.show(thread) == before
    file = project.file("review.yaml", REVIEW)
    [line] = project.step(thread, agent, "--workflow", str(file), "--supplement", "again")
    assert (line["round"], line["role"]) == (2, "writer")
