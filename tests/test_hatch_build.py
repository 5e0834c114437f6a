"""What an installation makes of the starter's source: with a compiler, without one, where nothing can be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hatch_build
from tests.helpers.read_only import read_only

ROOT = Path(__file__).parent.parent

compiler_only = pytest.mark.skipif(
    hatch_build.this_machine() is None or shutil.which("cc") is None,
    reason="nothing here compiles the starter",
)

RUN_AN_AGENT = """\
import os
from uwf.agent import process, started
from uwf.agent.stop import Stop
command = process.Command(("echo", "up"), os.getcwd(), dict(os.environ), "mark", os.getcwd())
outcome = process.run(command, stop=Stop(), on_ready=lambda *_: None, on_output=lambda _: None)
print(process.__file__, outcome.stdout, os.access(started.STARTER, os.X_OK))
"""


def run(folder: Path, *words: str | Path, **environ: str) -> str:
    command = [sys.executable, *map(str, words)]
    environment = {**os.environ, **environ}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("compiler", "machine"),
    [pytest.param("cc", "linux", marks=compiler_only), ("false", "any")],
)
def test_wheel_works_with_and_without_a_compiler(
    tmp_path: Path, compiler: str, machine: str
) -> None:
    run(ROOT, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, CC=compiler)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stem.split("-")[2:4] == ["py3", "none"]
    assert wheel.stem.split("-")[4].startswith(machine)
    site = tmp_path / "site"
    run(tmp_path, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel)
    told = run(tmp_path, "-c", RUN_AN_AGENT, PYTHONPATH=str(site))
    assert told == f"{site}/uwf/agent/process.py b'up\\n' {machine == 'linux'}"


@pytest.mark.parametrize("compiler", ["false", "true", "no-such-compiler", "cc --no-such-option"])
def test_compiler_that_fails_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setenv("CC", compiler)
    assert not hatch_build.compiles(str(ROOT / hatch_build.SOURCE), str(tmp_path / "start"))


@compiler_only
def test_program_that_does_not_behave_is_no_starter(tmp_path: Path) -> None:
    source = tmp_path / "start.c"
    source.write_text("void _start(void) { *(volatile char *)1 = 0; }")
    assert not hatch_build.compiles(str(source), str(tmp_path / "start"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The part of a source tree that an editable installation compiles."""
    source = tmp_path / "tree" / hatch_build.SOURCE
    source.parent.mkdir(parents=True)
    shutil.copy(ROOT / hatch_build.SOURCE, source)
    return tmp_path / "tree"


def install_as_editable(tree: Path) -> set[str]:
    """The files that are beside the source afterwards."""
    hook = hatch_build.StarterHook(str(tree), {}, None, None, "", "wheel")
    data: dict[str, object] = {"force_include": {}}
    hook.initialize("editable", data)
    assert data == {"force_include": {}}
    return set(os.listdir((tree / hatch_build.SOURCE).parent))


@compiler_only
def test_editable_installation_has_it_in_the_source_tree(tree: Path) -> None:
    for _ in range(2):  # also over an older one
        assert install_as_editable(tree) == {"start.c", "start-1"}
    assert os.access(tree / hatch_build.STARTER, os.X_OK)


def test_source_tree_that_cannot_be_written_is_left_alone(tree: Path) -> None:
    with read_only((tree / hatch_build.SOURCE).parent):
        assert install_as_editable(tree) == {"start.c"}
