"""Threads in worktrees, by the installed command: what a person types, and what is answered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.program import Uwf
from tests.helpers.repository import commit, copied, typed

AGENT = """\
#!/bin/sh
cat >/dev/null
echo "$UWF_ROLE $UWF_STEP_INDEX" >>work
printf -- '---\\n$status: done\\n---\\nDone.\\n'
"""
WORKFLOW = """\
version: 1
name: once
description: One role.
roles:
  one:
    description: The one.
    goal: Work.
    capabilities: []
    procedure: Do it.
    output: Words.
    frontmatter: {type: object, properties: {$status: {const: done}}, required: [$status]}
graph:
  $START: {new: {role: one, prompt: Begin.}}
  one: {done: {role: $END, prompt: ""}}
"""


@pytest.fixture
def repo(uwf: Uwf, tmp_path: Path) -> Path:
    uwf.cwd = copied(tmp_path / "repo")
    agent, workflow = tmp_path / "agent.sh", tmp_path / "once.yaml"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    workflow.write_text(WORKFLOW)
    uwf("config", "set", "agents.mine.command", str(agent))
    uwf("config", "set", "default_agent", "mine")
    uwf("workflow", "add", workflow)
    return uwf.cwd


def start(uwf: Uwf, *words: str) -> str:
    return str(uwf("thread", "start", "once", "-p", "Work.", *words, "--json").json["thread"])


def test_from_the_start_to_the_merge(uwf: Uwf, repo: Path) -> None:
    (repo / "a").write_text("not committed\n")
    begun = uwf("thread", "start", "once", "-p", "Work.", "--worktree", "--json")
    typed(repo, "checkout", "-q", "a")
    assert "not in it" in begun.err
    id, tree = begun.json["thread"], begun.json["worktree"]
    assert tree["path"] == str(uwf.home / "worktrees" / id)
    assert Path(tree["path"], "a").read_text().startswith("1")
    uwf("thread", "exec", id, "--until-done")
    [row] = uwf("worktree", "list", "--json").json
    assert (row["state"], row["branch"], row["status"]) == ("changed", tree["branch"], "completed")
    [kept] = uwf("worktree", "prune", "--json").json
    assert (kept["removed"], kept["why"]) == (False, "it has changes that are not committed")
    typed(Path(tree["path"]), "add", "-A")
    typed(Path(tree["path"]), "commit", "-q", "-m", "done")
    assert f"{id}  would go" in uwf("worktree", "prune", "--dry-run").out
    done = uwf("thread", "merge", id, "--json").json
    assert done["checkout"] == str(repo)
    assert (repo / "work").read_text() == "one 1\n"
    assert uwf("worktree", "list", "--json").json == []
    assert uwf("thread", "show", id, "--json").json["worktree"]["merged"] == done["commit"]


def test_a_conflict_is_exit_5_and_run_by_whoever_runs_what_is_due(uwf: Uwf, repo: Path) -> None:
    id = start(uwf, "--worktree", "mine")
    uwf("thread", "exec", id)
    commit(repo, "theirs", work="theirs\n")
    failed = uwf("thread", "merge", id, "--json", expect=5)
    assert failed.error["code"] == "merge_conflict"
    shown = uwf("thread", "show", id, "--json").json
    assert shown["told"][0]["who"] == "thread merge"
    uwf("thread", "run", "--due")
    assert len(uwf("step", "list", id, "--json").json) == 2


def test_undo_and_fork_carry_the_files(uwf: Uwf, repo: Path) -> None:
    id = start(uwf, "--worktree")
    uwf("thread", "exec", id)
    work = uwf.home / "worktrees" / id / "work"
    made = uwf("thread", "fork", id, "--json").json
    forked = made["thread"]
    assert made["worktree"]["path"].endswith(forked)
    assert (uwf.home / "worktrees" / forked / "work").read_text() == "one 1\n"
    assert "--tree" in uwf("thread", "undo", id).err
    assert work.exists()
    uwf("thread", "exec", id)
    uwf("thread", "undo", id, "--tree")
    assert work.read_text() == "one 1\n"  # as it was when the undone step began
    assert uwf("thread", "undo", start(uwf), "--tree", expect=5).err


def test_without_a_repository_nothing_is_begun(uwf: Uwf, repo: Path, tmp_path: Path) -> None:
    words = ("thread", "start", "once", "-p", "x", "--cwd", str(tmp_path), "--worktree", "--json")
    assert uwf(*words, expect=2).error["code"] == "no_repository"
    assert uwf("thread", "list", "--all", "--json").json == []


def test_the_config_gives_new_threads_one(uwf: Uwf, repo: Path, tmp_path: Path) -> None:
    uwf("config", "set", "workspace.kind", "worktree")
    assert uwf("thread", "show", start(uwf), "--json").json["worktree"]
    assert "worktree" not in uwf("thread", "show", start(uwf, "--cwd", "."), "--json").json
    uwf.cwd = tmp_path
    begun = uwf("thread", "start", "once", "-p", "Work.", "--json")
    assert "works in" in begun.err
    assert "worktree" not in begun.json


def test_new_threads_wait_where_the_quota_is_reached(uwf: Uwf, repo: Path) -> None:
    first = start(uwf, "--worktree")
    uwf("config", "set", "workspace.total_quota", "1KiB")
    begun = uwf("thread", "start", "once", "-p", "Work.", "--worktree", "--json")
    assert "waits" in begun.err
    refused = uwf("thread", "exec", begun.json["thread"], "--json", expect=75)
    assert refused.error["reason"] == "worktree_quota"
    assert refused.error["retryAtMs"]
    uwf("thread", "exec", first)
    uwf("config", "set", "workspace.quota", "1KiB")
    refused = uwf("thread", "resume", first, "--supplement", "more", "--json", expect=5)
    assert refused.error["reason"] == "worktree_quota"


def test_threads_that_nobody_types_get_one_by_the_config(
    uwf: Uwf, repo: Path, tmp_path: Path
) -> None:
    config = uwf.home / "config.toml"
    begins = 'start = "once"\ncwd = "%s"\n'
    config.write_text(
        f'workspace = "worktree"\n{config.read_text()}'
        f'[[triggers]]\non = "fix"\ntext = "Fix."\n{begins % repo}'
        f'[[triggers]]\non = "note"\ntext = "Note."\n{begins % tmp_path}'
        f'[[schedules]]\nname = "night"\nevery = "9h"\nprompt = "Tidy."\n{begins % repo}'
    )
    for name in ("fix", "note"):
        uwf("event", "send", name, "--from", "ci")
    uwf("schedule", "run", "night")
    found = {
        row["prompt"]: "worktree" in row for row in uwf("thread", "list", "--all", "--json").json
    }
    assert found == {"Fix.": True, "Note.": False, "Tidy.": True}
    uwf("thread", "run", "--due")
    assert len(uwf("worktree", "list", "--json").json) == 2


def test_what_a_kill_has_left_of_removing_one_is_removed(uwf: Uwf, repo: Path) -> None:
    id = start(uwf, "--worktree")
    uwf("thread", "cancel", id)
    shutil.rmtree(uwf.home / "worktrees" / id)
    [row] = uwf("worktree", "prune", "--json").json
    assert (row["thread"], row["removed"]) == (id, True)
    assert list((uwf.home / "worktrees").iterdir()) == []
    assert str(uwf.home) not in typed(repo, "worktree", "list")
    assert uwf("worktree", "prune", "--json").json == []
