"""What happened and what is happening: `thread read`, `log`, `watch`, `wait`, `diff`."""

from __future__ import annotations

import json
import re
import subprocess
import time

import pytest

from tests.helpers.project import (
    APPROVED,
    ASKS,
    ONE,
    REJECTED,
    REVIEW,
    WRITTEN,
    Project,
    reply,
    until,
)

SPEAKING = """\
cat >/dev/null
echo 'First words.'
touch ready
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\nLast words.\\n'
"""
WORKING = """\
cat >/dev/null
echo '{"type": "tool", "name": "Bash", "arguments": {"command": "make"}, "id": "1"}' >>$UWF_EVENTS
echo '{"type": "tool_result", "text": "all is made", "id": "1"}' >>$UWF_EVENTS
while [ ! -e $UWF_THREAD ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\n'
"""


def running(project: Project, thread: str) -> subprocess.Popen[bytes]:
    command = project.program("speaking", SPEAKING)
    process = project.start("thread", "exec", thread, "--agent", command)
    until(lambda: (project.cwd / "ready").exists() and project.turns(thread))
    return process


def finish(project: Project, process: subprocess.Popen[bytes]) -> None:
    (project.cwd / "go").touch()
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_read_is_the_task_and_the_steps_as_markdown(project: Project) -> None:
    thread = project.begin(REVIEW, task="Write about a fence.")
    agent = project.agent(WRITTEN, ASKS, APPROVED)
    project.step(thread, agent, "--until-done", expect=3)
    text = project("thread", "read", thread).out
    order = [
        *(f"# Thread {thread}", "## Task\n\nWrite about a fence.", "## Step 1: writer → written"),
        *("- **title**: A tale", "Once upon a time.", "## Step 2: reviewer → $SUSPEND"),
        f"**Suspended** at reviewer: Which colour?\n\nTo go on: `uwf thread resume {thread} ",
    ]
    places = [text.find(words) for words in order]
    assert -1 not in places and places == sorted(places), text
    document = project("thread", "read", thread, "--json").json
    assert document == {"thread": thread, "markdown": text}


def test_read_keeps_the_newest_steps_and_tells_how_to_load_the_others(project: Project) -> None:
    thread = project.begin(REVIEW)
    texts = [reply("written", f"DRAFT {n} " + "x" * 1000, title=f"t{n}") for n in (1, 2, 3)]
    agent = project.agent(texts[0], REJECTED, texts[1], REJECTED, texts[2], APPROVED)
    project.step(thread, agent, "--until-done")
    text = project("thread", "read", thread, "--quota", "1500").out
    assert "DRAFT 3" in text and "Step 6" in text
    assert "DRAFT 1" not in text and "DRAFT 2" not in text
    line = next(line for line in text.splitlines() if "--before" in line)
    command = line.split("`")[1].split()
    assert command[0] == "uwf"
    earlier = project(*command[1:]).out
    assert "DRAFT 1" in earlier and "DRAFT 2" in earlier and "Step 5:" not in earlier
    assert project("thread", "read", thread).out.count("DRAFT") >= 3


def test_read_names_its_rounds(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply())
    project.step(thread, agent)
    project.step(thread, agent, "--supplement", "more\nplease", verb="resume")
    text = project("thread", "read", thread).out
    assert "# Round 2\n\n## Step 2" in text
    assert "> more\n> please" in text


def test_log_has_every_move_with_reason_and_process(project: Project) -> None:
    thread = project.begin(ONE)
    project.step(thread, "false", expect=6)
    project.step(thread, project.agent(reply()), verb="resume")
    project("thread", "undo", thread)
    rows = project("thread", "log", thread, "--json").json
    assert [row["version"] for row in rows] == [1, 2, 3, 4, 5, 6]
    kept = [row for row in rows if row["why"].startswith("run with ")]
    assert [row["version"] for row in kept] == [2, 4], "the agent that each command named"
    rows = [row for row in rows if row not in kept]
    assert [row["status"] for row in rows] == ["idle", "suspended", "completed", "idle"]
    assert [row["why"].split(":")[0] for row in rows] == [
        "started",
        "attempt 1 of worker failed",
        "step 1 worker done",
        "undo to version 1",
    ]
    assert rows[0]["old"] is None and rows[0]["new"] == rows[1]["old"] == rows[3]["new"]
    assert all(row["process"].startswith("pid ") and row["at"] > 0 for row in rows)
    head, *lines = project("thread", "log", thread).out.splitlines()
    assert head.split() == "VERSION WHEN STATUS HEAD WHY PROCESS".split()
    assert len(lines) == 6
    assert len(project("thread", "log", thread, "-q").out.split()) == 6


