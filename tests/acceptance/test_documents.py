"""Every command in README and docs is run as it stands there, and prints what stands there.

`scripts/docs` runs this; `scripts/docs --update` writes anew what the commands print.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import documents, postgres
from tests.helpers.documents import Block
from tests.helpers.program import Uwf
from tests.helpers.project import APPROVED, ASKS, ONE, REVIEW, WRITTEN, Project, reply
from tests.helpers.repository import commit, typed

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
UPDATE = os.environ.get("UWF_UPDATE_DOCS") == "1"

NOT_RUN = {
    ("README.md", "pip install ."): "installs from the registry; scripts/package tries the wheel",
    ("README.md", "scripts/demo"): "scripts of the checkout; tests/acceptance/test_demo.py",
    ("README.md", "uwf setup"): "asks a real client; tests/acceptance/test_setup.py",
    (
        "agents.md",
        "uwf agent detect --write",
    ): "real clients; tests/acceptance/test_real_clients.py",
    ("agents.md", "uwf agent check claude"): "a real client and an account; scripts/test-agents",
    ("agents.md", "env -i HOME"): "a real client and an account; scripts/test-agents",
    ("agents.md", "uwf inbox"): "an agent that asks; tests/agent/test_acp.py",
    (
        "agents.md",
        "printf '%s\\n' '{\"type\"",
    ): "part of an agent; tests/acceptance/test_wrappers.py",
    ("agents.md", "#!/bin/sh"): "agents; tests/acceptance/test_wrappers.py",
    ("daemon.md", "uwf daemon run"): "runs until it is ended; tests/acceptance/test_daemon.py",
    ("daemon.md", "uwf daemon install"): "systemd; tests/daemon/test_install.py",
    (
        "operations.md",
        "uwf store backup -q\npip",
    ): "installs from the registry; tests/test_golden.py",
    (
        "operations.md",
        "pip install 'uwf[postgres]'",
    ): "a server; tests/acceptance/test_store_postgres.py",
    ("operations.md", "pg_dump"): "a server; tests/acceptance/test_store_postgres.py",
    ("daemon.md", "pip install --upgrade uwf"): "installs from the registry; systemd",
    ("scale.md", "apt-get install"): "a server for others; here it has one of its own",
    ("scale.md", "pip install 'uwf[postgres]'"): "installs from the registry; passwords",
    ("scale.md", "uwf worker install"): "systemd; tests/worker/test_install.py",
    ("top.md", "pip install"): "a screen for a person; tests/top",
    ("mcp.md", "claude mcp add"): "a real client; scripts/test-agents",
    ("daemon.md", "gh pr create"): "a forge and an account; tests/acceptance/test_sources.py",
}
"""What is not run here, by document and the beginning of its block, and why."""


def guide(topic: str) -> str:
    return (ROOT / "docs" / f"{topic}.md").read_text()


def is_run(document: str, block: Block) -> bool:
    return not any(name == document and block.text.startswith(begun) for name, begun in NOT_RUN)


def plain(project: Project) -> None:
    """A project with the workflow, the task and the agent that the guides speak of."""
    project.file(".workflows/review.yaml", REVIEW)
    project.file("task.md", "Write about a fence.")
    use(project, *(WRITTEN, APPROVED) * 8)


def use(project: Project, *replies: str) -> None:
    """Let an agent with these replies run all roles."""
    agent = project.agent(*replies)
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "default_agent", "mine")


def with_threads(project: Project) -> None:
    """The same with a thread that has completed."""
    plain(project)
    project("thread", "start", "review", "-p", "A fence.", "--until-done")


def with_the_workflow(project: Project) -> None:
    """The workflow that the guide shows, and what it includes."""
    [shown] = re.findall(r"^```yaml\n(.*?)^```", guide("workflow"), re.MULTILINE | re.DOTALL)
    project.file(".workflows/review.yaml", shown)
    project.file(".workflows/writer.md", "Think first.")
    use(project, reply("written", files=["fence.md"]), reply("good"))


def with_one_that_asks(project: Project) -> None:
    plain(project)
    use(project, *(WRITTEN, APPROVED) * 2, WRITTEN, ASKS, APPROVED)


def with_a_scenario(project: Project) -> None:
    plain(project)
    (project.cwd.parent / ".uwf-env").touch()
    for shown in re.findall(r"^```yaml\n(.*?)^```", guide("agents"), re.MULTILINE | re.DOTALL):
        if shown.startswith("# review.scenario.yaml"):
            project.file("review.scenario.yaml", shown)


def with_a_question(project: Project) -> None:
    plain(project)
    use(project, WRITTEN, ASKS, APPROVED)
    project.file("tasks/one.md", "Write about a gate.")
    project("thread", "start", "review", "-p", "A fence.", "--until-done", expect=3)


def with_a_backup(project: Project) -> None:
    with_threads(project)
    project("event", "send", "deploy.failed", "--id", "deploy-42")


def with_a_schedule(project: Project) -> None:
    """The schedules that the guide shows, and the workflow that they start."""
    plain(project)
    tidy = project.file(".workflows/tidy.yaml", ONE.replace("name: one", "name: tidy"))
    project("workflow", "add", tidy)
    (project.cwd.parent / "shop").mkdir()
    [first, *_] = re.findall(r"^```toml\n(.*?)^```", guide("schedules"), re.MULTILINE | re.DOTALL)
    with (project.home / "config.toml").open("a") as config:
        config.write(f"\n{first}")


def with_a_repository(project: Project) -> None:
    """A repository with a commit, in which an agent writes."""
    plain(project)
    for words in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "me"),
        ("config", "user.email", "me@x"),
    ):
        typed(project.cwd, *words)
    commit(project.cwd, "begin")


def with_a_server(project: Project) -> None:
    """A database with nothing in it, which the service `team` names."""
    if why := postgres.missing():
        pytest.skip(why)
    plain(project)
    cluster, name = postgres.shared(), f"team_{os.getpid()}"
    cluster.run(f"CREATE DATABASE {name}")
    service = f"[team]\nhost={cluster.folder}\ndbname={name}\nuser={postgres.ROLE}\n"
    (project.cwd.parent / ".pg_service.conf").write_text(service)


SCENES: dict[str, Callable[[Project], None]] = {
    "README.md": lambda project: None,
    "agents.md": with_a_scenario,
    "daemon.md": with_a_question,
    "operations.md": with_a_backup,
    "scale.md": with_a_server,
    "schedules.md": with_a_schedule,
    "threads.md": with_one_that_asks,
    "workflow.md": with_the_workflow,
    "worktrees.md": with_a_repository,
}
"""What there is before the first command of a document; `plain` unless said."""


@pytest.fixture
def project(uwf: Uwf) -> Project:
    """A project of a user whose home is where it is unless said: the guides speak of ~/.uwf."""
    return Project(uwf.cwd.parent / ".uwf", uwf.cwd)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_do_what_stands_there(document: Path, project: Project) -> None:
    text = document.read_text()
    found = [block for block in documents.blocks(text) if is_run(document.name, block)]
    SCENES.get(document.name, plain)(project)
    environ = {**project.environ, "COLUMNS": "80", "TZ": "UTC", "USER": "me"}
    printed = documents.run(found, project.cwd, environ)
    new = documents.rewritten(text, found, printed)
    if UPDATE:
        document.write_text(new)
        return
    assert new == text, "scripts/docs --update writes it anew"


def test_ids_and_times_may_differ_and_nothing_else_may() -> None:
    said = "writer → done  `1d832c6173`  0.4s, $0.03\n0 s ago, 2026-11-30T01:16:51Z, 01M8N0DCHY6C7TB7M4NHPVSDPW\n"
    again = "writer → done  `a6e0e00a86`  1m 12s, $0.03\n2 s ago, 2027-01-02T11:06:01Z, 01M8N0W8MWMVAAWHWQTJ0Z0KTS"
    assert documents.is_same(said, again)
    assert documents.is_same(said, again.replace("a6e0e00a86", "8701797032")), "a hash of digits"
    for other in (
        ("done", "lost"),
        ("$0.03", "$0.30"),
        (", 2026", " or 2026"),
        ("writer", "reader"),
    ):
        assert not documents.is_same(said, said.replace(*other))
    text = f"# A\n\n```console\n$ uwf one\n{said}$ uwf two\n```\n"
    found = documents.blocks(text)
    assert documents.rewritten(text, found, [again, ""]) == text
    assert "ended\n$ uwf two\nnew\n" in documents.rewritten(text, found, ["ended\n", "new\n"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_command_stands_where_it_is_not_run(document: Path) -> None:
    for language, text in re.findall(
        r"^ *```(\w*)\n(.*?)^ *```$", document.read_text(), re.MULTILINE | re.DOTALL
    ):
        assert language in ("", "sh", "console", "crontab", "toml", "yaml", "json", "python")
        assert language or not re.search(r"^(\S+ +)*(uwf [a-z]|pip )", text, re.MULTILINE), text


def test_what_is_not_run_is_there() -> None:
    for name, begun in NOT_RUN:
        path = ROOT / name if name == "README.md" else ROOT / "docs" / name
        found = [each for each in documents.blocks(path.read_text()) if each.text.startswith(begun)]
        assert found, f"{name}: no block begins with {begun}"
