"""The program that runs an agent is killed, interrupted or stopped: no agent runs on, or runs unrecorded."""

from __future__ import annotations

import os
import signal
import subprocess
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
from uwf.agent.process import platform
from uwf.agent.process.terminate import end_orphans
from uwf.store.owner import Owner

STRAYS = (sys.executable, "-S", AGENTS / "strays.py")


def recorded(host: subprocess.Popen[str]) -> Owner:
    """What the host put on record: the agent's pid and start time."""
    assert host.stdout is not None
    word, pid, start = host.stdout.readline().split()
    assert word == "started"
    return Owner(int(pid), start)


def wait_for_output(host: subprocess.Popen[str]) -> None:
    assert host.stdout is not None
    assert host.stdout.readline().startswith("output")


@linux_only
def test_agent_dies_with_a_killed_host(supervised: Supervised) -> None:
    with supervised.host("run", AGENTS / "deaf.sh") as host:
        pid = recorded(host).pid
        wait_for_output(host)
        host.kill()
    eventually(lambda: not lives(pid), within_s=2)
    # Its `sleep` in the background of the moment is an orphan like any other.
    end_orphans(Owner(pid, "gone"), supervised.mark, 0.1)


@pytest.mark.parametrize("place", ["group", "session", "daemon"])
@pytest.mark.parametrize("manner", ["ready to go", "deaf"])
def test_what_a_killed_host_left_is_ended_by_recovery(
    supervised: Supervised, place: str, manner: str
) -> None:
    with supervised.host("run", *STRAYS, supervised.pid_file, place, manner, "stay") as host:
        process = recorded(host)
        wait_for_output(host)
        host.kill()
    (stray,) = supervised.pids()
    assert lives(stray)
    grace_s = 0.1 if manner == "deaf" else 10.0
    ending = end_orphans(process, supervised.mark, grace_s)
    assert stray in ending.ended
    assert ending.survivors == ()
    assert ending.escalation == ("kill" if manner == "deaf" else "term")
    assert not lives(stray)
    again = end_orphans(process, supervised.mark, 0.1)
    assert (again.ended, again.escalation) == ((), "")


@linux_only
def test_recovery_finds_what_wiped_its_environment(supervised: Supervised) -> None:
    # It lost its ancestors, too; the descriptor that is named like the mark is left.
    with supervised.host("run", *STRAYS, supervised.pid_file, "daemon", "wiped", "stay") as host:
        process = recorded(host)
        wait_for_output(host)
        (stray,) = supervised.pids()
        eventually(lambda: stray not in marked(supervised.mark))
        host.kill()
    assert lives(stray)
    assert stray in end_orphans(process, supervised.mark, 10.0).ended
    assert not lives(stray)


def test_recovery_finds_a_session_by_one_marked_member(supervised: Supervised) -> None:
    # Two strays in one session, of which one wiped its environment; their leader is gone.
    script = "sleep 100 & env -i sleep 100 & echo $! >pids; echo begun; wait"
    with supervised.host("run", "sh", "-c", script) as host:
        process = recorded(host)
        wait_for_output(host)
        (wiped,) = eventually(supervised.pids)
        eventually(lambda: wiped not in marked(supervised.mark))
        host.kill()
    eventually(lambda: not lives(process.pid))
    ending = end_orphans(process, supervised.mark, 10.0)
    assert wiped in ending.ended
    assert not lives(wiped)


