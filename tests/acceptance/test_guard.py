"""The switches a person turns, the breakers that turn themselves, and the screens that show them."""

from __future__ import annotations

import json
import time

import pytest

from tests.helpers.gate import Gate, configure, ended, refusal
from tests.helpers.project import ONE, Project, reply, until
from uwf.store.sqlite import open_store

FAILING = "cat >/dev/null; echo no luck >&2; exit 9"
UNREACHABLE = "cat >/dev/null; echo 'connect ECONNREFUSED 127.0.0.1:443' >&2; exit 1"
REPLY = "printf -- '---\\n$status: done\\n---\\nDone.\\n'"


def agent(project: Project, name: str, script: str) -> None:
    configure(project, f"[agents.{name}]", command=f"{project.program(name, script)!r}")


def test_drain_lets_a_running_step_finish_and_none_begin(project: Project) -> None:
    gate = Gate(project)
    thread = project.begin()
    process = gate.running(thread)
    assert project("guard", "drain", "on", "--json").json["drain"] is True
    project("thread", "exec", project.begin(), "--agent", gate.name, expect=75)
    gate.open()
    ended(process)
    assert project.show(thread)["status"] == "completed"
    project("guard", "drain", "off")
    project.step(project.begin(), gate.name)


def test_drain_ends_the_waiting_of_those_in_the_line(project: Project) -> None:
    configure(project, "[limits]", max_running="1")
    gate, first, second = Gate(project), project.begin(), project.begin()
    running, waiting = gate.running(first), gate.waiting(second)
    project("guard", "drain", "on")
    gate.open()
    ended(running)
    assert refusal(waiting) == "draining"
    assert gate.begun == [first]
    assert project.show(second)["steps"] == 0


