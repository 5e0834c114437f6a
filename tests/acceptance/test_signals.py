"""Ending `uwf` while an agent runs: by Ctrl-C, SIGTERM, `thread stop`, and by SIGKILL at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import ONE, REVIEW, WRITTEN, Project, is_alive, reply, until

FAMILY = """\
# An agent with a child, a grandchild in its own session, and one that ignores SIGTERM.
cat >/dev/null
echo $$ >>pids
sleep 100 & echo $! >>pids
(setsid sleep 100 & echo $! >>pids)
sh -c 'trap "" TERM; echo $$ >>pids; while :; do sleep 0.05; done' &
echo 'I have begun.'
while [ "$(wc -l <pids)" -lt 4 ]; do sleep 0.01; done
touch ready
wait
"""
POLITE = """\
trap 'echo good-bye; exit 0' TERM
cat >/dev/null
echo $$ >>pids
echo 'I have begun.'
touch ready
while :; do sleep 0.02; done
"""
DEAF = """\
trap '' TERM
cat >/dev/null
echo $$ >>pids
echo 'I have begun.'
touch ready
while :; do sleep 0.02; done
"""


def running(
    project: Project, thread: str, script: str, *more: str, verb: str = "exec"
) -> subprocess.Popen[bytes]:
    """A `uwf` whose agent is at work."""
    command = project.program("working", script)
    process = project.start("thread", verb, thread, "--agent", command, "--json", *more)
    until(lambda: (project.cwd / "ready").exists())
    until(lambda: [turn for turn in project.turns(thread) if turn["outcome"] == "running"])
    return process


def pids(project: Project) -> list[int]:
    return [int(word) for word in (project.cwd / "pids").read_text().split()]


def grace(project: Project, text: str) -> None:
    project("config", "set", "limits.grace", text)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_ends_the_whole_family_and_keeps_the_attempt(
    project: Project, number: int, code: int
) -> None:
    grace(project, "200ms")
    thread = project.begin(REVIEW)
    before = project.show(thread)
    process = running(project, thread, FAMILY)
    assert project.show(thread)["status"] == "running"
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == b"" and b'"code":"interrupted"' in err and b"Traceback" not in err
    assert not [pid for pid in pids(project) if is_alive(pid)]
    after = project.show(thread)
    assert (after["head"], after["status"]) == (before["head"], "idle")
    [turn] = project.turns(thread)
    assert (turn["text"], turn["outcome"]) == ("I have begun.\n", "stopped")
    [line] = project.step(thread, project.agent(WRITTEN))
    assert project("step", "show", line["step"], "--json").json["failedAttempts"][0]["error"] == {
        "code": "stopped",
        "message": f"agent {project.home.parent}/bin/working was stopped",
    }


def test_an_agent_that_ends_politely_is_not_killed(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread, POLITE)
    process.terminate()
    assert process.wait(20) == 143
    assert [turn["text"] for turn in project.turns(thread)] == ["I have begun.\n", "good-bye\n"]
    [line] = project.step(thread, project.agent(reply()))
    process_facts = project("step", "show", line["step"], "--json").json["failedAttempts"][0][
        "process"
    ]
    assert (process_facts["rung"], process_facts["exitCode"]) == ("term", 0)


def test_a_second_ctrl_c_shortens_the_wait(project: Project) -> None:
    grace(project, "60s")
    thread = project.begin()
    process = running(project, thread, DEAF)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    [agent] = pids(project)
    assert is_alive(agent)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert not is_alive(agent)


def test_a_deaf_agent_is_killed_after_the_grace(project: Project) -> None:
    grace(project, "300ms")
    thread = project.begin()
    process = running(project, thread, DEAF)
    began = time.monotonic()
    process.terminate()
    assert process.wait(20) == 143
    assert 0.3 <= time.monotonic() - began < 20
    assert not is_alive(pids(project)[0])


def test_ctrl_c_in_a_terminal_reaches_uwf_and_the_agent_only_through_it(project: Project) -> None:
    """The terminal signals the foreground group; the agent is not in it, and ends in good order."""
    thread = project.begin()
    command = project.program("working", POLITE)
    process = project.start("thread", "exec", thread, "--agent", command, start_new_session=True)
    until(lambda: (project.cwd / "ready").exists())
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 130
    assert project.turns(thread)[-1]["text"].endswith("good-bye\n")


def test_stop_ends_a_run_from_elsewhere_and_answers_like_show(project: Project) -> None:
    grace(project, "200ms")
    thread = project.begin(REVIEW)
    process = running(project, thread, FAMILY)
    answer = project("thread", "stop", thread, "--json").json
    assert answer == project.show(thread)
    assert (answer["status"], answer["running"]) == ("idle", None)
    assert process.wait(20) == 143
    assert not [pid for pid in pids(project) if is_alive(pid)]
    assert project.turns(thread)[-1]["outcome"] == "stopped"
    again = project("thread", "stop", thread)
    assert again.err == "nothing was running\n"


def test_stop_keeps_a_suspended_thread_suspended(project: Project) -> None:
    thread = project.begin()
    project.step(thread, "false", expect=6)
    process = running(project, thread, POLITE, "--supplement", "try this", verb="resume")
    stopped = project("thread", "stop", thread, "--json").json
    process.communicate()
    assert (stopped["status"], stopped["suspendedRole"]) == ("suspended", "worker")
    agent = project.agent(reply())
    project.step(thread, agent, verb="resume")
    assert "try this" in agent.prompt(1)


def test_cancel_stops_a_running_step_first(project: Project) -> None:
    grace(project, "200ms")
    thread = project.begin()
    process = running(project, thread, FAMILY)
    answer = project("thread", "cancel", thread, "--reason", "no time", "--json").json
    assert (answer["status"], answer["endReason"]) == ("cancelled", "no time")
    assert answer["completedAt"] > 0 and answer["running"] is None
    assert process.wait(20) == 143
    assert not [pid for pid in pids(project) if is_alive(pid)]


def test_a_hanging_uwf_is_stopped_all_the_same(project: Project) -> None:
    grace(project, "100ms")
    thread = project.begin()
    process = running(project, thread, POLITE)
    process.send_signal(signal.SIGSTOP)
    try:
        answer = project("thread", "stop", thread, "--json").json
        assert answer["running"] is None
    finally:
        process.kill()
    process.communicate()
    assert project.step(thread, project.agent(reply()))[0]["status"] == "completed"
    assert not is_alive(pids(project)[0])


@pytest.mark.parametrize("verb", ["exec", "resume"])
def test_after_sigkill_show_is_true_at_once_and_the_next_command_goes_on(
    project: Project, verb: str
) -> None:
    grace(project, "200ms")
    thread = project.begin(ONE)
    if verb == "resume":
        project.step(thread, project.agent(reply()))
    process = running(project, thread, FAMILY, "--supplement", "keep this", verb=verb)
    running_now = project.show(thread)["running"]
    assert (running_now["pid"], running_now["role"]) == (process.pid, "worker")
    process.kill()
    process.communicate()
    shown = project.show(thread)
    assert (shown["status"], shown["running"], shown["currentRole"]) == ("idle", None, "worker")
    agent = project.agent(reply())
    done = project("thread", "exec", thread, "--agent", agent.command)
    assert "an earlier run of this thread died; its attempt is kept" in done.err
    assert not [pid for pid in pids(project) if is_alive(pid)]
    assert "keep this" in agent.prompt(1)
    step = project("step", "show", thread, "--json").json
    assert step["supplement"] == "keep this"
    [attempt] = step["failedAttempts"]
    assert attempt["error"]["code"] == "interrupted"
    assert attempt["turns"][0]["text"] == "I have begun.\n"
    assert project.show(thread)["status"] == "completed"


def test_an_orphan_that_hid_from_its_group_is_found_by_its_mark(project: Project) -> None:
    hiding = (
        "cat >/dev/null; (setsid sh -c 'echo $$ >>pids; exec sleep 100' </dev/null >/dev/null 2>&1 &)\n"
        "while [ ! -s pids ]; do sleep 0.01; done; echo hidden; touch ready; sleep 100"
    )
    thread = project.begin()
    process = running(project, thread, hiding)
    process.kill()
    process.communicate()
    [orphan] = pids(project)
    assert is_alive(orphan)
    project.step(thread, project.agent(reply()))
    assert not is_alive(orphan)


def test_a_process_that_got_the_dead_agents_number_is_left_alone(project: Project) -> None:
    """The record names pid and start time: another process with that pid is a stranger."""
    thread = project.begin()
    process = running(project, thread, POLITE)
    process.kill()
    process.communicate()
    [agent] = pids(project)
    until(lambda: not is_alive(agent))
    name = f"@uwf/attempt/{thread}"
    attempt = project("ref", "get", name, "--json").json
    with subprocess.Popen(["sleep", "100"]) as stranger:
        tags = {**attempt["tags"], "pid": str(stranger.pid)}
        words = [word for key, value in tags.items() for word in ("--tag", f"{key}={value}")]
        project("ref", "set", name, attempt["id"], *words)
        project.step(thread, project.agent(reply()))
        assert stranger.poll() is None
        stranger.kill()


def test_a_closed_terminal_ends_it_and_nohup_does_not(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread, POLITE)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=20)
    assert process.returncode == 129
    assert not is_alive(pids(project)[0])
    (project.cwd / "ready").unlink()
    words = ("thread", "exec", thread, "--agent", project.program("working", POLITE))
    ignoring = subprocess.Popen(
        ["nohup", PROGRAM, *words], cwd=project.cwd, env=project.environ, stderr=subprocess.DEVNULL
    )
    until(lambda: (project.cwd / "ready").exists())
    ignoring.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    assert project.show(thread)["status"] == "running"
    ignoring.terminate()
    assert ignoring.wait(20) == 143


@pytest.mark.parametrize("module", ["uwf", "uwf.cli.main", "uwf.cli.index", "uwf.cli.line.parse"])
@pytest.mark.parametrize("program", [(PROGRAM,), (sys.executable, "-m", "uwf")])
def test_an_interrupt_while_uwf_is_loaded_shows_no_traceback(
    project: Project, module: str, program: tuple[str, ...]
) -> None:
    if module == "uwf" and len(program) > 1:
        pytest.skip("loaded by Python itself")
    (project.cwd / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), 2)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
    )
    done = subprocess.run(
        [*program, "thread", "list"],
        capture_output=True,
        text=True,
        env={**project.environ, "PYTHONPATH": str(project.cwd)},
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr in ("", "error: interrupted\n")