@linux_only
def test_recycled_pid_is_never_signalled(supervised: Supervised) -> None:
    innocent = subprocess.Popen(["sleep", "100"], start_new_session=True)
    try:
        start = platform.start_time(innocent.pid)
        assert start is not None
        boot, _, ticks = start.partition(":")
        for other in (f"{boot}:{int(ticks) - 1}", f"another-boot:{ticks}", "", "nonsense"):
            ending = end_orphans(Owner(innocent.pid, other), supervised.mark, 0.05)
            assert (ending.escalation, ending.ended, ending.survivors) == ("", (), ())
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_recovery_from_inside_the_family_spares_itself(supervised: Supervised) -> None:
    # An agent may call `uwf` itself, and that may be the command that recovers the agent's own thread.
    script = (
        "import os\n"
        "from uwf.agent.process.terminate import end_orphans\n"
        "from uwf.store.owner import Owner\n"
        f"ending = end_orphans(Owner(os.getppid(), 'gone'), {supervised.mark!r}, 0.1)\n"
        "print('alive', ending.escalation or '-')\n"
    )
    root = str(Path(__file__).parent.parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    outcome = supervised(sys.executable, "-c", script, env=environment)
    assert outcome.stdout == b"alive -\n"


def test_program_never_runs_when_the_host_dies_before_it_was_recorded(
    supervised: Supervised,
) -> None:
    trace = supervised.folder / "ran"
    with supervised.host("hold", "touch", trace) as host:
        pid = recorded(host).pid
        assert lives(pid)
        host.kill()
    eventually(lambda: not lives(pid), within_s=2)
    assert not trace.exists()


def test_gate_alone_holds_the_program_back(supervised: Supervised) -> None:
    # Without the parent-death signal, as on macOS: the closing gate must be enough.
    trace = supervised.folder / "ran"
    blind = "import uwf.agent.process.platform as p; p._load_prctl = lambda: lambda _o, _a: None; "
    code = blind + "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    host_file = Path(__file__).parent / "host.py"
    words = [supervised.folder, supervised.mark, "3", "hold", "touch", trace]
    host = subprocess.Popen(
        [sys.executable, "-c", code, str(host_file), *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(host_file.parent.parent.parent)},
    )
    with host:
        pid = recorded(host).pid
        host.kill()
    eventually(lambda: not lives(pid), within_s=2)
    assert not trace.exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_the_host_stops_the_agent(supervised: Supervised, signum: int) -> None:
    with supervised.host("run", AGENTS / "polite.sh") as host:
        recorded(host)
        wait_for_output(host)
        host.send_signal(signum)
        told, _ = host.communicate(timeout=10)
    assert told.splitlines() == ["output good-bye ", "outcome stopped term"]


def test_second_signal_to_the_host_kills_the_agent_group_first(supervised: Supervised) -> None:
    with supervised.host("run", AGENTS / "deaf.sh", grace_s=60) as host:
        pid = recorded(host).pid
        wait_for_output(host)
        host.send_signal(signal.SIGINT)
        time.sleep(0.1)
        assert lives(pid)
        host.send_signal(signal.SIGINT)
        told, _ = host.communicate(timeout=5)
    assert told.splitlines() == ["outcome stopped kill"]


def test_host_without_handlers_is_interrupted_and_leaves_nothing(supervised: Supervised) -> None:
    words = (*STRAYS, supervised.pid_file, "daemon", "deaf", "stay")
    with supervised.host("interruptible", *words) as host:
        recorded(host)
        wait_for_output(host)
        host.send_signal(signal.SIGINT)
        told, _ = host.communicate(timeout=5)
    assert told.splitlines()[-1] == "interrupted"  # after what output had not been told yet
    assert not any(map(lives, supervised.pids()))


def test_ctrl_c_in_the_terminal_does_not_reach_the_agent_itself(supervised: Supervised) -> None:
    # The terminal signals the host's process group; the agent is in a session of its own.
    script = "trap 'echo got INT' INT; trap 'echo asked; exit' TERM; echo go; while :; do sleep 0.02; done"
    command = ("sh", "-c", script)
    with supervised.host("run", *command, new_session=True) as host:
        recorded(host)
        wait_for_output(host)
        os.killpg(host.pid, signal.SIGINT)
        told, _ = host.communicate(timeout=5)
    assert told.splitlines() == ["output asked ", "outcome stopped term"]
