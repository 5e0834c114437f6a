"""A thread of a shared store on two machines, by the installed command: a home, a clone and a name for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.program import Uwf
from tests.helpers.repository import copied, typed

AGENT = """\
#!/bin/sh
cat >/dev/null
echo "$UWF_ROLE on $(basename "$UWF_HOME")" >>work
case $(grep -c . work) in 3) sleep 600 ;; esac
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""
WORKFLOW = """\
version: 1
name: again
description: One role, again and again.
roles:
  one:
    description: The one.
    goal: Work.
    capabilities: []
    procedure: Do it.
    output: Words.
    frontmatter: {type: object, properties: {$status: {enum: [done, over]}}, required: [$status]}
graph:
  $START: {new: {role: one, prompt: Begin.}}
  one: {done: {role: one, prompt: Again.}, over: {role: $END}}
"""


class Machine(Uwf):
    """A person's machine, called `name`."""

    def __init__(self, folder: Path, name: str, database: str, origin: Path) -> None:
        super().__init__(folder / f"home-{name}", folder / name / "project")
        typed(folder, "clone", "-q", str(origin), str(self.cwd))
        self.environ |= {"UWF_STORE": database, "UWF_HOST": name}
        self("config", "set", "agents.mine.command", str(folder / "agent.sh"))
        self("config", "set", "default_agent", "mine")


@pytest.fixture
def machines(tmp_path: Path, database: str) -> tuple[Machine, Machine]:
    (tmp_path / "agent.sh").write_text(AGENT)
    (tmp_path / "agent.sh").chmod(0o755)
    origin = copied(tmp_path / "origin")
    a, b = (Machine(tmp_path, name, database, origin) for name in ("a", "b"))
    a("config", "set", f'workspace.folders."{b.cwd.parent}"', str(a.cwd.parent))
    b("config", "set", f'workspace.folders."{a.cwd.parent}"', str(b.cwd.parent))
    (tmp_path / "again.yaml").write_text(WORKFLOW)
    a("workflow", "add", tmp_path / "again.yaml")
    return a, b


def begin(machine: Machine) -> str:
    words = ("thread", "start", "again", "-p", "Work.", "--worktree", "--json")
    return str(machine(*words).json["thread"])


def work(machine: Machine, id: str) -> list[str]:
    return (machine.home / "worktrees" / id / "work").read_text().splitlines()


def test_there_and_back(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    id = begin(a)
    a("thread", "exec", id)
    b("thread", "exec", id)
    assert work(b, id) == ["one on home-a", "one on home-b"]
    assert work(a, id) == ["one on home-a"]
    assert a("thread", "show", id, "--json").json["host"] == "b"
    assert "\nhost       b\n" in a("thread", "show", id).out
    assert "is on b, after a" in b("thread", "log", id).out
    assert "+one on home-b" in a("thread", "diff", id, expect=None).out
    assert a("store", "verify", "--deep", "--json").code == 0


def test_what_was_stopped_here_is_gone_on_with_there(machines: tuple[Machine, Machine]) -> None:
    a, b = machines
    id = begin(a)
    a("thread", "exec", id, "-c", "2")
    run = a.start("thread", "exec", id)
    path = a.home / "worktrees" / id / "work"
    while len(path.read_text().splitlines()) < 3:
        assert run.poll() is None
    run.terminate()
    run.communicate(timeout=60)
    assert run.returncode == 143
    b("thread", "exec", id)
    assert work(b, id) == [*["one on home-a"] * 3, "one on home-b"]


def test_a_machine_without_the_repository_says_so_and_changes_nothing(
    machines: tuple[Machine, Machine],
) -> None:
    a, b = machines
    id = begin(a)
    a("thread", "exec", id)
    b("config", "set", f'workspace.folders."{a.cwd.parent}"', "/nowhere")
    error = b("thread", "exec", id, "--json", expect=5).error
    assert error["reason"] == "not_here"
    assert error["message"].startswith(f"thread {id} is on a, and there is no repository at")
    a("thread", "exec", id)
    assert len(work(a, id)) == 2
