"""`uwf thread start`: a new thread is idle, knows its workflow and its folder, and nothing has run."""

from __future__ import annotations

import stat

import pytest

from tests.helpers.project import ONE, REVIEW, Project, reply


def test_start_answers_with_the_four_fields_of_the_contract(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    answer = project("thread", "start", file, "-p", "Paint it.", "--json").json
    assert set(answer) == {"thread", "workflow", "head", "status"}
    assert answer["status"] == "idle"
    assert len(answer["thread"]) == 26
    assert len(answer["workflow"]) == len(answer["head"]) == 64


def test_quiet_prints_the_id_alone_and_text_has_a_hint_that_works(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    quiet = project("thread", "start", file, "-p", "Paint it.", "-q")
    assert len(quiet.out) == 27 and quiet.err == ""
    told = project("thread", "start", file, "-p", "Paint it.")
    thread = told.out.split()[0]
    assert told.out == f"{thread}  one, idle\n"
    assert told.err == f"hint: uwf thread exec {thread}\n"


def test_a_new_thread_shows_all_it_was_begun_with(project: Project) -> None:
    place = project.cwd / "inner"
    place.mkdir()
    more = ("--cwd", "inner", "--label", "team=red", "--label", "k=a=b", "--priority", "-3")
    thread = project.begin(REVIEW, *more, task="Two\nlines: ümläut ☃\n")
    shown = project.show(thread)
    begun = shown.pop("startedAt")
    assert 1_700_000_000_000 < begun <= shown.pop("updatedAt") < begun + 60_000
    assert len(shown.pop("head")) == len(shown.pop("workflow")) == 64
    assert shown == {
        "thread": thread,
        "workflowName": "review",
        "status": "idle",
        "currentRole": "writer",
        "suspendedRole": None,
        "suspendMessage": None,
        "done": False,
        "round": 1,
        "usage": None,
        "error": None,
        "prompt": "Two\nlines: ümläut ☃\n",
        "cwd": str(place),
        "title": None,
        "labels": {"team": "red", "k": "a=b"},
        "priority": -3,
        "steps": 0,
        "rounds": 1,
        "spent": {"tokens": 0, "usd": 0, "steps": 0, "visits": 0, "time": 0},
        "budget": {},
        "completedAt": None,
        "running": None,
        "waiting": None,
        "failed": None,
        "told": [],
        "wakeAt": None,
        "wakeWhy": None,
        "wakeKind": None,
        "place": None,
    }


def test_the_task_may_come_from_a_file_or_from_stdin(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    project.file("task.md", "\ufefffrom the file\n")
    for text, given, expected in (
        ("@task.md", "", "from the file\n"),
        ("-", "from stdin", "from stdin"),
        ("@@home", "", "@home"),
        ("-dash", "", "-dash"),
    ):
        words = ("thread", "start", file, "--prompt", text, "-q")
        thread = project(*words, input=given).out.strip()
        assert project.show(thread)["prompt"] == expected


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["one.yaml", "-p", "  \n"], "bad_input", "the task is empty"),
        (["one.yaml", "-p", "@none.md"], "bad_input", "none.md: No such file"),
        (["one.yaml", "-p", "x", "--cwd", "nowhere"], "bad_input", "does not exist"),
        (["one.yaml", "-p", "x", "--label", "novalue"], "bad_input", "KEY=VALUE"),
        (["one.yaml", "-p", "x", "--priority", "high"], "usage", "not a whole number"),
        (["one.yaml"], "usage", "missing option"),
        (["bad.yaml", "-p", "x"], "invalid_workflow", "bad.yaml:1:1"),
    ],
)
def test_a_start_that_cannot_be_is_exit_2_and_leaves_no_thread(
    project: Project, more: list[str], code: str, said: str
) -> None:
    project.file("one.yaml", ONE)
    project.file("bad.yaml", "- a list")
    done = project("thread", "start", *more, "--json", expect=2)
    assert done.error["code"] == code
    assert said in done.error["message"]
    assert project("thread", "list", "--all", "--json").json == []


def test_the_home_is_private(project: Project) -> None:
    project.begin()
    assert stat.S_IMODE(project.home.stat().st_mode) == 0o700
    for path in project.home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_starting_runs_nothing_and_writes_nothing_into_the_project(project: Project) -> None:
    project.begin()
    assert [path.name for path in project.cwd.iterdir()] == ["one.yaml"]


def test_secrets_in_the_task_stay_out_of_the_store(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    words = ("thread", "start", file, "-p", "use hunter2hunter2", "--label", "k=hunter2hunter2")
    project(*words, env={"DEPLOY_TOKEN": "hunter2hunter2"})
    shown = project.show("@last")
    assert shown["prompt"] == "use [redacted:DEPLOY_TOKEN]"
    assert shown["labels"] == {"k": "[redacted:DEPLOY_TOKEN]"}
    assert not any(b"hunter2hunter2" in path.read_bytes() for path in project.home.glob("store*"))


def test_where_locks_cannot_be_read_no_thread_is_begun(project: Project) -> None:
    thread = project.begin()
    locks = project.home / "threads.lock"
    project.step(thread, project.agent(reply()))
    locks.unlink()
    locks.mkdir()
    for words in (("start", "one.yaml", "-p", "x"), ("fork", thread)):
        done = project("thread", *words, "--json", expect=1)
        assert str(locks) in done.error["message"] and done.error["hint"].startswith("ls -la ")
    assert len(project("ref", "list", "@uwf/thread/", "--json").json) == 1
    locks.rmdir()
    project("thread", "start", "one.yaml", "-p", "x")
