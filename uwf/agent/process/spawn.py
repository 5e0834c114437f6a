"""Starting one program: find it, fork, wait at the gate, exec.

The fresh child waits at a gate (a pipe) before it becomes the program. So the caller can put pid and start time on
record first; when the caller dies or gives up instead, the gate closes and the program has never run.

    parent                                child
    spawn() forks                         own session, death signal, pipes, descriptors, signals, folder
    record pid and start time             wait for one byte
    child.open_gate()                     exec; a failure goes into the report pipe
    child.failure(), after it ended       -

A fork costs some milliseconds, the more the larger this program is. Feeding and draining the pipes is left to `pump`,
when to end the child to `supervise`.
"""

from __future__ import annotations

import fcntl
import os

from uwf.agent.process import platform
from uwf.agent.process.platform import signal
from uwf.agent.process.program import SpawnFailed, absolute_entries, find_program, is_of_machine
from uwf.record import Record
from uwf.store.owner import Owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn


class Program(Record):
    """What a child is to become: the file to execute, and what it finds. `env` is its whole environment.

    It inherits `keep_fds` beside its standard files.
    """

    file: str
    argv: list[bytes]
    env: dict[bytes, bytes]
    cwd: str
    keep_fds: tuple[int, ...]


class Pipes:
    """The five pipes between parent and child, as (read end, write end). A closed end is -1."""

    NAMES = ("stdin", "stdout", "stderr", "gate", "report")

    def __init__(self) -> None:
        self.stdin = self.stdout = self.stderr = self.gate = self.report = (-1, -1)
        try:
            for name in self.NAMES:
                setattr(self, name, _pipe())
        except OSError:
            self.close()
            raise

    def keep_parent_side(self) -> None:
        """Close the ends that are the child's."""
        self._close(self.stdin[0], self.stdout[1], self.stderr[1], self.gate[0], self.report[1])
        self.stdin, self.gate = (-1, self.stdin[1]), (-1, self.gate[1])
        self.stdout, self.stderr = (self.stdout[0], -1), (self.stderr[0], -1)
        self.report = (self.report[0], -1)
        for end in (self.stdin[1], self.stdout[0], self.stderr[0], self.report[0]):
            os.set_blocking(end, False)

    def close(self, *names: str) -> None:
        """Close these pipes, or all. May be called twice."""
        for name in names or self.NAMES:
            ends: tuple[int, int] = getattr(self, name)
            setattr(self, name, (-1, -1))
            self._close(*ends)

    @staticmethod
    def _close(*ends: int) -> None:
        for end in ends:
            if end >= 0:
                os.close(end)


class Child:
    """A process we started, seen from its parent. Until `reap` it stays at least a zombie, so its pid stays its own."""

    def __init__(self, process: Owner, pipes: Pipes) -> None:
        self.process, self.pid, self.pipes = process, process.pid, pipes
        self._result: tuple[int | None, int] | None = None

    def open_gate(self) -> None:
        """Let the child become the program."""
        try:
            os.write(self.pipes.gate[1], b"g")
        except BrokenPipeError:
            return  # it failed before it came to the gate; `failure` says why
        finally:
            self.pipes.close("gate")

    def abandon(self) -> None:
        """Close the gate, see the child off, give everything back. For a child that is not wanted after all."""
        self.pipes.close()
        platform.send(self.process, platform.SIGKILL)
        self.reap()

    def failure(self) -> tuple[str, int] | None:
        """After the end: the stage ("folder", "exec", ...) and errno if it never became the program, else None."""
        try:
            report = os.read(self.pipes.report[0], 64).decode()
        except BlockingIOError:
            return None  # a sibling that is being born just now holds the other end
        stage, _, number = report.partition(" ")
        return (stage, int(number)) if stage else None

    def has_ended(self) -> bool:
        """Whether it has ended. Does not wait."""
        if self._result is None and platform.can_peek:
            return platform.has_ended(self.pid)
        return self._wait(os.WNOHANG)

    def reap(self) -> tuple[int | None, int]:
        """Wait for its end: the wait status and its peak memory in bytes.

        The status is None when something else in this program reaped it, or when SIGCHLD is ignored in this program.
        The peak is never below what this program itself held when it forked: the kernel hands that on to a child that
        executes another program.
        """
        self._wait(0)
        return self._result or (None, 0)

    def _wait(self, options: int) -> bool:
        if self._result is None:
            try:
                pid, status, usage = os.wait4(self.pid, options)
            except ChildProcessError:
                self._result = None, 0
            else:
                if pid:
                    self._result = status, usage.ru_maxrss * platform.maxrss_unit_bytes
        return self._result is not None


