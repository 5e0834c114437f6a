"""Every reason not to run: its exit code says what cures it, its words what to do; the thread stays as it was."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.gate import Gate, configure, ended, in_line, refusal
from tests.helpers.project import ONE, Project, reply
from tests.helpers.read_only import read_only
from uwf.guard import pause as switch
from uwf.store.sqlite import open_store

FAILING = "cat >/dev/null; echo no luck >&2; exit 9"


def standing(project: Project, thread: str) -> tuple[Any, Any]:
    """All that is known of a thread, and every move of its ref."""
    return project.show(thread), project("ref", "log", f"@uwf/thread/{thread}", "--json").json


def failed(project: Project, count: int = 1) -> str:
    """The last of `count` threads, each of which the agent `failing` has let down."""
    configure(project, "[agents.failing]", command=f"{project.program('failing', FAILING)!r}")
    for _ in range(count):
        thread = project.begin()
        project.step(thread, "failing", expect=6)
    return thread


Scene = Callable[[Project], tuple[str, list[str]]]
"""Prepares a project; the thread to run, and the words of the command."""


def draining(project: Project) -> tuple[str, list[str]]:
    thread = project.begin()
    project("guard", "drain", "on")
    return thread, ["exec", thread]


def paused(project: Project) -> tuple[str, list[str]]:
    thread = project.begin()
    project("guard", "pause", "on", "--until", "2h", "--reason", "the card was declined")
    return thread, ["exec", thread]


def budget_of_the_thread(project: Project) -> tuple[str, list[str]]:
    agent = project.agent(reply())
    thread = project.begin(ONE, "--budget", "steps=1")
    project.step(thread, agent)
    return thread, ["resume", thread, "--agent", agent.command]


def budget_of_the_day(project: Project) -> tuple[str, list[str]]:
    configure(project, "[budget.day]", steps="1")
    agent = project.agent(reply())
    project.step(project.begin(), agent)
    thread = project.begin()
    return thread, ["exec", thread, "--agent", agent.command]


def agent_paused(project: Project) -> tuple[str, list[str]]:
    gate, thread = Gate(project), project.begin()
    project("guard", "pause", gate.name, "--until", "2h")
    return thread, ["exec", thread, "--agent", gate.name]


def circuit_open(project: Project) -> tuple[str, list[str]]:
    failed(project, count=3)
    thread = project.begin()
    return thread, ["exec", thread, "--agent", "failing"]


def low_success_rate(project: Project) -> tuple[str, list[str]]:
    configure(project, "[stats]", min_sample="2")
    configure(project, "[breaker]", threshold="1000")
    failed(project, count=3)  # the third is the one that may try all the same
    thread = project.begin()
    return thread, ["exec", thread, "--agent", "failing"]


def attempts_exhausted(project: Project) -> tuple[str, list[str]]:
    configure(project, "[limits]", max_attempts="1")
    thread = failed(project)
    return thread, ["resume", thread, "--agent", "failing"]


def attempts_exhausted_for_life(project: Project) -> tuple[str, list[str]]:
    configure(project, "[limits]", max_repeats="1")
    thread = failed(project)
    return thread, ["resume", thread, "--agent", "failing"]


def no_folder(project: Project) -> tuple[str, list[str]]:
    folder = project.cwd / "gone"
    folder.mkdir()
    thread = project.begin(ONE, "--cwd", str(folder))
    folder.rmdir()
    return thread, ["exec", thread, "--agent", "true"]


def no_agent(project: Project) -> tuple[str, list[str]]:
    thread = project.begin()
    return thread, ["exec", thread]


def agent_not_executable(project: Project) -> tuple[str, list[str]]:
    thread = project.begin()
    return thread, ["exec", thread, "--agent", "/nonexistent/agent --print"]


def no_memory(project: Project) -> tuple[str, list[str]]:
    configure(project, "[limits]", min_memory="'900000GiB'")
    thread = project.begin()
    return thread, ["exec", thread, "--agent", "true"]


def no_disk(project: Project) -> tuple[str, list[str]]:
    configure(project, "[limits]", disk_floor="'900000GiB'")
    thread = project.begin()
    return thread, ["exec", thread, "--agent", "true"]


def broken_guard(project: Project) -> tuple[str, list[str]]:
    thread = project.begin()
    store = open_store(str(project.home / "store.db"), create=False)
    with store.transaction("test") as tx:
        tx.set_counter(switch.DRAIN, "no switch at all")
    store.close()
    return thread, ["exec", thread, "--agent", "true"]


@pytest.mark.parametrize(
    ("scene", "code", "reason", "said"),
    [
        (draining, 75, "draining", "drain"),
        (paused, 75, "paused", "the card was declined; try again at 2"),
        (budget_of_the_thread, 5, "budget_exhausted", "1 of 1 step"),
        (budget_of_the_day, 75, "budget_exhausted", "1 of 1 step"),
        (agent_paused, 75, "agent_paused", "try again at 2"),
        (circuit_open, 75, "circuit_open", "try again at 2"),
        (low_success_rate, 75, "low_success_rate", "try again at 2"),
        (attempts_exhausted, 5, "attempts_exhausted", "a person has to add something"),
        (attempts_exhausted_for_life, 5, "attempts_exhausted", "a person has to add something"),
        (no_folder, 5, "preflight_failed", "does not exist"),
        (no_agent, 5, "no_agent", "no agent is configured"),
        (agent_not_executable, 5, "no_agent", "/nonexistent/agent"),
        (no_memory, 75, "server_overloaded", "of memory are free"),
        (no_disk, 75, "server_overloaded", "of disk are free"),
        (broken_guard, 1, "guard_error", "guard drain broke"),
    ],
)
def test_a_refusal_has_a_reason_and_changes_nothing(
    project: Project, scene: Scene, code: int, reason: str, said: str
) -> None:
    thread, words = scene(project)
    before = standing(project, thread)
    done = project("thread", *words, "--json", expect=code)
    by_itself = code == 75 and reason != "draining"  # which a person has switched on
    assert (done.error["retryAtMs"] is not None) is by_itself
    assert (done.error["code"], done.error["reason"], done.out) == (reason, reason, "")
    assert said in done.error["message"]
    assert done.error["hint"].startswith(("uwf ", "mkdir "))
    assert standing(project, thread) == before


@pytest.mark.parametrize(
    "scene",
    [
        draining,
        paused,
        budget_of_the_thread,
        budget_of_the_day,
        agent_paused,
        circuit_open,
        low_success_rate,
        attempts_exhausted,
        attempts_exhausted_for_life,
        no_folder,
        agent_not_executable,
        no_memory,
        no_disk,
    ],
)
def test_the_hint_of_a_refusal_is_not_refused_in_its_turn(project: Project, scene: Scene) -> None:
    configure(project, "[agents.plain]", command=f"{project.agent(reply()).command!r}")
    project("config", "set", "default_agent", "plain")
    _, words = scene(project)
    hint = project("thread", *words, "--json", expect=None).error["hint"]
    first, *typed = shlex.split(hint)
    if first == "mkdir":
        os.makedirs(typed[-1])
        project("thread", *words, expect=6)
    else:
        done = project(*typed, expect=None)
        assert first == "uwf" and done.code in (0, 6), "an agent that fails fails once more"


def test_a_thread_that_runs_is_busy_and_goes_on_undisturbed(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    process = gate.running(thread)
    before = standing(project, thread)
    done = project("thread", "exec", thread, "--agent", gate.name, "--json", expect=5)
    assert done.error["code"] == "busy"
    assert standing(project, thread) == before
    gate.open()
    ended(process)


def test_who_needs_a_place_is_refused_while_all_are_taken(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate, first, second = Gate(project), project.begin(), project.begin()
    process = gate.running(first)
    before = standing(project, second)
    done = project("thread", "exec", second, "--agent", gate.name, "--json", expect=75)
    assert done.error["reason"] == "server_overloaded"
    assert "the only slot of this machine is taken" in done.error["message"]
    assert done.error["hint"] == f"uwf thread exec {second} --agent {gate.name} --wait 600"
    assert standing(project, second) == before
    gate.open()
    ended(process)


def test_a_line_that_is_full_takes_nobody_else(project: Project) -> None:
    configure(project, "[limits]", max_running="1", max_queue="1")
    gate = Gate(project)
    threads = [project.begin() for _ in range(3)]
    processes = [gate.running(threads[0]), gate.waiting(threads[1])]
    before = standing(project, threads[2])
    words = ("thread", "exec", threads[2], "--agent", gate.name, "--wait", "60", "--json")
    done = project(*words, expect=75)
    assert done.error["reason"] == "queue_full"
    assert standing(project, threads[2]) == before
    gate.open()
    for process in processes:
        ended(process)


def test_whoever_is_dropped_from_the_line_is_told_and_untouched(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate, first, second = Gate(project), project.begin(), project.begin()
    before = standing(project, second)
    running, waiting = gate.running(first), gate.waiting(second)
    assert project("queue", "drop", second, "-q").out.split() == [second]
    assert refusal(waiting) == "dropped"
    assert standing(project, second) == before
    assert project("queue", "drop", second, "--json", expect=4).error["code"] == "not_waiting"
    gate.open()
    ended(running)


def test_the_oldest_in_the_line_makes_room_where_config_says_so(project: Project) -> None:
    configure(project, "[limits]", max_running="1", max_queue="1", overflow="'drop-oldest'")
    gate = Gate(project)
    threads = [project.begin() for _ in range(3)]
    running, oldest = gate.running(threads[0]), gate.waiting(threads[1])
    newest = gate.waiting(threads[2])
    assert refusal(oldest) == "dropped"
    assert in_line(project) == [threads[2]]
    gate.open()
    ended(running)
    ended(newest)


def test_who_was_refused_for_its_line_can_be_interrupted_there(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate, first, second = Gate(project), project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    os.kill(waiting.pid, signal.SIGTERM)
    ended(waiting, 143)
    assert in_line(project) == []
    gate.open()
    ended(running)


def test_a_thread_that_runs_is_busy_whatever_else_is_in_the_way(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    process = gate.running(thread)
    project("guard", "drain", "on")
    words = ("thread", "exec", thread, "--agent", gate.name, "--json")
    assert project(*words, expect=5).error["code"] == "busy"
    gate.open()
    ended(process)


@pytest.mark.parametrize("waits", [True, False])
def test_who_reached_a_limit_goes_on_when_it_resets_if_it_waits(
    project: Project, waits: bool
) -> None:
    thread = project.begin()
    limited = project.program(
        "limited",
        f"""cat >/dev/null
