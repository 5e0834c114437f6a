"""A hint is the next command to type: here they are typed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.helpers.project import ASKS, ONE, Project, reply

FILL_IN = {
    "TEXT": "some text",
    "VALUE": "cat",
    "FILE": "one.yaml",
    "WORKFLOW": "one.yaml",
    "DIR": ".",
}


def type_hint(project: Project, hint: str) -> list[int]:
    """Run what the hint says, with its placeholders filled in; the exit codes."""
    codes = []
    for command in hint.split(" && "):
        first, *words = shlex.split(command)
        assert not any(re.search(r"[.,:;]$", word) for word in words), f"not a command: {hint}"
        if first == "mkdir":
            Path(words[-1]).mkdir(parents=True)
            continue
        if first == "ls":
            assert os.path.lexists(words[-1]), hint
            continue
        assert first == "uwf", f"not a command: {hint}"
        codes.append(project(*(FILL_IN.get(word, word) for word in words), expect=None).code)
    return codes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home with a thread of every kind by its name, and a default agent that does its work."""
    place = tmp_path_factory.mktemp("made")
    (place / "user" / "project").mkdir(parents=True)
    project = Project(place / "home", place / "user" / "project")
    found = {name: project.begin(ONE) for name in ("idle", "completed", "asking", "cancelled")}
    found["failed"] = project.begin(ONE)
    project("config", "set", "agents.good.command", project.agent(ASKS, reply()).command)
    project("config", "set", "agents.bad.command", "false")
    for agent, name, code in (
        ("good", "asking", 3),
        ("bad", "failed", 6),
        ("good", "completed", 0),
    ):
        project("config", "set", "default_agent", agent)
        project("thread", "exec", found[name], expect=code)
    project("thread", "cancel", found["cancelled"])
    return project.home, found


@pytest.fixture
def threads(project: Project, made: tuple[Path, dict[str, str]]) -> dict[str, str]:
    """Those threads, in this project's own copy of that home."""
    home, found = made
    shutil.copytree(home, project.home)
    project.file("one.yaml", ONE)
    return found


@pytest.mark.parametrize(
    ("line", "expect"),
    [
        ("thread exec {completed}", 5),
        ("thread exec {asking}", 5),
        ("thread exec {cancelled}", 5),
        ("thread exec {failed}", 5),
        ("thread exec {idle} --agent ' '", 2),
        ("thread exec {idle} -c 2 --until-done", 2),
        ("thread exec {idle} --workflow no-such", 4),
        ("thread exec ZZZZ", 4),
        ("thread resume {idle}", 5),
        ("thread resume {cancelled}", 5),
        ("thread poke {idle} -p x", 5),
        ("thread undo {idle}", 5),
        ("thread cancel {completed}", 5),
        ("thread cancel {cancelled}", 5),
        ("thread show 01", 2),
        ("thread show ABCD", 4),
        ("thread list --status nothing", 2),
        ("thread list --all --history", 2),
        ("thread list --since never", 2),
        ("thread start one.yaml -p x --cwd made/by/hint", 2),
        ("thread start no-such -p x", 4),
        ("thread export {idle} -q", 2),
        ("thread fork {idle}~1", 4),
        ("step show {completed}~7", 4),
        ("step show {completed}~x", 2),
        ("step show {completed}/worker", 2),
        ("step show {completed}/worker@9", 4),
        ("step show {idle}", 4),
        ("step show feedfeedfeedfeed", 4),
        ("workflow show no-such", 4),
        ("agent check ' '", 5),
        ("config get agents.god.command", 2),
        ("config get limits.max_step", 2),
        ("config set limits.max_step 3", 2),
        ("thread start one.yaml -p x --label shop", 2),
        ("thread list --label shop", 2),
        ("thread set {idle} --label shop", 2),
        ("thread set {idle} --title 'a\nb'", 2),
        ("thread exec --where label=shop", 2),
        ("thread exec --where 'status=idle,label=a b'", 2),
        ("thread exec --where 'workflow=a b' --where 'workflow=c d'", 2),
        ("thread resume --where 'workflow=a b' -c 2 --until-done", 2),
        ("thread wait --where age=old", 2),
        ("thread start one.yaml -p x --cwd one.yaml", 2),
        ("thread start one.yaml -p x --cwd one.yaml/below", 2),
        ("thread resume {asking} --supplement ' '", 2),
        ("thread export {idle} -o one.yaml", 2),
        ("store backup one.yaml", 2),
        ("ref list --tag idle", 2),
        ("ref set x {idle} --tag idle", 2),
    ],
)
def test_the_hint_of_an_error_can_be_typed(
    project: Project, threads: dict[str, str], line: str, expect: int
) -> None:
    words = [word.format(**threads) for word in shlex.split(line)]
    done = project(*words, expect=expect)
    hints = [each for each in done.err.splitlines() if each.startswith("hint: ")]
    assert len(hints) <= 1 and (hints or line.startswith("agent check"))
    for hint in hints:
        hint = hint.removeprefix("hint: ")
        assert "THREAD" not in hint, "which one was known"
        assert set(type_hint(project, hint)) <= {0}, hint


