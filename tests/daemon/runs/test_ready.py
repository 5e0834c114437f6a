"""The process of the next run, which begins before it is known of which thread that will be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.project import ONE, Project, is_alive, reply, until
from uwf.daemon.runs import children
from uwf.daemon.runs.children import ChildRuns


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    made = Project(tmp_path / "home", tmp_path / "project")
    agent = made.agent(reply("done", "I did it.")).command
    made("config", "set", "agents.painter.command", agent)
    made("config", "set", "default_agent", "painter")
    return made


@pytest.fixture
def runs(project: Project) -> Iterator[ChildRuns]:
    found = ChildRuns(str(project.home))
    yield found
    found.close()


def ready(runs: ChildRuns) -> int:
    assert runs._ready is not None
    return runs._ready.process.pid


def ended(runs: ChildRuns) -> int:
    found = until(runs.finished)
    return int(found[0].code)


def test_the_run_is_the_process_that_was_ready_and_says_what_any_run_says(
    project: Project, runs: ChildRuns
) -> None:
    thread = project.begin(ONE, "--wake")
    runs.make_ready()
    pid = ready(runs)
    runs.begin(thread)
    assert runs._children[0].process.pid == pid
    assert ended(runs) == 0
    assert project.show(thread)["status"] == "completed"
    log = project.home / "logs"
    assert '"status":"completed"' in next(log.rglob(f"*{thread}*")).read_text()


def test_there_is_one_and_it_ends_with_who_keeps_it(runs: ChildRuns) -> None:
    runs.make_ready()
    pid = ready(runs)
    runs.make_ready()
    assert ready(runs) == pid
    runs.close()
    assert not is_alive(pid)


@pytest.mark.parametrize("why", ["killed", "another version"])
def test_one_that_will_not_do_is_made_up_for(
    why: str, project: Project, runs: ChildRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = project.begin(ONE, "--wake")
    runs.make_ready()
    pid = ready(runs)
    if why == "killed":
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid))
    else:
        monkeypatch.setattr(children, "_program", lambda: (0, 0))
    runs.begin(thread)
    assert runs._children[0].process.pid != pid
    assert ended(runs) == 0
    assert project.show(thread)["status"] == "completed"


def test_a_run_imports_next_to_nothing_that_was_not_there_before(project: Project) -> None:
    thread = project.begin(ONE, "--wake")
    script = (
        "import sys\n"
        "import uwf.cli.context, uwf.cli.screen.live, uwf.cli.thread.run\n"
        "from uwf.app.thread import ready\n"
        "from uwf.cli.main import main\n"
        "ready.import_all()\n"
        "before = set(sys.modules)\n"
        "code = main(sys.argv[1:])\n"
        "print(code, *sorted(sys.modules.keys() - before), file=sys.stderr)\n"
    )
    line = [sys.executable, "-c", script, "thread", "exec", thread, "--due", "--until-done"]
    done = subprocess.run(line, env=project.environ, capture_output=True, text=True)
    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0", done
    assert not [name for name in modules if name.startswith(("uwf.engine", "yaml", "psycopg"))]
    assert len(modules) < 10, modules
