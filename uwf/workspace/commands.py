"""A command that a person has set to run in a worktree: `setup`, `teardown`, `check`.

It runs in a process group of its own, whose end is seen to: by a stop, by its time limit. No shell is run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time

from uwf import clock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TAIL_BYTES = 16_384
GRACE_S = 3.0
_POLL_S = 0.02


class Ran(Record):
    """How it ended: `why` is None where it succeeded. `tail` is the end of what it has printed."""

    why: str | None
    tail: str


def run(
    words: Sequence[str],
    folder: str,
    environ: Mapping[str, str],
    timeout_s: float,
    pause: Callable[[float], None] = time.sleep,
    keep_fds: tuple[int, ...] = (),
) -> Ran:
    """Run it in `folder` to its end. What `pause` raises, which passes the time, ends it. It inherits `keep_fds`."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(words),
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=keep_fds,
            )
        except OSError as error:
            return Ran(f"it cannot be started: {error.strerror}", "")
        deadline_s, why = clock.monotonic_s() + timeout_s, None
        try:
            while process.poll() is None:
                if clock.monotonic_s() > deadline_s:
                    why = f"it did not end within {timeout_s:g} s"
                    break
                pause(_POLL_S)
        finally:
            _end(process)
        if why is None and process.returncode:
            code = process.returncode
            why = f"it ended with code {code}" if code > 0 else f"signal {-code} has ended it"
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - TAIL_BYTES))
        return Ran(why, output.read().decode(errors="replace").strip())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of its group."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, signum)
        except (ProcessLookupError, PermissionError):
            break
        deadline_s = clock.monotonic_s() + GRACE_S
        while clock.monotonic_s() < deadline_s and _is_there(process):
            time.sleep(_POLL_S)
    process.wait()


def _is_there(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
