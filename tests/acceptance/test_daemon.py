"""`uwf daemon`: whoever is due runs, runs survive the daemon, another one takes over."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.crash import disk
from tests.helpers.project import ONE, Project, is_alive, program, until
from tests.helpers.serving import Serving, configured, due
from uwf.app.unattended import poke

REPLIES = "cat >/dev/null\nprintf -- '---\\n$status: done\\n---\\n'\n"
HELD = (
    'cat >/dev/null\necho "$UWF_THREAD" >>"$UWF_HOME/../began"\n'
    'while [ ! -e "$UWF_HOME/../go" ]; do sleep 0.02; done\n'
    "printf -- '---\\n$status: done\\n---\\n'\n"
)


class Daemons:
    """Daemons of one project; each is gone at the end of the test."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.all: list[Serving] = []

    def start(self, **env: str) -> Serving:
        self.all.append(Serving(self._project, len(self.all) + 1, **env))
        return self.all[-1]


@pytest.fixture
def daemons(project: Project) -> Iterator[Daemons]:
    found = Daemons(project)
    yield found
    for each in found.all:
        if each.process.poll() is None:
            each.kill()
    (project.home.parent / "go").touch()
    for log in (project.home / "logs").glob("*.log"):
        with suppress(AssertionError):
            until(lambda log=log: project.show(log.stem)["running"] is None, within_s=10)


def began(project: Project) -> list[str]:
    file = project.home.parent / "began"
    return file.read_text().split() if file.exists() else []


def go(project: Project) -> None:
    (project.home.parent / "go").touch()


def test_due_thread_runs_until_it_is_done_and_the_daemon_drains(
    project: Project, daemons: Daemons
) -> None:
    configured(project, REPLIES)
    thread = project.begin()
    daemon = daemons.start().leads()
    due(project, thread)
    until(lambda: project.show(thread)["status"] == "completed")
    status = until(lambda: (found := daemon.status())["running"] == [] and found)
    assert status["leader"]["pid"] == daemon.process.pid
    assert (status["standby"], status["queue"], status["due"]) == (0, 0, 0)
    assert {part["state"] for part in status["parts"].values()} == {"ok"}
    assert f'"thread":"{thread}"' in (project.home / "logs" / f"{thread}.log").read_text()
    done = project("daemon", "stop", "--json").json
    assert done == {"ended": [daemon.process.pid]}
    assert daemon.process.wait(timeout=20) == 0
    assert not (project.home / "daemon.sock").exists()


def test_a_thread_that_waits_for_a_slot_stays_where_it_is_stopped(
    project: Project, daemons: Daemons
) -> None:
    configured(project, HELD)
    project("config", "set", "limits.max_running", "1")
    first, second = project.begin(ONE, "--wake"), project.begin(ONE, "--wake")
    daemons.start().leads()
    (runs,) = until(lambda: began(project))
    (waits,) = {first, second} - {runs}
    until(lambda: project.show(waits)["waiting"])
    project("thread", "stop", waits)
    shown = project.show(waits)
    assert (shown["status"], shown.get("wakeAt")) == ("idle", None)
    go(project)
    until(lambda: project.show(runs)["status"] == "completed")
    until(lambda: project("daemon", "status", "--json").json["running"] == [])
    assert began(project) == [runs]
    assert project.show(waits)["status"] == "idle"


def test_status_and_stop_without_a_daemon(project: Project) -> None:
    done = project("daemon", "status", "--json")
    assert (done.json["leader"], done.json["standby"]) == (None, 0)
    said = project("daemon", "status").err
    assert "no daemon runs" in said and "hint: uwf daemon run" in said
    assert project("daemon", "stop", "--json").json == {"ended": []}
    assert not project.home.exists(), "looking makes nothing"


def test_watch_says_it_again_whenever_it_has_changed(project: Project, daemons: Daemons) -> None:
    watching = project.start("daemon", "status", "--watch", "--json")
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["leader"] is None
        daemon = daemons.start()
        seen = json.loads(watching.stdout.readline())
        assert seen["leader"]["pid"] == daemon.process.pid
        watching.stdout.close()
        assert watching.wait(timeout=20) == 0, "nobody reads it any more"
    finally:
        watching.kill()


