"""`uwf schedule`, and a daemon that looks at schedules: real processes, real agents, real clocks."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.project import APPROVED, ONE, REVIEW, WRITTEN, Project, until
from tests.helpers.serving import Serving, configured

REPLIES = "cat >/dev/null\nprintf -- '---\\n$status: done\\n---\\n'\n"
FAILS = "cat >/dev/null\necho no model >&2\nexit 1\n"


def schedule(project: Project, **fields: Any) -> None:
    """One more `[[schedules]]` in the config; it does the workflow `one` here unless told otherwise."""
    project.home.mkdir(exist_ok=True)
    if "wake" not in fields:
        here = str(project.file("one.yaml", ONE))
        fields = {**fields, "start": here, "prompt": "Tidy up.", "cwd": str(project.cwd)}
    lines = [f"{key} = {toml(value)}" for key, value in fields.items()]
    with (project.home / "config.toml").open("a") as config:
        config.write("\n".join(["[[schedules]]", *lines, ""]))


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return repr(value)


def logged(project: Project, name: str = "often") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project("schedule", "log", name, "--json").json
    return found


def shown(project: Project, name: str = "night") -> dict[str, Any]:
    found = project("schedule", "list", "--json").json
    return next(one for one in found if one["schedule"] == name)


@pytest.fixture
def daemons(project: Project) -> Iterator[list[Serving]]:
    found: list[Serving] = []
    yield found
    for each in found:
        if each.process.poll() is None:
            each.kill()


def test_a_new_home_has_no_schedule_and_says_where_they_are_written(project: Project) -> None:
    assert project("schedule", "list", "--json").json == []
    done = project("schedule", "list")
    assert f"[[schedules]] in {project.home}/config.toml" in done.err
    error = project("schedule", "run", "night", "--json", expect=4).error
    assert error["code"] == "no_such_schedule"


def test_a_schedule_is_listed_with_its_next_time(project: Project) -> None:
    schedule(project, name="night", cron="30 2 * * *", tz="Europe/Berlin")
    one = shown(project)
    assert {key: one[key] for key in ("schedule", "state", "last", "failures")} == {
        "schedule": "night",
        "state": "on",
        "last": None,
        "failures": 0,
    }
    found = project("schedule", "next", "night", "-n", "2", "--json").json
    assert found[0]["nominal"] == one["next"] == found[0]["due"]
    assert all(re.search(r"T02:30:00\+0[12]:00$", each["local"]) for each in found)
    assert "30 2 * * *" in project("schedule", "list").out
    near = project("schedule", "next", "nigt", expect=4).err
    assert "did you mean night?" in near
    assert "1000" in project("schedule", "next", "-n", "99999999", expect=2).err


def test_a_precheck_that_is_meant_for_a_shell_is_named(project: Project) -> None:
    schedule(project, name="night", every="1h", precheck="echo nothing new; exit 1")
    done = project("schedule", "list")
    assert re.search(r"config\.toml:\d+: no shell is run, and new; is one's: write sh -c", done.err)
    project.home.joinpath("config.toml").unlink()
    schedule(project, name="night", every="1h", precheck="sh -c 'echo nothing new; exit 1'")
    assert "shell" not in project("schedule", "list").err


def test_a_run_by_hand_makes_a_thread_that_is_due_and_its_facts_come_with_it(
    project: Project,
) -> None:
    configured(project, REPLIES)
    schedule(project, name="night", cron="0 4 * * *", label={"night": "1"})
    one = project("schedule", "run", "night", "--json").json
    [thread] = one["threads"]
    assert (one["state"], one["by"], one["firstTurn"]) == ("started", "hand", None)
    tags = project("ref", "get", f"@uwf/thread/{thread}", "--json").json["tags"]
    assert tags["occurrence"] == f"night@{one['nominal']}"
    again = project("schedule", "run", "night", "--json", expect=5).error
    assert again["code"] == "overlap"
    assert thread in again["message"]
    project("thread", "exec", thread, "--until-done")
    last = shown(project)["last"]
    assert (last["state"], last["how"]) == ("ended", "completed")
    assert one["claimed"] <= last["started"] <= last["firstTurn"] <= last["ended"]
    [logged] = project("schedule", "log", "night", "--json").json
    assert logged == last


def test_one_that_a_person_runs_and_that_cannot_start_says_so(project: Project) -> None:
    schedule(project, name="night", cron="0 4 * * *", tz="UTC")
    (project.cwd / "one.yaml").unlink()
    error = project("schedule", "run", "night", "--json", expect=5).error
    assert error["code"] == "not_started" and "no workflow" in error["message"]
    [one] = project("schedule", "log", "night", "--json").json
    assert (one["how"], one["started"]) == ("failed", None)


def test_pause_resume_and_backfill(project: Project) -> None:
    schedule(project, name="night", cron="0 4 * * *", tz="UTC")
    assert "paused" in project("schedule", "pause", "night", "--reason", "red").out
    one = shown(project)
    assert (one["state"], one["next"], one["pausedWhy"]) == ("paused", None, "red")
    assert "paused: red" in project("schedule", "list").out
    assert "goes on, next at" in project("schedule", "resume", "night").out
    planned = project("schedule", "backfill", "night", "--since", "3d", "--dry-run", "--json").json
    assert len(planned) == 3
    assert project("schedule", "log", "night", "--json").json == []
    done = project("schedule", "backfill", "night", "--since", "3d", "--json").json
    assert done == planned
    states = [one["state"] for one in project("schedule", "log", "night", "--json").json]
    assert states == ["claimed", "claimed", "started"]
    assert project("schedule", "backfill", "night", "--since", "3d", "--json").json == []
    too_many = project("schedule", "backfill", "night", "--since", "3000d", expect=2).err
    assert "more than 1000 occurrences" in too_many


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cron": "0 0 30 2 *"}, "3: schedules.night.cron: '0 0 30 2 *' never comes true"),
        ({"cron": "0 4 * *"}, "3: schedules.night.cron: '0 4 * *' has 4 fields"),
        ({"cron": "0 4 * * *", "tz": "Europe/Berln"}, "4: schedules.night.tz: 'Europe/Berln' is"),
        ({"crom": "0 4 * * *"}, "3: schedules.night.crom is not a known key; did you mean"),
        ({"cron": "0 4 * * *", "missed": "some"}, "4: schedules.night.missed: 'some' is none of"),
        ({}, "1: schedules.night: it has a cron or an every, one of the two"),
    ],
)
def test_a_schedule_that_is_wrong_is_refused_with_file_and_line(
    project: Project, fields: dict[str, Any], message: str
) -> None:
    schedule(project, name="night", **fields)
    done = project("schedule", "list", expect=2)
    assert f"{project.home}/config.toml:{message}" in done.err


def test_a_daemon_starts_what_is_due_and_says_truly_what_came_of_it(
    project: Project, daemons: list[Serving]
) -> None:
    configured(project, REPLIES)
    schedule(project, name="often", every="1s", overlap="queue")
    schedule(project, name="never", cron="0 0 29 2 *")
    daemons.append(Serving(project).leads())
    until(lambda: any(one["how"] == "completed" for one in logged(project)))
    found = until(
        lambda: len(done := project("schedule", "log", "often", "--json").json) > 2 and done
    )
    assert len({one["nominal"] for one in found}) == len(found)
    assert shown(project, "never")["last"] is None
    daemons[0].end()
    over = [one for one in found if one["state"] == "ended"]
    assert over
    for one in over:
        assert one["nominal"] <= one["claimed"] <= one["started"] <= one["firstTurn"]


def test_a_daemon_asks_the_precheck_first(project: Project, daemons: list[Serving]) -> None:
    configured(project, REPLIES)
    check = project.program("check", 'test -e "$UWF_HOME/../news" || { echo none; exit 1; }\n')
    schedule(project, name="often", every="1s", precheck=check)
    daemons.append(Serving(project).leads())
    until(lambda: any(one["why"] == "none" for one in logged(project)))
    assert project("thread", "list", "--all", "--json").json == []
    (project.home.parent / "news").touch()
    until(lambda: any(one["how"] == "completed" for one in logged(project)))


def test_with_cancel_a_run_that_takes_too_long_is_ended_for_the_next(
    project: Project, daemons: list[Serving]
) -> None:
    configured(project, f'test "$UWF_ATTEMPT" -a -e "$UWF_HOME/../quick" || sleep 60\n{REPLIES}')
    schedule(project, name="often", every="2s", overlap="cancel")
    daemons.append(Serving(project).leads())
    until(lambda: any(one["how"] == "cancelled" for one in logged(project)), within_s=30)
    (project.home.parent / "quick").touch()
    until(lambda: any(one["how"] == "completed" for one in logged(project)), within_s=30)
    cancelled = next(one for one in logged(project) if one["how"] == "cancelled")
    reason = project.show(cancelled["threads"][0])
    assert reason["status"] == "cancelled"


def test_a_completed_thread_is_woken_with_words_and_goes_on(project: Project) -> None:
    agent = project.agent(WRITTEN, APPROVED, WRITTEN, APPROVED)
    project("config", "set", "agents.all.command", agent.command)
    project("config", "set", "default_agent", "all")
    thread = project.begin(REVIEW, "--label", "pr=42")
    project("thread", "exec", thread, "--until-done")
    schedule(project, name="ask", cron="0 0 29 2 *", wake={"pr": "42"}, text="Any news?")
    assert project("schedule", "run", "ask", "--json").json["threads"] == [thread]
    assert shown(project, "ask")["last"]["firstTurn"] is None
    assert project.show(thread)["wakeAt"] is not None
    project("thread", "exec", thread, "--until-done")
    assert "Any news?" in agent.prompt(3)
    assert "schedule ask" in agent.prompt(3)
    assert shown(project, "ask")["last"]["how"] == "completed"


def test_a_cron_line_does_what_a_daemon_does(project: Project) -> None:
    configured(project, REPLIES)
    check = project.program("check", "echo 3 new")
    schedule(project, name="often", every="1s", precheck=check)
    project("thread", "run", "--due")
    assert logged(project) == []
    time.sleep(1.1)
    shown_first = project("thread", "run", "--due", "--dry-run", "--json")
    assert (shown_first.json_lines, logged(project)) == ([], [])
    done = project("thread", "run", "--due")
    *_, one = logged(project)
    assert f"schedule often: started {one['threads'][0]}" in done.err
    assert one["how"] == "completed"
    [told] = project("step", "show", one["threads"][0], "--json").json["told"]
    assert (told["text"], told["who"]) == ("3 new", "precheck of schedule often")


def test_many_cron_lines_at_once_claim_each_time_once(project: Project) -> None:
    configured(project, REPLIES)
    schedule(project, name="often", every="1s", missed="all", overlap="queue")
    project("thread", "run", "--due")
    time.sleep(3)
    racing = [project.start("thread", "run", "--due") for _ in range(6)]
    assert {each.wait(timeout=60) for each in racing} <= {0, 5}  # 5: another one runs the thread
    found = logged(project)
    assert len(found) >= 3
    assert len({one["nominal"] for one in found}) == len(found)
    threads = [thread for one in found for thread in one["threads"]]
    there = [one["thread"] for one in project("thread", "list", "--all", "--json").json]
    assert sorted(threads) == sorted(there)


def test_failures_in_a_row_pause_it_and_are_an_alert(
    project: Project, daemons: list[Serving]
) -> None:
    configured(project, FAILS)
    schedule(project, name="often", every="1s", pause_after=2)
    daemons.append(Serving(project).leads())
    until(lambda: shown(project, "often")["state"] == "paused")
    one = shown(project, "often")
    assert "2 failures in a row" in one["pausedWhy"]
    assert [one["how"] for one in logged(project)].count("failed") >= 2


@pytest.mark.parametrize("point", ["claim: done", "occurrence: thread made", "occurrence: done"])
def test_a_daemon_that_is_killed_neither_loses_nor_doubles_an_occurrence(
    project: Project, daemons: list[Serving], point: str
) -> None:
    configured(project, REPLIES)
    schedule(project, name="often", every="1s", overlap="queue")
    first = Serving(project, UWF_CRASH_AT=f"{point}:2")
    daemons.append(first)
    until(lambda: first.process.poll() == -signal.SIGKILL)
    left = project("schedule", "log", "often", "--json").json
    daemons.append(Serving(project, 2).leads())
    until(lambda: any(one["how"] == "completed" for one in logged(project)))
    daemons[1].end()
    found = project("schedule", "log", "often", "-n", "100", "--json").json
    times = [one["nominal"] for one in found]
    assert len(set(times)) == len(times)
    assert {one["nominal"] for one in left} <= set(times)
    threads = [thread for one in found for thread in one["threads"]]
    there = [one["thread"] for one in project("thread", "list", "--all", "--json").json]
    assert sorted(threads) == sorted(there)


def test_names_of_schedules_complete(project: Project) -> None:
    schedule(project, name="nightly", cron="0 4 * * *")
    done = project("--", "schedule", "run", "ni", env={"_UWF_COMPLETE": "zsh"})
    assert "nightly" in done.out


def test_next_of_all_is_by_time(project: Project) -> None:
    schedule(project, name="b", every="1h")
    schedule(project, name="a", every="2h")
    found = project("schedule", "next", "-n", "3", "--json").json
    assert [one["due"] for one in found] == sorted(one["due"] for one in found)
    assert {one["schedule"] for one in found} == {"a", "b"}
