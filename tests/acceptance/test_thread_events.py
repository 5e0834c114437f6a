"""What threads come to is an event, where a trigger is on it: decided by the next pass where no daemon runs."""

from __future__ import annotations

import pytest

from tests.helpers.project import ASKS, ONE, REVIEW, Project, reply

ON_COMPLETED = """
[[triggers]]
on = "thread.completed"
find = { after = "{{ data.labels.name }}" }
when = "data.labels.name"
text = "{{ data.thread }} of {{ data.workflow }} is done by {{ data.role }}"
"""


def configured(project: Project, *parts: str, agent: str) -> None:
    project("config", "set", "agents.all.command", agent)
    project("config", "set", "default_agent", "all")
    path = project.home / "config.toml"
    path.write_text(path.read_text() + "".join(parts))


def names(project: Project) -> list[str]:
    return [row["name"] for row in reversed(project("event", "list", "--json").json)]


def test_a_thread_that_completes_wakes_the_one_that_waits_for_it(project: Project) -> None:
    agent = project.agent(reply())
    configured(project, ON_COMPLETED, agent=agent.command)
    first = project.begin(ONE, "--label", "name=paint")
    second = project.begin(ONE, "--label", "after=paint")
    project("thread", "run", "--due")
    project("thread", "exec", first)
    project("thread", "run", "--due", "--dry-run")
    assert project("event", "list", "--json").json == [], "looking decides nothing"
    project("thread", "run", "--due")
    later, event = project("event", "list", "--json").json
    assert later["state"] == "ignored", "nobody waits for the second"
    assert (event["name"], event["who"], event["trust"], event["state"], event["threads"]) == (
        "thread.completed",
        first,
        "bot",
        "told",
        [second],
    )
    assert f"{first} of one is done by worker" in agent.prompt(2)
    assert project.show(second)["status"] == "completed"


def test_two_threads_that_wake_each_other_come_to_an_end(project: Project) -> None:
    agent = project.agent(reply())
    configured(project, ON_COMPLETED, agent=agent.command)
    for own, other in (("ping", "pong"), ("pong", "ping")):
        project.begin(ONE, "--label", f"name={own}", "--label", f"after={other}")
    project("thread", "run", "--due")
    project("thread", "exec", "@last")
    for _ in range(12):
        project("thread", "run", "--due")
    assert project("thread", "list", "--due", "--json").json == []
    assert 4 <= agent.calls <= 6
    assert "depth" in project("event", "list", "--json").json[0]["reason"]


def test_what_suspends_fails_cancels_and_is_dispatched_has_its_name(project: Project) -> None:
    on = "".join(
        f'[[triggers]]\non = "{name}"\nclass = "ignore"\n' for name in ("thread.*", "task.*")
    )
    configured(project, on, agent=project.agent(ASKS).command)
    asking = project.begin(REVIEW)
    project("thread", "run", "--due")
    project("thread", "exec", asking, expect=3)
    project("thread", "cancel", asking, "--reason", "enough")
    failing = project.begin()
    project("thread", "exec", failing, "--agent", "false", expect=6)
    project("thread", "run", "--due")
    assert names(project) == [
        *("task.dispatched", "thread.suspended", "thread.cancelled"),
        *("task.dispatched", "thread.failed"),
    ]
    page = project("event", "show", project("event", "list", "-q").out.split()[-2], "--json").json
    assert page["data"]["message"] == "Which colour?"


@pytest.mark.parametrize("has_other", [False, True])
def test_nothing_is_stored_where_no_trigger_is_on_it(project: Project, has_other: bool) -> None:
    other = '[[triggers]]\non = "github.*"\n' if has_other else ""
    configured(project, other, agent=project.agent(reply()).command)
    project("thread", "run", "--due")
    project("thread", "exec", project.begin())
    project("thread", "run", "--due")
    assert names(project) == []
