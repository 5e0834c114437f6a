"""Programs that cannot be started: one line that names what and why, and nothing left behind."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from tests.agent.supervised import Supervised
from uwf.agent.kinds.command import CommandAgent
from uwf.agent.process import platform, spawn


def script(folder: Path, first_line: str, mode: int = 0o755) -> str:
    path = folder / "agent"
    path.write_text(f"{first_line}\necho ran\n")
    path.chmod(mode)
    return str(path)


def reason(supervised: Supervised, *argv: str, **options: object) -> str:
    """Why it could not be started, after checking that this is what the outcome says."""
    outcome = supervised(*argv, **options)
    assert (outcome.ended, outcome.exit_code, outcome.signal) == ("spawn_failed", None, None)
    assert (outcome.stdout, outcome.escalation) == (b"", "")
    assert "\n" not in outcome.error
    return outcome.error


def test_unknown_program_is_named(supervised: Supervised) -> None:
    assert reason(supervised, "no-such-agent") == "cannot run 'no-such-agent': not found on PATH"
    path = str(supervised.folder / "agent")
    assert reason(supervised, path) == f"cannot run {path!r}: no such file"
    assert supervised.started == []


def test_folder_is_no_program(supervised: Supervised) -> None:
    path = supervised.folder / "agent"
    path.mkdir()
    assert reason(supervised, str(path)) == f"cannot run '{path}': it is not a file"
    assert "not found on PATH" in reason(supervised, "agent", env={"PATH": str(supervised.folder)})


def test_file_without_permission_is_named(supervised: Supervised) -> None:
    path = script(supervised.folder, "#!/bin/sh", 0o644)
    assert reason(supervised, path) == f"cannot run {path!r}: {path} is not executable"
    assert f"{path} is not executable" in reason(
        supervised, "agent", env={"PATH": str(supervised.folder)}
    )


def test_missing_working_folder_is_named(supervised: Supervised) -> None:
    assert reason(supervised, "true", cwd="/no/such/place") == (
        "cannot run 'true' in /no/such/place: there is no such folder"
    )


def test_missing_interpreter_is_named(supervised: Supervised) -> None:
    path = script(supervised.folder, "#!/no/such/interpreter -x")
    assert "the interpreter '/no/such/interpreter -x' of its first line" in reason(supervised, path)


def test_file_that_is_no_program_is_named(supervised: Supervised) -> None:
    path = script(supervised.folder, "just some text")
    assert "neither a program nor a script" in reason(supervised, path)


def test_too_long_arguments_are_named(supervised: Supervised) -> None:
    error = reason(supervised, "echo", "x" * 5_000_000)
    assert error == "cannot run 'echo': its arguments and environment are too long"


@pytest.mark.parametrize("argv", [(), ("",), ("ec\0ho",), ("echo", "a\0b")])
def test_impossible_arguments_are_refused(supervised: Supervised, argv: tuple[str, ...]) -> None:
    assert reason(supervised, *argv).startswith("cannot run ")


def test_impossible_environment_is_refused(supervised: Supervised) -> None:
    path = os.environ["PATH"]
    assert "NUL" in reason(supervised, "echo", env={"PATH": path, "A": "x\0y"})
    assert reason(supervised, "echo", env={"PATH": path, "A=B": "x"}).startswith("cannot run")


def test_folder_that_vanishes_before_the_gate_is_named(supervised: Supervised) -> None:
    place = supervised.folder / "place"
    place.mkdir()
    real = spawn.find_program

    def find_and_remove(argv: tuple[str, ...], cwd: str, path: str) -> str:
        found = real(argv, cwd, path)
        place.rmdir()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spawn, "find_program", find_and_remove)
        error = reason(supervised, "true", cwd=str(place))
    assert error == f"cannot run 'true' in {place}: No such file or directory"


def test_program_that_vanishes_at_the_gate_is_named(supervised: Supervised) -> None:
    path = script(supervised.folder, "#!/bin/sh")
    outcome = supervised.run(supervised.command(path), on_start=lambda *_: os.unlink(path))
    assert outcome.ended == "spawn_failed"
    assert outcome.error == f"cannot run {path!r}: no such file"


def test_too_many_open_files_is_an_outcome(supervised: Supervised) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 2, hard))
    try:
        outcome = supervised("true")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome.ended == "spawn_failed"
    assert outcome.error == "cannot run 'true': Too many open files"


@pytest.mark.parametrize("room", range(3, 16))
def test_too_many_open_files_leave_none_behind(supervised: Supervised, room: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + room, hard))
    try:
        outcome = supervised("true")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome.ended == "exit" or outcome.error.endswith("Too many open files")


def test_descriptors_that_cannot_be_listed_are_an_outcome(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> list[int]:
        raise FileNotFoundError(2, "No such file or directory", "/dev/fd")

    with monkeypatch.context() as patch:
        patch.setattr(spawn, "_leaking_descriptors", refuse)
        error = reason(supervised, "true")
    assert error == "cannot run 'true': /dev/fd: No such file or directory"


def test_refused_fork_is_an_outcome(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert reason(supervised, "true") == "cannot run 'true': Resource temporarily unavailable"


def test_fault_after_the_fork_leaves_no_child(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_pid: int) -> str:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(platform, "start_time", refuse)
    assert reason(supervised, "true") == "cannot run 'true': Too many open files"


def test_fault_in_the_new_process_stays_there(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("no session today")

    monkeypatch.setattr(os, "setsid", fail)
    error = reason(supervised, "true")
    assert error == "cannot run 'true': unexpected fault in the new process (session)"


def test_standard_descriptors_may_be_closed_in_the_host(supervised: Supervised) -> None:
    trace = supervised.folder / "trace"
    code = (
        "import os\n"
        "from uwf.agent.process import supervise\n"
        "from uwf.agent.stop import Stop\n"
        "os.closerange(0, 3)\n"
        f"argv, folder, mark = ('tee', {str(trace)!r}), {str(supervised.folder)!r}, 'inner'\n"
        "command = supervise.ProcessSpec(argv, folder, dict(os.environ), mark, folder, b'prompt')\n"
        "quiet = dict(on_start=lambda *_: None, on_output=lambda _: None)\n"
        "outcome = supervise.run(command, stop=Stop(), **quiet)\n"
        "os._exit(0 if outcome.stdout == b'prompt' and not outcome.exit_code else 9)\n"
    )
    root = str(Path(__file__).parent.parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    assert supervised(sys.executable, "-c", code, env=environment).exit_code == 0
    assert trace.read_bytes() == b"prompt"


def test_program_is_looked_for_on_the_path_it_will_get(supervised: Supervised) -> None:
    script(supervised.folder, "#!/bin/sh")
    assert supervised("agent", env={"PATH": f"/nowhere:{supervised.folder}"}).stdout == b"ran\n"


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../here/bin"])
def test_a_file_of_the_working_folder_is_never_the_program(
    supervised: Supervised, entry: str
) -> None:
    folder = supervised.folder / entry.replace("../here", ".")
    folder.mkdir(exist_ok=True)
    script(folder, "#!/bin/sh")
    for path in (f"/nowhere:{entry}", f"{entry}:/nowhere", entry):
        assert "not found on PATH" in reason(supervised, "agent", env={"PATH": path})
    assert "the absolute path is needed" in reason(supervised, "./agent")
    assert "the absolute path is needed" in reason(supervised, "bin/agent")


def test_a_script_finds_its_interpreter_on_absolute_entries_alone(supervised: Supervised) -> None:
    here = script(supervised.folder, "#!/bin/sh")
    os.rename(here, supervised.folder / "sh")
    env = {"PATH": f".:{supervised.folder}/none::{os.environ['PATH']}"}
    done = supervised("env", "sh", "-c", 'echo "theirs, on $PATH"', env=env)
    assert done.stdout.decode() == f"theirs, on {supervised.folder}/none:{os.environ['PATH']}\n"


def test_availability_is_told_in_words(tmp_path: Path) -> None:
    def why_not(word: str, cwd: str | Path = tmp_path) -> str | None:
        return CommandAgent("tester", [word]).unavailable(str(cwd), os.environ["PATH"])

    assert why_not("sh") is None
    assert why_not("nope") == "cannot run 'nope': not found on PATH"
    assert "not executable" in (why_not(script(tmp_path, "", 0o600), "/") or "")
    assert "no such folder" in (why_not("sh", tmp_path / "gone") or "")
