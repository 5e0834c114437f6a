"""Starting one program: find it, have a new process, wait at the gate, exec.

The fresh child waits at a gate (a pipe) before it becomes the program. So the caller can put pid and start time on
record first; when the caller dies or gives up instead, the gate closes and the program has never run.

    parent                                child
    spawn() makes a process               own session, death signal, pipes, signals, folder
    record pid and start time             wait for one byte
    child.open_gate()                     exec; a failure goes into the report pipe
    child.failure(), after it ended       -

The child's side is played by a fork of this program (`fork`).
Feeding and draining the pipes, and when to end the child, are left to `process`.
"""

from __future__ import annotations

import os

from uwf.agent.process import fork, platform
from uwf.agent.process.pipes import Pipes
from uwf.agent.process.platform import signal
from uwf.agent.process.program import Program, SpawnFailed, find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
            return None  # a sibling that is being born just now holds the other end
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
        never below what this program itself held when it forked: the kernel hands that on to a child that executes
        another program.
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
    """Make a child that waits at its gate. `env` is its whole environment. Raises SpawnFailed.

    The program inherits `keep_fds` beside its standard files, and no other descriptor; those below 3, which its
    standard files take, under other numbers.
    """
    file = find_program(argv, cwd, env.get("PATH", os.defpath))
    program = Program(file, argv, env, cwd, keep_fds)
    try:
        pipes = Pipes()
    except OSError as error:
        raise SpawnFailed(f"cannot run {argv[0]!r}: {error.strerror}") from error
    pid = -1
    try:
        _keep_exit_statuses()
        # Blocked, so that no handler of ours runs in a forked child before it has taken them off, nor raises here
        # before we know the child's pid.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = fork.fork(program, pipes)
        finally:
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


def _keep_exit_statuses() -> None:
    """Where SIGCHLD is ignored (some launchers hand that on) the kernel throws exit statuses away. Stays changed."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        except ValueError:
            return  # only the main thread may; then the outcome says that the status was lost