def test_the_hints_of_a_first_hour_lead_to_a_completed_thread(project: Project) -> None:
    """From an empty home, typing nothing but what is hinted at."""
    project.file("one.yaml", ONE)
    agent = project.agent(ASKS, reply())
    hint = project("thread", "show", "@last", expect=4).err.partition("hint: ")[2]
    start = hint.replace("WORKFLOW", "one.yaml").strip()
    hint = project(*shlex.split(start)[1:]).err.partition("hint: ")[2].strip()
    configure = project(*shlex.split(hint)[1:], expect=5).err.partition("hint: ")[2].strip()
    assert type_hint(project, configure.replace("'COMMAND'", shlex.quote(agent.command))) == [0, 0]
    hint = project(*shlex.split(hint)[1:], expect=3).err.partition("hint: ")[2].strip()
    assert type_hint(project, hint) == [0]
    assert project.show("@last")["status"] == "completed"


def test_a_step_named_by_its_own_id_hints_at_its_thread(project: Project) -> None:
    thread = project.begin()
    head = project.show(thread)["head"]
    done = project("step", "show", head, "--json", expect=4)
    assert done.error["hint"] == f"uwf thread exec {thread}"


@pytest.mark.parametrize("limit", ["usd=1", "usd=0.1", "usd=0.0004", "tokens=7,usd=0.2"])
def test_a_budget_that_was_overdrawn_is_raised_by_enough(project: Project, limit: str) -> None:
    agent = project.agent(reply("$SUSPEND", reason="Why?", usage={"usd": 0.9, "tokens": 40}))
    thread = project.begin(ONE, "--budget", limit)
    project.step(thread, agent, expect=3)
    words = ("thread", "resume", thread, "--agent", agent.command)
    refused = project(*words, "--json", expect=None)
    if refused.code != 3:  # and with usd=1 something was left
        assert refused.error["reason"] == "budget_exhausted"
        shown = project("thread", "show", thread).err.partition("hint: ")[2]
        for hint in (refused.error["hint"], shown.strip() or refused.error["hint"]):
            project(*shlex.split(hint)[1:], expect=3)


def test_a_day_that_was_overdrawn_is_raised_by_enough(project: Project) -> None:
    agent = project.agent(reply(usage={"usd": 7.5}), reply(usage={"usd": 0.1}))
    project("config", "set", "budget.day.usd", "2")
    project.step(project.begin(), agent)
    words = ("thread", "exec", project.begin(), "--agent", agent.command)
    type_hint(project, project(*words, "--json", expect=75).error["hint"])
    project(*words)


@pytest.mark.parametrize("limit", ["max_attempts", "max_repeats"])
def test_what_was_tried_often_enough_hints_at_what_is_not_refused(
    project: Project, limit: str
) -> None:
    project("config", "set", f"limits.{limit}", "2")
    failing = project.program("failing", "cat >/dev/null; echo no luck >&2; exit 9")
    project("config", "set", "agents.failing.command", failing)
    project("config", "set", "default_agent", "failing")
    thread = project.begin()
    hint = f"uwf thread exec {thread}"
    for _ in range(5):
        hint = project(*shlex.split(hint)[1:], expect=6).err.partition("hint: ")[2].split("\n")[0]
    assert hint == f"uwf thread resume {thread} --supplement TEXT"


