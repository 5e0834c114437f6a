"""Starting one program: find it, fork, wait at the gate, exec.

The fresh child waits at a gate (a pipe) before it becomes the program. So the caller can put pid and start time on
record first; when the caller dies or gives up instead, the gate closes and the program has never run.

    parent                                child
    spawn() forks                         own session, death signal, pipes, signals, folder
    record pid and start time             wait for one byte
    child.open_gate()                     exec; a failure goes into the report pipe
    child.failure(), after it ended       -

Feeding and draining the pipes, and when to end the child, are left to `process`.
"""

from __future__ import annotations

import fcntl
import os

from uwf.agent import platform
from uwf.agent.pipes import Pipes
from uwf.agent.platform import signal
from uwf.agent.program import SpawnFailed, find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn


class Child:
    """A process we started, seen from its parent. Until `collect` its corpse is kept, so its pid stays its own."""

    def __init__(self, pid: int, start: str, pipes: Pipes) -> None:
        self.pid, self.start, self.pipes = pid, start, pipes
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
        platform.send(platform.Process(self.pid, 0, 0, 0, self.start, False), platform.SIGKILL)
        self.collect()

    def failure(self) -> tuple[str, int] | None:
        """After the end: the stage ("folder", "exec", ...) and errno if it never became the program, else None."""
        try:
            report = os.read(self.pipes.report[0], 64).decode()
        except BlockingIOError:
            return None  # a sibling that is being forked just now holds the other end
        stage, _, number = report.partition(" ")
        return (stage, int(number)) if stage else None

    def has_ended(self) -> bool:
        """Whether it has ended. Does not wait."""
        if self._result is None and platform.can_peek:
            return platform.has_ended(self.pid)
        return self._wait(os.WNOHANG)

    def collect(self) -> tuple[int | None, int]:
        """Wait for its end: the wait status and its peak memory in bytes.

        The status is None when somebody else collected it, or when SIGCHLD is ignored in this program. The peak is
        never below what this program itself held when it forked.
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
    """Fork a child that waits at its gate. `env` is its whole environment. Raises SpawnFailed.

    The program inherits `keep_fds` beside its standard files, and no other descriptor; those below 3, which its
    standard files take, under other numbers.
    """
    program = find_program(argv, cwd, env.get("PATH", os.defpath))
    try:
        arguments = [_encode(word) for word in argv]
        environment = {_encode(name): _encode(value) for name, value in env.items()}
    except ValueError as error:
        raise SpawnFailed(
            f"cannot run {argv[0]!r}: its arguments or environment: {error}"
        ) from error
    try:
        pipes = Pipes()
    except OSError as error:
        raise SpawnFailed(f"cannot run {argv[0]!r}: {error.strerror}") from error
    pid = -1
    try:
        _keep_exit_statuses()
        parent_lives, caught, leaks = (
            platform.die_with_parent(),
            _handled_signals(),
            [leak for leak in _leaking_descriptors() if leak not in keep_fds],
        )
        # Blocked, so that no Python handler of ours runs in the child before it has taken them off.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                _become(
                    program,
                    arguments,
                    environment,
                    cwd,
                    pipes,
                    parent_lives,
                    caught,
                    leaks,
                    keep_fds,
                )
        finally:
            if pid != 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        pipes.keep_parent_side()
        return Child(pid, platform.start_time(pid) or "", pipes)
    except BaseException as error:
        pipes.close()  # and so the gate: the child ends by itself
        if pid > 0:
            os.waitpid(pid, 0)
        if isinstance(error, OSError):
            where = f"{error.filename}: " if error.filename else ""
            raise SpawnFailed(f"cannot run {argv[0]!r}: {where}{error.strerror}") from error
        raise


def _become(
    program: str,
    argv: list[bytes],
    env: dict[bytes, bytes],
    cwd: str,
    pipes: Pipes,
    parent_lives: Callable[[], bool],
    caught: list[int],
    leaks: list[int],
    keep_fds: tuple[int, ...],
) -> NoReturn:
    """The child's side. Nothing but system calls, and whatever happens it never returns into the parent's code."""
    stage = "session"
    try:
        os.setsid()
        os.close(pipes.gate[1])
        if not parent_lives():
            os._exit(127)
        stage = "descriptors"
        for kept in keep_fds:
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
        os.chdir(cwd)
        stage = "exec"
        if os.read(pipes.gate[0], 1):
            os.execve(program, argv, env)
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


def _keep_exit_statuses() -> None:
    """Where SIGCHLD is ignored (some launchers hand that on) the kernel throws exit statuses away. Stays changed."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        except ValueError:
            return  # only the main thread may; then the outcome says that the status was lost


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
