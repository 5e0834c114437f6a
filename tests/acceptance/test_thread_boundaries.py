"""Replies and agents at the edge of what is reasonable: huge, broken, silent, endless, leaving things behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import APPROVED, ONE, REVIEW, Project, is_alive, reply

MEGABYTE = 1_000_000

MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit, file=sys.stderr)
sys.exit(code)
"""
"""Runs its arguments and writes the most memory in bytes that they took, as the last word of stderr."""


def test_a_reply_of_fifty_megabytes_is_one_step(
    project: Project, record_property: Callable[[str, Any], None]
) -> None:
    flood = project.file(
        "flood.py",
        "import sys\nsys.stdin.read()\nprint('---\\n$status: done\\n---')\n"
        "for n in range(1_000_000): sys.stdout.write(f'{n:08d} words of a very long reply, on and on...\\n')",
    )
    thread = project.begin()
    began = time.monotonic()
    # Measured by a small process in between: a forked child starts with the peak of its parent, which here is pytest.
    words = ["thread", "exec", thread, "--agent", f"{sys.executable} -S -E {flood}", "-q"]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, PROGRAM, *words],
        cwd=project.cwd,
        env=project.environ,
        capture_output=True,
    )
    took_s, peak = time.monotonic() - began, int(measured.stderr.split()[-1])
    record_property("seconds", round(took_s, 2))
    record_property("peak megabytes", peak // MEGABYTE)
    assert measured.returncode == 0
    assert took_s < 60 and peak < 400 * MEGABYTE
    body = project("step", "show", thread, "--json").json["body"]
    assert len(body) == 50 * MEGABYTE and body.endswith(
        "00999999 words of a very long reply, on and on...\n"
    )
    listed = project("step", "list", thread)
    assert len(listed.out) < 1000


def test_a_huge_reply_reaches_the_next_role_within_its_quota(project: Project) -> None:
    quiet = REVIEW.replace('"Review {{ title }}: {{ _body }}"', '"Review {{ title }}."')
    thread = project.begin(quiet)
    agent = project.agent(reply("written", "x" * 5 * MEGABYTE, title="long"), APPROVED)
    project.step(thread, agent, "--until-done")
    assert 30_000 < len(agent.prompt(2)) < 40_000


def test_a_reply_that_is_not_utf8_is_kept_readable(project: Project) -> None:
    thread = project.begin()
    agent = project.agent(b'---\n$status: done\nnote: "caf\xe9"\n---\nna\xefve \xff\xfe\n')
    project.step(thread, agent)
    step = project("step", "show", thread, "--json").json
    assert step["output"]["note"] == "caf\N{REPLACEMENT CHARACTER}"
    assert step["body"].startswith("na\N{REPLACEMENT CHARACTER}ve")


def test_nul_and_control_characters_in_the_text_are_kept(project: Project) -> None:
    thread = project.begin()
    project.step(thread, project.agent(b"---\n$status: done\n---\na\0b\x07\x1b[31m\x7f\n"))
    step = project("step", "show", thread, "--json").json
    assert step["body"] == "a\0b\x07\x1b[31m\x7f\n"


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("$status: done\nnote: " + "[" * 3000, "YAML"),
        ("$status: done\nnote: {{{{", "YAML"),
        ("$status: [done]", "`$status` must be text"),
        ("$status: 7", "`$status` must be text"),
        ("$status: ''", "`$status` is empty"),
        ("$status: done\n$status: done", "twice"),
        ("status: done", "no front matter"),
        ("$status: done\nnote: !!int x", "promises"),
        ("$status: done\nnote: !!python/name:os.system x", "tag"),
        ("$status: done\nnote: " + "x" * 300_000, "256 KiB"),
        ("\n".join(["$status: done", "a: &a [x,x,x,x,x,x,x,x,x,x]"]
            + [f"{chr(n + 1)}: &{chr(n + 1)} [{','.join([f'*{chr(n)}'] * 10)}]" for n in range(97, 107)]),
            "aliases"),
    ],
)  # fmt: skip
def test_hostile_front_matter_is_a_bad_reply_in_words(
    project: Project, front: str, said: str
) -> None:
    thread = project.begin()
    agent = project.agent(f"---\n{front}\n---\ntext\n", reply())
    began = time.monotonic()
    [line] = project.step(thread, agent)
    assert time.monotonic() - began < 30
    assert line["status"] == "completed" and agent.calls == 2
    wrong = agent.prompt(2).partition("## Your last reply was not accepted")[2]
    assert said in wrong.partition("This was your reply")[0], wrong[:500]


