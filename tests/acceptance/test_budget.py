"""What a thread may cost, from outside: given at the start, reached, raised on the record, shown."""

from __future__ import annotations

import json

import pytest

from tests.helpers.project import APPROVED, REJECTED, REVIEW, WRITTEN, Project, reply

DEAR = reply("written", "Once.", title="A tale", usage={"usd": 0.75, "tokens": 1200})
LIMITED = REVIEW.replace("roles:\n", "budget: {usd: 1, time: 2h}\nroles:\n", 1).replace(
    "    goal: A short text.\n", "    goal: A short text.\n    max_visits: 3\n"
)


def test_a_budget_is_given_reached_raised_and_shown(project: Project) -> None:
    agent = project.agent(DEAR, REJECTED, DEAR, APPROVED)
    thread = project.begin(REVIEW, "--budget", "usd=1,tokens=1M")
    shown = project.show(thread)
    assert shown["budget"] == {"usd": 1, "tokens": 1_000_000}
    assert shown["spent"] == {"tokens": 0, "usd": 0, "steps": 0, "visits": 0, "time": 0}

    lines = project.step(thread, agent, "--until-done", expect=3)
    assert [line["role"] for line in lines] == ["writer", "reviewer", "writer"]
    assert lines[-1]["status"] == "suspended"
    assert "$1.50 of $1.00" in lines[-1]["suspendMessage"]

    refused = project("thread", "resume", thread, "--agent", agent.command, "--json", expect=5)
    assert refused.error["code"] == "budget_exhausted"
    by = f"--agent {agent.command}"
    assert refused.error["hint"] == f"uwf thread resume {thread} {by} --budget +usd=1"
    assert agent.calls == 3

    project(*refused.error["hint"].split()[1:])
    shown = project.show(thread)
    assert (shown["status"], shown["budget"]["usd"]) == ("completed", 2)
    assert shown["spent"]["usd"] == 1.5
    assert shown["spent"]["steps"] == 4
    moves = project("ref", "log", f"@uwf/thread/{thread}", "--json").json
    assert "budget: usd 1 → 2" in [move["why"] for move in moves]


def test_a_reader_sees_what_was_spent_and_of_what(project: Project) -> None:
    thread = project.begin(REVIEW, "--budget", "usd=1", "--label", "repo=shop")
    project.step(thread, project.agent(DEAR))
    told = project("thread", "show", thread).out
    [line] = [line for line in told.splitlines() if line.startswith("spent")]
    assert "$0.75 of $1.00, 1.2k tokens, " in line and "steps" not in line

    table = project("thread", "list", "--columns", "thread,spent,budget,labels,agent").out
    head, row = table.splitlines()
    assert head.split() == ["THREAD", "SPENT", "BUDGET", "LABELS", "AGENT"]
    assert row.startswith(f"{thread}  $0.75, 1.2k tokens, ")
    assert "  usd=1   repo=shop  /" in row


def test_a_column_that_there_is_not_is_named_with_the_nearest(project: Project) -> None:
    done = project("thread", "list", "--columns", "thread,spend", "--json", expect=2)
    assert "'spend'" in done.error["message"]
    assert done.error["hint"] == "uwf thread list --columns spent"
    project("thread", "list", "--columns", ",", expect=2)


def test_the_workflow_file_limits_its_threads(project: Project) -> None:
    agent = project.agent(DEAR, REJECTED, DEAR)
    thread = project.begin(LIMITED)
    assert project.show(thread)["budget"] == {"usd": 1, "time": 7200, "visits": 3}
    lines = project.step(thread, agent, "--until-done", expect=3)
    assert "$1.50 of $1.00" in lines[-1]["suspendMessage"]


def test_the_config_limits_every_thread_and_the_day(project: Project) -> None:
    project("config", "set", "budget.thread.steps", "1")
    project("config", "set", "budget.day.usd", "0.5")
    thread = project.begin(REVIEW)
    assert project.show(thread)["budget"] == {"steps": 1}
    lines = project.step(thread, project.agent(DEAR), expect=3)
    assert "1 of 1 step" in lines[-1]["suspendMessage"]
    other = project.begin(REVIEW, "--budget", "steps=9")
    refused = project("thread", "exec", other, "--agent", "x", "--json", expect=75)
    assert refused.error["code"] == "budget_exhausted"
    assert "this machine has used $0.75 of $0.50 today; try again at 2" in refused.error["message"]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("usd=0", "usd: '0' leaves nothing to spend"),
        ("dollars=5", "'dollars' cannot be limited, only tokens, usd"),
        ("+usd=5", "+usd would raise a limit that there is not"),
        ("usd", "'usd' is not of the form NAME=LIMIT"),
    ],
)
def test_a_budget_that_is_none_starts_nothing(project: Project, budget: str, message: str) -> None:
    file = project.file("review.yaml", REVIEW)
    done = project("thread", "start", file, "-p", "x", "--budget", budget, "--json", expect=2)
    assert message in done.error["message"]
    assert not project.home.exists()


