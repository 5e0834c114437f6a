"""Many at once: one runs a thread, others are told who; many threads run side by side."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from tests.helpers.project import ONE, REJECTED, REVIEW, WRITTEN, Project, reply, until
from uwf.app import App
from uwf.errors import StateError
from uwf.guard.capacity.joined import all_of

WAITING = """\
cat >/dev/null
touch ready
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""


def running(project: Project, thread: str) -> subprocess.Popen[bytes]:
    command = project.program("waiting", WAITING)
    process = project.start("thread", "exec", thread, "--agent", command, "--json")
    until(lambda: (project.cwd / "ready").exists())
    return process


def finish(project: Project, process: subprocess.Popen[bytes]) -> None:
    (project.cwd / "go").touch()
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_the_second_exec_is_told_at_once_who_runs_it_since_when(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    began = time.monotonic()
    done = project("thread", "exec", thread, "--agent", "true", "--json", expect=5)
    assert time.monotonic() - began < 10
    told = project.show(thread)["running"]
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(told["since"] / 1000))
    assert done.error["code"] == "busy"
    assert f"thread {thread} is running in process {process.pid}" in done.error["message"]
    assert f"(worker, since {since})" in done.error["message"]
    finish(project, process)
    assert len(project.steps(thread)) == 1


def test_whoever_waits_goes_on_when_the_first_has_ended(project: Project) -> None:
    thread = project.begin(ONE)
    process = running(project, thread)
    agent = project.agent(reply())
    words = ("thread", "exec", thread, "--agent", agent.command, "--wait", "30", "--json")
    waiting = project.start(*words, "--supplement", "then this")
    time.sleep(0.2)
    assert waiting.poll() is None
    finish(project, process)
    out, _ = waiting.communicate(timeout=20)
    assert waiting.returncode == 0, out
    assert [row["round"] for row in project.steps(thread)] == [1, 2]
    assert "then this" in agent.prompt(1)


def joined(project: Project) -> int:
    """How many have joined a run of whatever thread."""
    with App.open(str(project.home)) as app:
        return len(all_of(app.reader()))