def test_poke_wakes_it_at_once(project: Project, daemons: Daemons) -> None:
    configured(project, REPLIES)
    thread, other = project.begin(), project.begin()
    daemons.start().leads()
    due(project, thread, told=False)
    project("thread", "exec", other)  # the end of a run pokes
    began_s = time.monotonic()
    until(lambda: project.show(thread)["status"] == "completed")
    assert time.monotonic() - began_s < 25, "it has not waited for the look"


def test_standby_takes_over_and_finds_the_runs_of_the_one_that_was_killed(
    project: Project, daemons: Daemons
) -> None:
    configured(project, HELD)
    threads = [project.begin() for _ in range(5)]
    for thread in threads:
        due(project, thread)
    first = daemons.start().leads()
    until(lambda: sorted(began(project)) == sorted(threads))
    second = daemons.start()
    until(lambda: first.status()["standby"] == 1)
    first.kill()
    second.leads()
    assert second.status()["leader"]["pid"] == second.process.pid
    go(project)
    for thread in threads:
        until(lambda thread=thread: project.show(thread)["status"] == "completed")
        assert len(project.steps(thread)) == 1, "none ran twice"
    assert sorted(began(project)) == sorted(threads)


def test_told_to_end_at_once_it_leaves_the_runs_to_themselves(
    project: Project, daemons: Daemons
) -> None:
    configured(project, HELD)
    thread = project.begin()
    due(project, thread)
    daemon = daemons.start().leads()
    until(lambda: began(project) == [thread])
    running = project.show(thread)["running"]["pid"]
    project("daemon", "stop", "--now")
    assert daemon.process.wait(timeout=20) == 0
    assert "what goes on: 1 run" in daemon.said
    assert is_alive(running) and os.getsid(running) == running
    go(project)
    until(lambda: project.show(thread)["status"] == "completed")


def test_drain_waits_for_what_runs_and_begins_nothing(project: Project, daemons: Daemons) -> None:
    configured(project, HELD)
    one, two = project.begin(), project.begin()
    project("config", "set", "daemon.jobs", "1")
    due(project, one)
    daemon = daemons.start().leads()
    until(lambda: began(project) == [one])
    due(project, two)
    daemon.process.send_signal(signal.SIGTERM)
    until(lambda: daemon.status()["leader"]["isDraining"])
    assert daemon.process.poll() is None
    go(project)
    assert daemon.process.wait(timeout=20) == 0
    assert project.show(one)["status"] == "completed"
    assert began(project) == [one]


def test_stop_ends_those_that_wait_too(project: Project, daemons: Daemons) -> None:
    first = daemons.start().leads()
    second = daemons.start()
    until(lambda: first.status()["standby"] == 1)
    ended = project("daemon", "stop", "--json").json["ended"]
    assert ended == [second.process.pid, first.process.pid]
    assert first.process.wait(timeout=20) == 0
    assert second.process.wait(timeout=20) == 0


def test_of_twenty_at_once_one_leads(project: Project, daemons: Daemons) -> None:
    for _ in range(20):
        daemons.start()
    leader = until(lambda: daemons.all[0].status()["leader"], within_s=60)
    until(lambda: daemons.all[0].status()["standby"] == 19, within_s=60)
    lead = [each for each in daemons.all if "leads the daemons" in each.said]
    assert [each.process.pid for each in lead] == [leader["pid"]]


def test_configuration_is_read_anew_and_a_bad_one_is_refused(
    project: Project, daemons: Daemons
) -> None:
    configured(project, REPLIES)
    daemon, standby = daemons.start().leads(), daemons.start()
    until(lambda: daemon.status()["standby"] == 1)
    file = project.home / "config.toml"
    good = file.read_text()
    file.write_text(good + "[daemon]\njobs = 0\n")
    daemon.process.send_signal(signal.SIGHUP)
    error = until(lambda: daemon.status()["leader"]["configError"])
    assert "daemon.jobs" in error
    assert daemon.status()["leader"]["jobs"] == 5
    assert any("daemon.jobs" in fault for fault in daemon.status()["faults"])
    file.write_text(good + "[daemon]\njobs = 2\n")
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: daemon.status()["leader"]["jobs"] == 2)
    assert daemon.status()["leader"]["configError"] is None
    file.write_text(good + "[daemon]\njobs = 3\n")
    daemon.kill()
    assert standby.leads().status()["leader"]["jobs"] == 3, "it reads it when it leads"


