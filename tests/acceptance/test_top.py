"""`uwf top` as it is installed: at a real terminal, and where there is none."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.program import PROGRAM
from tests.helpers.project import ASKS, REVIEW, WRITTEN, Project, until
from tests.helpers.terminal import Terminal
from uwf.agent.process import platform


def test_without_a_terminal_it_is_the_list(project: Project) -> None:
    id = project.begin(REVIEW)
    assert project("top").out == project("thread", "list").out
    assert [row["thread"] for row in project("top", "--json").json] == [id]
    assert project("top", "-q").out == f"{id}\n"


def test_without_textual_it_is_the_list_and_says_how_to_install_it(
    project: Project, tmp_path: Path
) -> None:
    id = project.begin(REVIEW)
    (tmp_path / "textual.py").write_text("raise ImportError('not there')")
    without = {"PYTHONPATH": str(tmp_path)}
    terminal = Terminal(project, "top", columns=120, env=without)
    assert terminal.end() == 0
    assert "Textual, which is not installed" in terminal.written
    assert "pip install 'uwf[top]'" in terminal.written and id[-4:] in terminal.written


FAULTY = """
import textual.widgets
textual.widgets.DataTable.add_row = lambda *args, **more: 1 / 0
"""


class Tmux:
    """`uwf top` in a real tmux: what it shows there, and its keys."""

    def __init__(self, project: Project, socket: Path, env: dict[str, str]) -> None:
        self.socket, self._pid = socket, socket.with_name("pid")
        settings = {**project.environ, "TERM": "xterm-256color", "SHELL": "/bin/sh", **env}
        words = " ".join(f"{name}={value}" for name, value in settings.items())
        top = f"sh -c 'echo $$ >{self._pid}; exec env {words} {PROGRAM} top'"
        size = ("-x", "80", "-y", "24", "-c", str(project.cwd))
        run = f'{top}; echo "ended with $?"; stty -a; cat'
        self("-f", "/dev/null", "new-session", "-d", *size, run)

    def __call__(self, *words: str) -> str:
        line = ["tmux", "-S", str(self.socket), *words]
        return subprocess.run(line, capture_output=True, text=True, check=True, timeout=20).stdout

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def until(self, *words: str) -> str:
        deadline_s = time.monotonic() + 20
        while not all(word in (shown := self("capture-pane", "-p")) for word in words):
            assert time.monotonic() < deadline_s, f"no {words} in\n{shown}"
            time.sleep(0.05)
        return shown

    @property
    def pid(self) -> int:
        return int(self._pid.read_text())


@pytest.fixture
def tmux(project: Project, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("NO TMUX ON THIS MACHINE: uwf top was not looked at in a real terminal")
    project("thread", "exec", project.begin(REVIEW), "--agent", project.agent(WRITTEN).command)
    project(
        "thread", "exec", project.begin(REVIEW), "--agent", project.agent(ASKS).command, expect=3
    )
    (project.cwd / "faulty").mkdir()
    (project.cwd / "faulty" / "sitecustomize.py").write_text(FAULTY)
    tmux = Tmux(project, tmp_path / "tmux", getattr(request, "param", {}))
    yield tmux
    subprocess.run(["tmux", "-S", str(tmux.socket), "kill-server"], capture_output=True)


def test_in_a_real_terminal_it_is_read_answered_and_left(tmux: Tmux, project: Project) -> None:
    shown = tmux.until("? question", "Which colour?")
    assert max(map(len, shown.splitlines())) <= 80
    tmux.press("o")
    tmux.until("comes back to uwf top")
    tmux.press("echo at $UWF_HOME; exit", "Enter")
    tmux.until("? question", "a answers it")
    tmux.press("a")
    tmux.until("Enter sends it")
    tmux.press("Blue.", "Enter")
    tmux.until("answered; no daemon runs it: press r")
    tmux.press("q")
    tmux.until("ended with 0", " echo ", " icanon ")
    [word] = project("thread", "show", "@last", "--json").json["told"]
    assert word["text"] == "Blue."


@pytest.mark.parametrize("tmux", [{"PYTHONPATH": "faulty"}], indirect=True)
def test_a_fault_of_its_own_is_said_as_any_other(tmux: Tmux) -> None:
    shown = tmux.until("ended with 1", " echo ", " icanon ")
    assert "internal fault: ZeroDivisionError" in shown and "Traceback" not in shown


def test_it_ends_with_its_terminal(tmux: Tmux) -> None:
    tmux.until("? question")
    process = platform.look(tmux.pid)
    assert process is not None
    tmux("kill-server")
    until(lambda: (now := platform.look(process.pid)) is None or now.is_zombie)


@pytest.mark.parametrize("tmux", [{"LC_ALL": "C", "NO_COLOR": "1"}], indirect=True)
def test_a_plain_terminal_gets_ascii_and_is_left_in_order_by_a_signal(tmux: Tmux) -> None:
    shown = tmux.until("? question", "this terminal has no UTF-8")
    assert shown.isascii()
    coloured = tmux("capture-pane", "-p", "-e")
    codes = {
        code for found in re.findall(r"\x1b\[([\d;]*)m", coloured) for code in found.split(";")
    }
    assert "7" in codes, "the row under the cursor is turned round"
    assert codes <= {"", "0", "1", "2", "4", "7", "39", "49"}, "no colour but the terminal's own"
    subprocess.run(["kill", "-TERM", str(tmux.pid)], check=True)
    tmux.until("ended with 143", " echo ", " icanon ")
