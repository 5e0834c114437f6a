"""`uwf` alone greets with the state of the home, and says what to type next."""

from __future__ import annotations

import shlex

from tests.helpers.project import ASKS, Project, reply
from tests.helpers.terminal import Terminal


def test_an_empty_home_is_told_how_to_begin_and_stays_empty(project: Project) -> None:
    done = project()
    assert (done.err, "uwf setup" in done.out, "uwf demo" in done.out) == ("", True, True)
    assert project("--json").json["next"] == ["uwf setup", "uwf demo", "uwf --help"]
    assert not (project.home / "store.db").exists()


def test_a_home_is_summed_up_and_what_it_proposes_can_be_typed(project: Project) -> None:
    asks = project.begin(task="Paint the fence.")
    project.step(asks, project.agent(ASKS), expect=3)
    fails = project.begin(task="Fail.")
    broken = project.program("broken", "echo no luck >&2; exit 3")
    project("thread", "exec", fails, "--agent", broken, expect=6)
    ended = project.begin()
    project.step(ended, project.agent(reply()))
    project("thread", "wake", project.begin())

    told = project().out
    fields = dict(line.split(maxsplit=1) for line in told.splitlines()[:4] if line[:1] != "w")
    assert told.startswith("waits for you  1\n")
    assert fields == {"running": "nothing", "broken": "1", "due": "1"}
    assert "cost today     2 steps\n" in told
    assert f"{asks}  suspended  worker" in told and "Which colour?" in told
    assert ended not in told

    found = project("--json").json
    assert [item["thread"] for item in found["waiting"]] == [asks]
    assert [item["thread"] for item in found["failed"]] == [fails]
    assert (found["threads"], found["runs"], found["due"], found["broken"]) == (4, 0, 1, [])
    assert found["today"]["steps"] == 2
    answer, show, run, _ = found["next"]
    assert project("-q").out == f"{asks}\n"
    project(*shlex.split(show)[1:])
    project(*shlex.split(answer.replace("TEXT", "Blue."))[1:])
    assert shlex.split(run)[1:] == ["thread", "run", "--due"]
    assert project("--json").json["waiting"] == []


def test_a_person_sees_signs_and_ids_to_type_in_80_columns(project: Project) -> None:
    asks = project.begin(task="Paint the fence.")
    project.step(asks, project.agent(ASKS), expect=3)
    terminal = Terminal(project)
    assert terminal.end() == 0
    row = next(line for line in terminal.screen if "? suspended" in line)
    short = row.split()[0]
    assert asks.endswith(short) and asks not in terminal.written
    assert f"uwf answer {short} TEXT  # worker waits for it" in terminal.screen
    assert max(map(len, terminal.screen)) <= 80


def test_a_broken_config_hides_nothing_and_a_broken_store_is_said(project: Project) -> None:
    thread = project.begin()
    (project.home / "config.toml").write_text("nonsense = [")
    done = project()
    assert "config.toml" in done.err and "waits for you  nothing" in done.out
    assert project("thread", "list", "-q").out == f"{thread}\n"
    (project.home / "store.db").write_bytes(b"no store at all" * 100)
    assert (
        project("--json", expect=1).error["code"]
        == (project("thread", "list", "--json", expect=1).error["code"])
    )


def test_a_narrow_terminal_has_each_thread_on_one_line(project: Project) -> None:
    asks = project.begin(task="Paint the fence.")
    project.step(asks, project.agent(ASKS), expect=3)
    terminal = Terminal(project, columns=40)
    assert terminal.end() == 0
    row = next(line for line in terminal.screen if "? suspended" in line)
    assert len(row) <= 40 and "Which colour?" in row
