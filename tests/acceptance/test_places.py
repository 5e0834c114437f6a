"""Threads of one label at once, runs that have begun, and seats for people, over processes."""

from __future__ import annotations

import subprocess

import pytest

from tests.helpers.project import ONE, REVIEW, Project, reply, until
from tests.helpers.terminal import Terminal
from uwf.guard.capacity.places import PREFIX
from uwf.guard.counters import hashed
from uwf.store.sqlite import open_store

WAITING = """\
cat >/dev/null
touch $UWF_ROLE.ready
while [ ! -e $UWF_ROLE.go ]; do sleep 0.01; done
printf -- '---\\n$status: %s\\ntitle: x\\nwhy: y\\n---\\nDone.\\n' $(cat $UWF_ROLE.go)
"""


@pytest.fixture
def agent(project: Project) -> str:
    return project.program("waiting", WAITING)


def start(project: Project, *words: str) -> subprocess.Popen[bytes]:
    return project.start("thread", "exec", *words, "--json")


def ready(project: Project, role: str) -> None:
    until(lambda: (project.cwd / f"{role}.ready").exists())


def go(project: Project, role: str, status: str) -> None:
    (project.cwd / f"{role}.new").write_text(status)
    (project.cwd / f"{role}.new").rename(project.cwd / f"{role}.go")


def test_a_thread_keeps_others_of_its_label_out_until_it_stops(project: Project) -> None:
    project("config", "set", "limits.threads_per_label.repo", "1")
    first, second = (project.begin(REVIEW, "--label", "repo=shop") for _ in range(2))
    agent = project.agent(reply("written", title="x"), reply("approved"))
    project.step(first, agent)
    done = project("thread", "exec", second, "--agent", agent.command, "--json", expect=75)
    assert done.error["reason"] == "server_overloaded"
    assert "1 thread with label repo=shop began before" in done.error["message"]
    project.step(first, agent)
    assert project.show(first)["status"] == "completed"
    project.step(second, project.agent(reply("written", title="x")))


def test_one_that_waits_for_its_place_gets_it_when_the_other_is_cancelled(project: Project) -> None:
    project("config", "set", "limits.threads_per_label.repo", "1")
    first, second = (project.begin(REVIEW, "--label", "repo=shop") for _ in range(2))
    agent = project.agent(reply("written", title="x"))
    project.step(first, agent)
    waiting = start(project, second, "--agent", agent.command, "--wait", "60")
    until(lambda: project("queue", "list", "-q").out.split() == [second])
    (row,) = project("queue", "list", "--json").json
    assert row["blockedOn"] == "threads repo=shop"
    project("thread", "cancel", first)
    out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, out


def test_a_run_that_has_begun_waits_though_the_queue_is_full(project: Project, agent: str) -> None:
    for key in ("max_running", "max_queue"):
        project("config", "set", f"limits.{key}", "1")
    long, waits, late = project.begin(REVIEW), project.begin(ONE), project.begin(ONE)
    run = start(project, long, "--agent", agent, "--until-done")
    ready(project, "writer")
    next_one = start(project, waits, "--agent", agent, "--wait", "60")
    until(lambda: project("queue", "list", "-q").out.split() == [waits])
    go(project, "writer", "written")
    ready(project, "worker")  # the one that waited has the slot, and the run waits without a --wait
    until(lambda: project("queue", "list", "-q").out.split() == [long])
    done = project("thread", "exec", late, "--wait", "60", "--agent", agent, "--json", expect=75)
    assert done.error["reason"] == "queue_full"
    go(project, "worker", "done")
    go(project, "reviewer", "approved")
    for each in (next_one, run):
        out, err = each.communicate(timeout=60)
        assert each.returncode == 0, (out, err)
    assert len(project.steps(long)) == 2


def test_a_person_has_a_seat_that_background_work_has_not(project: Project, agent: str) -> None:
    project("config", "set", "limits.max_running", "1")
    running, other, person = project.begin(ONE), project.begin(ONE), project.begin(ONE)
    run = start(project, running, "--agent", agent)
    ready(project, "worker")
    quick = project.agent(reply())
    words = ("--agent", quick.command, "--json")
    assert project("thread", "exec", other, *words, expect=75).error["code"] == "server_overloaded"
    project("thread", "exec", person, *words, "--interactive")
    with_hands = project.begin(ONE)
    terminal = Terminal(project, "thread", "exec", with_hands, "--agent", quick.command)
    terminal.read_until("completed")
    assert terminal.end() == 0
    go(project, "worker", "done")
    run.communicate(timeout=60)
    assert run.returncode == 0


def test_places_that_cannot_be_read_are_refused_until_they_are_put_right(project: Project) -> None:
    project("config", "set", "limits.threads_per_label.repo", "1")
    thread = project.begin(REVIEW, "--label", "repo=shop")
    agent = project.agent(reply("written", title="x"))
    name = PREFIX + hashed("threads/repo=shop")
    with open_store(str(project.home / "store.db")).transaction("test") as tx:
        tx.set_counter(name, ["mine"])
    words = ("thread", "exec", thread, "--agent", agent.command, "--json")
    done = project(*words, expect=1)
    assert (done.error["code"], done.error["hint"]) == ("guard_error", "uwf doctor --repair")
    project("doctor", "--repair")
    project(*words)