def test_twenty_five_that_wait_for_a_running_thread_make_one_step(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    words = ("thread", "exec", thread, "--agent", "false", "--wait", "60", "--json")
    waiting = [project.start(*words) for _ in range(25)]
    until(lambda: joined(project) == 25)
    assert project("guard", "status", "--json").json["queue"] == {"waiting": 1, "limit": 20}
    finish(project, process)
    told = [each.communicate(timeout=60) for each in waiting]
    assert {each.returncode for each in waiting} == {0}, told
    answers = [json.loads(out) for out, _ in told]
    (step,) = project.steps(thread)
    assert {(each["step"], each["joined"]) for each in answers} == {(step["step"], True)}
    assert joined(project) == 0


def test_what_they_add_is_told_to_the_next_step_of_the_run(project: Project) -> None:
    thread = project.begin(REVIEW)
    slow = WAITING.replace("$status: done", "$status: written\\ntitle: x")
    command = project.program("waiting", slow)
    first = project.start("thread", "exec", thread, "--agent", command, "--json")
    until(lambda: (project.cwd / "ready").exists())
    agent = project.agent(REJECTED, WRITTEN)
    words = ("thread", "exec", thread, "--agent", agent.command, "--wait", "60", "--json")
    waiting = [project.start(*words, "--supplement", f"word {n}") for n in range(3)]
    until(lambda: joined(project) == 3)
    finish(project, first)
    for each in waiting:
        told = each.communicate(timeout=60)
        assert each.returncode == 0, told
    assert [row["role"] for row in project.steps(thread)] == ["writer", "reviewer"]
    assert all(f"word {n}" in agent.prompt(1) for n in range(3))


def test_there_is_room_for_as_many_threads_as_the_queue_takes(project: Project) -> None:
    project("config", "set", "limits.max_queue", "1")
    one, other = project.begin(), project.begin()
    process = running(project, one)
    waiting = project.start("thread", "exec", one, "--wait", "60")
    until(lambda: joined(project) == 1)
    (project.cwd / "ready").unlink()
    beside = running(project, other)
    done = project("thread", "exec", other, "--wait", "60", "--json", expect=75)
    assert done.error["reason"] == "queue_full"
    finish(project, process)
    finish(project, beside)
    waiting.communicate(timeout=20)
    assert waiting.returncode == 0


def test_one_that_has_joined_and_was_killed_is_found(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    waiting = project.start("thread", "exec", thread, "--wait", "60", "--supplement", "never said")
    until(lambda: joined(project) == 1)
    waiting.kill()
    waiting.wait()
    finish(project, process)
    (found,) = project("doctor", "--repair", "--json").json
    assert (found["kind"], found["thread"], found["repaired"]) == ("queue", thread, True)
    assert joined(project) == 0


def test_waiting_in_vain_is_refused_as_busy_after_that_time(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    began = time.monotonic()
    done = project("thread", "exec", thread, "--wait", "0.3", "--json", expect=75)
    assert 0.3 <= time.monotonic() - began < 20
    assert done.error["code"] == "busy"
    assert done.error["reason"] == "busy"
    for command in ("resume", "poke"):
        more = ("-p", "x") if command == "poke" else ()
        project("thread", command, thread, *more, expect=5)
    finish(project, process)


def test_a_waiting_exec_can_be_interrupted(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    waiting = project.start("thread", "exec", thread, "--wait", "60")
    time.sleep(0.3)
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(30) == 130
    finish(project, process)


def test_cancel_wins_over_all_that_wait_for_the_thread(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    agent = project.agent(reply())
    words = ("thread", "exec", thread, "--agent", agent.command, "--wait", "60")
    waiting = [project.start(*words) for _ in range(4)]
    until(lambda: joined(project) == 4)
    project("thread", "cancel", thread, "--reason", "enough")
    shown = project.show(thread)
    assert (shown["status"], shown["endReason"], shown["steps"]) == ("cancelled", "enough", 0)
    for each in (process, *waiting):
        each.communicate(timeout=30)
        assert each.returncode in (5, 143)
    assert agent.calls == 0
    project("thread", "undo", thread)
    assert project.step(thread, agent)[0]["status"] == "completed", "nothing is asked any more"


def test_cancel_that_cannot_be_done_is_not_done_later(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    with App.open(str(project.home)) as app:
        app.store()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("uwf.engine.actions.stop._send", refuse)
            with pytest.raises(StateError):
                app.cancel(thread)
    finish(project, process)
    assert project.show(thread)["status"] == "completed"


def refuse(*_what: object) -> bool:
    raise StateError("it is run by a process of another user")


def test_undo_and_a_second_cancel_wait_for_nobody(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    project("thread", "undo", thread, expect=5)
    finish(project, process)


def test_a_running_thread_is_listed_as_such_among_the_active_ones(project: Project) -> None:
    thread, quiet = project.begin(), project.begin()
    process = running(project, thread)
    for more, expected in (
        ([], [quiet, thread]),
        (["--status", "running"], [thread]),
        (["--status", "idle"], [quiet]),
        (["--history"], []),
    ):
        assert project("thread", "list", "-q", *more).out.split() == expected, more
    rows = {row["thread"]: row for row in project("thread", "list", "--json").json}
    assert (rows[thread]["status"], rows[quiet]["status"]) == ("running", "idle")
    told = rows[thread]["running"]
    assert (told["pid"], told["role"]) == (process.pid, "worker")
    assert told["agent"].endswith("/waiting") and told["since"] > 0
    finish(project, process)


def test_looking_at_a_running_thread_disturbs_nothing(project: Project) -> None:
    thread = project.begin()
    process = running(project, thread)
    for words in (
        *(("thread", verb, thread) for verb in ("show", "read", "log")),
        *(("step", verb, thread) for verb in ("list", "turns")),
        ("thread", "list"),
        ("thread", "fork", thread),
        ("thread", "export", thread, "-o", "thread.uwf"),
    ):
        project(*words)
    finish(project, process)
    assert project.show(thread)["status"] == "completed"


def test_twenty_threads_run_by_twenty_processes_all_complete(project: Project) -> None:
    agent = project.program(
        "quick",
        "cat >/dev/null; printf -- '---\\n$status: done\\nnote: \"%s\"\\n---\\n' $UWF_THREAD",
    )
    project("config", "set", "limits.max_running", "20")
    project("config", "set", "limits.min_memory", "1MiB")
    file = project.file("one.yaml", ONE)
    starts = [project.start("thread", "start", file, "-p", f"{n}", "-q") for n in range(20)]
    threads = [process.communicate()[0].decode().strip() for process in starts]
    assert len(set(threads)) == 20
    runs = [project.start("thread", "exec", thread, "--agent", agent) for thread in threads]
    ends = [(*process.communicate(), process.returncode) for process in runs]
    assert [code for *_, code in ends] == [0] * 20, ends
    rows = project("thread", "list", "--all", "--json").json
    assert sorted(row["thread"] for row in rows) == sorted(threads)
    assert {row["status"] for row in rows} == {"completed"}
    for thread in threads:
        assert project.steps(thread)[0]["output"]["note"] == thread
    assert project("store", "verify", "--json").code == 0


def test_one_thread_wanted_by_ten_processes_gets_its_steps_once(project: Project) -> None:
    thread = project.begin(ONE)
    agent = project.agent(reply())
    words = ("thread", "exec", thread, "--agent", agent.command, "--json")
    runs = [project.start(*words) for _ in range(10)]
    codes = sorted([process.communicate() and process.returncode for process in runs])
    assert codes[0] == 0 and set(codes[1:]) == {5}
    assert agent.calls == len(project.steps(thread)) == 1


@pytest.mark.parametrize("more", [(), ("--until-done",)])
def test_what_has_failed_has_failed_for_all_that_wait_for_it(
    project: Project, more: tuple[str, ...]
) -> None:
    thread = project.begin()
    command = project.program("waiting", WAITING.replace("printf", "exit 9; printf"))
    words = ("thread", "exec", thread, "--agent", command, "--json", *more)
    first = project.start(*words)
    until(lambda: (project.cwd / "ready").exists())
    waiting = project.start(*words, "--wait", "60")
    until(lambda: joined(project) == 1)
    (project.cwd / "go").touch()
    told = [json.loads(each.communicate(timeout=60)[0]) for each in (first, waiting)]
    assert (first.returncode, waiting.returncode) == (6, 6), told
    assert told[0]["error"] == told[1]["error"] and told[0]["error"]["code"] == "exit_code"
    assert [each["joined"] for each in told] == [False, True]