def spawn(
    argv: Sequence[str], cwd: str, env: Mapping[str, str], keep_fds: tuple[int, ...] = ()
) -> Child:
    """Make a child that waits at its gate. `env` is its whole environment, but for entries of PATH that are not
    absolute: a script that begins `#!/usr/bin/env` looks there, too. Raises SpawnFailed.

    The program inherits `keep_fds` beside its standard files, and no other descriptor; those below 3, which its
    standard files take, under other numbers.
    """
    if "PATH" in env:
        env = {**env, "PATH": absolute_entries(env["PATH"])}
    file = find_program(argv, cwd, env.get("PATH", os.defpath))
    try:
        words = [_encode(word) for word in argv]
        settings = {_encode(name): _encode(value) for name, value in env.items()}
        program = Program(file, words, settings, cwd, keep_fds)
        pipes = Pipes()
    except ValueError as error:
        raise SpawnFailed(
            f"cannot run {argv[0]!r}: its arguments or environment: {error}"
        ) from error
    except OSError as error:
        raise _failed(argv, error) from error
    pid = -1
    try:
        _keep_exit_statuses()
        # Blocked, so that no handler of ours runs in a forked child before it has taken them off, nor raises here
        # before we know the child's pid.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = _fork(program, pipes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        pipes.keep_parent_side()
        return Child(Owner(pid, platform.start_time(pid) or ""), pipes)
    except BaseException as error:
        pipes.close()  # and so the gate: the child ends by itself
        if pid > 0:
            os.waitpid(pid, 0)
        if isinstance(error, OSError):
            raise _failed(argv, error) from error
        raise


def _failed(argv: Sequence[str], error: OSError) -> SpawnFailed:
    where = f"{error.filename}: " if error.filename else ""
    return SpawnFailed(
        f"cannot run {argv[0]!r}: {where}{error.strerror}",
        is_of_machine=is_of_machine(error.errno),
    )


def _fork(program: Program, pipes: Pipes) -> int:
    """Fork a child that waits at its gate to become `program`; its pid. For callers that have all signals blocked.

    Raises OSError.
    """
    parent_lives, caught = platform.die_with_parent(), _handled_signals()
    leaks = [leak for leak in _leaking_descriptors() if leak not in program.keep_fds]
    pid = os.fork()
    if pid == 0:
        _become(program, pipes, parent_lives, caught, leaks)
    return pid


def _become(
    program: Program,
    pipes: Pipes,
    parent_lives: Callable[[], bool],
    caught: list[int],
    leaks: list[int],
) -> NoReturn:
    """The child's side. Nothing but system calls, and whatever happens it never returns into the parent's code."""
    stage = "session"
    try:
        os.setsid()
        os.close(pipes.gate[1])
        if not parent_lives():
            os._exit(127)
        stage = "descriptors"
        for kept in program.keep_fds:
            if kept > 2:
                os.set_inheritable(kept, True)  # here, in the child, and nowhere else
            else:
                fcntl.fcntl(kept, fcntl.F_DUPFD, 3)
        stage = "pipes"
        for end, number in ((pipes.stdin[0], 0), (pipes.stdout[1], 1), (pipes.stderr[1], 2)):
            os.dup2(end, number)
        for leak in leaks:
            os.closerange(leak, leak + 1)  # which does not mind one that is closed by now
        stage = "signals"
        for signum in caught:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        stage = "folder"
        os.chdir(program.cwd)
        stage = "exec"
        if os.read(pipes.gate[0], 1):
            os.execve(program.file, program.argv, program.env)
    except BaseException as error:
        number = (error.errno or 0) if isinstance(error, OSError) else 0
        os.write(pipes.report[1], b"%s %d" % (stage.encode(), number))
    finally:
        os._exit(127)


def _encode(text: str) -> bytes:
    data = os.fsencode(text)
    if b"\0" in data:
        raise ValueError(f"{text[:40]!r} holds a NUL character")
    return data


def _handled_signals() -> list[int]:
    """Signals that do not have their default action: Python itself ignores SIGPIPE, and exec would hand that on."""
    return [
        number
        for number in signal.valid_signals()
        if signal.getsignal(number) not in (signal.SIG_DFL, None)
    ]


def _leaking_descriptors() -> list[int]:
    """Descriptors, other than the standard three, that exec would hand on. Ours are not; inherited ones may be."""
    leaks = []
    for name in os.listdir("/dev/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                leaks.append(int(name))
        except OSError:
            continue  # the descriptor that listed the folder
    return leaks


def _keep_exit_statuses() -> None:
    """Where SIGCHLD is ignored (some launchers hand that on) the kernel throws exit statuses away. Stays changed."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        except ValueError:
            return  # only the main thread may; then the outcome says that the status was lost


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are above 2, so that `dup2` in the child cannot overwrite one with another."""
    ends = list(os.pipe())
    for place, end in enumerate(ends):
        if end <= 2:
            ends[place] = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 3)
            os.close(end)
    return ends[0], ends[1]
