"""When threads wake, from outside: their timers, `thread run --due` as a crontab has it, and who is only told of."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.gate import configure
from tests.helpers.project import ASKS, ONE, REVIEW, WRITTEN, Project, is_alive, reply, until

MINUTE_MS = 60_000
WAITING = """\
# Replies once there is a file `go`.
cat >/dev/null
echo "$UWF_THREAD" >>began
while [ ! -e go ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\n'
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def all_run_by(project: Project, command: str) -> None:
    project("config", "set", "agents.all.command", command)
    project("config", "set", "default_agent", "all")


def began(project: Project) -> list[str]:
    file = project.cwd / "began"
    return file.read_text().split() if file.exists() else []


def set_tags(project: Project, thread: str, *tags: str) -> None:
    """What a person's own hand can do to a thread."""
    ref = f"@uwf/thread/{thread}"
    head = project("ref", "get", ref, "--json").json["id"]
    project("ref", "set", ref, head, *(word for tag in tags for word in ("--tag", tag)))


def age(project: Project, by_ms: int) -> None:
    """Let all threads have been moved so long ago."""
    with closing(sqlite3.connect(project.home / "store.db")) as connection:
        connection.execute("UPDATE ref SET updated_ms = updated_ms - ?", (by_ms,))
        connection.commit()


# Setting the timer.


def test_a_thread_wakes_now_or_later_and_the_earliest_wish_wins(project: Project) -> None:
    thread = project.begin()
    later = project("thread", "wake", thread, "--in", "2h", "--json").json
    assert (later["thread"], later["wakeKind"], later["wakeWhy"]) == (thread, "person", "by hand")
    assert abs(later["wakeAt"] - now_ms() - 120 * MINUTE_MS) < MINUTE_MS
    day = project("thread", "wake", thread, "--at", "2036-01-31T09:15:00Z")
    [wakes] = [line.split() for line in day.out.splitlines() if line.startswith("wakes ")]
    assert wakes[1].startswith(time.strftime("%Y-", time.gmtime(later["wakeAt"] / 1000)))
    assert "it wakes earlier than that: " in day.err
    assert f"hint: uwf thread wake {thread} --clear" in day.err
    assert project.show(thread)["wakeAt"] == later["wakeAt"]
    now = project("thread", "wake", thread, "--json").json
    assert now_ms() - MINUTE_MS < now["wakeAt"] <= now_ms()
    assert project("thread", "wake", thread, "--clear", "--json").json["wakeAt"] is None
    assert project("thread", "wake", thread, "--clear", "--json").json["wakeAt"] is None
    moves = [move["why"] for move in project("thread", "log", thread, "--json").json]
    assert moves[-1] == "its timer is cleared"


def test_who_runs_what_is_due_is_said_where_nobody_does(project: Project) -> None:
    thread = project.begin()
    assert "hint: uwf daemon run  # or, in a crontab: uwf thread run --due" in (
        project("thread", "wake", thread).err
    )
    file = project.file("one.yaml", ONE)
    done = project("thread", "start", file, "-p", "x", "--wake")
    assert "idle, due now" in done.out and "uwf thread run --due" in done.err


def test_several_threads_are_named_or_chosen(project: Project) -> None:
    threads = [project.begin(ONE, "--label", "night=1") for _ in range(2)]
    other = project.begin()
    done = project("thread", "wake", "--where", "label=night=1", "--in", "1h")
    assert {line.split()[0] for line in done.out.splitlines()} == set(threads)
    assert [project.show(id)["wakeAt"] is None for id in (*threads, other)] == [False, False, True]
    project("thread", "wake", *threads, "--clear")
    assert [project.show(id)["wakeAt"] for id in threads] == [None, None]


def test_a_cancelled_thread_never_wakes(project: Project) -> None:
    thread = project.begin()
    project("thread", "wake", thread, "--in", "1h")
    project("thread", "cancel", thread)
    assert project.show(thread)["wakeAt"] is None
    done = project("thread", "wake", thread, "--json", expect=5)
    assert (done.error["code"], done.error["hint"]) == ("cancelled", f"uwf thread fork {thread}")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--in", "soon"), "--in: 'soon' is not a duration such as 90s, 30m or 1h30m"),
        (("--in", "30"), "--in: '30' is not a duration"),
        (("--in", "4000d"), "more than ten years"),
        (("--at", "2136-01-01"), "2136-01-01 is more than ten years ahead"),
        (("--at", "teatime"), "'teatime' is no time: write 2h for two hours from now"),
        (("--at", "99999999999999999999"), "is more than ten years ahead"),
        (("--in", "1h", "--at", "2h"), "--at, --in and --clear exclude each other"),
        (("--in", "1h", "--clear"), "--at, --in and --clear exclude each other"),
    ],
)
def test_what_is_no_time_is_refused(project: Project, words: tuple[str, ...], says: str) -> None:
    thread = project.begin()
    done = project("thread", "wake", thread, *words, expect=2)
    assert says in done.err and "hint: uwf thread wake" in done.err
    assert project.show(thread)["wakeAt"] is None


