"""`--detach`: the id comes back, the run goes on; and `thread start` that runs at once."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.crash import disk
from tests.helpers.program import Uwf
from tests.helpers.project import ASKS, ONE, REVIEW, Project, is_alive, reply, until
from tests.helpers.terminal import Terminal

HELD = """\
cat >/dev/null
touch "ready.$UWF_THREAD"
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\n'
"""


def detach(project: Project, thread: str, *more: str) -> dict[str, object]:
    """What `exec --detach` answers, the run being held up by its agent."""
    command = project.program("held", HELD)
    words = ("thread", "exec", thread, "--detach", "--agent", command, "--json")
    done: dict[str, object] = project(*words, *more).json
    return done


def go(project: Project) -> None:
    (project.cwd / "go").touch()


def test_run_goes_on_while_watch_wait_and_stop_work_on_it(project: Project) -> None:
    thread = project.begin()
    begun = detach(project, thread)
    shown = project.show(thread)
    assert (shown["status"], shown["running"]["pid"]) == ("running", begun["pid"])
    assert begun["log"] == str(project.home / "logs" / f"{thread}.log")
    project("thread", "wait", thread, "--timeout", "0", expect=75)
    watching = project.start("thread", "watch", thread)
    go(project)
    assert project("thread", "wait", thread, "--json").json["status"] == "completed"
    assert watching.communicate(timeout=20)[0].decode().splitlines()[-1] == "completed"
    [line] = until(lambda: Path(str(begun["log"])).read_text().splitlines())
    assert f'"thread":"{thread}"' in line, "it prints what exec prints"
    assert Path(str(begun["log"])).stat().st_mode & 0o777 == 0o600


def test_detached_run_can_be_stopped_and_goes_on_in_the_same_log(project: Project) -> None:
    thread = project.begin()
    first = detach(project, thread)
    project("thread", "stop", thread)
    assert project.show(thread)["status"] == "idle"
    until(lambda: not is_alive(int(str(first["pid"]))))
    go(project)
    second = detach(project, thread)
    project("thread", "wait", thread)
    log = Path(str(second["log"]))
    until(lambda: '"done":true' in log.read_text())
    assert '"code":"interrupted"' in log.read_text()


def test_end_of_the_terminal_ends_no_detached_run(project: Project) -> None:
    thread = project.begin()
    command = project.program("held", HELD)
    terminal = Terminal(project, "thread", "exec", thread, "--detach", "--agent", command)
    terminal.read_until("runs on in process")
    assert terminal.end() == 0  # with which the terminal is gone: all of its session gets SIGHUP
    pid = int(terminal.written.partition("in process ")[2].split()[0])
    assert os.getsid(pid) == pid
    assert project.show(thread)["running"]["pid"] == pid
    go(project)
    project("thread", "wait", thread)
    assert project.show(thread)["status"] == "completed"


def test_killed_detached_run_leaves_the_thread_to_the_next_command(project: Project) -> None:
    thread = project.begin()
    begun = detach(project, thread)
    os.kill(int(str(begun["pid"])), signal.SIGKILL)
    until(lambda: project.show(thread)["status"] == "idle")
    go(project)
    assert project.step(thread, project.agent(reply()))[0]["status"] == "completed"


@pytest.mark.parametrize(
    ("more", "code", "reason"),
    [
        (("--agent", "no-such-program"), 5, "no_agent"),
        (("--agent", "no-such-program", "--wait", "1h"), 5, "no_agent"),
        (("--workflow", "no-such-file"), 4, "no_such_workflow"),
    ],
)
def test_run_that_cannot_begin_is_this_commands_own_refusal(
    project: Project, more: tuple[str, ...], code: int, reason: str
) -> None:
    thread = project.begin()
    done = project("thread", "exec", thread, "--detach", "--json", *more, expect=code)
    assert (done.out, done.error["code"]) == ("", reason)


def test_run_that_has_begun_is_a_success_whatever_comes_of_it(project: Project) -> None:
    one, two = project.begin(), project.begin()
    agent = project.agent(ASKS)
    done = project("thread", "exec", one, two, "--detach", "--agent", agent.command, "-q")
    assert done.out.split() == [one, two]
    project("thread", "wait", one, two, expect=3)
    again = project("thread", "exec", one, two, "--detach", "--agent", agent.command, expect=5)
    assert len([line for line in again.err.splitlines() if line.startswith("error: ")]) == 2


def test_what_is_added_reaches_a_detached_run(project: Project) -> None:
    thread = project.begin()
    agent = project.agent(reply())
    words = ("thread", "exec", thread, "--detach", "--agent", agent.command, "--supplement", "-")
    project(*words, input="x" * 200_000 + " the end")
    project("thread", "wait", thread)
    assert "x the end" in agent.prompt(1)


def test_detached_run_may_wait_for_another_one(project: Project) -> None:
    thread = project.begin(REVIEW)
    written = "printf -- '---\\n$status: written\\ntitle: t\\n---\\n'"
    held = project.program("held", HELD.rpartition("printf")[0] + written)
    project("thread", "exec", thread, "--detach", "--agent", held)
    agent = project.agent(reply("approved"))
    project("thread", "exec", thread, "--detach", "--wait", "60", "--agent", agent.command)
    assert agent.calls == 0
    go(project)
    project("thread", "wait", thread, "--until", "completed")
    assert agent.calls == 1


def test_agent_cannot_detach_a_run(project: Project) -> None:
    thread, other = project.begin(), project.begin()
    inner = f"cat >/dev/null; uwf thread exec {other} --detach --json 2>err || echo $? >code\n"
    command = project.program("detaching", inner + HELD.splitlines()[-1])
    project("thread", "exec", thread, "--agent", command)
    assert (project.cwd / "code").read_text() == "5\n"
    assert '"code":"inside_a_step"' in (project.cwd / "err").read_text()
    assert project.show(other)["steps"] == 0


def test_start_can_run_at_once(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    agent = project.agent(reply(), ASKS)
    words = ("thread", "start", file, "-p", "Do it.", "--agent", agent.command)
    begun, step = project(*words, "--until-done", "--json").json_lines
    assert begun["status"] == "idle" and set(begun) == {"thread", "workflow", "head", "status"}
    assert (step["thread"], step["status"]) == (begun["thread"], "completed")
    text = project(*words, "-c", "1", expect=3)
    assert text.out.splitlines()[0].endswith("  one, idle")
    assert "suspended: Which colour?" in text.out


def test_start_detached_gives_the_id_back_also_when_nothing_can_run(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    words = ("thread", "start", file, "-p", "Do it.", "--until-done", "--detach", "--json")
    begun = project(*words, "--agent", project.agent(reply()).command).json
    assert begun["log"].endswith(f"/logs/{begun['thread']}.log")
    assert project("thread", "wait", begun["thread"], "--json").json["status"] == "completed"
    refused = project(*words, "--agent", "no-such-program", expect=5)
    assert refused.error["code"] == "no_agent"
    assert project.show(refused.json["thread"])["status"] == "idle"


@pytest.mark.parametrize("more", [("--detach",), ("--wait", "3"), ("--agent", "x"), ("-c", "0")])
def test_start_takes_no_word_that_would_do_nothing(project: Project, more: tuple[str, ...]) -> None:
    file = project.file("one.yaml", ONE)
    project("thread", "start", file, "-p", "Do it.", *more, expect=2)
    assert project("thread", "list", "--all", "--json").json == []


def test_where_no_log_can_be_written_nothing_is_begun(project: Project) -> None:
    project.home.mkdir()
    (project.home / "logs").write_text("in the way")
    file = project.file("one.yaml", ONE)
    words = ("thread", "start", file, "-p", "Do it.", "--until-done", "--detach")
    project(*words, "--agent", project.agent(reply()).command, expect=1)
    assert project("thread", "list", "--all", "--json").json == []


def test_run_that_another_one_keeps_from_beginning_is_refused(project: Project) -> None:
    thread = project.begin()
    detach(project, thread)
    naming = f'n=0; while [ ! -e go ]; do uwf thread set {thread} --title "name $n" -q; n=$((n + 1)); done'
    other = subprocess.Popen(
        ["sh", "-c", naming], cwd=project.cwd, env=project.environ, stdout=subprocess.DEVNULL
    )
    until(lambda: project.show(thread)["title"])
    done = project("thread", "exec", thread, "--detach", "--json", expect=5)
    assert done.error["code"] == "busy", "though the thread moves while it is begun"
    go(project)
    other.wait(20)
    project("thread", "wait", thread)


def test_run_that_takes_a_step_and_is_refused_the_next_has_begun(project: Project) -> None:
    see_a_refused_step_behind_one(project)


def test_so_has_one_in_a_store_that_names_its_machine_too(project: Project, database: str) -> None:
    project("config", "set", "store", database)
    see_a_refused_step_behind_one(project)


def see_a_refused_step_behind_one(project: Project) -> None:
    thread = project.begin(REVIEW)
    command = project.program(
        "once", f"cat >/dev/null; cat <<'END'\n{reply('written', title='t')}END\n"
    )
    words = ("thread", "exec", thread, "--until-done", "--detach", "-q")
    project("config", "set", "agents.once.command", command)
    project("config", "set", "overrides.review.writer", "once")
    assert project(*words).out == f"{thread}\n"
    project("thread", "wait", thread)
    assert project.show(thread)["steps"] == 1
    assert "no agent is configured" in (project.home / "logs" / f"{thread}.log").read_text()


@pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)
@pytest.mark.parametrize("more", [(), ("--json",), ("-q",)])
def test_where_the_log_has_no_room_for_why_that_is_said(
    project: Project, more: tuple[str, ...]
) -> None:
    thread = project.begin()
    words = ("thread", "exec", thread, "--detach", "--agent", "no-such-program", *more)
    done = project(*words, expect=5, env=disk.fault("enospc write 1+", f"/logs/{thread}"))
    said = done.err if "--json" not in more else done.error["message"]
    assert f"the run of {thread} ended with 5" in said and "the disk may be full" in said
    assert done.out == ""


def test_run_that_is_killed_before_it_begins_is_told_of(project: Project) -> None:
    thread = project.begin()
    environ = {"UWF_CRASH_AT": "run: locked"}
    words = ("thread", "exec", thread, "--detach", "--json")
    done = Uwf.__call__(project, *words, expect=137, env=environ)
    assert done.error["code"] == "not_begun"