def test_bad_configuration_keeps_it_from_starting(project: Project) -> None:
    project.home.mkdir()
    (project.home / "config.toml").write_text("[daemon]\njob = 1\n")
    done = project("daemon", "run", expect=2)
    assert "daemon.job" in done.err and "config.toml:2" in done.err


def test_home_that_is_deleted_ends_it(project: Project, daemons: Daemons) -> None:
    daemon = daemons.start().leads()
    (project.home / "daemon.lock").unlink()
    daemon.process.send_signal(signal.SIGHUP)  # which wakes it
    assert daemon.process.wait(timeout=20) == 5
    assert "lock of this daemon was deleted" in daemon.said


def test_another_store_in_the_place_of_the_open_one_is_seen(
    project: Project, daemons: Daemons, tmp_path: Path
) -> None:
    configured(project, REPLIES)
    thread = project.begin()
    backup = tmp_path / "backup.db"
    project("store", "backup", backup)
    daemon = daemons.start().leads()
    for file in project.home.glob("store.db*"):
        file.unlink()
    shutil.copy(backup, project.home / "store.db")
    due(project, thread)
    until(lambda: project.show(thread)["status"] == "completed")
    assert "another store has taken the place" in daemon.said


def test_run_that_ends_oddly_again_and_again_waits_and_is_set_aside(
    project: Project, daemons: Daemons
) -> None:
    thread = project.begin()
    daemon = daemons.start().leads()
    due(project, thread, told=False)
    (project.home / "config.toml").write_text("no toml")  # which the runs cannot read
    poke.send(str(project.home))
    until(lambda: daemon.said.count("ended (2)") == 2, within_s=40)
    assert daemon.said.count(f"{thread} runs") == 2, "it has not spun"


def test_status_tells_of_parts_that_fail_though_the_store_is_gone(
    project: Project, daemons: Daemons
) -> None:
    project.begin()
    daemon = daemons.start().leads()
    (project.home / "store.db").unlink()
    poke.send(str(project.home))
    until(lambda: daemon.status()["parts"]["run"]["state"] != "ok")
    status = daemon.status()
    assert (status["queue"], status["due"]) == (None, None)
    assert "is gone" in status["parts"]["run"]["error"]
    assert daemon.process.poll() is None


def test_what_cannot_be_read_keeps_neither_the_daemon_nor_the_others(
    project: Project, daemons: Daemons
) -> None:
    configured(project, REPLIES)
    odd, thread = project.begin(), project.begin()
    head = project("ref", "get", f"@uwf/thread/{odd}", "--json").json["id"]
    project("ref", "set", f"@uwf/thread/{odd}", head, "--tag", "wakeAt=soon")
    project("thread", "wake", thread)
    daemon = daemons.start().leads()
    until(lambda: project.show(thread)["status"] == "completed")
    [aside] = daemon.status()["quarantine"]
    assert (aside["kind"], aside["name"]) == ("timer", odd)
    assert "is no number" in aside["why"]
    project("thread", "wake", odd, "--clear")
    until(lambda: daemon.status()["quarantine"] == [])


def test_daemon_that_nobody_can_wake_says_so(project: Project, daemons: Daemons) -> None:
    (project.home / "daemon.sock").mkdir(parents=True)
    daemon = daemons.start().leads()
    assert daemon.status()["leader"]["deaf"] == "Address already in use"
    assert "it looks every 30 s" in daemon.said


def test_agent_cannot_begin_a_daemon(project: Project) -> None:
    thread = project.begin()
    tries = 'cat >/dev/null; uwf daemon run 2>"$UWF_HOME/../said"; echo $? >>"$UWF_HOME/../said"\n'
    command = project.program("tries", tries + REPLIES)
    project.step(thread, command)
    said = (project.home.parent / "said").read_text()
    assert (
        "no agent, and no program that a home asks, can begin the daemon" in said
        and said.split()[-1] == "5"
    )


def test_drained_or_paused_it_begins_nothing_until_that_is_over(
    project: Project, daemons: Daemons
) -> None:
    configured(project, REPLIES)
    thread = project.begin()
    project("guard", "pause", "on")
    daemon = daemons.start().leads()
    project("thread", "wake", thread)
    until(lambda: daemon.status()["due"] == 1)
    assert f"{thread} runs" not in daemon.said
    project("guard", "pause", "off")
    until(lambda: project.show(thread)["status"] == "completed")


