"""The day's budget under real processes that run at once, and of which some are killed."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import pytest

from tests.helpers.project import Project, until

LOOP = """\
version: 1
name: loop
description: Goes on and on.
roles:
  worker:
    goal: Work.
    frontmatter:
      type: object
      properties: { $status: { enum: [again, end] }, n: { type: string } }
      required: [$status, n]
graph:
  $START: {new: {role: worker, prompt: Work.}, resume: {role: worker, prompt: Work.}}
  worker: {again: {role: worker, prompt: "Again, after {{ n }}."}, end: {role: $END, prompt: ""}}
"""
LIMIT = 5.0


@pytest.fixture
def limited(project: Project) -> Project:
    project("config", "set", "budget.day.usd", f"{LIMIT:g}")
    project("config", "set", "limits.max_running", "9")
    return project


def worker(project: Project, usd: float, meanwhile: str = "sleep 0.3") -> str:
    return project.program(
        f"worker-{usd}",
        f"cat >/dev/null; {meanwhile}\n"
        f"printf -- '---\\n$status: again\\nn: \"%s\"\\nusage: {{usd: {usd}}}\\n---\\n' $UWF_STEP_INDEX",
    )


def started(project: Project, count: int) -> list[str]:
    return [project.begin(LOOP) for _ in range(count)]


def today(project: Project) -> dict[str, Any]:
    facts: dict[str, Any] = project("guard", "status", "--json").json
    return facts


def run_all(project: Project, threads: list[str], agent: str) -> list[subprocess.Popen[bytes]]:
    words = ("--agent", agent, "--until-done", "--json")
    return [project.start("thread", "exec", thread, *words) for thread in threads]


@pytest.mark.parametrize("usd", [0.75, 1.0, 3.0])
def test_five_at_once_go_past_it_by_no_more_than_one_step(limited: Project, usd: float) -> None:
    agent = worker(limited, usd)
    for _ in range(3):  # who was refused tries again, as a script would
        runs = run_all(limited, started(limited, 5), agent)
        for run in runs:
            _, err = run.communicate(timeout=120)
            error = json.loads(err.splitlines()[-1])["error"]
            assert (run.returncode, error["reason"]) == (75, "budget_exhausted"), err
            assert error["retryAtMs"]
    spent = today(limited)["today"]["usd"]
    assert LIMIT - usd < spent <= LIMIT + usd
    assert today(limited)["dayReserved"] == {}


def test_who_waits_goes_on_when_others_have_used_less(limited: Project) -> None:
    first, second = started(limited, 2)
    limited("config", "set", "agents.mine.command", worker(limited, 0.5))
    words = ("--agent", "mine", "--json")
    limited("thread", "exec", first, *words)  # so that it is known what it costs
    began, go_on = limited.home.parent / "began", limited.home.parent / "go-on"
    slow = worker(limited, 0.25, f": >{began}; while [ ! -e {go_on} ]; do sleep 0.05; done")
    running = limited.start("thread", "exec", first, "--agent", slow, "--json")
    until(began.exists)  # the first of its agent, which has set down all that is left
    error = limited("thread", "exec", second, *words, expect=75).error
    assert (
        "what runs now is expected to use $4.50 of the rest, and this one $0.50" in error["message"]
    )
    waiting = limited.start("thread", "exec", second, *words, "--wait", "60")
    go_on.touch()
    assert running.wait(60) == 0
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, json.loads(out)["step"] is not None) == (0, True), err
    assert today(limited)["today"]["usd"] == 1.25


def test_the_killed_and_the_suspended_hold_nothing(limited: Project) -> None:
    began = limited.home.parent / "began"
    hangs = worker(limited, 1, f": >{began}; sleep 60")
    first, second = started(limited, 2)
    run = limited.start("thread", "exec", first, "--agent", hangs, "--json")
    until(began.exists)
    assert today(limited)["dayReserved"]["usd"] == LIMIT
    limited("thread", "exec", second, "--agent", worker(limited, 1), expect=75)
    run.send_signal(signal.SIGKILL)
    run.wait(10)
    assert today(limited)["dayReserved"] == {}
    limited("thread", "exec", second, "--agent", worker(limited, 1))
    failing = limited.program("failing", "cat >/dev/null; exit 1")
    limited("thread", "exec", first, "--agent", failing, expect=6)
    assert limited.show(first)["status"] == "suspended"
    assert today(limited)["dayReserved"] == {}
    limited("thread", "exec", second, "--agent", worker(limited, 1))
