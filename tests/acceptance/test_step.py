"""`uwf step`: the steps of a thread, what went in and what came out; and the ways to name one."""

from __future__ import annotations

import pytest

from tests.helpers.project import (
    APPROVED,
    ONE,
    REJECTED,
    REVIEW,
    WRITTEN,
    Project,
    reply,
    until,
)
from uwf.store import codec

ROW = {
    *("step", "index", "round", "role", "status", "output", "agent", "startedAt", "durationMs"),
    *("usage", "attempts"),
}


@pytest.fixture
def thread(project: Project) -> str:
    """A thread with four steps: written, rejected, written, approved."""
    thread = project.begin(REVIEW)
    agent = project.agent(WRITTEN, REJECTED, reply("written", "Second try.", title="Two"), APPROVED)
    project.step(thread, agent, "--until-done")
    return thread


def test_list_has_every_field_oldest_first_without_the_start(project: Project, thread: str) -> None:
    rows = project.steps(thread)
    assert all(set(row) >= ROW for row in rows)
    assert [(row["index"], row["role"], row["status"]) for row in rows] == [
        (1, "writer", "written"),
        (2, "reviewer", "rejected"),
        (3, "writer", "written"),
        (4, "reviewer", "approved"),
    ]
    assert rows[1]["output"] == {"$status": "rejected", "why": "too short"}
    assert rows[0]["attempts"] == [] and rows[0]["usage"] is None
    assert 0 < rows[0]["durationMs"] < 60_000
    assert [row["startedAt"] for row in rows] == sorted(row["startedAt"] for row in rows)
    assert rows[-1]["step"] == project.show(thread)["head"]


def test_list_as_text_and_as_ids(project: Project, thread: str) -> None:
    rows = project.steps(thread)
    head, *lines = project("step", "list", thread).out.splitlines()
    assert head.split() == "STEP # ROUND ROLE STATUS TOOK TRIES AGENT".split()
    assert [line.split()[0] for line in lines] == [row["step"][:16] for row in rows]
    assert project("step", "list", thread, "-q").out.split() == [row["step"] for row in rows]
    empty = project("step", "list", project.begin())
    assert (empty.out, empty.err) == ("", "the thread has no step yet\n")


def test_show_adds_prompt_text_and_turns(project: Project, thread: str) -> None:
    row = project.steps(thread)[1]
    step = project("step", "show", row["step"], "--json").json
    assert set(step) >= ROW | {"prompt", "supplement", "body", "cwd", "turns"}
    assert {key: step[key] for key in row} == row
    assert (step["body"], step["supplement"], step["cwd"]) == (
        "Not good.\n",
        None,
        str(project.cwd),
    )
    assert step["prompt"].endswith("## Your instruction now\n\nReview A tale: Once upon a time.\n")
    [turn] = step["turns"]
    assert (turn["from"], turn["text"]) == ("agent", REJECTED)


@pytest.mark.parametrize(
    ("word", "index"),
    [
        ("{}", 4),
        ("{}~0", 4),
        ("{}~3", 1),
        ("{}/writer@1", 1),
        ("{}/writer@2", 3),
        ("{}/reviewer@2", 4),
        ("@last", 4),
        ("@last~1", 3),
        ("@last/writer@2", 3),
    ],
)
def test_a_step_can_be_named_through_its_thread(
    project: Project, thread: str, word: str, index: int
) -> None:
    expected = project.steps(thread)[index - 1]["step"]
    for name in (word.format(thread), word.format(thread[-6:])):
        assert project("step", "show", name, "-q").out == f"{expected}\n"


def test_a_step_can_be_named_by_a_beginning_of_its_id(project: Project, thread: str) -> None:
    step = project.steps(thread)[0]["step"]
    for word in (step, step[:12], step[:12].upper()):
        assert project("step", "show", word, "-q").out == f"{step}\n"