def test_an_agent_that_reads_nothing_of_a_large_prompt_may_reply(project: Project) -> None:
    project.file("task.md", "word " * MEGABYTE)
    file = project.file("one.yaml", ONE)
    thread = project("thread", "start", file, "-p", "@task.md", "-q").out.strip()
    deaf = project.program("deaf", "exec <&-; printf -- '---\\n$status: done\\n---\\n'")
    assert project.step(thread, deaf)[0]["status"] == "completed"


def test_a_flood_on_stderr_keeps_its_end(project: Project) -> None:
    loud = project.program(
        "loud",
        "cat >/dev/null; head -c 2000000 /dev/zero | tr '\\0' e >&2; echo >&2; echo the end >&2; exit 1",
    )
    thread = project.begin()
    [line] = project.step(thread, loud, expect=6)
    assert line["error"]["message"].endswith("exited with code 1: the end")
    project.step(thread, project.agent(reply()), verb="resume")
    [attempt] = project("step", "show", thread, "--json").json["failedAttempts"]
    assert attempt["stderr"].endswith("e\nthe end\n") and len(attempt["stderr"]) <= 65536
    assert attempt["process"]["stderrBytes"] == 2_000_009


@pytest.mark.parametrize(
    "how", ["(sleep 100 &)", "sleep 100 >/dev/null 2>&1 &", "(setsid sleep 100 &)"]
)
def test_what_an_agent_leaves_behind_is_ended_and_its_reply_counts(
    project: Project, how: str
) -> None:
    leaving = project.program(
        "leaving",
        f"cat >/dev/null; {how}\nprintf -- '---\\n$status: done\\n---\\n'; echo $UWF_RUN >run",
    )
    thread = project.begin()
    began = time.monotonic()
    assert project.step(thread, leaving)[0]["status"] == "completed"
    assert time.monotonic() - began < 20
    run = (project.cwd / "run").read_text().strip()
    if os.path.isdir("/proc/self"):
        for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    marked = f"UWF_RUN={run}".encode() in file.read()
            except OSError:
                continue
            assert not (marked and is_alive(pid))


def test_an_agent_may_use_uwf_itself(project: Project) -> None:
    """On its own thread it is told that it runs; others are free."""
    other = project.begin()
    nested = project.program(
        "nested",
        f"cat >/dev/null; uwf thread show $UWF_THREAD -q >shown; uwf thread exec $UWF_THREAD; echo $? >own\n"
        f"uwf thread exec {other} --agent '{project.agent(reply()).command}' >/dev/null; echo $? >other\n"
        "printf -- '---\\n$status: done\\n---\\n'",
    )
    thread = project.begin()
    project.step(thread, nested)
    assert (project.cwd / "shown").read_text() == f"{thread}\n"
    assert (project.cwd / "own").read_text() == "5\n"
    assert (project.cwd / "other").read_text() == "0\n"
    assert project.show(other)["status"] == "completed"


def test_a_location_that_is_not_there_is_a_refusal_that_changes_nothing(project: Project) -> None:
    moving = REVIEW.replace(
        "written: {role: reviewer,", 'written: {role: reviewer, location: "{{ title }}",'
    )
    thread = project.begin(moving)
    project.step(thread, project.agent(reply("written", title="no/such/place")))
    before = project.show(thread)
    words = ("thread", "exec", thread, "--agent", "true", "--json")
    done = project(*words, expect=5)
    assert done.error["reason"] == "preflight_failed"
    assert project.show(thread) == before


def test_a_clock_that_jumps_back_confuses_nothing(project: Project) -> None:
    project.file(
        "clock/sitecustomize.py",
        "import time\nnow = time.time_ns\ntime.time_ns = lambda: now() - 3_600_000_000_000\n",
    )
    earlier = {"PYTHONPATH": str(project.cwd / "clock")}
    thread = project.begin(REVIEW)
    agent = project.agent(reply("written", title="x"), APPROVED)
    words = ("thread", "exec", thread, "--agent", agent.command, "--until-done", "--json")
    project(*words, env=earlier)
    shown = project.show(thread)
    assert shown["status"] == "completed" and shown["completedAt"] < shown["startedAt"]
    assert all(0 <= row["durationMs"] < 60_000 for row in project.steps(thread))
    later = project("thread", "start", "review.yaml", "-p", "x", "-q", env=earlier).out.strip()
    assert later > thread
    assert project("thread", "list", "--all", "-q").out.split() == [later, thread]
    assert project("thread", "show", "@last", "-q").out.strip() == later
    assert project("store", "verify").code == 0
