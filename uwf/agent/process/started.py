"""The child's side of `spawn`, played by the starter: a program of a few system calls, see start.c.

To copy this program only to replace the copy costs milliseconds, the more the larger it is. posix_spawn copies nothing,
but it cannot do all that a child has to; so what it executes is the starter, which does the rest and then executes the
program. An installation compiles it where it can (hatch_build.py).
"""

from __future__ import annotations

import fcntl
import os

from uwf.agent.process import platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.process.pipes import Pipes
    from uwf.agent.process.program import Program

STARTER = os.path.join(os.path.dirname(__file__), "start-1")
"""Its number is that of the words it is given: see start.c."""


def start(program: Program, pipes: Pipes) -> int | None:
    """Start a child that waits at its gate to become `program`; its pid. For callers that have all signals blocked.

    None when there is no starter, or it cannot be started like this, for whatever reason: `forked` does without, and
    where the reason is one for it as well it says so in its own words.
    """
    if not os.access(STARTER, os.X_OK):
        return None
    gate, report = pipes.gate[0], pipes.report[1]
    moved: list[int] = []
    try:
        for low in program.keep_fds:
            if low <= 2:
                moved.append(fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 3))
        kept = [each for each in program.keep_fds if each > 2] + moved
        actions = []
        for each in (gate, report, *kept):
            # There and back: what dup2 makes is inherited. Standard input is a free place until its pipe comes.
            actions += [(os.POSIX_SPAWN_DUP2, each, 0), (os.POSIX_SPAWN_DUP2, 0, each)]
        for number, end in enumerate((pipes.stdin[0], pipes.stdout[1], pipes.stderr[1])):
            actions.append((os.POSIX_SPAWN_DUP2, end, number))
        words = [os.getpid(), gate, report, ",".join(map(str, kept))]
        argv = ["uwf-start", *map(str, words), program.cwd, program.file, *program.argv]
        platform.forget_peak()
        return os.posix_spawn(STARTER, argv, program.env, file_actions=actions)
    except (OSError, ValueError):
        return None
    finally:
        for each in moved:
            os.close(each)
