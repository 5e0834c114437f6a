"""Ending a whole tree: whatever an agent leaves behind, and however it hides or resists."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import pytest

from tests.agent.supervised import (
    AGENTS,
    Supervised,
    eventually,
    linux_only,
    lives,
    marked,
)
from uwf.agent.process import platform, terminate
from uwf.agent.process.platform import Process
from uwf.agent.process.tree import ProcessTree
from uwf.store.owner import Owner

PLACES = ["group", "session", "daemon"]


@linux_only
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("output", ["quiet", "holding the output"])
@pytest.mark.parametrize("place", PLACES)
def test_nothing_left_behind_survives_its_step(
    supervised: Supervised,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    output: str,
    threads: int,
) -> None:
    monkeypatch.setattr("uwf.agent.process.supervise.LEFT_OPEN_QUIET_S", 0.1)
    if threads > 1:
        monkeypatch.setattr(platform, "is_alone", lambda: False)
    outcome = supervised.strays(place, output, "many")
    assert (outcome.ended, outcome.exit_code, outcome.escalation) == ("exit", 0, "term")
    assert outcome.stdout.endswith(b"started them\n")
    assert len(supervised.pids()) == 6
    assert not any(map(lives, supervised.pids()))
    assert outcome.survivors == ()


@linux_only
@pytest.mark.parametrize("place", PLACES)
def test_strays_that_ignore_sigterm_are_killed(supervised: Supervised, place: str) -> None:
    outcome = supervised.strays(place, "deaf", "quiet", "many", grace_s=0.1)
    assert (outcome.ended, outcome.escalation, outcome.survivors) == ("exit", "kill", ())
    assert not any(map(lives, supervised.pids()))


@pytest.mark.parametrize("place", PLACES)
def test_stop_ends_agent_and_strays(supervised: Supervised, place: str) -> None:
    outcome = supervised.strays(place, "stay", "deaf", "many", grace_s=0.1)
    assert (outcome.ended, outcome.escalation, outcome.survivors) == ("stopped", "kill", ())
    assert not any(map(lives, supervised.pids()))


def test_stray_with_a_wiped_environment_is_found_by_kinship(supervised: Supervised) -> None:
    outcome = supervised.strays("session", "wiped", "stay")
    assert (outcome.ended, outcome.survivors) == ("stopped", ())
    assert not any(map(lives, supervised.pids()))


@linux_only
@pytest.mark.parametrize("place", PLACES)
def test_stray_with_a_wiped_environment_is_found_when_no_other_has_children(
    supervised: Supervised, place: str
) -> None:
    strays = (AGENTS / "strays.py", supervised.pid_file, place, "wiped", "quiet")
    with supervised.host("run", sys.executable, "-S", *strays) as host:
        told, _ = host.communicate(timeout=10)
    assert told.splitlines()[-1] == "outcome exit term"
    assert not any(map(lives, supervised.pids()))


def test_stray_that_holds_the_output_does_not_hang_the_run(supervised: Supervised) -> None:
    began = time.monotonic()
    outcome = supervised("sh", "-c", "sleep 100 & echo reply")
    assert (outcome.ended, outcome.exit_code, outcome.stdout) == ("exit", 0, b"reply\n")
    assert time.monotonic() - began < 3
    assert outcome.duration_ms < 450


def test_stray_that_floods_the_output_does_not_hang_the_run(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.agent.process.supervise.LEFT_OPEN_MOST_S", 0.3)
    outcome = supervised("sh", "-c", "(while :; do echo more; sleep 0.01; done) & echo reply")
    assert (outcome.ended, outcome.exit_code) == ("exit", 0)
    assert set(outcome.stdout.split()) == {b"reply", b"more"}


def test_last_lines_of_a_pipe_that_outlives_the_agent_are_kept(supervised: Supervised) -> None:
    outcome = supervised("sh", "-c", "(sleep 0.1; echo the last line) & echo the first line")
    assert outcome.stdout == b"the first line\nthe last line\n"
    assert outcome.escalation == ""


def test_what_strays_say_while_they_are_ended_is_no_reply(supervised: Supervised) -> None:
    script = "(trap 'echo noise; exit' TERM; while :; do sleep 0.02; done) & echo reply"
    assert supervised("sh", "-c", script).stdout == b"reply\n"


def test_zombies_are_no_survivors(supervised: Supervised) -> None:
    # The agent never reaps its child, and is itself a zombie while its tree is being ended.
    script = (
        "import os, time\nif not os.fork(): os._exit(0)\nprint('x', flush=True)\ntime.sleep(99)"
    )
    command = supervised.command(sys.executable, "-S", "-c", script, grace_s=10.0)
    outcome = supervised.run_until_output(command)
    assert (outcome.ended, outcome.escalation, outcome.survivors) == ("stopped", "term", ())
    assert time.monotonic() - supervised.stopped_s < 2


@linux_only
def test_main_thread_that_ended_before_the_others_is_no_zombie(supervised: Supervised) -> None:
    script = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,)).start()\n"
        "print('x', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    states: list[bool] = []

    def look(_chunk: bytes) -> None:
        pid = supervised.started[0].pid
        stat = Path(f"/proc/{pid}/stat")
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "Z")
        states.append(lives(pid))
        supervised.stop.request()

    command = supervised.command(sys.executable, "-c", script)
    assert supervised.run(command, on_output=look).ended == "stopped"
    assert states[0] is True


def test_family_of_six_is_gone_quickly(supervised: Supervised) -> None:
    outcome = supervised.strays("group", "stay", "many")
    assert (outcome.ended, outcome.escalation) == ("stopped", "term")
    assert time.monotonic() - supervised.stopped_s < 2


class Undying(ProcessTree):
    """A tree whose one member is deaf to everything, as a process that hangs in the kernel is."""

    def __init__(self) -> None:
        self.looks = 0

    def living(self) -> list[Process]:
        self.looks += 1
        return [Process(2**30, 1, 1, 1, "never", False)]


def test_survivor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminate, "CONFIRM_S", 0.05)
    ending = terminate.terminate(
        Undying(), group=None, grace_s=0.05, wait=time.sleep, is_hurried=lambda: False
    )
    assert ending == terminate.Termination("kill", (), (2**30,))


def test_survivor_is_named_in_the_outcome(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminate, "CONFIRM_S", 0.05)
    monkeypatch.setattr(terminate, "SIGKILL", 0)  # a signal that does nothing
    outcome = supervised.run_until_output(supervised.command(AGENTS / "deaf.sh", grace_s=0.05))
    pid = supervised.started[0].pid
    assert (outcome.ended, outcome.escalation, pid in outcome.survivors) == (
        "stopped",
        "kill",
        True,
    )
    assert (outcome.exit_code, outcome.signal) == (None, None)
    assert f"process {pid} does not end" in outcome.error
    for survivor in outcome.survivors:
        with contextlib.suppress(ProcessLookupError):  # deaf.sh makes short-lived ones
            os.kill(survivor, 9)
    os.waitpid(pid, 0)
    eventually(lambda: not any(map(lives, outcome.survivors)) and not marked(supervised.mark))


@linux_only
def test_number_of_another_process_is_never_signalled(supervised: Supervised) -> None:
    def impostor(_chunk: bytes) -> None:
        process = platform.look(supervised.started[0].pid)
        assert process is not None
        boot, _, ticks = process.started.partition(":")
        recycled = Owner(process.pid, f"{boot}:{int(ticks) - 100}")
        platform.send(recycled, 9)

    command = supervised.command("sh", "-c", "echo; sleep 0.1; echo unharmed")
    outcome = supervised.run(command, on_output=impostor)
    assert (outcome.ended, outcome.stdout) == ("exit", b"\nunharmed\n")


@pytest.fixture
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take one thing away that not every platform has."""
    match request.param:
        case "pidfd":
            monkeypatch.setattr(platform, "pidfd", lambda _pid: None)
        case "children files":
            real, read = os.path.exists, platform._read
            monkeypatch.setattr(
                os.path, "exists", lambda path: not path.endswith("/children") and real(path)
            )

            def only_others(path: str) -> bytes:
                if path.endswith("/children"):
                    raise FileNotFoundError(path)
                return read(path)

            monkeypatch.setattr(platform, "_read", only_others)
        case "subreaper":
            monkeypatch.setattr(platform, "set_subreaper", lambda _on: None)
        case "waitid":
            monkeypatch.setattr(platform, "can_peek", False)
        case "all that Linux has":
            monkeypatch.setattr(platform, "_PROC", False)
            monkeypatch.setattr(platform, "set_subreaper", lambda _on: None)
            monkeypatch.setattr(platform, "pidfd", lambda _pid: None)
            monkeypatch.setattr(platform, "can_peek", False)
    return str(request.param)