def test_a_missing_folder_is_made_by_typing_the_hint(project: Project) -> None:
    place = project.cwd / "place"
    place.mkdir()
    thread = project.begin(ONE, "--cwd", "place")
    place.rmdir()
    words = ("thread", "exec", thread, "--agent", project.agent(reply()).command)
    done = project(*words, "--json", expect=5)
    type_hint(project, done.error["hint"])
    project(*words)


def test_a_file_in_place_of_the_folder_is_shown_by_the_hint(project: Project) -> None:
    place = project.cwd / "place"
    place.mkdir()
    thread = project.begin(ONE, "--cwd", "place")
    place.rmdir()
    place.write_text("no folder")
    done = project("thread", "exec", thread, "--agent", "true", "--json", expect=5)
    assert "is not a folder" in done.error["message"]
    assert done.error["hint"] == f"ls -ld {shlex.quote(str(place))}"


def fail_by_turns(project: Project) -> tuple[str, list[str]]:
    """The last of three threads whose agent has failed, until the file `mended` is there; and what was hinted at."""
    script = "[ -e mended ] && exec cat reply.md; cat >/dev/null; exit 3"
    project.file("reply.md", reply())
    project("config", "set", "agents.mine.command", project.program("mine", script))
    project("config", "set", "default_agent", "mine")
    hints = []
    for _ in range(3):
        thread = project.begin()
        hints.append(project("thread", "exec", thread, "--json", expect=6).error["hint"])
    return thread, hints


def test_what_is_hinted_at_after_an_agent_has_failed_again_and_again_waits_for_it(
    project: Project,
) -> None:
    thread, hints = fail_by_turns(project)
    way_on = f"uwf thread resume {thread}"
    assert [hint.partition(" --wait ")[2] for hint in hints] == ["", "", "30m"]
    assert hints[-1] == f"{way_on} --wait 30m"
    for verb, code in (("exec", 5), ("wait", 6)):
        assert f"hint: {way_on} --wait 30m\n" in project("thread", verb, thread, expect=code).err
    for verb in ("show", "read"):
        assert f"{way_on} --wait 30m" in project("thread", verb, thread).out
    project("guard", "reset", "mine")
    assert f"{way_on}\n" in project("thread", "show", thread).out


def test_what_waits_for_an_agent_that_is_left_alone_comes_to_its_turn(project: Project) -> None:
    project("config", "set", "breaker.cooldown", "2s")
    _, hints = fail_by_turns(project)
    project.file("mended", "")
    assert type_hint(project, hints[-1]) == [0]


def test_what_is_hinted_at_keeps_the_agent_that_was_named(project: Project) -> None:
    """Typed without `--agent` it is for an agent of the config, of which there is none here."""
    agent = project.agent(ASKS, *["no reply"] * 3, reply())
    thread = project.begin()
    first = project("thread", "exec", thread, "--agent", f"{agent.command} 'a b'", expect=3)
    hint = first.err.partition("hint: ")[2].strip()
    line = shlex.quote(shlex.join([agent.command, "a b"]))
    assert hint == f"uwf thread resume {thread} --agent {line} --supplement TEXT"
    assert f"hint: {hint}" in project("thread", "exec", thread, expect=5).err
    failed = project(*(FILL_IN.get(word, word) for word in shlex.split(hint)[1:]), expect=6)
    hint = failed.err.partition("hint: ")[2].partition("\n")[0]
    assert hint == f"uwf thread resume {thread} --agent {line}"
    assert f"by hand: {hint}\n" in project("thread", "show", thread).out
    assert type_hint(project, hint) == [0]


def test_what_a_guard_hints_at_keeps_the_agent_that_was_named(project: Project) -> None:
    project("config", "set", "limits.max_attempts", "1")
    agent = project.agent(*["no reply"] * 3, reply())
    thread = project.begin()
    words = ("thread", "exec", thread, "--agent", agent.command, "--json")
    project(*words, expect=6)
    again = ("thread", "resume", *words[2:])
    refused = project(*again, expect=5).error
    assert refused["reason"] == "attempts_exhausted"
    assert type_hint(project, refused["hint"]) == [0]
