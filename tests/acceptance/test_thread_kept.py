"""A reply that cannot be stored costs exit 1, and no second run of its agent."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.crash import disk
from tests.helpers.project import ONE, Project

REPLY = "---\\n$status: done\\nusage: {usd: 3, tokens: 900}\\n---\\nAN EXPENSIVE ANSWER"


def agent(project: Project, meanwhile: str) -> str:
    """An agent that counts how often it runs, and does something before it answers."""
    runs = project.home.parent / "runs"
    return project.program(
        "costly", f"cat >/dev/null; echo run >>{runs}\n{meanwhile}\nprintf -- '{REPLY}'"
    )


def runs(project: Project) -> int:
    return len((project.home.parent / "runs").read_text().splitlines())


def spoiling(project: Project) -> str:
    """Leaves a counter that cannot be decoded, of which every outcome of a step has need."""
    script = project.file(
        "spoil.py",
        "import sqlite3, sys\n"
        "store = sqlite3.connect(sys.argv[1], timeout=30)\n"
        "store.execute(\"UPDATE counter SET value = x'c1' WHERE name = 'zone'\")\n"
        "store.commit()\n",
    )
    return agent(project, f"python3 {script} {project.home / 'store.db'}")


def test_a_counter_that_breaks_under_a_step_loses_no_reply(project: Project) -> None:
    id = project.begin(ONE)
    done = project("thread", "exec", id, "--agent", spoiling(project), "--json", expect=1)
    path = Path(done.error["kept"])
    assert path.parent == project.home / "replies"
    assert str(path) in done.error["message"] and "AN EXPENSIVE ANSWER" in path.read_text()
    assert done.error["hint"] == "uwf doctor --repair"
    shown = project.show(id)
    assert (shown["keptReply"], shown["steps"], shown["spent"]["usd"]) == (str(path), 0, 3)
    told = dict(line.split(maxsplit=1) for line in project("thread", "show", id).out.splitlines())
    assert (told["kept"], told.get("left")) == (str(path), None)
    assert str(path) in project("doctor", "--json", expect=1).out
    waited = project("thread", "wait", id, expect=1).err
    assert str(path) in waited and "uwf doctor --repair" in waited
    project("store", "gc", "--grace", "0s")
    assert path.exists()
    project("doctor", "--repair")
    shown = project.show(id)
    assert (shown["status"], shown["steps"], shown["spent"]["usd"]) == ("completed", 1, 3)
    assert "keptReply" not in shown
    assert (runs(project), path.exists()) == (1, False)
    assert "AN EXPENSIVE ANSWER" in project("step", "read", f"{id}~0").out
    project("doctor")


def test_of_many_that_come_at_once_one_takes_it_in(project: Project) -> None:
    id = project.begin(ONE)
    project("thread", "exec", id, "--agent", spoiling(project), expect=1)
    store = sqlite3.connect(project.home / "store.db")
    store.execute("DELETE FROM counter WHERE name = 'zone'")
    store.commit()
    store.close()
    many = [
        project.start("thread", "exec", id, "--agent", "false", "--json", "--wait", "30")
        for _ in range(5)
    ]
    codes = [process.wait(60) for process in many]
    assert codes.count(0) >= 1 and set(codes) <= {0, 5}, codes
    shown = project.show(id)
    assert (shown["status"], shown["steps"], shown["spent"]["usd"]) == ("completed", 1, 3)
    assert (runs(project), os.listdir(project.home / "replies")) == (1, [])


@pytest.mark.parametrize("lost", ["store", "home"])
def test_a_store_that_was_taken_away_gets_its_reply_when_it_is_back(
    project: Project, lost: str
) -> None:
    id = project.begin(ONE)
    backup = project.home.parent / "backup.db"
    project("store", "backup", str(backup))
    what = project.home if lost == "home" else f"{project.home}/store.db*"
    rm = agent(project, f"rm -r {what}")
    done = project("thread", "exec", id, "--agent", rm, "--json", expect=1)
    assert done.error["code"] == "store_gone"
    assert os.listdir(project.home / "replies") == [os.path.basename(done.error["kept"])]
    assert done.error["kept"] in project("doctor", "--json", expect=1).out
    shutil.copy(backup, project.home / "store.db")
    [line] = project("thread", "exec", id, "--agent", "false", "--json").json_lines
    assert (line["status"], line["usage"]["usd"], runs(project)) == ("completed", 3, 1)
    project("store", "verify", "--deep")


def test_a_kept_reply_tells_of_a_store_that_is_gone_with_its_mark(project: Project) -> None:
    id = project.begin(ONE)
    rm = agent(project, f"rm {project.home}/store.db*")
    path = project("thread", "exec", id, "--agent", rm, "--json", expect=1).error["kept"]
    for words in (
        ("thread", "list"),
        ("thread", "show", id),
        ("thread", "exec", id, "--agent", "false"),
        ("thread", "start", "one.yaml", "-p", "x"),
        ("workflow", "add", "one.yaml"),
        ("store", "verify"),
    ):
        refused = project(*words, "--json", expect=1)
        assert refused.error["code"] == "store_gone" and path in refused.error["message"], refused
        assert not (project.home / "store.db").exists()
    assert path in project("doctor", "--json", expect=1).out
    aside = refused.error["message"].partition("begin anew with ")[2]
    subprocess.run(aside.split(), check=True)
    assert project("thread", "list", "--json").json == []
    project("thread", "start", "one.yaml", "-p", "x")


def test_doctor_hints_at_what_helps_with_a_kept_reply_that_is_damaged(project: Project) -> None:
    id = project.begin(ONE)
    done = project("thread", "exec", id, "--agent", spoiling(project), "--json", expect=1)
    path = Path(done.error["kept"])
    path.write_bytes(path.read_bytes() + b"torn")
    findings = project("doctor", "--repair", "--json", expect=1).json
    [hint] = [one["hint"] for one in findings if not one["repaired"]]
    assert hint == f"mv {path} {path}.damaged"
    subprocess.run(hint.split(), check=True)
    project("doctor", "--repair")


@pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)
def test_a_reply_of_which_only_the_beginning_found_room_is_not_said_to_be_kept(
    project: Project,
) -> None:
    id = project.begin(ONE)
    costly = spoiling(project)
    no_room = disk.fault("enospc write 1", f"{project.home}/replies/.room")
    words = ("thread", "exec", id, "--agent", costly, "--json")
    told = project(*words, expect=1, env=no_room).error["message"]
    assert "only its beginning" in told and "asked again" in told and "takes it in" not in told
    assert project.show(id)["keptReplyIsCut"] is True
    for look in (("thread", "show", id), ("doctor", "--json"), ("thread", "wait", id)):
        done = project(*look, expect=None)
        assert "only its beginning" in done.out + done.err, done
    project("doctor", "--repair")
    shown = project.show(id)
    assert (shown["steps"], shown["spent"]["usd"]) == (0, 3)
    assert "no room for the whole" in shown["failed"]["message"] and "keptReply" not in shown
    project("thread", "exec", id, "--agent", agent(project, ""))
    assert runs(project) == 2


@pytest.mark.skipif(not disk.can_fail(), reason=disk.WHY_NOT)
def test_a_disk_that_fills_up_under_an_agent_costs_it_once(project: Project) -> None:
    """At whatever write: its room was taken from the disk before."""
    costly = agent(project, "")
    lost = 0
    for call in range(4, 40, 3):
        (project.home.parent / "runs").write_text("")
        id = project.begin(ONE)
        full = disk.fault(f"enospc write {call}+", f"{project.home}/store.db")
        words = ("thread", "exec", id, "--agent", costly, "--json")
        done = project(*words, expect=None, env=full)
        if done.code == 0:
            continue
        assert (done.code, done.error["code"]) == (1, "store_full")
        was_kept = "kept" in done.error
        assert was_kept == (runs(project) == 1), done
        lost += was_kept
        project(*words)
        assert runs(project) == 1
    assert lost > 1
