"""Work on a stranger's text, in a child process that has so much time and memory and no more.

No check inside the work could promise that: one filter of a template is one call, which no signal interrupts.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

CPU_S, WALL_S = 2, 8
MEMORY_BYTES = 1 << 30


class Exceeded(Exception):
    """The work was ended, since it took more time or memory than it may."""


def text_of(work: Callable[[], str]) -> str:
    """What `work` gives. It must change nothing: its process is gone afterwards. Raises `Exceeded`."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(work, write_end)
    os.close(write_end)
    parts = []
    try:
        while part := os.read(read_end, 1 << 20):
            parts.append(part)
    finally:
        os.close(read_end)
        os.kill(pid, 9)  # a zombie at most, unless we were interrupted
        status = os.waitpid(pid, 0)[1]
    if status != 0 and not (parts and parts[-1].endswith(b"\0")):
        raise Exceeded(f"it takes more than {CPU_S} s, or than {MEMORY_BYTES >> 20} MiB of memory")
    return b"".join(parts)[:-1].decode("utf-8", "surrogatepass")


def _child(work: Callable[[], str], write_end: int) -> NoReturn:
    try:
        os.closerange(3, write_end)  # no lock of ours is held by a process that is only busy
        os.closerange(write_end + 1, 4096)
        _confine()
        data = work().encode("utf-8", "surrogatepass") + b"\0"
        while data:
            data = data[os.write(write_end, data) :]
        os._exit(0)
    finally:
        os._exit(1)


def _confine() -> None:
    import resource
    import signal

    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGXCPU):
        signal.signal(signum, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_AS, MEMORY_BYTES),
    ):
        hard = resource.getrlimit(what)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (soft, hard))
        except (OSError, ValueError):
            continue  # a system that knows no such limit