def test_a_pause_is_over_when_its_time_is(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    gate.open()
    project("guard", "pause", "on", "--until", str(time.time_ns() // 1_000_000 + 1500))
    words = ("thread", "exec", thread, "--agent", gate.name, "--json")
    assert project(*words, expect=75).error["reason"] == "paused"
    until(lambda: project(*words, expect=None).code == 0)


def test_a_pause_without_end_lasts_until_it_is_off(project: Project) -> None:
    gate, thread = Gate(project), project.begin()
    gate.open()
    project("guard", "pause", "on")
    project("thread", "exec", thread, "--agent", gate.name, expect=75)
    assert project("guard", "status", "--json").json["pause"]["untilMs"] is None
    assert project("guard", "pause", "off").out == "everything is no longer paused\n"
    assert project("guard", "pause", "off").out == "nothing was paused\n"
    assert project("guard", "pause", "mine", "off").out == "agent mine was not paused\n"
    project.step(thread, gate.name)


def test_a_paused_agent_stops_no_other(project: Project) -> None:
    gate, other = Gate(project), Gate(project, "other")
    gate.open()
    other.open()
    project("guard", "pause", gate.name, "--reason", "on holiday")
    thread = project.begin()
    words = ("thread", "exec", thread, "--agent", gate.name, "--json")
    error = project(*words, expect=75).error
    assert error["reason"] == "agent_paused" and "on holiday" in error["message"]
    project.step(thread, other.name)
    project("guard", "pause", gate.name, "off")
    project.step(project.begin(), gate.name)


def test_a_quota_that_resets_pauses_its_agent_until_then(project: Project) -> None:
    resets_s = int(time.time()) + 3600
    agent(project, "limited", f"cat >/dev/null; echo 'usage limit reached|{resets_s}' >&2; exit 1")
    thread = project.begin()
    error = project("thread", "exec", thread, "--agent", "limited", "--json", expect=75).error
    assert error["reason"] == "transient" and error["retryAtMs"] > resets_s * 1000
    [paused] = project("guard", "status", "--json").json["pausedAgents"]
    assert (paused["name"], paused["untilMs"]) == ("limited", resets_s * 1000)
    words = ("thread", "exec", thread, "--agent", "limited", "--json")
    assert project(*words, expect=75).error["reason"] == "agent_paused"


def test_a_network_fault_is_tried_again_inside_the_step(project: Project) -> None:
    configure(project, "[retry]", base="'10ms'")
    count = project.home.parent / "count"
    script = (
        f"echo x >>{count}; [ $(wc -l <{count}) -gt 2 ] && {{ cat >/dev/null; {REPLY}; exit; }}"
    )
    agent(project, "flaky", f"{script}\n{UNREACHABLE}")
    thread = project.begin()
    [line] = project.step(thread, "flaky")
    assert line["status"] == "completed"
    [row] = project.steps(thread)
    assert len(row["attempts"]) == 2


def test_an_exit_code_is_not_tried_again_behind_a_persons_back(project: Project) -> None:
    count = project.home.parent / "count"
    agent(project, "failing", f"echo x >>{count}; {FAILING}")
    project.step(project.begin(), "failing", expect=6)
    assert count.read_text() == "x\n"


def test_three_threads_that_an_agent_let_down_open_its_breaker(project: Project) -> None:
    agent(project, "failing", FAILING)
    for _ in range(3):
        project.step(project.begin(), "failing", expect=6)
    breakers = {row["name"]: row for row in project("guard", "status", "--json").json["breakers"]}
    assert breakers["failing"]["state"] == "open"
    assert "no luck" in breakers["failing"]["cause"]
    gate = Gate(project)
    gate.open()
    project.step(project.begin(), gate.name)  # another agent is not meant
    thread = project.begin()
    project("thread", "exec", thread, "--agent", "failing", expect=75)
    project("guard", "reset", "failing")
    project.step(thread, "failing", expect=6)


def test_one_bad_thread_opens_no_breaker(project: Project) -> None:
    configure(project, "[limits]", max_attempts="100", max_repeats="100")
    bad = project.begin()
    agent(
        project, "picky", f"[ $UWF_THREAD != {bad} ] || {{ {FAILING}; }}\ncat >/dev/null; {REPLY}"
    )
    project.step(bad, "picky", expect=6)
    for _ in range(5):
        project.step(bad, "picky", verb="resume", expect=6)
    project.step(project.begin(), "picky")


def test_a_breaker_lets_one_try_and_closes_when_it_goes_well(project: Project) -> None:
    configure(project, "[breaker]", threshold="1", cooldown="'200ms'")
    mended = project.home.parent / "mended"
    script = (
        f"cat >/dev/null; [ -e {mended} ] || {{ echo out of order >&2; exit 1; }}; sleep 1; {REPLY}"
    )
    agent(project, "mine", script)
    project.step(project.begin(), "mine", expect=6)
    mended.touch()
    time.sleep(0.25)
    threads = [project.begin() for _ in range(4)]
    words = [("thread", "exec", thread, "--agent", "mine", "--json") for thread in threads]
    processes = [project.start(*each) for each in words]
    errors = [process.communicate()[1] for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 75, 75, 75], errors
    reasons = {json.loads(error)["error"]["reason"] for error in errors if error}
    assert reasons == {"circuit_open"}
    project.step(project.begin(), "mine")


def test_a_reset_of_nothing_says_so(project: Project) -> None:
    project.begin()
    error = project("guard", "reset", "mine", "--json", expect=4).error
    assert error["code"] == "no_such_breaker"


def test_status_shows_who_runs_and_who_waits(project: Project) -> None:
    configure(project, "[limits]", max_running="1", max_queue="7")
    gate = Gate(project, max_running="3")
    running, waiting = gate.running(project.begin()), gate.waiting(project.begin())
    status = project("guard", "status", "--json").json
    assert {"pool": "machine", "taken": 1, "limit": 1} in status["slots"]
    assert {"pool": f"agent/{gate.name}", "taken": 1, "limit": 3} in status["slots"]
    assert status["queue"] == {"waiting": 1, "limit": 7}
    assert status["drain"] is None and status["pause"] is None
    assert status["machine"]["freeDiskBytes"] > 0
    rows = [line.split() for line in project("guard", "status").out.splitlines()]
    assert rows[0] == ["GUARD", "NOW", "LIMIT", "USED", "NOTE"]
    assert ["machine", "1", "1", "100%", "-"] in rows and ["queue", "1", "7", "14%", "-"] in rows
    assert ["drain", "off", "-", "-", "-"] in rows
    gate.open()
    ended(running)
    ended(waiting)
    status = project("guard", "status", "--json").json
    assert {row["taken"] for row in status["slots"]} == {0}
    assert status["queue"]["waiting"] == 0


def test_status_shows_the_places_of_a_label_that_are_taken(project: Project) -> None:
    configure(project, "[limits.per_label]", repo="1", team="3")
    gate, labels = Gate(project), ("--label", "repo=my shop", "--label", "team=a")
    process = gate.running(project.begin(ONE, *labels))

    def places() -> dict[str, tuple[int, int]]:
        rows = project("guard", "status", "--json").json["slots"]
        found = {row["pool"]: (row["taken"], row["limit"]) for row in rows}
        return {pool: numbers for pool, numbers in found.items() if pool.startswith("label/")}

    assert places() == {"label/repo=my shop": (1, 1), "label/team=a": (1, 3)}
    screen = project("guard", "status").out.splitlines()
    [line] = [line for line in screen if line.startswith("label/repo=my shop")]
    assert line.split()[-4:] == ["1", "1", "100%", "-"]
    gate.open()
    ended(process)
    assert places() == {}


@pytest.mark.parametrize("words", [("guard", "status"), ("guard", "stats"), ("queue", "list")])
def test_the_screens_work_in_an_empty_home(project: Project, words: tuple[str, str]) -> None:
    project(*words)
    project(*words, "--json").json  # noqa: B018
    assert project(*words, "-q").out == ""


def test_stats_count_by_agent_and_by_workflow(project: Project) -> None:
    agent(project, "failing", FAILING)
    gate = Gate(project)
    gate.open()
    thread = project.begin(ONE)
    project.step(thread, "failing", expect=6)
    project.step(thread, gate.name, verb="resume")
    rows = {(row["by"], row["name"]): row for row in project("guard", "stats", "--json").json}
    failing, workflow = rows["agent", "failing"], rows["workflow", "one"]
    assert (failing["attempts"], failing["successes"]) == (1, 0)
    assert failing["reasons"] == {"exit_code": 1}
    assert failing["rate"] is None  # one step says nothing
    assert (workflow["attempts"], workflow["successes"]) == (2, 1)
    assert sum(workflow["trend"]) == 2
    assert "exit_code 1" in project("guard", "stats").out


def test_a_success_is_what_the_rate_is_made_of(project: Project) -> None:
    configure(project, "[stats]", min_sample="2")
    recorder = project.agent(reply())
    for _ in range(2):
        project.step(project.begin(), recorder)
    [row] = [row for row in project("guard", "stats", "--json").json if row["by"] == "agent"]
    assert (row["name"], row["rate"]) == (recorder.command, 1.0)


def test_refusals_are_counted_by_reason_and_leave_their_threads_alone(project: Project) -> None:
    gate, running, waiting = Gate(project), project.begin(), project.begin()
    process = gate.running(running)
    before = [
        project("ref", "log", f"@uwf/thread/{id}", "--json").json for id in (running, waiting)
    ]
    assert project("guard", "stats").out == ""
    project("thread", "exec", running, "--agent", gate.name, expect=5)
    project("thread", "exec", waiting, "--agent", "/nonexistent/agent", expect=5)
    project("guard", "drain", "on")
    for _ in range(2):
        words = ("thread", "exec", waiting, "--agent", gate.name, "--wait", "1", "-c", "3")
        project(*words, expect=75)
    [row] = project("guard", "stats", "--json").json
    assert row["by"] == "all"
    assert row["refused"] == {"draining": 2, "busy": 1, "no_agent": 1}
    assert project("guard", "stats").out == "refused  draining 2, busy 1, no_agent 1\n"
    after = [project("ref", "log", f"@uwf/thread/{id}", "--json").json for id in (running, waiting)]
    assert after == before
    gate.open()
    ended(process)
    rows = {row["by"]: row for row in project("guard", "stats", "--json").json}
    assert (rows["all"]["attempts"], sum(rows["all"]["refused"].values())) == (1, 4)


def test_who_is_refused_is_told_so_while_another_process_writes(project: Project) -> None:
    thread = project.begin()
    project("guard", "drain", "on")
    store = open_store(str(project.home / "store.db"), create=False)
    began_s = time.monotonic()
    with store.transaction("test"):
        done = project("thread", "exec", thread, "--agent", "true", "--json", expect=75)
    assert done.error["reason"] == "draining"
    assert time.monotonic() - began_s < 8
    store.close()
    assert project("guard", "stats", "--json").json == []