@pytest.mark.parametrize(
    ("word", "expect", "code"),
    [
        ("{}~4", 4, "no_such_step"),
        ("{}~-1", 2, "bad_address"),
        ("{}~", 2, "bad_address"),
        ("{}/writer@3", 4, "no_such_step"),
        ("{}/writer@0", 4, "no_such_step"),
        ("{}/nobody@1", 4, "no_such_step"),
        ("{}/writer", 2, "bad_address"),
        ("ffffffffffff", 4, "no_such_object"),
        ("f" * 64, 4, "no_such_object"),
        ("nothing", 4, "no_such_object"),
        ("~1", 4, "no_such_thread"),
    ],
)
def test_a_word_that_names_no_step(
    project: Project, thread: str, word: str, expect: int, code: str
) -> None:
    done = project("step", "show", word.format(thread), "--json", expect=expect)
    assert done.error["code"] == code
    assert done.out == ""


def test_a_beginning_that_fits_two_objects_names_both(project: Project, thread: str) -> None:
    seen: dict[str, str] = {}
    for n in range(10_000):
        text = f"text {n}"
        id = codec.id_of(codec.encode("text", text))
        if id[:4] in seen:
            break
        seen[id[:4]] = text
    for each in (seen[id[:4]], text):
        project("cas", "put", "-", input=each)
    done = project("step", "show", id[:4], "--json", expect=2)
    assert done.error["code"] == "ambiguous"
    assert id[:16] in done.error["message"]


def test_an_id_of_another_kind_is_exit_2(project: Project, thread: str) -> None:
    workflow = project.show(thread)["workflow"]
    for verb in ("show", "read"):
        done = project("step", verb, workflow, "--json", expect=2)
        assert done.error["code"] == "not_a_step"
        assert done.error["message"].endswith("is a workflow, not a step")
    start = project("thread", "log", thread, "-q").out.split()[0]
    assert project("step", "show", start, "--json", expect=4).error["code"] == "no_such_step"


def test_read_is_the_step_with_its_prompt_as_markdown(project: Project, thread: str) -> None:
    text = project("step", "read", f"{thread}~1").out
    assert text.startswith("## Step 3: writer → written\n")
    for words in ("- **title**: Two", "Second try.", "## The prompt it got", "Not yet: too short"):
        assert words in text
    document = project("step", "read", f"{thread}~1", "--json").json
    assert (document["markdown"], document["step"]) == (text, project.steps(thread)[2]["step"])


def test_turns_are_all_that_was_said_in_order(project: Project) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.program("failing", "echo I tried; exit 1"), expect=6)
    slow = project.program(
        "slow",
        "cat >/dev/null; echo Thinking.; while [ ! -e go ]; do sleep 0.01; done\n"
        "printf -- '---\\n$status: written\\ntitle: x\\n---\\n'",
    )
    process = project.start("thread", "resume", thread, "--agent", slow)
    until(lambda: len(project.turns(thread)) == 2)
    (project.cwd / "go").touch()
    process.communicate(timeout=20)
    rows = project.turns(thread)
    assert [(row["text"].split("\n")[0], row["outcome"], row["number"]) for row in rows] == [
        ("I tried", "exit_code", 1),
        ("Thinking.", "written", None),
        ("---", "written", None),
    ]
    assert rows[1]["at"] < rows[2]["at"]
    assert all(row["from"] == "agent" and row["role"] == "writer" for row in rows)
    step = project.steps(thread)[0]["step"]
    assert project("step", "turns", thread, "--step", step, "--json").json == rows
    told = project("step", "turns", thread).out
    assert "— writer, attempt 1, exit_code, agent, " in told and "— writer, step 1, agent, " in told
    empty = project("step", "turns", project.begin())
    assert (empty.out, empty.err) == ("", "no agent has said anything yet\n")


def test_what_a_step_has_used_and_not_said_is_said(project: Project) -> None:
    thread = project.begin(ONE)
    bad = "---\n$status: nonsense\nusage: {tokens: 7}\n---\n"
    project.step(thread, project.agent(bad, reply("done")))
    assert "7 tokens, more tokens not known, usd not known" in project("step", "show", thread).out
    step = project("step", "show", thread, "--json").json
    assert (step["usage"], step["unknownUsage"]) == ({"tokens": 7}, ["tokens", "usd"])
    assert project.show(thread)["unknownUsage"] == {"tokens": 1, "usd": 1}
