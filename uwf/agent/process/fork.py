"""The child's side of `spawn`, played by a fork of this program: some milliseconds, the more the larger it is."""

from __future__ import annotations

import fcntl
import os

from uwf.agent.process import platform
from uwf.agent.process.platform import signal
from uwf.agent.process.program import SpawnFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from uwf.agent.process.pipes import Pipes
    from uwf.agent.process.program import Program


def fork(program: Program, pipes: Pipes) -> int:
    """Fork a child that waits at its gate to become `program`; its pid. For callers that have all signals blocked.

    Raises OSError, and SpawnFailed when arguments or environment cannot be handed to any program.
    """
    try:
        argv = [_encode(word) for word in program.argv]
        env = {_encode(name): _encode(value) for name, value in program.env.items()}
    except ValueError as error:
        raise SpawnFailed(
            f"cannot run {program.argv[0]!r}: its arguments or environment: {error}"
        ) from error
    parent_lives, caught = platform.die_with_parent(), _handled_signals()
    leaks = [leak for leak in _leaking_descriptors() if leak not in program.keep_fds]
    pid = os.fork()
    if pid == 0:
        _become(program, argv, env, pipes, parent_lives, caught, leaks)
    return pid


def _become(
    program: Program,
    argv: list[bytes],
    env: dict[bytes, bytes],
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
            os.execve(program.file, argv, env)
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
