"""What a killed uwf leaves behind: the doctor finds it, says so, and puts it right."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.gate import Gate, configure, damage_line, in_line, spoil
from tests.helpers.project import ONE, Project, is_alive, reply, until

STRAYS = Path(__file__).parent.parent / "helpers" / "agents" / "strays.py"


def with_a_grandchild(
    project: Project, thread: str, *how: str
) -> tuple[subprocess.Popen[bytes], int]:
    """A uwf whose agent has left a grandchild in a session of its own; the grandchild's pid."""
    pids = project.home.parent / f"strays.{thread}"
    words = [sys.executable, str(STRAYS), str(pids), "stay", *how]
    configure(project, f"[agents.strays{thread}]", command=repr(words))
    process = project.start("thread", "exec", thread, "--agent", f"strays{thread}")
    until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    return process, int(pids.read_text())


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_nothing_is_found_in_a_healthy_home(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    process = gate.running(thread)
    done = project("doctor", "--json")
    assert done.json == []
    assert project("doctor").err == "nothing is wrong\n"
    gate.open()
    process.communicate()
    project("doctor", "--repair")


@pytest.mark.parametrize("how", ["session", "daemon"])
def test_an_orphan_of_a_killed_uwf_is_found_and_ended(project: Project, how: str) -> None:
    thread = project.begin()
    process, stray = with_a_grandchild(project, thread, how, "deaf")
    until(lambda: project.turns(thread))
    kill(process)
    assert is_alive(stray)
    done = project("doctor", "--json", expect=1)
    [finding] = done.json
    assert (finding["kind"], finding["thread"], finding["repaired"]) == ("attempt", thread, False)
    assert is_alive(stray)  # looking changes nothing
    [finding] = project("doctor", "--repair", "--json").json
    assert finding["repaired"] is True
    assert not is_alive(stray)
    assert project("doctor", "--json").json == []
    assert project.show(thread)["running"] is None
    assert "started them" in project.turns(thread)[0]["text"]


def test_the_next_command_on_the_thread_needs_no_doctor(project: Project) -> None:
    thread = project.begin()
    process, stray = with_a_grandchild(project, thread, "session")
    kill(process)
    gate = Gate(project)
    gate.open()
    project.step(thread, gate.name)
    assert not is_alive(stray)
    assert project("doctor", "--json").json == []


def test_who_needs_the_place_that_an_orphan_holds_ends_it(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    thread, other = project.begin(), project.begin()
    process, stray = with_a_grandchild(project, thread, "session")
    kill(process)
    gate = Gate(project)
    gate.open()
    project.step(other, gate.name)
    assert not is_alive(stray)
    assert project("doctor", "--json").json == []


def test_who_waits_for_a_place_has_it_when_its_uwf_is_killed(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    thread, other = project.begin(), project.begin()
    process, stray = with_a_grandchild(project, thread, "session")
    gate = Gate(project)
    gate.open()
    waiting = gate.waiting(other)
    kill(process)
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0
    assert not is_alive(stray)


def test_a_killed_waiter_is_taken_out_of_the_line(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate, first, second = Gate(project), project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    kill(waiting)
    [finding] = project("doctor", "--json", expect=1).json
    assert (finding["kind"], finding["thread"]) == ("queue", second)
    assert str(waiting.pid) in finding["what"]
    [finding] = project("doctor", "--repair", "--json").json
    assert finding["repaired"] is True
    assert in_line(project) == []
    assert project("doctor", "--json").json == []
    gate.open()
    running.communicate()
    assert running.returncode == 0


def test_an_entry_of_the_line_that_cannot_be_read_is_removed(project: Project) -> None:
    thread = project.begin()
    name = damage_line(project, thread)
    [finding] = project("doctor", "--json", expect=1).json
    assert (finding["kind"], finding["thread"], finding["repaired"]) == ("queue", thread, False)
    assert name in finding["what"]
    [finding] = project("doctor", "--repair", "--json").json
    assert finding["repaired"] is True
    assert in_line(project) == []


def test_values_that_nobody_can_decode_are_found_and_removed(project: Project) -> None:
    configure(project, "[breaker]", threshold="1")
    failing = project.program("failing", "cat >/dev/null; echo no luck >&2; exit 9")
    configure(project, "[agents.failing]", command=f"{failing!r}")
    thread = project.begin()
    project.step(thread, "failing", expect=6)
    gate = Gate(project)
    gate.open()
    spoil(project, "counter", "name LIKE 'breaker/%'")
    spoil(project, "sample", "series LIKE 'step/%'")
    screens = (("guard", "status"), ("guard", "stats"), ("guard", "reset", "failing"))
    for words in screens:
        error = project(*words, "--json", expect=1).error
        assert (error["code"], error["hint"]) == ("bad_counter", "uwf doctor --repair"), error
    words = ("thread", "resume", thread, "--agent", "failing", "--json")
    error = project(*words, expect=1).error
    assert (error["reason"], error["hint"]) == ("guard_error", "uwf doctor --repair")
    assert "the value of counter breaker/" in error["message"]
    findings = project("doctor", "--json", expect=1).json
    kinds = {(one["kind"], one["thread"], one["repaired"]) for one in findings}
    assert kinds == {("counter", None, False)}
    told = " ".join(one["what"] for one in findings)
    assert "counter breaker/" in told and "a sample of step/" in told
    assert all(one["repaired"] for one in project("doctor", "--repair", "--json").json)
    assert project("doctor", "--json").json == []
    project("guard", "status")
    project("guard", "stats")
    project.step(thread, gate.name, verb="resume")


@pytest.mark.parametrize("counter", ["usage/", "peak/", "failures/", "breaker/"])
def test_a_guard_that_could_not_learn_from_a_step_refuses_before_its_agent_runs(
    project: Project, counter: str
) -> None:
    configure(project, "[breaker]", threshold="9")
    failing = project.program("failing", "cat >/dev/null; date >> ran; echo no luck >&2; exit 9")
    configure(project, "[agents.failing]", command=f"{failing!r}")
    thread = project.begin()
    project.step(thread, "failing", expect=6)
    spoil(project, "counter", f"name LIKE '{counter}%'")
    before = (project.cwd / "ran").read_text(), project.show(thread)["head"]
    words = ("thread", "resume", thread, "--agent", "failing", "--supplement", "again", "--json")
    assert project(*words, expect=1).error["hint"] == "uwf doctor --repair"
    assert ((project.cwd / "ran").read_text(), project.show(thread)["head"]) == before


def test_an_agent_goes_on_while_the_breaker_of_another_cannot_be_read(project: Project) -> None:
    failing = project.program("failing", "cat >/dev/null; echo no luck >&2; exit 9")
    for name in ("failing", "other"):
        configure(project, f"[agents.{name}]", command=f"{failing!r}")
    project.step(project.begin(), "failing", expect=6)
    spoil(project, "counter", "name LIKE 'breaker/%'")
    spoil(project, "sample", "series LIKE 'step/%'")
    [line] = project.step(project.begin(), "other", expect=6)
    assert line["error"]["code"] == "exit_code"


def test_a_switch_that_cannot_be_read_is_turned_off_by_hand(project: Project) -> None:
    project.begin()
    project("guard", "pause", "on")
    spoil(project, "counter", "name = 'switch/pause'")
    assert project("guard", "pause", "off").out == "everything is no longer paused\n"
    project("guard", "status")


def test_a_line_that_cannot_be_read_is_put_right(project: Project) -> None:
    thread = project.begin()
    damage_line(project, thread)
    spoil(project, "counter", "name LIKE 'queue/%'")
    assert project("queue", "list", "--json", expect=1).error["code"] == "bad_counter"
    [finding] = project("doctor", "--json", expect=1).json
    assert finding["kind"] == "counter" and f"queue/{thread}" in finding["what"]
    project("doctor", "--repair")
    assert in_line(project) == []


def test_a_stopped_uwf_is_not_taken_for_a_dead_one(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    process = gate.running(thread)
    os.kill(process.pid, 19)
    try:
        assert project("doctor", "--repair", "--json").json == []
    finally:
        os.kill(process.pid, 18)
    gate.open()
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("remedy", [("doctor", "--repair"), ("store", "gc")])
def test_an_unfinished_file_is_removed_an_hour_later(
    project: Project, remedy: tuple[str, ...]
) -> None:
    file = project.file("one.yaml", ONE)
    killed = project.start(
        "thread", "start", file, "-p", "x", env={"UWF_CRASH_AT": "store: filled"}
    )
    killed.communicate()
    [draft] = project.home.glob("store.db.new-*")
    project.begin(ONE)
    assert project("doctor", "--json").json == []
    assert project(*remedy) and draft.exists()
    os.utime(draft, (time.time() - 3601,) * 2)
    [finding] = project("doctor", "--json", expect=1).json
    assert (finding["kind"], finding["thread"]) == ("file", None)
    assert str(draft) in finding["what"]
    told = project("store", "gc", "--dry-run", "--json").json
    assert told["files"] == [str(draft)] and draft.exists()
    project(*remedy)
    assert not draft.exists()
    assert project("doctor", "--json").json == []


def test_a_thread_of_a_wrong_shape_stands_in_nobody_elses_way(project: Project) -> None:
    sound, bad = project.begin(), project.begin()
    for kind, ref, at in (("attempt", "attempt", bad), ("step", "thread", project.begin())):
        put = project("cas", "put", "--kind", kind, "-", "-q", input='{"note": 1}')
        tags = ("--tag", "status=idle") if ref == "thread" else ()
        project("ref", "set", f"@uwf/{ref}/{at}", put.out.strip(), *tags)
        for words in (("exec", at), ("cancel", at), ("fork", at), ("undo", at)):
            done = project("thread", *words, "--json", expect=None)
            assert done.code in (0, 1, 4, 5), done
            assert "internal fault" not in done.err
    rows = {row["thread"]: row["status"] for row in project("thread", "list", "--json").json}
    assert rows[sound] == "idle"
    [found] = project("doctor", "--json", expect=1).json
    assert found["thread"] == bad and "cannot be read" in found["what"]
    project("doctor", "--repair", "--json", expect=1)
    project("thread", "exec", sound, "--agent", project.agent(reply()).command)


def test_what_a_killed_config_set_left_is_found_where_no_store_is(project: Project) -> None:
    project("config", "set", "limits.max_steps", "3")
    draft = project.home / "config.toml.999999.tmp"
    draft.touch()
    assert str(draft) in project("doctor", "--json", expect=1).out
    project("doctor", "--repair")
    assert not draft.exists()
    project("doctor")


def test_one_check_is_made_when_it_is_named(project: Project) -> None:
    project.begin()
    project("config", "set", "agents.gone.command", "/no/such/program")
    assert project("doctor", "--only", "file", "--json").json == []
    [finding] = project("doctor", "--only", "config", "--only", "file", "--json").json
    assert (finding["kind"], finding["subject"], finding["isNote"]) == ("config", "gone", True)
    assert "note" in project("doctor").out
    error = project("doctor", "--only", "fiel", "--json", expect=4).error
    assert (error["code"], error["hint"]) == ("no_such_check", "uwf doctor --only file")


def test_a_repair_is_in_the_log(project: Project) -> None:
    thread = project.begin()
    damage_line(project, thread)
    project("doctor", "--repair")
    [line] = project("log", "show", "--grep", "repair", "--json").json_lines
    assert (line["what"], line["thread"], line["check"], line["repaired"]) == (
        *("repair", thread, "queue", True),
    )
    assert line["by"] == "doctor"
