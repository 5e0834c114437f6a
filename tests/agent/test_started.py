"""The starter: that it is what starts agents, what becomes of them where it cannot be used, and it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import hatch_build
from tests.agent.supervised import ROOT, Supervised, starter_only
from uwf.agent.process import fork, started
from uwf.agent.process.pipes import Pipes
from uwf.agent.process.program import Program

ECHO = shutil.which("echo") or "/bin/echo"


def foreign(real: bytes) -> bytes:
    """The same program for a machine of a kind that nobody has: field e_machine of elf(5)."""
    return real[:18] + b"\xf0\x0f" + real[20:]


@starter_only
def test_agents_are_started_without_a_fork(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    assert supervised("echo", "up").stdout == b"up\n"


@starter_only
@pytest.mark.parametrize(
    ("change", "mode"),
    [
        (lambda real: b"some text", 0o755),
        (lambda real: b"", 0o755),
        (foreign, 0o755),
        (lambda real: real, 0o644),
        (None, 0),
    ],
    ids=["no program", "empty", "of another machine", "not executable", "missing"],
)
def test_agent_is_started_all_the_same_where_the_starter_cannot_be_used(
    supervised: Supervised,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[bytes], bytes] | None,
    mode: int,
) -> None:
    spoilt = supervised.folder / "start"
    if change:
        spoilt.write_bytes(change(Path(started.STARTER).read_bytes()))
        spoilt.chmod(mode)
    monkeypatch.setattr(started, "STARTER", str(spoilt))
    forks: list[Program] = []
    real = fork.fork
    monkeypatch.setattr(
        fork, "fork", lambda program, pipes: forks.append(program) or real(program, pipes)
    )
    assert supervised("cat", stdin=b"prompt").stdout == b"prompt"
    assert len(forks) == 1


@starter_only
def test_where_close_range_is_not_known_descriptors_are_closed_one_by_one(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("nothing here compiles the starter")
    source, starter = tmp_path / "start.c", tmp_path / "start"
    text = (ROOT / hatch_build.SOURCE).read_text()
    assert text.count("call(SYS_close_range, ") == 1
    source.write_text(text.replace("call(SYS_close_range, ", "call(9999, "))
    assert hatch_build.compiles(str(source), str(starter))
    monkeypatch.setattr(started, "STARTER", str(starter))
    monkeypatch.delattr(os, "fork")
    leaks = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    for leak in leaks:
        os.set_inheritable(leak, True)
    list_them = "import os; print(*os.listdir('/dev/fd'))"
    try:
        outcome = supervised(sys.executable, "-S", "-c", list_them, keep_fds=tuple(leaks[100:103]))
    finally:
        for leak in leaks:
            os.close(leak)
    found = {int(word) for word in outcome.stdout.split()}
    assert {0, 1, 2, *leaks[100:103]} < found
    assert len(found) == 3 + 3 + 2  # the mark, and the one with which it looked


@starter_only
def test_closed_gate_ends_it(way: str, tmp_path: Path) -> None:
    # Without a signal, and with the parent alive: the gate must be enough.
    trace, pipes = tmp_path / "ran", Pipes()
    touch = shutil.which("touch") or "/bin/touch"
    pid = started.start(Program(touch, ["touch", str(trace)], {}, "/", ()), pipes)
    assert pid is not None
    report = os.dup(pipes.report[0])
    pipes.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 127
    assert os.read(report, 64) == b""
    os.close(report)
    assert not trace.exists()


class Direct:
    """The starter, given its words by hand, with its gate open."""

    def __init__(self, *, parent: int, folder: str = "/", new_session: bool = False) -> None:
        gate, report = os.pipe(), os.pipe()
        os.write(gate[1], b"g")
        words = [parent, gate[0], report[1], "", folder, ECHO, "echo", "ran"]
        done = subprocess.run(
            [started.STARTER, *map(str, words)],
            pass_fds=(gate[0], report[1]),
            start_new_session=new_session,
            capture_output=True,
        )
        os.close(report[1])
        self.code, self.output, self.report = done.returncode, done.stdout, os.read(report[0], 64)
        for descriptor in (*gate, report[0]):
            os.close(descriptor)


@starter_only
def test_it_executes_what_it_is_given_once_the_gate_opens(way: str) -> None:
    direct = Direct(parent=os.getpid())
    assert (direct.code, direct.output, direct.report) == (0, b"ran\n", b"")


@starter_only
def test_program_never_runs_when_the_parent_is_gone_already(way: str) -> None:
    direct = Direct(parent=1)
    assert (direct.code, direct.output, direct.report) == (127, b"", b"")


@starter_only
def test_stage_that_failed_is_reported(way: str) -> None:
    assert Direct(parent=os.getpid(), folder="/no/such").report == b"folder 2"
    # Who leads a session already cannot begin one.
    assert Direct(parent=os.getpid(), new_session=True).report == b"session 1"


@starter_only
def test_run_by_hand_it_does_nothing(way: str) -> None:
    assert subprocess.run([started.STARTER, "--help"]).returncode == 127


def test_peak_of_the_parent_is_not_that_of_the_agent(supervised: Supervised) -> None:
    held = bytearray(b"x") * (200 << 20)
    del held
    outcome = supervised.run(supervised.command("sh", "-c", "exit 7"))
    assert outcome.exit_code == 7
    now_bytes = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert outcome.peak_memory_bytes < now_bytes + (50 << 20)