LESS = ["pidfd", "children files", "subreaper", "waitid", "all that Linux has"]


@pytest.mark.parametrize("without", LESS, indirect=True)
def test_normal_run_works_without(supervised: Supervised, without: str) -> None:
    outcome = supervised(AGENTS / "reply.sh", stdin=b"x" * 300_000)
    assert (outcome.ended, outcome.exit_code, outcome.escalation) == ("exit", 0, "")
    assert outcome.stdout.startswith(b"---\n$status: done")


@pytest.mark.parametrize("without", LESS, indirect=True)
@pytest.mark.parametrize("threads", [1, 2])
def test_each_is_signalled_once_without(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch, without: str, threads: int
) -> None:
    monkeypatch.setattr(platform, "is_alone", lambda: threads == 1)
    file, places = supervised.folder / "told", ["group", "job", "session"]
    counting = (sys.executable, "-S", AGENTS / "counting.py", file, *places)
    outcome = supervised.run_until_output(supervised.command(*counting, grace_s=10.0))
    assert (outcome.ended, outcome.escalation, outcome.survivors) == ("stopped", "term", ())
    assert sorted(file.read_text().split()) == sorted(["leader", *places])


@pytest.mark.parametrize("place", ["group", "session"])
@pytest.mark.parametrize("without", LESS, indirect=True)
def test_family_is_ended_without(supervised: Supervised, without: str, place: str) -> None:
    outcome = supervised.strays(place, "stay", "deaf", grace_s=0.1)
    assert (outcome.ended, outcome.escalation, outcome.survivors) == ("stopped", "kill", ())
    eventually(lambda: not any(map(lives, supervised.pids())))