def test_a_thread_that_is_run_at_once_is_not_left_to_others(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    done = project("thread", "start", file, "-p", "x", "--wake", "-c", "1", expect=2)
    assert "--wake leaves the running to others" in done.err
    assert project("thread", "list", "--all", "--json").json == []


# Running what is due.


def test_a_pass_runs_each_thread_that_is_due_once(project: Project) -> None:
    agent = project.agent(reply())
    all_run_by(project, agent.command)
    due = [project.begin(ONE, "--wake") for _ in range(3)]
    project.begin()
    project("thread", "wake", project.begin(), "--in", "1h")
    looked = project("thread", "run", "--due", "--dry-run", "--json").json_lines
    assert [row["thread"] for row in looked] == due
    assert {(row["status"], row["wakeKind"], row["wakeWhy"]) for row in looked} == {
        ("idle", "person", "started")
    }
    assert agent.calls == 0
    lines = project("thread", "run", "--due", "--jobs", "1", "--json").json_lines
    assert [line["thread"] for line in lines] == due
    assert {(line["status"], line["step"] is None) for line in lines} == {("completed", False)}
    again = project("thread", "run", "--due")
    assert (again.out, again.err, agent.calls) == ("", "", 3)
    assert project("thread", "list", "--due", "--json").json == []


def test_it_goes_on_from_any_state_and_says_how_it_ended(project: Project) -> None:
    agent = project.agent(ASKS, WRITTEN, reply("$SUSPEND", "", reason="Which colour?"))
    all_run_by(project, agent.command)
    asking, ended = project.begin(REVIEW), project.begin(REVIEW)
    project("thread", "exec", asking, expect=3)
    project("thread", "wake", asking)
    done = project("thread", "run", "--due", "--json", expect=3)
    assert [line["role"] for line in done.json_lines] == ["writer", "reviewer"]
    project("thread", "cancel", ended)
    failing = project.program("failing", "echo it broke >&2\nexit 1\n")
    all_run_by(project, failing)
    failed = project.begin(ONE, "--wake")
    done = project("thread", "run", "--due", expect=6)
    assert f"error: {failed}: " in done.err and "1 thread: 1 failed" in done.err


def test_an_agent_that_asks_for_a_look_is_run_again_when_it_is_time(project: Project) -> None:
    asks = reply("$SUSPEND", "", reason="Is the build done?", nextCheckIn="30m")
    agent = project.agent(asks, reply())
    all_run_by(project, agent.command)
    thread = project.begin()
    project("thread", "exec", thread, expect=3)
    shown = project.show(thread)
    assert (shown["wakeKind"], shown["wakeWhy"]) == ("timer", "worker asked for a look after 30m")
    assert 29 * MINUTE_MS < shown["wakeAt"] - now_ms() <= 30 * MINUTE_MS
    assert "worker asked for a look after 30m" in project("thread", "list").out
    project("thread", "run", "--due")
    assert agent.calls == 1
    set_tags(project, thread, f"wakeAt={now_ms():013d}")
    project("thread", "run", "--due")
    assert (agent.calls, project.show(thread)["status"]) == (2, "completed")
    assert "`nextCheckIn: 30m`" in agent.prompt(1)


@pytest.mark.parametrize(("is_line", "typed"), [(True, "pass"), (False, "pass"), (True, "hint")])
def test_an_answered_thread_is_run_with_the_agent_that_began_it(
    project: Project, is_line: bool, typed: str
) -> None:
    agent = project.agent(ASKS, reply())
    if not is_line:
        project("config", "set", "agents.mine.command", agent.command)
    named = agent.command if is_line else "mine"
    file = project.file("one.yaml", ONE)
    begin = ("thread", "start", file, "-p", "Paint.", "--until-done", "--agent", named)
    begun = project(*begin, expect=3)
    thread = begun.out.split()[0]
    hint = project("answer", thread, "Blue.").err.removeprefix("hint: uwf ").partition("  # no")[0]
    project(*(hint.split() if typed == "hint" else ("thread", "run", "--due")))
    assert project.show(thread)["status"] == "completed"
    assert "Blue." in agent.prompt(2)


def test_a_wish_that_makes_no_sense_is_said_to_a_person(project: Project) -> None:
    agent = project.agent(reply("$SUSPEND", "", reason="Is it done?", nextCheckIn=30))
    thread = project.begin()
    done = project("thread", "exec", thread, "--agent", agent.command, expect=3)
    note = "nextCheckIn: 30 is no length of time such as 30m, and nobody looks for it"
    assert f"warning: worker: {note}" in done.err
    shown = project.show(thread)
    assert (shown["wakeAt"], shown["suspendMessage"]) == (None, f"Is it done? ({note})")
    assert project.turns(thread)[-1]["text"] == note


def test_one_that_runs_already_is_left_out_and_said(project: Project) -> None:
    all_run_by(project, project.program("waiting", WAITING))
    thread = project.begin()
    by_hand = project.start("thread", "exec", thread, stderr=subprocess.DEVNULL)
    until(lambda: began(project) == [thread])
    project("thread", "wake", thread)
    done = project("thread", "run", "--due")
    assert done.err == f"{thread}  is left out: process {by_hand.pid} runs it\n"
    said = project("thread", "run", "--due", "--json")
    assert (said.out, "is left out" in said.err) == ("", True)
    (project.cwd / "go").touch()
    by_hand.communicate(timeout=30)
    assert project.show(thread)["wakeAt"] is not None, "what was wished for meanwhile stays"
    project("thread", "run", "--due")
    assert project.show(thread)["rounds"] == 2


def test_passes_together_run_no_more_than_the_jobs_and_none_twice(project: Project) -> None:
    all_run_by(project, project.program("waiting", WAITING))
    threads = [project.begin(ONE, "--wake") for _ in range(4)]
    first = project.start("thread", "run", "--due", "--jobs", "2")
    until(lambda: len(began(project)) == 2)
    full = project("thread", "run", "--due", "--jobs", "2")
    assert "2 threads wait: as many run as may at a time" in full.err
    second = project.start("thread", "run", "--due", "--jobs", "3")
    until(lambda: len(began(project)) == 3)
    (project.cwd / "go").touch()
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert sorted(began(project)) == sorted(threads)
    assert {project.show(id)["rounds"] for id in threads} == {1}


def test_of_passes_at_the_same_moment_one_runs_a_thread_and_the_others_leave_it_out(
    project: Project,
) -> None:
    all_run_by(project, project.agent(reply()).command)
    threads = {project.begin(ONE, "--wake") for _ in range(2)}
    passes = [project.start("thread", "run", "--due", "--json") for _ in range(3)]
    lines = b"".join(process.communicate(timeout=60)[0] for process in passes).splitlines()
    assert [process.returncode for process in passes] == [0, 0, 0]
    assert sorted(json.loads(line)["thread"] for line in lines) == sorted(threads)


def test_one_that_is_interrupted_for_new_words_is_no_failure_of_the_pass(project: Project) -> None:
    configure(project, "[[triggers]]", on="'no'", text="'Not so.'", when_busy="'interrupt'")
    all_run_by(project, project.program("waiting", WAITING))
    thread = project.begin(ONE, "--wake")
    process = project.start("thread", "run", "--due")
    until(lambda: began(project) == [thread])
    project("event", "send", "no", "--thread", thread, "--from", "ci")
    until(lambda: began(project) == [thread] * 2)
    (project.cwd / "go").touch()
    err = process.communicate(timeout=30)[1].decode()
    assert (process.returncode, "error" in err) == (0, False)
    assert f"{thread}  was stopped, and wakes again" in err
    assert err.endswith("1 thread: 1 done\n")


def test_a_run_that_is_killed_with_its_machine_is_due_again(project: Project) -> None:
    all_run_by(project, project.program("waiting", WAITING))
    thread = project.begin(ONE, "--wake")
    process = project.start("thread", "exec", thread, "--due", "--until-done")
    until(lambda: began(project) == [thread])
    process.kill()
    process.wait()
    [row] = project("thread", "list", "--due", "--json").json
    assert row["thread"] == thread
    (project.cwd / "go").touch()
    project("thread", "run", "--due")
    shown = project.show(thread)
    assert (shown["status"], shown["rounds"], began(project)) == ("completed", 1, [thread] * 2)
    assert project("thread", "list", "--due", "--json").json == []


def test_what_a_person_stops_is_not_gone_on_with(project: Project) -> None:
    all_run_by(project, project.program("waiting", WAITING))
    thread = project.begin(ONE, "--wake")
    process = project.start("thread", "run", "--due")
    until(lambda: began(project) == [thread])
    project("thread", "stop", thread)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert project("thread", "run", "--due").out == ""
    assert began(project) == [thread]


def test_a_signal_ends_a_pass_and_the_next_one_goes_on(project: Project) -> None:
    all_run_by(project, project.program("waiting", "echo $$ >>pids\n" + WAITING))
    thread = project.begin(ONE, "--wake")
    process = project.start("thread", "run", "--due")
    until(lambda: began(project) == [thread])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not any(is_alive(int(pid)) for pid in (project.cwd / "pids").read_text().split())
    (project.cwd / "go").touch()
    project("thread", "run", "--due")
    assert project.show(thread)["status"] == "completed"


def test_nothing_is_begun_while_everything_is_stopped(project: Project) -> None:
    agent = project.agent(reply())
    all_run_by(project, agent.command)
    project("guard", "drain", "on")
    project("thread", "run", "--due")
    thread = project.begin(ONE, "--wake")
    done = project("thread", "run", "--due", "--json", expect=75)
    assert (done.error["reason"], done.error["hint"]) == ("draining", "uwf guard drain off")
    project("guard", "drain", "off")
    project("thread", "run", "--due")
    assert project.show(thread)["status"] == "completed"


def test_what_only_a_person_can_change_waits_for_one(project: Project) -> None:
    thread = project.begin(ONE, "--wake")
    done = project("thread", "run", "--due", expect=5)
    assert f"error: {thread}: no agent is configured" in done.err
    shown = project.show(thread)
    assert (shown["status"], shown["suspendedRole"], shown["wakeAt"]) == (
        "suspended",
        "worker",
        None,
    )
    assert project("thread", "run", "--due").out == ""
    all_run_by(project, project.agent(reply()).command)
    project("thread", "resume", thread)


def test_a_paused_agent_puts_its_threads_off_to_the_end_of_the_pause(project: Project) -> None:
    all_run_by(project, project.agent(reply()).command)
    project("guard", "pause", "all", "on", "--until", "2h")
    thread = project.begin(ONE, "--wake")
    done = project("thread", "run", "--due", "--json", expect=75)
    shown = project.show(thread)
    assert shown["wakeAt"] == done.error["retryAtMs"] > now_ms()
    assert shown["wakeWhy"].startswith("started; put off: agent all is paused")
    assert project("thread", "run", "--due").out == ""
    other = project.begin()
    project("thread", "exec", other, expect=75)
    assert project.show(other)["wakeAt"] is None, "a refusal changes nothing"
    project("guard", "pause", "all", "off")
    assert "put off" not in project.show(thread)["wakeWhy"]
    assert thread in project("thread", "run", "--due").out, "it is tried at once"


def test_what_waits_for_a_limit_is_tried_once_its_agent_is_let_go(project: Project) -> None:
    resets_s = int(time.time()) + 3600
    limited = project.cwd / "limited"
    limited.write_text(
        f"#!/bin/sh\ncat >/dev/null\necho 'usage limit reached|{resets_s}' >&2\nexit 1\n"
    )
    limited.chmod(0o755)
    all_run_by(project, str(limited))
    thread = project.begin(ONE, "--wake")
    project("thread", "run", "--due", expect=75)
    assert project.show(thread)["wakeAt"] >= resets_s * 1000
    project("guard", "pause", "other", "off")
    assert project.show(thread)["wakeAt"] >= resets_s * 1000
    project("guard", "pause", "all", "off")
    assert project.show(thread)["wakeAt"] <= now_ms()


def test_a_breaker_that_is_reset_lets_go_at_once_what_it_has_put_off(project: Project) -> None:
    configure(project, "[breaker]", threshold="1")
    all_run_by(project, project.program("failing", "cat >/dev/null; echo no luck >&2; exit 9"))
    project("thread", "exec", project.begin(ONE), expect=6)
    thread = project.begin(ONE, "--wake")
    project("thread", "run", "--due", expect=75)
    assert project.show(thread)["wakeAt"] > now_ms()
    project("guard", "reset", "all")
    assert project.show(thread)["wakeAt"] <= now_ms()


def test_another_budget_of_the_day_counts_at_once(project: Project) -> None:
    all_run_by(project, project.agent(reply()).command)
    project("config", "set", "budget.day.steps", "1")
    project("thread", "exec", project.begin(ONE))
    thread = project.begin(ONE, "--wake")
    project("thread", "run", "--due", expect=75)
    assert project.show(thread)["wakeAt"] > now_ms()
    project("config", "set", "budget.day.steps", "9")
    assert project.show(thread)["wakeAt"] <= now_ms()


def test_who_waits_for_a_person_is_told_of_now_and_then_and_not_run(project: Project) -> None:
    agent = project.agent(ASKS)
    thread = project.begin(REVIEW)
    project("thread", "exec", thread, "--agent", agent.command, expect=3)
    assert project("thread", "run", "--due").err == ""
    age(project, 31 * MINUTE_MS)
    done = project("thread", "run", "--due")
    assert f"{thread}  waits for a person since " in done.err and "Which colour?" in done.err
    assert "hint: uwf inbox" in done.err
    assert project("thread", "run", "--due").err == ""
    assert (agent.calls, project.show(thread)["status"]) == (1, "suspended")


def test_a_timer_that_cannot_be_read_is_named_and_keeps_nobody_else(project: Project) -> None:
    all_run_by(project, project.agent(reply()).command)
    odd, fine = project.begin(ONE, "--wake"), project.begin(ONE, "--wake")
    set_tags(project, odd, "wakeAt=1e9")
    done = project("thread", "run", "--due", expect=1)
    assert f"error: thread {odd} has the tag wakeAt='1e9', which is no number" in done.err
    assert f"hint: uwf thread wake {odd} --clear" in done.err
    assert project.show(fine)["status"] == "completed"
    project("thread", "wake", odd, "--clear")
    assert project("thread", "run", "--due").err == ""


def test_exec_due_is_once_and_says_when_there_is_nothing_to_do(project: Project) -> None:
    agent = project.agent(reply())
    all_run_by(project, agent.command)
    thread = project.begin()
    done = project("thread", "exec", thread, "--due", "--until-done")
    assert done.err == f"thread {thread} is not due: nothing was run\n"
    project("thread", "wake", thread)
    project("thread", "exec", thread, "--due", "--until-done")
    again = project("thread", "exec", thread, "--due", "--until-done", "--json")
    assert (again.out, again.err, agent.calls) == ("", "", 1)
    refused = project("thread", "exec", thread, "--due", "--supplement", "more", expect=2)
    assert "--due goes on with what there is" in refused.err


def test_the_most_urgent_goes_first(project: Project) -> None:
    agent = project.agent(reply())
    all_run_by(project, agent.command)
    chore, urgent, tried = (project.begin(ONE, "--wake") for _ in range(3))
    set_tags(project, chore, "wakeWhy=economy: tidy up")
    set_tags(project, tried, "wakeWhy=recovery: its network was away")
    listed = project("thread", "list", "--due", "--json").json
    assert [row["thread"] for row in listed] == [tried, urgent, chore]
    table = project("thread", "list", "--due").out.splitlines()
    assert [line.split()[0] for line in table[1:]] == [tried, urgent, chore]
    done = project("thread", "run", "--due", "--jobs", "1")
    assert [line.split()[0] for line in done.out.splitlines()] == [tried, urgent, chore]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("thread", "run"), "which threads? --due are those whose timer is due"),
        (("thread", "list", "--due", "--all"), "--due is a condition of its own"),
        (("thread", "run", "--due", "--jobs", "0"), "0 is less than 1"),
    ],
)
def test_what_makes_no_sense_is_refused(
    project: Project, words: tuple[str, ...], says: str
) -> None:
    assert says in project(*words, expect=2).err


def test_looking_for_what_is_due_makes_nothing(project: Project) -> None:
    for words in (("thread", "run", "--due"), ("thread", "list", "--due")):
        project(*words)
    assert not Path(project.home).exists()
