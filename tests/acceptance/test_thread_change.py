"""What a person does to a thread: poke, fork, undo, cancel."""

from __future__ import annotations

import pytest

from tests.helpers.project import (
    APPROVED,
    ASKS,
    ONE,
    REJECTED,
    REVIEW,
    WRITTEN,
    Project,
    Recorder,
    reply,
)


@pytest.fixture
def reviewed(project: Project) -> str:
    """A thread with two steps: written, rejected."""
    thread = project.begin(REVIEW, "--label", "team=red", "--priority", "2")
    project.step(thread, project.agent(WRITTEN, REJECTED), "-c", "2")
    return thread


def poke(
    project: Project, thread: str, agent: Recorder, remark: str, expect: int = 0
) -> dict[str, object]:
    words = ("thread", "poke", thread, "-p", remark, "--agent", agent.command, "--json")
    [line] = project(*words, expect=expect).json_lines
    assert isinstance(line, dict)
    return line


def test_a_poke_replaces_the_head_step_with_a_new_one(project: Project, reviewed: str) -> None:
    first, old = project.steps(reviewed)
    agent = project.agent(APPROVED)
    line = poke(project, reviewed, agent, "Be kinder.")
    assert (line["role"], line["status"], line["done"]) == ("reviewer", "completed", True)
    assert "Be kinder." in agent.prompt(1) and "Review A tale" in agent.prompt(1)
    rows = project.steps(reviewed)
    assert [row["step"] for row in rows] == [first["step"], line["step"]]
    assert [row["index"] for row in rows] == [1, 2]
    step = project("step", "show", f"{reviewed}/reviewer@1", "--json").json
    assert step["supplement"] == "Be kinder." and step["replaces"] == old["step"]
    assert project("step", "show", old["step"], "--json").json["status"] == "rejected"


def test_a_poke_of_a_completed_thread_stays_in_its_round(project: Project, reviewed: str) -> None:
    project.step(reviewed, project.agent(WRITTEN, APPROVED), "--until-done")
    line = poke(project, reviewed, project.agent(REJECTED), "Look again.")
    assert (line["status"], line["round"], line["currentRole"]) == ("idle", 1, "writer")
    assert project.show(reviewed)["completedAt"] is None


def test_a_failed_poke_leaves_the_head_where_it_was(project: Project, reviewed: str) -> None:
    head = project.show(reviewed)["head"]
    words = ("thread", "poke", reviewed, "-p", "again", "--agent", "false")
    project(*words, expect=6)
    shown = project.show(reviewed)
    assert (shown["head"], shown["status"]) == (head, "suspended")
    project.step(reviewed, project.agent(APPROVED), verb="resume")
    rows = project.steps(reviewed)
    assert [row["status"] for row in rows] == ["written", "approved"]


def test_a_thread_without_a_step_cannot_be_poked(project: Project) -> None:
    thread = project.begin()
    done = project("thread", "poke", thread, "-p", "x", "--json", expect=5)
    assert done.error["code"] == "no_step"
    assert done.error["hint"] == f"uwf thread exec {thread}"


@pytest.mark.parametrize(
    ("word", "steps", "current"),
    [
        ("{}", 2, "writer"),
        ("{}~0", 2, "writer"),
        ("{}~1", 1, "reviewer"),
        ("{}/writer@1", 1, "reviewer"),
    ],
)
def test_a_fork_shares_the_history_up_to_its_step(
    project: Project, reviewed: str, word: str, steps: int, current: str
) -> None:
    answer = project("thread", "fork", word.format(reviewed), "--json").json
    origin = project.steps(reviewed)[steps - 1]["step"]
    assert answer["forkedFrom"] == {"thread": reviewed, "step": origin}
    shown = project.show(answer["thread"])
    assert shown["thread"] != reviewed
    assert (shown["steps"], shown["currentRole"], shown["status"]) == (steps, current, "idle")
    assert (shown["labels"], shown["priority"]) == ({"team": "red"}, 2)
    assert shown["forkedFrom"] == answer["forkedFrom"]
    assert project.steps(shown["thread"]) == project.steps(reviewed)[:steps]


