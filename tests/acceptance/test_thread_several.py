"""One command for several threads: named, or chosen with `--where`, a few at a time."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.helpers.project import ASKS, ONE, Project, is_alive, reply, until
from tests.helpers.terminal import Terminal

SLEEPING = """\
cat >/dev/null
echo $$ >>pids
sleep 100
"""
MEETING = """\
# Replies once another one of its kind has come.
cat >/dev/null
touch "came.$UWF_THREAD"
while [ "$(ls came.* | wc -l)" -lt 2 ]; do sleep 0.01; done
printf -- '---\\n$status: done\\n---\\n'
"""


def begin(project: Project, many: int, *more: str) -> list[str]:
    return [project.begin(ONE, *more) for _ in range(many)]


def codes(done_err: str) -> list[str]:
    return [line for line in done_err.splitlines() if line.startswith("error: ")]


def running(project: Project, *words: str, agents: int) -> subprocess.Popen[bytes]:
    """A `uwf` for several threads, so many agents of which are at work."""
    process = project.start("thread", "exec", *words, "--agent", project.program("s", SLEEPING))
    pids = project.cwd / "pids"
    until(lambda: pids.exists() and len(pids.read_text().split()) == agents)
    return process


def test_threads_that_are_named_are_each_run_in_their_order(project: Project) -> None:
    threads = begin(project, 3)
    agent = project.agent(reply())
    words = ("thread", "exec", threads[2], threads[0], threads[2], "--agent", agent.command)
    done = project(*words)
    assert [line.split()[0] for line in done.out.splitlines()] == [threads[2], threads[0]]
    assert "worker → done" in done.out
    assert done.err.splitlines()[-1] == "2 threads: 2 done"
    assert [project.show(id)["steps"] for id in threads] == [1, 0, 1]


def test_a_terminal_calls_each_as_one_types_it(project: Project) -> None:
    threads = begin(project, 2)
    agent = project.agent(reply(), reply())
    terminal = Terminal(project, "thread", "exec", *threads, "--agent", agent.command)
    assert terminal.end() == 0
    lines = [line for line in terminal.screen if "worker → done" in line]
    assert [project.show(line.split()[0])["thread"] for line in lines] == threads
    assert not any(id in terminal.written for id in threads)


def test_json_is_a_line_for_each_step_and_errors_name_their_thread(project: Project) -> None:
    good, ended = begin(project, 2)
    project("thread", "cancel", ended)
    agent = project.agent(reply())
    done = project(*("thread", "exec", good, ended, "--agent", agent.command, "--json"), expect=5)
    [line] = done.json_lines
    assert (line["thread"], line["status"]) == (good, "completed")
    assert (done.error["thread"], done.error["code"]) == (ended, "cancelled")


def test_a_name_that_is_wrong_stops_it_before_anything_is_done(project: Project) -> None:
    [thread] = begin(project, 1)
    done = project("thread", "cancel", thread, "0000NONE", "--json", expect=4)
    assert done.error["code"] == "no_such_thread"
    assert project.show(thread)["status"] == "idle"


def test_where_takes_the_most_urgent_first_and_then_the_oldest(project: Project) -> None:
    old, urgent, other = (
        *begin(project, 1, "--label", "repo=a=b"),
        *begin(project, 1, "--label", "repo=a=b", "--priority", "3"),
        *begin(project, 1),
    )
    agent = project.agent(reply())
    where = ("--where", "label=repo=a=b", "--where", "workflow=one", "--where", "age=-1h")
    looked = project("thread", "exec", *where, "--dry-run", "--json").json_lines
    assert [row["thread"] for row in looked] == [urgent, old]
    same = ("--label", "repo=a=b", "--where", "workflow=one,age=-1h")
    assert project("thread", "exec", *same, "--dry-run", "-q").out.split() == [urgent, old]
    value = ("--label", "repo=a=b,workflow=one")  # which is no condition
    assert project("thread", "exec", *value, "--dry-run", "-q").out == ""
    assert agent.calls == 0
    table = project("thread", "exec", *where, "--dry-run").out.splitlines()
    assert table[0].split()[0] == "THREAD" and len(table) == 3
    done = project("thread", "exec", *same, "--agent", agent.command, "--json")
    assert [row["thread"] for row in done.json_lines] == [urgent, old]
    assert project.show(other)["steps"] == 0
    again = project("thread", "exec", *where, "--agent", agent.command)
    assert (again.out, again.err) == ("", "no thread is as asked for\n")


def test_jobs_says_how_many_run_at_a_time(project: Project) -> None:
    begin(project, 2)
    command = project.program("meeting", MEETING)
    words = ("thread", "exec", "--where", "status=idle", "--agent", command, "--json")
    done = project(*words, "--jobs", "2")
    assert [line["status"] for line in done.json_lines] == ["completed"] * 2


def test_retry_tries_the_failed_ones_of_a_class_again(project: Project) -> None:
    failed, asked, other = begin(project, 3)
    project("thread", "exec", failed, "--agent", "false", expect=6)
    project.step(asked, project.agent(ASKS), expect=3)
    key = project.program("key", "cat >/dev/null; echo 'Invalid API key' >&2; exit 1")
    project("thread", "exec", other, "--agent", key, expect=6)
    agent = project.agent(reply())
    words = ("thread", "retry", "--where", "class=exit_code,signal", "--agent", agent.command)
    assert project(*words, "--dry-run", "-q").out.split() == [failed]
    [line] = project(*words, "--json").json_lines
    assert (line["thread"], line["status"]) == (failed, "completed")
    assert project("thread", "retry", failed, "--json", expect=5).error["code"] == "not_failed"
    done = project("thread", "retry", asked, failed, "--agent", agent.command, expect=5)
    assert len(codes(done.err)) == 2 and asked in codes(done.err)[0]


def test_what_a_person_adds_is_read_once_and_told_to_each(project: Project) -> None:
    threads = begin(project, 2)
    project("thread", "exec", *threads, "--agent", project.agent(ASKS).command, expect=3)
    agent = project.agent(reply())
    words = ("thread", "resume", *threads, "--agent", agent.command, "--supplement", "-")
    project(*words, input="@blue, with 'quotes'\nand a second line")
    assert agent.calls == 2
    for call in (1, 2):
        assert "@blue, with 'quotes'\nand a second line" in agent.prompt(call)


def test_cancel_and_stop_say_one_line_a_thread(project: Project) -> None:
    one, two = begin(project, 2)
    done = project("thread", "cancel", one, two, "--reason", "no more")
    assert done.out.splitlines() == [f"{one}  cancelled", f"{two}  cancelled"]
    assert [project.show(id)["endReason"] for id in (one, two)] == ["no more"] * 2
    shown = project("thread", "stop", one, two, "--json").json_lines
    assert [row["thread"] for row in shown] == [one, two]


def test_stop_where_ends_those_that_run_and_no_other(project: Project) -> None:
    one, two, idle = begin(project, 3)
    process = running(project, one, two, "--jobs", "2", agents=2)
    found = project("thread", "stop", "--where", "workflow=one", "--dry-run", "-q").out.split()
    assert found == [one, two]
    project("thread", "stop", "--where", "workflow=one", "--jobs", "2")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert err.decode().splitlines()[-1] == "2 threads: 2 exit 143"
    assert [project.show(id)["status"] for id in (one, two, idle)] == ["idle"] * 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_all_of_them_at_a_whole_step(
    project: Project, number: int, code: int
) -> None:
    threads = begin(project, 3)
    process = running(project, *threads, "--jobs", "2", agents=2)
    agents = [int(pid) for pid in (project.cwd / "pids").read_text().split()]
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == code
    assert not [pid for pid in agents if is_alive(pid)]
    assert [project.show(id)["status"] for id in threads] == ["idle"] * 3
    outcomes = [move for id in threads for move in project("thread", "log", id, "--json").json]
    assert len({move["new"] for move in outcomes}) == 3, "only their starts moved their heads"
    assert len((project.cwd / "pids").read_text().split()) == 2, "the third one was not begun"


def test_killed_run_of_several_leaves_each_thread_to_its_own_process(project: Project) -> None:
    threads = begin(project, 2)
    process = running(project, *threads, "--jobs", "2", agents=2)
    process.kill()
    process.communicate(timeout=30)
    assert [project.show(id)["status"] for id in threads] == ["running"] * 2
    project("thread", "stop", *threads)
    assert [project.show(id)["status"] for id in threads] == ["idle"] * 2


@pytest.mark.parametrize(
    "word", ["class=nothing", "status=nothing", "age=old", "colour=red", "label=x"]
)
def test_a_condition_that_means_nothing_is_refused(project: Project, word: str) -> None:
    begin(project, 1)
    done = project("thread", "cancel", "--where", word, "--json", expect=2)
    assert done.error["hint"].startswith("uwf thread ")
    assert project.show("@last")["status"] == "idle"


def test_names_and_conditions_exclude_each_other_and_one_is_needed(project: Project) -> None:
    [thread] = begin(project, 1)
    for words in ((), (thread, "--where", "status=idle")):
        done = project("thread", "exec", *words, "--json", expect=2)
        assert done.error["code"] == "usage"


def test_age_takes_the_older_ones_or_with_a_minus_the_younger(project: Project) -> None:
    begin(project, 2)
    assert project("thread", "cancel", "--where", "age=1h", "--dry-run", "-q").out == ""
    young = project("thread", "cancel", "--where", "age=-1h", "--dry-run", "-q").out
    assert len(young.split()) == 2


def test_ctrl_c_at_a_terminal_ends_each_once_with_its_grace(project: Project) -> None:
    threads = begin(project, 3)
    polite = "trap 'echo $$ >>bye; exit 0' TERM; " + SLEEPING.replace(
        "sleep 100", "sleep 100 & wait"
    )
    command = project.program("polite", polite)
    terminal = Terminal(
        project, "thread", "exec", *threads, "--jobs", "2", "--agent", command, columns=100
    )
    pids = project.cwd / "pids"
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    terminal.read_until("0 of 3 · running ")
    terminal.type("\x03")
    assert terminal.end() == 130
    assert sorted((project.cwd / "bye").read_text().split()) == sorted(pids.read_text().split())
    assert terminal.screen[-3:-1] == [
        "error: stopped; each of 3 threads is at a whole step",
        "hint: uwf thread list",
    ]


def test_reader_that_has_gone_ends_all_of_them(project: Project) -> None:
    threads = begin(project, 2)
    agent = project.agent(reply())
    words = ("thread", "exec", *threads, "--agent", agent.command, "--json")
    process = project.start(*words)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 141
    assert [project.show(id)["steps"] for id in threads] == [1, 0]


def test_killed_process_of_one_thread_is_a_fault_and_the_others_go_on(project: Project) -> None:
    one, two = begin(project, 2)
    process = running(project, one, two, agents=1)
    os.kill(project.show(one)["running"]["pid"], signal.SIGKILL)
    pids = project.cwd / "pids"
    until(lambda: len(pids.read_text().split()) == 2)
    project("thread", "stop", two)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert f"the process that ran thread {one} was killed by signal 9" in err.decode()
    assert f"hint: uwf thread show {one}" in err.decode()
    assert project.show(one)["status"] == "idle"


def test_conditions_may_be_joined_by_commas(project: Project) -> None:
    [thread] = begin(project, 1, "--label", "repo=a,b")
    begin(project, 1, "--label", "repo=a")
    where = "status=idle,suspended,label=repo=a,b,workflow=one"
    assert project("thread", "cancel", "--where", where, "--dry-run", "-q").out.split() == [thread]


def test_retry_wakes_what_time_alone_would_have_cured(project: Project) -> None:
    [thread] = begin(project, 1)
    outage = "echo 'API Error: Unable to connect to API (ConnectionRefused)'; exit 1"
    down = project.program("client", f"cat >/dev/null; {outage}")
    project("config", "set", "retry.attempts", "0")
    project("thread", "exec", thread, "--agent", down, expect=75)
    assert project.show(thread)["wakeAt"]
    words = ("thread", "retry", "--where", "class=network", "--json")
    [line] = project(*words, "--agent", project.agent(reply()).command).json_lines
    assert (line["thread"], line["status"]) == (thread, "completed")
