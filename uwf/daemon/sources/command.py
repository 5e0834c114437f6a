"""A source that is a command: it says what happened as lines of JSON, and ends.

A line `{"cursor": "TEXT"}` says how far it came: the next time TEXT stands in `UWF_CURSOR`. A command that knows no
cursor may say everything each time: what it said the last time is no news.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress

from uwf import clock, config
from uwf.daemon.sources import lines
from uwf.daemon.sources.polled import Polled
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.daemon.sources.polled import PollTask

OUTPUT_BYTES = 8 << 20
STDERR_CHARS = 300
LOOK_S = 0.1
MOST_KNOWN = 5000
CHUNK_BYTES = 1 << 16


class _Said(Record):
    """What a command has said, and in words what was wrong with it."""

    output: bytes
    fault: str


def poll(task: PollTask) -> Polled:
    """Run the command once, for as long as the source may take. Whatever becomes of it, whole lines are taken."""
    before = task.cursor if isinstance(task.cursor, dict) else {}
    said = _run(task, str(before.get("text") or ""))
    whole = said.output[: said.output.rfind(b"\n") + 1] if said.fault else said.output
    numbered = ((f"line {at}", line) for at, line in enumerate(whole.splitlines(), 1))
    known = before.get("last", [])
    found = lines.read(task.source, numbered, known=set(known), takes_cursor=True)
    new = [event.id for event in found.events]
    is_whole = not found.is_cut and not said.fault
    last = [*(found.old if is_whole else known), *new]
    return Polled(
        found.events,
        cursor={"text": found.cursor or before.get("text"), "last": last[-MOST_KNOWN:]},
        faults=tuple(filter(None, (said.fault, *found.faults))),
        is_cut=found.is_cut,
        is_down=bool(said.fault),
    )


def _run(task: PollTask, cursor: str) -> _Said:
    try:
        process = subprocess.Popen(
            task.source.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=task.home,
            env=_environment(task, cursor),
            start_new_session=True,
        )
    except OSError as error:
        return _Said(b"", f"cannot start {task.source.command[0]}: {error.strerror}")
    try:
        return _listen(process, task)
    finally:
        _end(process)


def _environment(task: PollTask, cursor: str) -> Mapping[str, str]:
    known = {"UWF_HOME": task.home, "UWF_SOURCE": task.source.name, "UWF_CURSOR": cursor}
    return {**config.environment(), **known}


def _listen(process: subprocess.Popen[bytes], task: PollTask) -> _Said:
    """All that it says until it has ended. A process that it has left behind is not waited for."""
    assert process.stdout is not None and process.stderr is not None
    timeout_s = task.source.timeout_s
    end_s = clock.monotonic_s() + timeout_s
    said = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    output, errors = said.values()
    open_ends = set(said)
    while open_ends:
        if clock.monotonic_s() > end_s:
            return _Said(bytes(output), f"it did not end in {timeout_s:g} s, and was ended")
        if task.stopped is not None and task.stopped.is_set():
            return _Said(bytes(output), "it was ended with the daemon")
        has_ended = process.poll() is not None
        ready, _, _ = select.select(tuple(open_ends), (), (), LOOK_S)
        if has_ended and not ready:
            break
        for end in ready:
            data = os.read(end, CHUNK_BYTES)
            said[end] += data
            if not data:
                open_ends.discard(end)
        if len(output) > OUTPUT_BYTES:
            return _Said(
                bytes(output), f"it said more than {OUTPUT_BYTES >> 20} MiB, and was ended"
            )
        del errors[:-CHUNK_BYTES]
    code = _code(process, end_s - clock.monotonic_s())
    if code is None:
        return _Said(bytes(output), f"it did not end in {timeout_s:g} s, and was ended")
    last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2][:STDERR_CHARS]
    return _Said(bytes(output), f"exit {code}{': ' + last if last else ''}" if code else "")


def _code(process: subprocess.Popen[bytes], left_s: float) -> int | None:
    try:
        return process.wait(max(left_s, 0.01))
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, and all that it has begun in its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for end in (process.stdout, process.stderr):
        if end is not None:
            end.close()
