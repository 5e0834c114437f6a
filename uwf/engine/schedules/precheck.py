"""Asking a command whether an occurrence is worth it. It runs meanwhile; its answer is taken at a later look.

    exit 0           yes; what it wrote to stdout is told
    exit 1           no; the last line it wrote is the reason
    anything else    yes, and that is said: a command that is broken must not keep everything from running for ever

It has `PATIENCE_S`, which counts as the last of these. It ends with the process that has asked, and so does all in its
session when it is over.
"""

from __future__ import annotations

import os
import select
import subprocess
import threading
from contextlib import suppress

from uwf import clock
from uwf.agent.process import platform
from uwf.agent.process.program import SpawnFailed, find_program
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE_S = 120.0
MOST_AT_ONCE = 8
TOLD_BYTES = 64 << 10
"""What is kept of its output, the newest."""
_LEFT_OPEN_S = 0.2  # how long what it has left behind may hold its output once it has ended
_POLL_S = 0.05


class Verdict(Record):
    """`told` is what a yes has to say; `why` the reason of a no, or why a yes is taken for one."""

    is_yes: bool
    told: str = ""
    why: str = ""


class Prechecks:
    """Those that this process has asked. `on_answer` is called, in another thread, when one has answered."""

    def __init__(
        self, environ: Mapping[str, str], on_answer: Callable[[], None] = lambda: None
    ) -> None:
        self._environ, self._on_answer = environ, on_answer
        self._asked: dict[str, Verdict | None] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def ask(self, key: str, command: Sequence[str], cwd: str, env: Mapping[str, str]) -> bool:
        """Begin to ask about `key`. False when as many are asked already as may be at once."""
        if sum(answer is None for answer in self._asked.values()) >= MOST_AT_ONCE:
            return False
        self._asked[key] = None
        environ = {**self._environ, **env}
        thread = threading.Thread(
            target=self._run, args=(key, tuple(command), cwd, environ), name="precheck", daemon=True
        )
        thread.start()
        return True

    @property
    def are_asked(self) -> bool:
        """Whether there is one whose answer nobody has taken."""
        return bool(self._asked)

    def is_asked(self, key: str) -> bool:
        """Whether this process has asked about `key` and nobody has taken the answer."""
        return key in self._asked

    def take(self, key: str) -> Verdict | None:
        """The answer about `key`, once; None while there is none."""
        answer = self._asked.get(key)
        if answer is not None:
            del self._asked[key]
        return answer

    def close(self) -> None:
        """End those that run."""
        for process in list(self._running.values()):
            _kill(process)

    def _run(self, key: str, command: tuple[str, ...], cwd: str, environ: dict[str, str]) -> None:
        try:
            answer = self._answered(key, command, cwd, environ)
        except (SpawnFailed, OSError) as error:
            answer = Verdict(
                True, why=f"the precheck could not be run, which counts as a yes: {error}"
            )
        self._asked[key] = answer
        self._on_answer()

    def _answered(
        self, key: str, command: tuple[str, ...], cwd: str, environ: dict[str, str]
    ) -> Verdict:
        program = find_program(command, cwd, environ.get("PATH", ""))
        process = subprocess.Popen(
            command,
            executable=program,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=platform.die_with_parent(),
        )
        self._running[key] = process
        try:
            out, err, in_time = _read(process, clock.monotonic_s() + PATIENCE_S)
        finally:
            _kill(process)
            process.wait()
            del self._running[key]
            for pipe in (process.stdout, process.stderr):
                assert pipe is not None
                pipe.close()
        return judged(process.returncode if in_time else None, out, err)


def judged(code: int | None, out: str, err: str) -> Verdict:
    """What the end of a precheck means; `code` None: it was not over in time."""
    if code == 0:
        return Verdict(True, told=out.strip())
    if code == 1:
        return Verdict(False, why=_last_line(out) or _last_line(err) or "the precheck said no")
    how = f"was not over after {PATIENCE_S:g} s" if code is None else f"ended with {_ended(code)}"
    said = _last_line(err) or _last_line(out)
    why = f"the precheck {how}, which counts as a yes" + (f": {said}" if said else "")
    return Verdict(True, why=why)


def _ended(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:2000] if lines else ""


def _read(process: subprocess.Popen[bytes], until_s: float) -> tuple[str, str, bool]:
    """The end of what it writes to stdout and to stderr, and whether it was over in time."""
    assert process.stdout is not None
    assert process.stderr is not None
    tails = {process.stdout.fileno(): b"", process.stderr.fileno(): b""}
    open_ends, ended_s = list(tails), None
    while open_ends or not _has_ended(process):
        now_s = clock.monotonic_s()
        if ended_s is None and _has_ended(process):
            ended_s = now_s
        if now_s >= until_s or (ended_s is not None and now_s >= ended_s + _LEFT_OPEN_S):
            break
        for end in select.select(open_ends, [], [], _POLL_S)[0]:
            data = os.read(end, 1 << 16)
            tails[end] = (tails[end] + data)[-TOLD_BYTES:]
            if not data:
                open_ends.remove(end)
    out, err = (tail.decode(errors="replace") for tail in tails.values())
    return out, err, _has_ended(process)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended. Where that can be seen its number stays its own until it is waited for."""
    if platform.can_peek:
        return platform.has_ended(process.pid)
    return process.poll() is not None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and what is left of its session. Its number is its own until it is waited for."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, 9)
