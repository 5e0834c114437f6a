"""Two machines, each with a home of its own, share a store in PostgreSQL: a thread is run by one of them at a time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.project import Project, is_alive, reply, until

LEASE_S = 1
WORKING = """\
cat >/dev/null
echo $$ >ready
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\nLate.\\n'
"""
THEIRS = reply(body="Of the other machine.")


class Machines:
    """Machine `a` and machine `b`."""

    def __init__(self, folder: Path, database: str) -> None:
        self.a, self.b = (self._machine(folder / name, database) for name in ("a", "b"))
        self.begun: list[subprocess.Popen[bytes]] = []

    def _machine(self, folder: Path, database: str) -> Project:
        cwd = folder / "project"
        cwd.mkdir(parents=True)
        machine = Project(folder / "home", cwd)
        machine.environ |= {"UWF_STORE": database, "UWF_HOST": folder.name}
        machine("config", "set", "lease", f"{LEASE_S}s")
        return machine

    def run(self, machine: Project, thread: str) -> subprocess.Popen[bytes]:
        """A run whose agent works until it is let `go`."""
        command = machine.program("working", WORKING)
        process = machine.start("thread", "exec", thread, "--agent", command, "--json")
        self.begun.append(process)
        until(lambda: (machine.cwd / "ready").exists())
        return process

    def take_over(self, machine: Project, thread: str) -> None:
        """A run that waits until the lease of another is over."""
        machine.step(thread, machine.agent(THEIRS), "--wait", "30")


@pytest.fixture
def machines(tmp_path: Path, database: str) -> Iterator[Machines]:
    made = Machines(tmp_path, database)
    yield made
    for process in made.begun:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def go(machine: Project) -> None:
    (machine.cwd / "go").touch()


def agent(machine: Project) -> int:
    return int((machine.cwd / "ready").read_text())


def ended(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The error of a run that has lost its thread."""
    _, err = process.communicate(timeout=30)
    assert process.returncode == 5, err
    error: dict[str, Any] = json.loads(err.splitlines()[-1])["error"]
    assert error["code"] == "superseded"
    return error


def bodies(machine: Project, thread: str) -> list[str]:
    rows = machine.steps(thread)
    return [machine("step", "show", row["step"], "--json").json["body"].strip() for row in rows]


def test_a_run_that_slept_through_a_take_over_publishes_nothing(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    process.send_signal(signal.SIGSTOP)
    go(a)  # its agent replies while it sleeps
    machines.take_over(b, thread)
    process.send_signal(signal.SIGCONT)
    error = ended(process)
    assert bodies(b, thread) == ["Of the other machine."]
    [late] = b.show(thread)["superseded"]
    assert late["attempt"][:12] in error["message"]
    assert "1 attempt that came too late" in b("thread", "show", thread).out
    said = b("step", "show", late["attempt"], "--json").json["turns"]
    assert said == [] or "Late." in "".join(turn["text"] for turn in said)
    b("store", "verify", "--deep")


def test_a_run_that_wakes_with_its_agent_at_work_ends_it(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    process.send_signal(signal.SIGSTOP)
    machines.take_over(b, thread)
    process.send_signal(signal.SIGCONT)
    ended(process)
    assert not is_alive(agent(a))
    assert bodies(b, thread) == ["Of the other machine."]


def test_a_run_whose_machine_died_is_taken_over_when_its_lease_is_over(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    running = b.show(thread)["running"]
    assert (running["host"], running["pid"], running["role"]) == ("a", process.pid, "worker")
    busy = b("thread", "exec", thread, "--agent", "true", "--json", expect=5).error["message"]
    assert f"is running in process {process.pid} on a (worker, since " in busy
    process.kill()
    process.wait()
    began = time.monotonic()
    machines.take_over(b, thread)
    assert time.monotonic() - began < LEASE_S + 10
    [step] = b.steps(thread)
    shown = b("step", "show", step["step"], "--json").json
    assert [each["error"]["message"] for each in shown["failedAttempts"]] == [
        "uwf ended on a before the agent did"
    ]


def test_what_died_on_this_machine_is_taken_over_at_once(machines: Machines) -> None:
    a = machines.a
    a("config", "set", "lease", "10m")
    thread = a.begin()
    process = machines.run(a, thread)
    process.kill()
    process.wait()
    until(lambda: a.show(thread)["running"] is None)
    a.step(thread, a.agent(THEIRS))
    assert bodies(a, thread) == ["Of the other machine."]


def test_a_run_is_stopped_from_another_machine(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    done = b("thread", "stop", thread)
    assert f"stopped process {process.pid} on a" in done.err
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not is_alive(agent(a))
    assert b.steps(thread) == []


def test_a_thread_is_cancelled_from_another_machine(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    b("thread", "cancel", thread, "--reason", "not wanted")
    assert b.show(thread)["status"] == "cancelled"
    process.communicate(timeout=30)
    assert not is_alive(agent(a))


def test_a_long_step_keeps_its_thread(machines: Machines) -> None:
    a, b = machines.a, machines.b
    thread = a.begin()
    process = machines.run(a, thread)
    deadline = time.monotonic() + 3 * LEASE_S
    while time.monotonic() < deadline:
        assert b.show(thread)["running"] is not None
    go(a)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert os.fspath(a.home) not in out.decode()
    assert bodies(b, thread) == ["Late."]
