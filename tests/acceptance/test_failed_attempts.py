"""What failed is seen wherever a thread or its steps are looked at: the class, the words, when, and the next try."""

from __future__ import annotations

import time

import pytest

from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, is_alive, until

FALLING = "the sky is falling"
AWAY = "Error: 503 service unavailable"


def failing(project: Project, words: str = FALLING) -> str:
    return project.program("failing", f"cat >/dev/null; echo '{words}' >&2; exit 9")


@pytest.fixture
def failed(project: Project) -> str:
    """A thread whose second step has failed twice."""
    thread = project.begin(REVIEW)
    project.step(thread, project.agent(WRITTEN))
    project.step(thread, failing(project), expect=6)
    project.step(thread, failing(project), verb="resume", expect=6)
    return thread


def test_every_command_that_looks_tells_of_it(project: Project, failed: str) -> None:
    last = project.show(failed)["failed"]
    assert (last["code"], last["number"], last["role"]) == ("exit_code", 2, "reviewer")
    assert FALLING in last["message"] and 0 <= time.time() * 1000 - last["at"] < 60_000
    when = project("step", "show", last["attempt"], "--json").json
    assert when["error"]["message"] == last["message"]
    way_on = f"uwf thread resume {failed} --agent {failing(project)}"
    shown, listed = project("thread", "show", failed).out, project("thread", "list").out
    steps, page = project("step", "list", failed), project("thread", "read", failed).out
    for text in (shown, listed, steps.out, page):
        assert FALLING in text and "exit_code" in text
    assert "exit_code (2 attempts)" in shown and "exit_code (2 attempts)" in listed
    assert f"next try   by hand: {way_on}\n" in shown
    assert f"next try by hand: {way_on}" in steps.err and way_on in page
    assert "suspended  reviewer\n" in shown and shown.count(FALLING) == 1
    assert len([line for line in steps.out.splitlines() if FALLING in line]) == 2
    assert "## Attempts at step 2" in page and page.count("**exit_code**: agent") == 2


def test_it_is_told_with_the_step_that_came_of_it(project: Project, failed: str) -> None:
    project.step(failed, project.agent(APPROVED), verb="resume")
    assert project.show(failed)["failed"] is None
    first, second = project.steps(failed)
    assert first["failures"] == []
    assert [each["attempt"] for each in second["failures"]] == second["attempts"]
    assert all(FALLING in each["message"] for each in second["failures"])
    for words in (("step", "list", failed), ("thread", "read", failed), ("step", "show", failed)):
        assert project(*words).out.count(FALLING) == 2, words
    assert FALLING not in project("thread", "list", "--all").out
    assert "FAILED" not in project("thread", "list", "--all").out


def test_what_time_alone_cures_has_the_time_of_its_next_try(project: Project) -> None:
    thread = project.begin()
    agent = failing(project, AWAY)
    done = project("thread", "exec", thread, "--agent", agent, expect=75)
    assert AWAY in done.err
    wakes = project.show(thread)["wakeAt"]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wakes // 1000))
    by_hand = f"uwf thread exec {thread} --agent {agent}"
    assert f"next try   {at}, or {by_hand}\n" in project("thread", "show", thread).out
    assert f"next try {at}" in project("thread", "list").out
    assert f"**Next try**: {at}" in project("thread", "read", thread).out
    assert f"next try {at}" in project("step", "list", thread).err


def test_a_thread_without_a_step_stands_for_its_last_attempt(project: Project) -> None:
    thread = project.begin()
    assert project("step", "show", thread, expect=4).err.startswith("error: ")
    project.step(thread, failing(project), expect=6)
    project.step(thread, failing(project), verb="resume", expect=6)
    attempt = project.show(thread)["failed"]["attempt"]
    for word in (thread, thread[-6:], "@last", project.show(thread)["head"][:12]):
        assert project("step", "show", word, "--json").json["attempt"] == attempt
    assert FALLING in project("step", "read", thread).out
    fork = project("thread", "fork", thread, "--json").json["thread"]
    project("step", "show", fork, expect=4)  # what failed there has not failed here


def test_the_last_step_is_shown_with_what_failed_since(project: Project, failed: str) -> None:
    done = project("step", "show", failed)
    attempt = project.show(failed)["failed"]["attempt"]
    assert "writer → written" in done.out
    assert "since then exit_code, " in done.err and FALLING in done.err
    assert f"hint: uwf step show {attempt[:16]}" in done.err
    assert project("step", "show", f"{failed}~0").err == ""


def test_what_a_killed_uwf_left_is_named_with_what_ends_it(project: Project) -> None:
    thread = project.begin(ONE)
    pids = project.home.parent / "pids"
    script = f"cat >/dev/null; setsid sleep 300 & echo $! >{pids}; setsid sleep 300 & echo $! >>{pids}; wait"
    slow = project.program("slow", script)
    process = project.start("thread", "exec", thread, "--agent", slow)
    until(lambda: pids.exists() and len(pids.read_text().splitlines()) == 2)
    process.kill()
    process.communicate()
    left = until(lambda: project.show(thread).get("leftBehind"))
    running = sorted(map(int, pids.read_text().split()))
    assert (left["runner"], left["role"], left["pids"]) == (process.pid, "worker", running)
    shown, [finding] = (
        project("thread", "show", thread).out,
        project("doctor", "--json", expect=1).json,
    )
    for text in (shown, finding["what"]):
        assert f"processes {running[0]}, {running[1]} of " in text
    assert f"uwf thread stop {thread}" in shown and "uwf doctor --repair" in finding["what"]
    assert all(map(is_alive, running))  # looking ends nothing
    project("thread", "stop", thread)
    assert not any(map(is_alive, running))
    shown = project("thread", "show", thread).out
    assert "left       " not in shown and "interrupted" in shown
    assert f"next try   by hand: uwf thread exec {thread} --agent {slow}\n" in shown
