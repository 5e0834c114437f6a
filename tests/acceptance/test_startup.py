"""What makes the commands that look quick: they import nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import REVIEW, WRITTEN, Project
from tests.helpers.repository import copied

HEAVY = set(
    "argparse asyncio contextlib dataclasses enum filelock hashlib inspect json jsonschema_rs liquid logging "
    "pathlib random re rich secrets shlex shutil signal subprocess tempfile textual threading tomlkit tomllib yaml "
    "typer typing mcp mcp_types anyio pydantic".split()
)


LOOKS_AT_THREADS = ("thread list", "thread show @last", "thread watch @last", "thread wait @last")
LOOKS = (*LOOKS_AT_THREADS, "event list", "event show seen")
PARTS = (
    "guard",
    "agent.kinds",
    "agent.failure",
    "agent.frontmatter",
    "engine.run.runner",
    "workflow.parse",
    "workspace",
    "yaml12",
)
"""Parts of uwf that looking does without."""
PARTS_OF_THREADS = (
    *("agent.protocol", "config.records", "config_table", "engine.upkeep"),
    *("workflow.template", "workflow.bounded", "nearest"),
    *("store.sql.writing", "store.sqlite.writing"),
)
"""And these where it is looked at threads, which is done all day."""
MOST_FILES = 84
"""Of uwf in a listing and a page of threads: each takes as long to load as three threads to be shown."""


def imported(project: Project, *words: str) -> set[str]:
    """The modules that a command line imports, beside those that Python itself does; of others only the top level."""

    def run(*command: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *command],
            capture_output=True,
            text=True,
            cwd=project.cwd,
            env=project.environ,
            timeout=60,
        )
        assert done.returncode in (0, 2), done.stderr
        lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
        names = {line.rpartition("|")[2].strip() for line in lines}
        return {name if name.startswith("uwf.") else name.partition(".")[0] for name in names}

    return run(PROGRAM, *words) - run("-c", "pass")


@pytest.fixture
def started(project: Project) -> Project:
    """A project with a thread that has made a step, and an agent in its config."""
    return begun(project)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Another one, for all that only look."""
    folder = tmp_path_factory.mktemp("looked-at")
    (folder / "project").mkdir()
    return begun(Project(folder / "home", folder / "project"))


def begun(project: Project) -> Project:
    agent = project.agent(WRITTEN)
    project("config", "set", "agents.mine.command", agent.command)
    project("config", "set", "default_agent", "mine")
    project("workflow", "add", project.file("review.yaml", REVIEW))
    project("thread", "exec", project.begin(REVIEW))
    project("event", "send", "it.happened", "--id", "seen", "--thread", "@last")
    return project


@pytest.mark.parametrize(
    "line",
    [
        "--version",
        "config path --json",
        "top",
        *LOOKS,
        "",
        "thread list --json",
        "thread show @last --json",
        "ref get @uwf/registry/review --json",
        "cas get @last --json",
    ],
)
def test_commands_that_look_import_nothing_heavy(looked_at: Project, line: str) -> None:
    assert imported(looked_at, *line.split()) & HEAVY == set()


@pytest.mark.parametrize("line", LOOKS)
def test_looking_at_a_thread_loads_no_part_that_runs_one(looked_at: Project, line: str) -> None:
    loaded = imported(looked_at, *line.split())
    assert [name for name in loaded for part in PARTS if name.startswith(f"uwf.{part}")] == []


@pytest.mark.parametrize("line", LOOKS_AT_THREADS)
def test_looking_at_a_thread_loads_nothing_that_only_rare_ones_need(
    looked_at: Project, line: str
) -> None:
    loaded = imported(looked_at, *line.split())
    assert [name for name in loaded for part in PARTS_OF_THREADS if f"uwf.{part}" in name] == []


@pytest.mark.parametrize("line", ["thread list", "thread show @last"])
def test_a_list_and_a_page_of_threads_are_of_few_files(looked_at: Project, line: str) -> None:
    loaded = imported(looked_at, *line.split())
    own = sorted(name for name in loaded if name.partition(".")[0] == "uwf")
    assert len(own) <= MOST_FILES, f"{len(own)} files: {own}"


def test_git_is_loaded_by_no_look_at_a_thread_and_by_no_step_without_a_worktree(
    started: Project, tmp_path: Path
) -> None:
    def of_git(line: str) -> set[str]:
        return imported(started, *line.split()) & {"uwf.workspace.git", "uwf.workspace.tree"}

    started("thread", "start", "review", "-p", "task")
    assert of_git("thread exec @last") == of_git("thread diff @last @last") == set()
    repo = copied(tmp_path / "repo")
    started("thread", "start", "review", "-p", "task", "--worktree", "--cwd", str(repo))
    for line in ("thread list", "thread show @last"):
        assert imported(started, *line.split()) & HEAVY == set()
        assert of_git(line) == set()
    assert "uwf.workspace.git" in of_git("thread diff @last")


@pytest.mark.parametrize("line", ["--help", "thread --help", "thread exec --help"])
def test_help_is_made_without_typer_and_rich(looked_at: Project, line: str) -> None:
    assert imported(looked_at, *line.split()) & {"liquid", "rich", "typer", "inspect"} == set()


@pytest.mark.parametrize("line", ["--version", "agent list", "workflow list", *LOOKS])
def test_no_kind_of_agent_is_imported_by_what_looks(looked_at: Project, line: str) -> None:
    loaded = imported(looked_at, *line.split())
    assert [name for name in loaded if name.startswith("uwf.agent.kinds.")] == []


@pytest.mark.parametrize("line", ["thread start review -p task", "thread exec @last"])
def test_commands_that_work_do_without_what_takes_longest_to_import(
    started: Project, line: str
) -> None:
    started("thread", "start", "review", "-p", "task")
    assert imported(started, *line.split()) & {"liquid", "rich", "typer"} == set()


def test_what_reads_replies_waits_until_the_agent_works() -> None:
    code = (
        "import sys, uwf.app.thread.running; print(*({'yaml', 'jsonschema_rs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "")


def test_what_is_heavy_would_be_seen(started: Project) -> None:
    assert {"typer", "re", "typing"} <= imported(started, "thread", "list", "--wrong") & HEAVY
    loaded = imported(started, "thread", "exec", started.begin(REVIEW))
    assert {"uwf.engine.run.runner", "yaml", "jsonschema_rs"} <= loaded
