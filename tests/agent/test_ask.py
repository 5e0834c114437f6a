"""Small programs are asked, and whatever they do there is an answer in time and nothing of them is left."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.supervised import ROOT, descriptors, eventually, linux_only, lives
from uwf.agent.process import ask as asking
from uwf.agent.process import platform
from uwf.agent.process.ask import ProgramAnswer, ask_program
from uwf.agent.stop import Stop

Ask = Callable[..., ProgramAnswer]
MIB = 1 << 20
ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@pytest.fixture(params=["alone", "beside a loop"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ask]:
    """Asks a shell what it is told, in the main thread or in another. Afterwards nothing is left of what it began."""

    def ask(text: str | tuple[str, ...], **options: Any) -> ProgramAnswer:
        argv = ("/bin/sh", "-c", text) if isinstance(text, str) else text
        chosen = {"cwd": str(tmp_path), "env": ENV, "timeout_s": 20.0, **options}
        if request.param == "alone":
            return ask_program(argv, **chosen)
        answers: list[ProgramAnswer] = []
        thread = threading.Thread(target=lambda: answers.append(ask_program(argv, **chosen)))
        thread.start()
        thread.join()
        return answers[0]

    before = descriptors()
    yield ask
    assert descriptors() <= before
    pids = [int(word) for file in tmp_path.glob("pid*") for word in file.read_text().split()]
    assert [pid for pid in pids if lives(pid)] == []


def test_what_it_says_and_how_it_ended(ask: Ask) -> None:
    answer = ask("cat; echo oh >&2; exit 3", stdin=b"words")
    assert answer == ProgramAnswer(b"words", b"oh\n", 3)
    assert (answer.last_line, answer.trouble) == ("oh", "ended with exit code 3: oh")
    assert ask("true").trouble == ""
    assert ask("kill -9 $$").trouble == "ended with signal 9"


def test_it_finds_what_it_is_given_and_nothing_else(ask: Ask, tmp_path: Path) -> None:
    found = ask(("/usr/bin/env",), env={"ONE": "1"}).out.decode().split()
    assert found[0] == "ONE=1" and [each.partition("=")[0] for each in found] == ["ONE", "UWF_RUN"]
    assert ask("pwd -P").out.decode().strip() == str(tmp_path.resolve())


def test_it_leads_a_session_of_its_own(ask: Ask) -> None:
    said = ask((sys.executable, "-S", "-c", "import os; print(os.getpid(), os.getsid(0))"))
    assert len(set(said.out.split())) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("trap '' TERM; echo $$ >pid; while :; do sleep 0.1; done", "ignores SIGTERM"),
        ("echo $$ >pid; exec >&- 2>&-; sleep 100", "closes its output and hangs"),
        ("echo $$ >pid; sleep 100 & echo $! >pid2; wait", "has a child"),
    ],
)
def test_one_that_takes_too_long_is_ended(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    monkeypatch.setattr(asking, "GRACE_S", 0.1)
    begin_s = time.monotonic()
    answer = ask(text, timeout_s=0.3)
    assert time.monotonic() - begin_s < 5, why
    assert (answer.code, answer.fault) == (None, "did not end within 0.3 s, and was ended")


@linux_only
def test_what_it_has_forked_away_ends_with_it(ask: Ask) -> None:
    begin_s = time.monotonic()
    answer = ask(
        "(setsid sh -c 'trap \"\" TERM; echo $$ >pid; exec sleep 100' &) & "
        "while [ ! -s pid ]; do sleep 0.01; done; echo done"
    )
    assert time.monotonic() - begin_s < 8
    assert (answer.out, answer.code) == (b"done\n", 0)


def test_of_one_that_says_much_the_newest_is_kept(ask: Ask) -> None:
    answer = ask("head -c 100000000 /dev/zero; head -c 1000000 /dev/zero >&2; echo end; exit 4")
    assert answer.code == 4
    assert answer.out.endswith(b"\0end\n") and len(answer.out) == 64 << 10
    assert len(answer.err) == 64 << 10


def test_one_that_may_not_say_much_is_ended(ask: Ask, tmp_path: Path) -> None:
    answer = ask("yes", most_bytes=3 * MIB, spool_dir=str(tmp_path / "spool"))
    assert answer.out == b"y\n" * (3 * MIB // 2)
    assert (answer.code, answer.fault) == (None, "said more than 3 MiB, and was ended")


def test_one_that_does_not_read_its_input_is_not_waited_for(ask: Ask) -> None:
    assert ask("echo no", stdin=b"x" * MIB) == ProgramAnswer(b"no\n", b"", 0)
    assert ask("sleep 0.1; wc -c", stdin=b"x" * MIB).out.split() == [b"1048576"]


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("no-such-program",), "'no-such-program': not found on PATH"),
        (("/nowhere/x",), "'/nowhere/x': no such file"),
        (("/etc/passwd",), "'/etc/passwd': /etc/passwd is not executable"),
    ],
)
def test_one_that_cannot_be_run_is_a_fault(ask: Ask, argv: tuple[str, ...], why: str) -> None:
    assert ask(argv).trouble == f"could not be run: {why}"


def test_one_whose_folder_is_gone_is_a_fault(ask: Ask) -> None:
    assert "there is no such folder" in ask("true", cwd="/nowhere").fault


def test_a_stop_ends_it_at_once(tmp_path: Path) -> None:
    stop, answers = Stop(), list[ProgramAnswer]()
    stop.fileno()
    text = "trap '' TERM; echo $$ >pid; while :; do sleep 0.1; done"
    thread = threading.Thread(
        target=lambda: answers.append(
            ask_program(
                ("/bin/sh", "-c", text), cwd=str(tmp_path), env=ENV, timeout_s=60, stop=stop
            )
        )
    )
    thread.start()
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    stop.request()
    stop.request()
    thread.join(5)
    assert answers[0].fault == "was ended before it had answered"
    assert not lives(pid)
    stop.close()


@linux_only
def test_when_the_asker_is_killed_it_ends_too_and_what_it_forked_away_is_known(
    tmp_path: Path,
) -> None:
    text = "(setsid sh -c 'echo $$ >stray; exec sleep 100' &) & echo $$ >pid; sleep 100"
    code = (
        "from uwf.agent.process.ask import ask_program\n"
        f"ask_program(('/bin/sh', '-c', {text!r}), cwd={str(tmp_path)!r}, env={ENV}, timeout_s=90)"
    )
    asker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)

    def pid_in(name: str) -> int:
        file = tmp_path / name
        return int(eventually(lambda: file.exists() and file.read_text()))

    pid, stray = pid_in("pid"), pid_in("stray")
    looks = [each for each in map(platform.look, (pid, stray)) if each]
    marks = {mark.decode() for _, (mark,) in platform.settings(looks, (b"UWF_RUN",))}
    [mark] = marks
    assert asking.is_mark(mark) and not asking.is_left_behind(mark)
    asker.kill()
    asker.wait()
    eventually(lambda: not lives(pid))
    assert asking.is_left_behind(mark)
    elsewhere = mark.replace(":", ".7:")  # its asker is in another pid namespace
    assert asking.is_mark(elsewhere) and not asking.is_left_behind(elsewhere)
    [process] = [each for each in looks if each.pid == stray]
    assert asking.end_left_behind(process.owner, mark).survivors == ()
    assert not lives(stray)
