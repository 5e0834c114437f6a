"""Events with a daemon: threads wake each other, an agent glances, a kill at any point loses and doubles nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.helpers.gate import configure
from tests.helpers.project import ONE, Project, reply, until
from tests.helpers.serving import Serving, configured
from uwf.app.unattended import poke

REPLIES = "cat >>\"$UWF_HOME/../prompts\"\nprintf -- '---\\n$status: done\\n---\\nI did.\\n'\n"


@pytest.fixture
def served(project: Project) -> Iterator[Project]:
    configured(project, REPLIES)
    yield project
    for log in (project.home / "logs").glob("*.log"):
        until(lambda log=log: project.show(log.stem)["running"] is None, within_s=20)


def steps(project: Project, thread: str) -> int:
    return len(project("step", "list", thread, "--json").json)


def prompts(project: Project) -> str:
    file = project.home.parent / "prompts"
    return file.read_text() if file.exists() else ""


def comes(project: Project, event: dict[str, str]) -> None:
    """An event in the spool folder, and a daemon that looks."""
    folder = project.home / "events"
    folder.mkdir(exist_ok=True)
    (folder / ".new").write_text(json.dumps(event))
    (folder / ".new").rename(folder / "event.json")
    poke.send(str(project.home))


def test_an_event_is_told_and_its_thread_runs(served: Project) -> None:
    project = served
    thread = project.begin(ONE)
    daemon = Serving(project).leads()
    try:
        project("event", "send", "look", "--thread", thread, "--data", '"Mind the gap."')
        until(lambda: steps(project, thread) == 1, within_s=20)
        assert "Mind the gap." in prompts(project)
        assert project.show(thread)["told"] == []
    finally:
        assert daemon.end() == 0


def test_a_thread_that_completes_wakes_another_and_they_come_to_an_end(served: Project) -> None:
    project = served
    configure(
        project,
        "[[triggers]]",
        on="'thread.completed'",
        find="{ me = '{{ data.labels.peer }}' }",
        text="'{{ data.labels.me }} is done: {{ data.body }}'",
    )
    one = project.begin(ONE, "--label", "me=one", "--label", "peer=other")
    other = project.begin(ONE, "--label", "me=other", "--label", "peer=one")
    daemon = Serving(project).leads()
    try:
        project("event", "send", "begin", "--thread", one)
        until(
            lambda: (
                "depth"
                in [
                    row["reason"]
                    for row in project("event", "list", "--name", "thread.*", "--json").json
                ]
            ),
            within_s=60,
        )
        assert (steps(project, one), steps(project, other)) == (3, 2)
        assert "one is done: I did." in prompts(project)
    finally:
        assert daemon.end() == 0


def test_the_agent_of_the_glance_is_asked_beside_the_loop(served: Project) -> None:
    project = served
    eye = project.agent(reply("seen", should_run=True, urgency=5, reason="it is red"))
    configure(project, "[agents.eye]", command=repr(eye.command))
    configure(project, "[glance]", agent="'eye'")
    configure(project, "[[triggers]]", on="'ci.*'", text="'{{ data }}'", **{"class": "'fuzzy'"})
    thread = project.begin(ONE)
    project("event", "send", "ci.red", "--id", "x", "--data", '"The build is red."')
    daemon = Serving(project).leads()
    try:
        event = {"id": "y", "name": "ci.red", "thread": thread, "data": "The build is red."}
        comes(project, event)
        until(lambda: steps(project, thread) == 1, within_s=60)
        assert "The build is red." in prompts(project)
        assert eye.calls == 1
    finally:
        assert daemon.end() == 0


@pytest.mark.parametrize(
    "point",
    [
        "event decide: begun",
        "event: told",
        "event: woken",
        "event decide: written",
        "event decide: done",
    ],
)
def test_a_daemon_that_is_killed_while_it_decides_tells_once(served: Project, point: str) -> None:
    project = served
    configure(project, "[[triggers]]", on="'look'", text="'{{ data }}'")
    thread = project.begin(ONE)
    dying = Serving(project, UWF_CRASH_AT=point).leads()
    comes(project, {"id": "x", "name": "look", "thread": thread, "data": "Told once."})
    until(lambda: dying.process.poll() is not None, within_s=20)
    daemon = Serving(project, 2).leads()
    try:
        until(lambda: steps(project, thread) == 1, within_s=20)
        assert prompts(project).count("Told once.") == 1
        assert project.show(thread)["told"] == []
    finally:
        assert daemon.end() == 0


WAITS_ONCE = (
    'cat >>"$UWF_HOME/../prompts"\n'
    'if [ ! -e "$UWF_HOME/../began" ]; then touch "$UWF_HOME/../began"; sleep 60; fi\n'
    "printf -- '---\\n$status: done\\n---\\n'\n"
)


def test_what_a_killed_daemon_was_to_interrupt_the_next_one_does(project: Project) -> None:
    configured(project, WAITS_ONCE)
    configure(project, "[[triggers]]", on="'no'", text="'Not so.'", when_busy="'interrupt'")
    thread = project.begin(ONE, "--wake")
    dying = Serving(project, UWF_CRASH_AT="event decide: done").leads()
    until((project.home.parent / "began").exists, within_s=20)
    comes(project, {"id": "x", "name": "no", "thread": thread})
    until(lambda: dying.process.poll() is not None, within_s=20)
    assert project.show(thread)["running"] is not None
    daemon = Serving(project, 2).leads()
    try:
        until(lambda: steps(project, thread) == 1, within_s=20)
        assert prompts(project).count("Not so.") == 1
    finally:
        assert daemon.end() == 0