def test_a_fork_of_a_step_by_its_id_knows_its_thread(project: Project, reviewed: str) -> None:
    step = project.steps(reviewed)[0]["step"]
    for word in (step, step[:16]):
        answer = project("thread", "fork", word, "--json").json
        assert answer["forkedFrom"] == {"thread": reviewed, "step": step}
    told = project("thread", "fork", step)
    new = told.out.split()[0]
    assert told.err == f"hint: uwf thread exec {new}\n"


def test_a_fork_and_its_origin_go_their_own_ways(project: Project, reviewed: str) -> None:
    fork = project("thread", "fork", f"{reviewed}~1", "-q").out.strip()
    project.step(fork, project.agent(APPROVED))
    project.step(reviewed, project.agent(WRITTEN))
    assert project.show(fork)["status"] == "completed"
    assert (project.show(reviewed)["steps"], project.show(fork)["steps"]) == (3, 2)


def test_what_a_person_adds_to_a_fork_reaches_its_next_prompt(
    project: Project, reviewed: str
) -> None:
    fork = project("thread", "fork", reviewed, "-p", "Try rhymes.", "-q").out.strip()
    agent = project.agent(WRITTEN)
    project.step(fork, agent)
    assert "Try rhymes." in agent.prompt(1)


def test_a_fork_of_a_completed_thread_is_completed_and_can_be_resumed(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply())
    project.step(thread, agent)
    told = project("thread", "fork", thread)
    fork = told.out.split()[0]
    assert project.show(fork)["status"] == "completed"
    assert told.err == f"hint: uwf thread resume {fork}\n"
    assert project.step(fork, agent, verb="resume")[0]["round"] == 2
    with_words = project("thread", "fork", thread, "-p", "next round", "--json").json
    assert with_words["status"] == "idle"
    assert project.show(with_words["thread"])["told"][0]["text"] == "next round"
    [line] = project.step(with_words["thread"], agent)
    assert line["round"] == 2 and "next round" in agent.prompt(3)


def test_a_fork_of_what_is_no_step_is_refused(project: Project, reviewed: str) -> None:
    workflow = project.show(reviewed)["workflow"]
    assert project("thread", "fork", workflow, "--json", expect=2).error["code"] == "not_a_chain"
    project("thread", "fork", f"{reviewed}~9", expect=4)
    project("thread", "fork", f"{reviewed}/writer@2", expect=4)
    project("thread", "fork", f"{reviewed}/writer", expect=2)
    project("thread", "fork", f"{reviewed}~x", expect=2)
    project("thread", "fork", "feedfeedfeed", expect=4)


def test_undo_goes_back_step_by_step_and_no_further_than_the_start(
    project: Project, reviewed: str
) -> None:
    heads = [row["step"] for row in project.steps(reviewed)]
    answer = project("thread", "undo", reviewed, "--json").json
    assert answer == project.show(reviewed)
    assert (answer["head"], answer["steps"], answer["currentRole"]) == (heads[0], 1, "reviewer")
    answer = project("thread", "undo", reviewed, "--json").json
    assert (answer["steps"], answer["currentRole"]) == (0, "writer")
    done = project("thread", "undo", reviewed, "--json", expect=5)
    assert done.error["code"] == "nothing_to_undo"
    assert [row["step"] for row in project.steps(reviewed)] == []
    project.step(reviewed, project.agent(WRITTEN))
    assert project.show(reviewed)["steps"] == 1


def test_what_waits_for_a_step_is_told_after_fork_and_undo(project: Project, reviewed: str) -> None:
    project("thread", "exec", reviewed, "--agent", "false", "--supplement", "In rhymes.", expect=6)
    told = project("thread", "fork", reviewed)
    fork = told.out.split()[0]
    assert "writer will be told what was added before: In rhymes." in told.err
    told = project("thread", "undo", reviewed)
    assert "reviewer will be told what was added before: In rhymes." in told.err
    agent = project.agent(APPROVED)
    project.step(reviewed, agent)
    assert "\n\nIn rhymes.\n\n" in agent.prompt(1)
    agent = project.agent(WRITTEN)
    project.step(fork, agent)
    assert "\n\nIn rhymes.\n\n" in agent.prompt(1)


def test_undo_of_a_cancel_brings_back_what_was(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(ASKS), expect=3)
    project("thread", "cancel", thread, "--reason", "a mistake")
    answer = project("thread", "undo", thread, "--json").json
    assert (answer["status"], answer["suspendMessage"]) == ("suspended", "Which colour?")
    assert answer["completedAt"] is None and "endReason" not in answer
    project.step(thread, project.agent(reply()), verb="resume")