def test_json_is_a_line_for_each_thing_that_it_does(project: Project) -> None:
    configured(project, REPLIES)
    thread = project.begin()
    project("thread", "wake", thread)
    daemon = project.start("daemon", "run", "--json")
    try:
        until(lambda: project.show(thread)["status"] == "completed")
    finally:
        daemon.terminate()
    lines = [json.loads(line) for line in daemon.communicate(timeout=20)[0].splitlines()]
    did = [line["what"] for line in lines if line.get("thread") == thread]
    assert did == ["dispatched", "reaped"]
    assert all(isinstance(line["at"], int) and line["text"] for line in lines)


def test_reader_that_reads_nothing_or_is_gone_holds_up_no_thread(project: Project) -> None:
    configured(project, REPLIES)
    threads = [project.begin() for _ in range(2)]
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass  # until it is full
    os.set_blocking(writer, True)
    daemon = project.start("daemon", "run", "--json", stdout=writer)
    os.close(writer)
    try:
        project("thread", "wake", threads[0])
        until(lambda: project.show(threads[0])["status"] == "completed")
        os.close(reader)
        project("thread", "wake", threads[1])
        until(lambda: project.show(threads[1])["status"] == "completed")
        status = project("daemon", "status", "--json").json
        assert {part["state"] for part in status["parts"].values()} == {"ok"}
    finally:
        daemon.terminate()
        assert daemon.wait(timeout=20) == 0


def test_with_a_user_manager_each_run_has_a_scope_of_its_own(
    project: Project, daemons: Daemons, tmp_path: Path
) -> None:
    configured(project, REPLIES)
    (tmp_path / "run" / "systemd").mkdir(parents=True)
    (tmp_path / "run" / "systemd" / "private").touch()
    stands_in = 'echo "$@" >>"$XDG_RUNTIME_DIR/asked"\nwhile [ "${1#-}" != "$1" ]; do shift; done\n'
    program(tmp_path / "tools" / "systemd-run", stands_in + 'exec "$@"\n')
    thread = project.begin()
    path = f"{tmp_path / 'tools'}:{project.environ['PATH']}"
    daemons.start(XDG_RUNTIME_DIR=str(tmp_path / "run"), PATH=path).leads()
    project("thread", "wake", thread)
    until(lambda: project.show(thread)["status"] == "completed")
    tried, run = (tmp_path / "run" / "asked").read_text().splitlines()
    assert tried.startswith("--user --scope") and tried.endswith("true")
    assert run.startswith("--user --scope") and f"thread exec {thread} --due" in run


@pytest.mark.skipif(not disk.can_fail(), reason="no disk can be made to fail here")
def test_full_disk_neither_ends_it_nor_lets_it_keep_others_from_the_store(
    project: Project, daemons: Daemons
) -> None:
    configured(project, REPLIES)
    thread = project.begin()
    full = disk.fault("enospc write 1+", f"{project.home}/store.db")
    daemon = daemons.start(**full).leads()
    project("thread", "wake", thread)  # which writes
    poke.send(str(project.home))
    aside = until(lambda: daemon.status()["quarantine"])
    assert [(one["kind"], one["name"]) for one in aside] == [("home", "store_full")]
    assert project.show(thread)["wakeAt"] is not None, "it is due still"
    daemon.end()
    daemons.start().leads()
    until(lambda: project.show(thread)["status"] == "completed")


def test_who_waits_for_a_due_thread_waits_for_the_run_that_the_daemon_begins(
    project: Project, daemons: Daemons
) -> None:
    configured(project, HELD)
    file = project.file("one.yaml", ONE)
    start = ("thread", "start", file, "-p", "x", "--wake", "-q")
    alone = project(*start).out.strip()
    assert project("thread", "wait", alone, "--json").json["status"] == "idle", "nobody takes it up"
    daemons.start().leads()
    thread = project(*start).out.strip()
    watching = project.start("thread", "watch", thread)
    late = project("thread", "wait", thread, "--timeout", "0", "--json", expect=75)
    assert late.error["reason"] == "timeout"
    go(project)
    assert project("thread", "wait", thread, "--json").json["status"] == "completed"
    assert watching.communicate(timeout=20)[0].decode().splitlines()[-1] == "completed"