if [ ! -e "{project.cwd}/again" ]; then
    touch "{project.cwd}/again"
    echo '{{"error":{{"type":"usage_limit_reached","resets_in_seconds":2}}}}' >&2
    exit 1
fi
printf -- '---\\n$status: done\\n---\\nDone.\\n'
""",
    )
    words = ("--wait", "60") if waits else ()
    configure(project, "[retry]", margin="'100ms'")
    done = project("thread", "exec", thread, "--agent", limited, *words, expect=0 if waits else 75)
    status = project("thread", "show", thread, "--json").json["status"]
    assert status == ("completed" if waits else "idle")
    assert ("waiting, 1m at most" in done.err) == waits
    if waits:
        (step,) = project.steps(thread)
        assert len(step["attempts"]) == 1


def test_role_that_only_reads_runs_where_nothing_can_be_written(project: Project) -> None:
    folder = project.cwd / "vault"
    folder.mkdir()
    agent = project.agent(reply())
    reads = ONE.replace("name: one", "name: reads").replace(
        "description: Does the task.", "writes: false"
    )
    writer, reader = (project.begin(text, "--cwd", str(folder)) for text in (ONE, reads))
    with read_only(folder):
        done = project("thread", "exec", writer, "--agent", agent.command, "--json", expect=5)
        assert done.error["reason"] == "preflight_failed"
        assert project.step(reader, agent)[0]["status"] == "completed"
    assert agent.folder(1) == str(folder)