def test_undo_of_a_completion_makes_it_idle_again(project: Project) -> None:
    thread = project.begin(ONE)
    project.step(thread, project.agent(reply()))
    answer = project("thread", "undo", thread, "--json").json
    assert (answer["status"], answer["completedAt"], answer["done"]) == ("idle", None, False)


def test_cancel_keeps_its_reason_and_everything_that_was_done(
    project: Project, reviewed: str
) -> None:
    answer = project("thread", "cancel", reviewed, "--reason", "closed", "--json").json
    assert answer == project.show(reviewed)
    assert (answer["status"], answer["endReason"], answer["steps"]) == ("cancelled", "closed", 2)
    assert answer["currentRole"] is None and answer["completedAt"] >= answer["startedAt"]
    assert len(project.steps(reviewed)) == 2
    again = project("thread", "cancel", reviewed, "--json", expect=5)
    assert again.error["code"] == "cancelled"


def test_a_completed_thread_cannot_be_cancelled(project: Project) -> None:
    thread = project.begin(ONE)
    project.step(thread, project.agent(reply()))
    assert project("thread", "cancel", thread, "--json", expect=5).error["code"] == "completed"


@pytest.mark.parametrize(
    "verb", ["stop", "cancel", "undo", "fork", "show", "read", "watch", "wait", "export"]
)
def test_no_such_thread_is_exit_4_also_where_there_is_no_store(project: Project, verb: str) -> None:
    words = ("thread", verb, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "--json")
    for _ in range(2):
        done = project(*words, expect=4)
        assert done.out == "" and done.error["hint"].startswith("uwf ")
        project.begin()


def test_set_is_shown_found_and_logged(project: Project) -> None:
    thread, other = project.begin(ONE), project.begin(ONE)
    words = ("thread", "set", thread, "--label", "pr=42", "--priority", "5", "--title", "A fence")
    shown = project(*words, "--json").json
    assert (shown["labels"], shown["priority"], shown["title"]) == ({"pr": "42"}, 5, "A fence")
    assert project("thread", "list", "--label", "pr=42", "-q").out.split() == [thread]
    assert project("thread", "list", "--sort", "priority", "-q").out.split() == [thread, other]
    assert project("thread", "list", "--sort=-priority", "-q").out.split() == [other, thread]
    table = project("thread", "list").out
    assert "A fence" in table and table.count("Paint the fence.") == 1
    assert project("thread", "log", thread, "--json").json[-1]["why"].startswith("set label pr=42")
    project("thread", "set", thread, "--title", "", "--label", "pr=")
    assert (project.show(thread)["labels"], project.show(thread)["title"]) == ({}, None)


def test_set_of_nothing_or_nonsense_changes_nothing(project: Project) -> None:
    thread = project.begin(ONE)
    before = project.show(thread)
    for more in ((), ("--label", "x"), ("--priority", "high"), ("--title", "x" * 300)):
        project("thread", "set", thread, *more, expect=2)
    assert project.show(thread) == before
    project("thread", "list", "--sort", "colour", expect=2)


def test_fork_and_resume_may_work_in_another_folder(project: Project, reviewed: str) -> None:
    for name in ("one", "two"):
        (project.cwd / name).mkdir()
    fork = project("thread", "fork", reviewed, "--cwd", "one", "--json").json["thread"]
    agent = project.agent(WRITTEN, ASKS, APPROVED)
    project.step(fork, agent, "-c", "2", expect=3)
    project.step(fork, agent, "--cwd", "two", verb="resume")
    assert [agent.folder(call) for call in (1, 2, 3)] == [
        str(project.cwd / name) for name in ("one", "one", "two")
    ]
    assert project.show(fork)["cwd"] == str(project.cwd / "two")
    assert project.show(reviewed)["cwd"] == str(project.cwd)
    why = [row["why"] for row in project("thread", "log", fork, "--json").json]
    assert f"works in {project.cwd / 'two'}" in why
    for verb in ("fork", "resume"):
        done = project("thread", verb, fork, "--cwd", "gone", "--json", expect=2)
        assert done.error["hint"] == f"mkdir -p {project.cwd / 'gone'}"