def test_watch_follows_a_run_of_another_process_to_its_end(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    watching = project.start("thread", "watch", thread, "--json")
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    assert (first["status"], first["running"]["pid"]) == ("running", process.pid)
    assert [turn["text"] for turn in first["turns"]] == ["First words.\n"]
    finish(project, process)
    rest = [json.loads(line) for line in watching.communicate(timeout=20)[0].splitlines()]
    assert watching.returncode == 0
    shown = project.show(thread)
    assert shown.pop("told") == []
    assert rest[-1] == {**shown, "turns": rest[-1]["turns"]}
    assert rest[-1]["status"] == "completed"


def test_watch_as_text_tells_words_steps_and_how_it_ended(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    watching = project.start("thread", "watch", thread)
    assert watching.stdout is not None
    assert watching.stdout.readline() == b"First words.\n"
    finish(project, process)
    out, err = watching.communicate(timeout=20)
    step, state = out.decode().splitlines()[-2:]
    assert re.fullmatch(r"— 1 worker → done  \d+\.\ds", step) and state == "completed"
    assert err == b""


def test_watch_of_several_says_which_thread_each_line_is_of_and_what_tools_do(
    project: Project,
) -> None:
    """Chosen are those that run; one that is at rest meanwhile ends nothing."""
    command = project.program("working", WORKING)
    threads = [project.begin() for _ in range(3)]
    runs = [project.start("thread", "exec", each, "--agent", command) for each in threads[:2]]
    until(lambda: all(project.turns(each) for each in threads[:2]))
    watching = project.start("thread", "watch", "--where", "running")
    assert watching.stdout is not None
    first = [watching.stdout.readline().decode() for _ in range(4)]
    (project.cwd / threads[0]).touch()
    runs[0].communicate(timeout=20)
    (project.cwd / threads[1]).touch()
    runs[1].communicate(timeout=20)
    out = "".join([*first, watching.communicate(timeout=20)[0].decode()])
    for each in threads[:2]:
        own = [line for line in out.splitlines() if line.startswith(f"{each}  ")]
        assert own[:2] == [f"{each}  \u203a Bash make", f"{each}  │ all is made"]
        assert own[-2].startswith(f"{each}  — 1 worker → done  ") and own[-1].endswith("completed")
    assert threads[2] not in out
    assert out.rfind(threads[0]) < out.rfind(threads[1])
    assert project("thread", "watch", *threads, "-q").out == ""
    none = project("thread", "watch", "--where", "running,idle", "--where", "label=a=b")
    assert (none.out, none.err) == ("", "no thread is as asked for\n")


def test_watch_of_a_quiet_thread_says_where_it_stands_and_ends(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(ASKS), expect=3)
    assert project("thread", "watch", thread).out == "suspended: Which colour?\n"


def test_wait_returns_when_nobody_runs_the_thread(project: Project) -> None:
    thread = project.begin()
    assert project("thread", "wait", thread, "--json").json == project.show(thread)
    process = running(project, thread)
    began = time.monotonic()
    late = project("thread", "wait", thread, "--timeout", "0.2", "--json", expect=75)
    assert time.monotonic() - began >= 0.2
    assert late.json["status"] == "running"
    assert (late.error["reason"], late.error["thread"]) == ("timeout", thread)
    assert late.error["retryAtMs"] > time.time() * 1000
    waiting = project.start("thread", "wait", thread, "--json")
    finish(project, process)
    out, _ = waiting.communicate(timeout=20)
    assert (waiting.returncode, json.loads(out)["status"]) == (0, "completed")


@pytest.mark.parametrize(
    ("reply_", "code"),
    [(reply(), 0), (ASKS, 3), ("no front matter", 6)],
    ids=["done", "asks", "fails"],
)
def test_wait_ends_with_the_exit_code_of_the_run(project: Project, reply_: str, code: int) -> None:
    thread = project.begin()
    agent = project.agent(reply_)
    done = project.step(thread, agent, expect=code)
    waited = project("thread", "wait", thread, "--json", expect=code)
    assert waited.json["status"] == done[-1]["status"]
    text = project("thread", "wait", thread, expect=code)
    if code == 6:
        assert waited.error["code"] == "bad_reply" and waited.error["thread"] == thread
        assert text.err.startswith(f"error: {thread}: ")
    elif code == 3:
        way_on = f"uwf thread resume {thread} --agent {agent.command} --supplement TEXT"
        assert text.err == f"hint: {way_on}\n"


def test_wait_for_a_status_says_when_it_cannot_come_any_more(project: Project) -> None:
    thread = project.begin()
    late = project("thread", "wait", thread, "--until", "completed", "--timeout", "0", expect=75)
    assert f"uwf thread watch {thread}" in late.err
    project("thread", "cancel", thread)
    for more in ((), ("--until", "suspended,completed")):
        error = project("thread", "wait", thread, *more, "--json", expect=5).error
        assert (error["code"], error["reason"]) == ("cancelled", "cancelled")
        assert error["retryAtMs"] is None and error["hint"] == f"uwf thread show {thread}"
    project("thread", "wait", thread, "--until", "cancelled")
    project("thread", "wait", thread, "--until", "gone", expect=2)
    project("thread", "wait", thread, "--until", ",", expect=2)


def test_wait_for_several_tells_each_and_ends_with_the_worst(project: Project) -> None:
    done, asked = project.begin(), project.begin()
    project.step(done, project.agent(reply()))
    project.step(asked, project.agent(ASKS), expect=3)
    both = project("thread", "wait", done, asked, expect=3)
    assert both.out.splitlines() == [f"{done}  completed", f"{asked}  suspended"]
    process = running(project, late := project.begin())
    where = ("thread", "wait", "--where", "workflow=one", "--until", "completed,suspended")
    assert project(*where, "--dry-run", "-q").out.split() == [asked, late]
    waiting = project.start(*where, "--json")
    assert waiting.stdout is not None
    first = waiting.stdout.readline()
    finish(project, process)
    out, _ = waiting.communicate(timeout=20)
    rows = [json.loads(line) for line in (first, *out.splitlines())]
    assert [(row["thread"], row["status"]) for row in rows] == [
        (asked, "suspended"),
        (late, "completed"),
    ]
    assert waiting.returncode == 3


def test_diff_shows_what_two_threads_share_and_where_they_part(project: Project) -> None:
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    fork = project("thread", "fork", thread, "--json").json["thread"]
    project.step(thread, project.agent(APPROVED))
    project.step(fork, project.agent(REJECTED))
    document = project("thread", "diff", thread, fork, "--json").json
    assert document["shared"] == 1
    assert document["fork"] == project.steps(thread)[0]["step"]
    assert document["left"] == {"thread": thread, "steps": project.steps(thread)[1:]}
    assert document["right"] == {"thread": fork, "steps": project.steps(fork)[1:]}
    told = project("thread", "diff", thread, fork).out.splitlines()
    assert told[:3] == [f"--- {thread}", f"+++ {fork}", "1 step in common"]
    assert "- step 2 reviewer → approved" in told and "+ step 2 reviewer → rejected" in told
    assert "+ why: too short" in told
    assert "the two are the same" in project("thread", "diff", thread, thread).out


def test_diff_of_strangers_shares_nothing(project: Project) -> None:
    one, other = project.begin(), project.begin()
    assert project("thread", "diff", one, other, "--json").json["shared"] == 0
    project("thread", "diff", one, "ZZZZ", expect=4)