def test_a_raise_that_cannot_be_read_is_told_before_anything_else(project: Project) -> None:
    thread = project.begin(REVIEW)
    for text in ("++usd=1", "usd=", "steps=1.5"):
        project("thread", "resume", thread, "--budget", text, expect=2)


def test_a_config_that_is_broken_hides_no_thread(project: Project) -> None:
    thread = project.begin(REVIEW, "--budget", "usd=1")
    project.step(thread, project.agent(WRITTEN))
    (project.home / "config.toml").write_text("limits = 3\n")
    done = project("thread", "show", thread, "--json")
    assert json.loads(done.out)["budget"] == {"usd": 1}
    assert "limits is a table" in json.loads(done.err)["warning"]["message"]


def test_usage_under_names_that_nobody_counts_is_kept_and_warned_of_once(project: Project) -> None:
    thread = project.begin(REVIEW)
    usage = {"input_tokens": 500, "output_tokens": 20}
    agent = project.agent(
        reply("written", title="T", usage=usage), reply("approved", usage={**usage, "tokens": 520})
    )
    words = ("thread", "exec", thread, "--agent", agent.command, "--until-done")
    done = project(*words)
    assert done.err.splitlines() == [
        "warning: the usage of writer has input_tokens, output_tokens; counted are tokens and usd"
    ]
    assert [row["usage"] for row in project.steps(thread)] == [usage, {**usage, "tokens": 520}]
    assert project.show(thread)["spent"]["tokens"] == 520


def test_the_warning_about_usage_comes_once_for_many_steps(project: Project) -> None:
    agent = project.agent(
        reply("written", title="T", usage={"words": 3}), reply("approved", usage={"words": 1})
    )
    thread = project.begin(REVIEW)
    done = project("thread", "exec", thread, "--agent", agent.command, "--until-done")
    assert len(done.err.splitlines()) == 1


def test_the_day_of_a_home_is_that_of_its_first_thread(project: Project) -> None:
    agent = project.agent(reply())
    thread = project.begin()
    project("config", "set", "budget.day.steps", "1")
    project("thread", "exec", thread, "--agent", agent.command, env={"TZ": "Etc/GMT+12"})
    words = ("thread", "exec", project.begin(), "--agent", agent.command, "--json")
    told = {
        project(*words, env={"TZ": zone}, expect=75).error["retryAtMs"]
        for zone in ("Etc/GMT+12", "Etc/GMT-14", "Asia/Kathmandu", "<x>9", "")
    }
    assert len(told) == 1
    project("config", "set", "budget.zone", "Asia/Kathmandu")
    refused = project("config", "set", "budget.zone", "Mars/Olympus", expect=2)
    assert "no time zone" in refused.err


def test_a_budget_that_nobody_can_see_is_said(project: Project) -> None:
    silent = project.program(
        "silent", "cat >/dev/null; printf -- '---\\n$status: written\\ntitle: T\\n---\\n'"
    )
    project("config", "set", "agents.claude.command", silent)
    thread = project.begin(REVIEW, "--budget", "usd=5")
    assert "unseen" not in project.show(thread)
    done = project("thread", "exec", thread, "--agent", "claude")
    unknown = "usd not reported by agent claude (limit $5.00)"
    assert done.err == f"warning: {unknown}\n"
    assert project.show(thread)["unseen"] == {"usd": "claude"}
    assert "$0.00" not in project("thread", "list", "--all", "--columns", "spent").out
    [line] = [
        line for line in project("thread", "show", thread).out.splitlines() if "spent" in line
    ]
    assert unknown in line

    project("config", "set", "budget.unseen", "refuse")
    third = project.begin(REVIEW, "--budget", "usd=5")
    refused = project("thread", "exec", third, "--agent", "claude", "--json", expect=5).error
    assert (refused["reason"], refused["retryAtMs"]) == ("budget_unseen", None)
    assert unknown in refused["message"]
    project(*refused["hint"].split()[1:])
    project("thread", "exec", third, "--agent", "claude")
