"""Runs as child processes: `uwf thread exec THREAD --due --until-done`, each in a session of its own.

A run survives the daemon: it holds the lock of its thread, prints into a log of its own, and is found by that lock.
With a systemd user manager it gets a scope of its own, so that the end of the daemon's unit ends no run. Where that is
worth it, the process of the next run is made ready before it is known which thread it will run: see `uwf.cli.ready`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from signal import SIG_BLOCK, SIG_SETMASK, SIGUSR1, pthread_sigmask

from uwf import clock, config, owned
from uwf import home as paths
from uwf.app import programs
from uwf.daemon.runs.runs import RunEnded, RunsNow
from uwf.daemon.upkeep.command import command_words
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from uwf.app.values import DueThread

LOG_BYTES = 256 * 1024
"""How long a log may be when a run begins; one that is longer is put aside in place of the one before."""
TAIL_BYTES = 16 * 1024
SLOT_S = 60.0
"""How long a run waits for a slot before others have their turn."""
READY = "uwf.cli.ready"
SYSTEMD_RUN = ("systemd-run", "--user", "--scope", "--quiet", "--collect")
PROBE_S = 5.0
AFTER_STEP = SIGUSR1
"""The signal that lets a run end with its step, in place of all of them."""


class _Ready(Record):
    """A process that waits for the words of a command; made of the `program` as it was found then."""

    process: subprocess.Popen[bytes]
    keeper: socket.socket
    program: tuple[int, int]


class _Child(Record):
    thread: str
    process: subprocess.Popen[bytes]
    began_s: float
    said_before: int


class ChildRuns:
    """See `Runs`: as processes of this home. `prefix` is a command that runs another one; with `agents` a run ends
    before a step that none of them runs, or that is to be made where none has one of these `labels`.
    """

    def __init__(
        self,
        home: str,
        prefix: Sequence[str] = (),
        agents: Sequence[str] | None = None,
        labels: Sequence[str] = (),
    ) -> None:
        self._home, self._prefix = home, tuple(prefix)
        self._agents, self._labels = agents, labels
        self._children: list[_Child] = []
        self._ready: _Ready | None = None

    def room(self, running: int, jobs: int) -> int:
        return max(0, jobs - running)

    def start(self, due: Sequence[DueThread]) -> None:
        for each in due:
            self.begin(each.thread)

    def keep(self, due: Sequence[DueThread], now_ms: int) -> None:
        return  # a run that has begun sees by itself what is due

    def signal(self, signum: int) -> None:
        """Send a signal to all that run."""
        for child in self._children:
            child.process.send_signal(signum)

    def kill(self, thread: str) -> None:
        """End a run that may be frozen, at once. It is among those that have `finished` next."""
        for child in self._children:
            if child.thread == thread:
                child.process.kill()

    def begin(self, thread: str) -> None:
        """Begin a run of one thread. OSError where that cannot be."""
        log = _opened(paths.log(self._home, thread))
        try:
            said_before = os.lseek(log, 0, os.SEEK_END)
            process = self._given_to_ready(thread, log)
            if process is None:
                process = self._process(self._line(thread), subprocess.DEVNULL, log)
        finally:
            os.close(log)
        self._children.append(_Child(thread, process, clock.monotonic_s(), said_before))

    def make_ready(self) -> None:
        """Let there be a process for the next run, which has begun already. Where none can be, the run takes longer."""
        if self._ready is not None:
            return
        keeper, its = socket.socketpair()
        with its:
            try:
                line = [sys.executable, "-P", "-m", READY]
                process = self._process(line, its.fileno(), subprocess.DEVNULL)
            except OSError:
                keeper.close()
            else:
                self._ready = _Ready(process, keeper, _program())

    def close(self) -> None:
        """The process that is ready, and was not needed, ends."""
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.keeper.close()
            ready.process.wait()

    def _given_to_ready(self, thread: str, log: int) -> subprocess.Popen[bytes] | None:
        """The process that was ready, and runs the thread now. None where there is none, or it is not what one that is
        begun now would be: another version of uwf was installed.
        """
        ready = self._ready
        if ready is None or ready.program != _program():
            self.close()
            return None
        self._ready = None
        with ready.keeper:
            try:
                words = json.dumps(self._words(thread)).encode()
                socket.send_fds(ready.keeper, [words], [log])
            except OSError:  # it was killed
                ready.process.wait()
                return None
        return ready.process

    def _process(self, line: Sequence[str], stdin: int, out: int) -> subprocess.Popen[bytes]:
        # A child that is told to end after its step before it listens would die of it.
        before = pthread_sigmask(SIG_BLOCK, {AFTER_STEP})
        try:
            return subprocess.Popen(
                [*self._prefix, *line],
                stdin=stdin,
                stdout=out,
                stderr=out,
                cwd=self._home,
                env=config.environment_of_runs(self._agents, self._labels),
                start_new_session=True,
            )
        finally:
            pthread_sigmask(SIG_SETMASK, before)

    def finished(self) -> list[RunEnded]:
        ended = [child for child in self._children if child.process.poll() is not None]
        self._children = [child for child in self._children if child not in ended]
        own = [child.process.pid for child in self._children]
        programs.reap_adopted(own if self._ready is None else [*own, self._ready.process.pid])
        return [self._ended(child) for child in ended]

    def now(self) -> RunsNow:
        return RunsNow(frozenset(child.thread for child in self._children), frozenset())

    def _line(self, thread: str) -> list[str]:
        return programs.own_command(*self._words(thread))

    def _words(self, thread: str) -> list[str]:
        words = ("thread", "exec", thread, "--due", "--until-done", f"--wait={SLOT_S:g}")
        return command_words(self._home, *words)

    def _ended(self, child: _Child) -> RunEnded:
        lasted_s = clock.monotonic_s() - child.began_s
        said = _last_error(paths.log(self._home, child.thread), child.said_before)
        return RunEnded(
            child.thread,
            child.process.returncode,
            lasted_s,
            error=said.get("code"),
            message=said.get("message"),
            retry_at_ms=said.get("retryAtMs"),
        )


def scope_prefix(home: str) -> tuple[str, ...]:
    """The command that gives a run a scope of its own; nothing where no systemd user manager answers."""
    if not config.has_user_manager():
        return ()
    answer = programs.ask(home, [*SYSTEMD_RUN, "true"], timeout_s=PROBE_S)
    return SYSTEMD_RUN if answer.code == 0 else ()


def _program() -> tuple[int, int]:
    """What tells one installation of uwf from another that takes its place."""
    found = os.stat(__file__)
    return found.st_ino, found.st_mtime_ns


def _opened(path: str) -> int:
    """The log, to be written at its end. What is long already is put aside first.

    Where no log can be written a run says nothing to anybody, rather than that it does not begin.
    """
    try:
        paths.made(os.path.dirname(path))
        with suppress(FileNotFoundError):
            if os.stat(path).st_size > LOG_BYTES:
                os.replace(path, f"{path}.1")
        return owned.open_at_end(path)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _last_error(path: str, begin: int) -> dict[str, Any]:
    """The last error that a run has said, as JSON has it; {} where it said none that can be read."""
    try:
        with open(path, "rb") as log:
            size = os.fstat(log.fileno()).st_size
            log.seek(max(begin, size - TAIL_BYTES))
            lines = log.read().splitlines()
    except OSError:
        return {}
    for line in reversed(lines):
        if line.startswith(b'{"error":{'):
            try:
                return dict(json.loads(line)["error"])
            except (ValueError, KeyError, TypeError):
                return {}
    return {}
