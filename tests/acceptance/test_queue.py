"""Waiting for a place: who goes next, how many run at once, and what a limit of a part means."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from tests.helpers.gate import Gate, configure, damage_line, ended, in_line
from tests.helpers.project import ONE, Project, until
from tests.helpers.terminal import Terminal


def one_place(project: Project, **limits: str) -> Gate:
    configure(project, "[limits]", max_running="1", **limits)
    return Gate(project)


def open_one_by_one(gate: Gate, count: int) -> list[str]:
    """Let agents finish, each when it alone runs; the threads in the order in which they ran."""
    for number in range(count):
        until(lambda at=number: len(gate.begun) > at)
        gate.open(gate.begun[number])
    return gate.begun


def test_the_line_goes_by_person_then_priority_then_arrival(project: Project) -> None:
    gate = one_place(project)
    first = project.begin()
    early, late = project.begin(), project.begin()
    urgent = project.begin(ONE, "--priority", "5")
    asked = project.begin()
    project.step(asked, "sh -c 'exit 1'", expect=6)
    processes = [gate.running(first)]
    processes += [gate.waiting(thread) for thread in (early, late, urgent)]
    processes.append(gate.waiting(asked, "--supplement", "please", verb="resume"))
    assert in_line(project) == [asked, urgent, early, late]
    rows = project("queue", "list", "--json").json
    assert [row["position"] for row in rows] == [1, 2, 3, 4]
    assert [row["person"] for row in rows] == [True, False, False, False]
    assert [row["priority"] for row in rows] == [0, 5, 0, 0]
    assert all(row["waitedMs"] >= 0 and row["pid"] for row in rows)
    assert open_one_by_one(gate, 5) == [first, asked, urgent, early, late]
    for process in processes:
        ended(process)
    assert in_line(project) == []


def test_the_list_is_a_table_for_people(project: Project) -> None:
    gate = one_place(project)
    running, waiting = gate.running(project.begin()), gate.waiting(project.begin())
    screen = project("queue", "list").out
    assert in_line(project)[0] in screen and str(waiting.pid) in screen
    gate.open()
    ended(running)
    ended(waiting)
    done = project("queue", "list")
    assert (done.out, done.err) == ("", "no thread waits\n")


def test_eight_threads_at_once_keep_to_the_limit(project: Project) -> None:
    configure(project, "[limits]", max_running="3")
    alive = project.home.parent / "alive"
    alive.mkdir()
    script = (
        f"cat >/dev/null; touch {alive}/$$; ls {alive} | wc -l >>{alive}.counts; sleep 0.2; "
        f"rm {alive}/$$; printf -- '---\\n$status: done\\n---\\n'"
    )
    configure(project, "[agents.counting]", command=f"{project.program('counting', script)!r}")
    threads = [project.begin() for _ in range(8)]
    words = ("--agent", "counting", "--wait", "60")
    processes = [project.start("thread", "exec", thread, *words) for thread in threads]
    for process in processes:
        ended(process)
    counts = [int(line) for line in alive.with_suffix(".counts").read_text().split()]
    assert len(counts) == 8 and max(counts) == 3


def test_a_limit_of_one_agent_lets_others_pass(project: Project) -> None:
    gate, other = Gate(project, max_running="1"), Gate(project, "other")
    threads = [project.begin() for _ in range(3)]
    processes = [gate.running(threads[0]), gate.waiting(threads[1])]
    processes.append(other.running(threads[2]))
    assert gate.begun == [threads[0]]
    gate.open()
    other.open()
    for process in processes:
        ended(process)


def test_a_limit_of_a_label_is_for_each_of_its_values(project: Project) -> None:
    configure(project, "[limits.per_label]", repo="1")
    gate = Gate(project)
    shop, again, blog, none = (
        project.begin(ONE, *labels)
        for labels in (
            ("--label", "repo=shop"),
            ("--label", "repo=shop"),
            ("--label", "repo=blog"),
            (),
        )
    )
    processes = [gate.running(thread) for thread in (shop, blog, none)]
    words = ("thread", "exec", again, "--agent", gate.name, "--json")
    error = project(*words, expect=75).error
    assert error["reason"] == "server_overloaded" and "label repo=shop" in error["message"]
    processes.append(gate.waiting(again))
    gate.open()
    for process in processes:
        ended(process)


def test_a_limit_of_a_workflow_is_for_that_one(project: Project) -> None:
    configure(project, "[limits.per_workflow]", one="1")
    gate = Gate(project)
    first, second = project.begin(), project.begin()
    other = project.begin(ONE.replace("name: one", "name: two"))
    processes = [gate.running(first), gate.running(other)]
    done = project("thread", "exec", second, "--agent", gate.name, "--json", expect=75)
    assert "workflow one" in done.error["message"]
    gate.open()
    for process in processes:
        ended(process)


def test_nobody_without_wait_passes_somebody_who_waits(project: Project) -> None:
    gate = one_place(project)
    first, second, third = (project.begin() for _ in range(3))
    running, waiting = gate.running(first), gate.waiting(second)
    os.kill(waiting.pid, signal.SIGSTOP)  # it waits, and is slow to take its turn
    gate.open(first)
    ended(running)
    words = ("thread", "exec", third, "--agent", gate.name, "--json")
    error = project(*words, expect=75).error
    assert error["reason"] == "server_overloaded"
    os.kill(waiting.pid, signal.SIGCONT)
    gate.open()
    ended(waiting)
    assert gate.begun == [first, second]


def test_a_killed_waiter_is_nobody_and_its_thread_can_wait_again(project: Project) -> None:
    gate = one_place(project)
    first, second, third = (project.begin() for _ in range(3))
    running, killed, waiting = gate.running(first), gate.waiting(second), gate.waiting(third)
    killed.kill()
    killed.communicate()
    assert in_line(project) == [third]
    again = gate.waiting(second)
    gate.open()
    for process in (running, waiting, again):
        ended(process)
    assert gate.begun == [first, third, second]


@pytest.mark.parametrize("by", ["counter", "thread"])
def test_an_entry_that_cannot_be_read_is_named_and_can_be_dropped(
    project: Project, by: str
) -> None:
    gate = Gate(project)
    gate.open()
    thread, other = project.begin(), project.begin()
    name = damage_line(project, thread)
    hint = f"uwf queue drop {name}"
    error = project("queue", "list", "--json", expect=1).error
    assert (error["code"], error["hint"]) == ("counter_unreadable", hint)
    words = ("thread", "exec", other, "--agent", gate.name)
    error = project(*words, "--json", expect=1).error
    assert (error["reason"], error["hint"]) == ("guard_error", hint)
    assert name in error["message"]
    word = name if by == "counter" else thread
    assert project("queue", "drop", word, "--json").json == {"thread": thread, "dropped": True}
    assert project("queue", "drop", word, "--json", expect=4).error["code"] == "not_waiting"
    project(*words)


def test_a_place_is_free_again_when_uwf_and_its_agent_are_killed(project: Project) -> None:
    gate = one_place(project)
    first, second = project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    running.kill()
    running.communicate()
    gate.open()
    ended(waiting)
    assert gate.begun == [first, second]


def test_a_freed_place_is_taken_at_once(project: Project) -> None:
    gate = one_place(project)
    first, second = project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    gate.open()
    ended(running)
    began = time.monotonic()
    until(lambda: second in gate.begun)
    # The benchmark knows it better; this is for a machine in use.
    assert time.monotonic() - began < 2
    ended(waiting)


def test_waiting_in_vain_ends_in_a_refusal_after_that_time(project: Project) -> None:
    gate = one_place(project)
    first, second = project.begin(), project.begin()
    running = gate.running(first)
    began = time.monotonic()
    words = ("thread", "exec", second, "--agent", gate.name, "--wait", "0.5", "--json")
    assert project(*words, expect=75).error["reason"] == "server_overloaded"
    assert time.monotonic() - began >= 0.5
    assert in_line(project) == []
    told = project("thread", "exec", second, "--agent", gate.name, "--wait", "0.5", expect=75)
    full = "the only slot of this machine is taken"
    note, *more = told.err.splitlines()
    assert re.fullmatch(rf"waiting, \d+ms at most: {full}", note)
    assert more == [f"error: {full}; waited 500ms in vain", "hint: uwf queue list"]
    gate.open()
    ended(running)


def test_a_thread_that_waits_is_shown_with_its_position(project: Project) -> None:
    gate = one_place(project)
    first, second, third = (project.begin() for _ in range(3))
    processes = [gate.running(first), gate.waiting(second), gate.waiting(third)]
    shown = project.show(third)
    assert (shown["status"], shown["running"]["pid"]) == ("running", processes[2].pid)
    assert (shown["waiting"]["position"], project.show(first)["waiting"]) == (2, None)
    assert shown["startedAt"] <= shown["waiting"]["since"] <= time.time() * 1000
    screen = project("thread", "show", third).out
    assert (
        "status     waiting\nwaiting    for a slot" in screen and "number 2 in the queue" in screen
    )
    assert "\nrunning" not in screen
    table = project("thread", "list", "--columns", "thread,status").out
    assert [line.split()[1] for line in table.splitlines()] == [
        *("STATUS", "waiting", "waiting", "running")
    ]
    gate.open()
    for process in processes:
        ended(process)
    assert project.show(third)["waiting"] is None


def test_a_terminal_says_what_is_waited_for_and_counts_the_time(project: Project) -> None:
    gate = one_place(project)
    project("config", "set", "limits.seats", "0")
    first, second = project.begin(), project.begin()
    running = gate.running(first)
    words = ("thread", "exec", second, "--agent", gate.name, "--wait", "60")
    terminal = Terminal(project, *words)
    terminal.read_until("waiting · 0:01")
    gate.open()
    assert terminal.end() == 0
    ended(running)
    full = "the only slot of this machine is taken"
    assert re.fullmatch(rf"waiting, \w+ at most: {full}", terminal.screen[0])
    assert len(terminal.screen) == 3 and terminal.screen[1].startswith("worker → done")


def test_waiting_for_who_runs_the_thread_is_told_as_well(project: Project) -> None:
    gate = Gate(project)
    thread = project.begin()
    running = gate.running(thread)
    done = project("thread", "exec", thread, "--agent", gate.name, "--wait", "0.2", expect=75)
    note, error, _hint = done.err.splitlines()
    assert re.match(r"waiting, 200ms at most: the thread is running in process \d+", note)
    assert error.endswith("; waited 200ms in vain")
    gate.open()
    ended(running)


def test_a_second_request_for_a_thread_waits_behind_the_first(project: Project) -> None:
    gate = one_place(project)
    first, second = project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    joined = gate.exec(second, "--wait", "60", "--supplement", "and this")
    time.sleep(0.3)
    assert in_line(project) == [second]
    gate.open()
    for process in (running, waiting, joined):
        ended(process)
    # One step answers both where the second came before its prompt was made.
    assert [row["round"] for row in project.steps(second)] in ([1], [1, 2])
    told = [
        row["step"]
        for row in project.steps(second)
        if "and this" in project("step", "read", row["step"]).out
    ]
    assert len(told) == 1
