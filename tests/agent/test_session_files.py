"""The files in which clients keep their sessions: found, and put where a client of another machine finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from uwf.agent.clients import rollout
from uwf.agent.clients.session_files import SessionFolder
from uwf.agent.kinds import claude
from uwf.agent.protocol import Conversation

NAME = "2026/11/30/rollout-2026-11-30T04-16-05-s1.jsonl"


def came(name: str) -> Conversation:
    return Conversation(name, lambda: b"all of it\n")


def test_what_is_put_is_found_again_under_its_name(tmp_path: Path) -> None:
    folder = rollout.folder({"CODEX_HOME": str(tmp_path)}, "/")
    assert folder.find("s1") is None
    folder.put("s1", came(NAME))
    found = folder.find("s1")
    assert found is not None and found.name == NAME
    assert Path(found.path).read_bytes() == b"all of it\n"
    assert Path(found.path).stat().st_mode & 0o777 == 0o600


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    folder = SessionFolder(str(tmp_path), "{}.jsonl")
    (tmp_path / "s1.jsonl").write_text("all")
    folder.put("s1", came("s1.jsonl"))
    assert (tmp_path / "s1.jsonl").read_text() == "all of it\n"
    assert [path.name for path in tmp_path.iterdir()] == ["s1.jsonl"]


@pytest.mark.parametrize(
    "name",
    ["../s1.jsonl", "s1.jsonl/x", "other.jsonl", "/etc/s1.jsonl", "a/b/../rollout-x-s1.jsonl"],
)
@pytest.mark.parametrize("pattern", ["{}.jsonl", "*/*/*/rollout-*-{}.jsonl"])
def test_a_name_that_leads_elsewhere_is_put_nowhere(
    tmp_path: Path, name: str, pattern: str
) -> None:
    SessionFolder(str(tmp_path / "in"), pattern).put("s1", came(name))
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_leads_elsewhere_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text("")
    (tmp_path / "in").mkdir()
    assert SessionFolder(str(tmp_path / "in"), "{}.jsonl").find("../secret") is None


def test_where_nothing_can_be_written_nothing_is_raised(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("a file")
    SessionFolder(str(tmp_path / "in"), "{}.jsonl").put("s1", came("s1.jsonl"))


def test_claude_code_keeps_them_by_the_folder_that_it_works_in(tmp_path: Path) -> None:
    work = tmp_path / "my work"
    work.mkdir()
    name = str(work).replace("/", "-").replace(" ", "-").replace("_", "-")
    folder = claude.session_folder({"HOME": "/home/ann"}, str(work))
    assert folder.root == f"/home/ann/.claude/projects/{name}"
    elsewhere = claude.session_folder({"CLAUDE_CONFIG_DIR": "/etc/claude"}, str(work))
    assert elsewhere.root == f"/etc/claude/projects/{name}"
