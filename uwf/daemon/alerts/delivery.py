"""Bringing one message to a person: by a command of the config, and by Apprise, each in a process with a time limit.

What cannot be delivered is an answer, never an exception: who sends decides when to try again.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

from uwf import clock, config
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app.values import AlertConfig

SUBJECT, LEVEL = "UWF_ALERT_SUBJECT", "UWF_ALERT_LEVEL"
"""What a command is told in its environment; the text comes on its stdin."""
_ERROR_BYTES, _CHUNK_BYTES = 300, 1 << 16
_POLL_S = 0.05


class SendResult(Record):
    """What came of a message: whether it went any way at all, and the ways that failed, each with the reason."""

    is_out: bool
    failed: Mapping[str, str]

    @property
    def words(self) -> str:
        """What went wrong."""
        return "; ".join(f"{way} {why}" for way, why in self.failed.items())


def is_possible(rules: AlertConfig) -> bool:
    """Whether anybody is to be told anything."""
    return bool(rules.command or rules.apprise)


def deliver(rules: AlertConfig, level: str, subject: str, text: str) -> SendResult:
    """Send a message every way there is."""
    named = {SUBJECT: subject, LEVEL: level}
    ways: dict[str, Sequence[str]] = {}
    if rules.command:
        ways["alerts.command"] = rules.command
    if rules.apprise:
        module = "uwf.daemon.alerts.apprise_message"
        ways["alerts.apprise"] = (sys.executable, "-P", "-m", module, *rules.apprise)
    ended = {way: _run(words, text, named, rules.timeout_s) for way, words in ways.items()}
    failed = {way: why for way, why in ended.items() if why is not None}
    return SendResult(len(failed) < len(ways), failed)


def ping(rules: AlertConfig) -> SendResult:
    """Let somebody elsewhere know that this daemon lives."""
    failed = {}
    if rules.ping_command and (why := _run(rules.ping_command, "", {}, rules.timeout_s)):
        failed["alerts.ping_command"] = why
    if rules.ping_url and (why := _get(rules.ping_url, rules.timeout_s)):
        failed["alerts.ping_url"] = why
    return SendResult(not failed, failed)


def _run(words: Sequence[str], text: str, named: Mapping[str, str], timeout_s: float) -> str | None:
    """Run a program in a session of its own, which ends with its time; what went wrong. However much it says, only the
    end of that is kept.
    """
    try:
        process = subprocess.Popen(
            words,
            env={**config.environment(), **named},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"cannot be run: {getattr(error, 'strerror', None) or error}"
    try:
        said = _talk(process, text.encode(), clock.monotonic_s() + timeout_s)
    finally:
        _close(process)
    if said is None:
        return f"did not end within {timeout_s:g} s"
    if process.returncode == 0:
        return None
    last = said.decode(errors="replace").strip().rpartition("\n")[2]
    return f"exited with {process.returncode}" + (f": {last}" if last else "")


def _talk(process: subprocess.Popen[bytes], text: bytes, until_s: float) -> bytes | None:
    """Give it `text`; the end of what it has written to stderr once it has ended, None where it did not in time."""
    assert process.stdin is not None and process.stderr is not None
    os.set_blocking(process.stdin.fileno(), False)
    hears, speaks, said = [process.stdin], [process.stderr], b""
    while True:
        is_late, has_ended = clock.monotonic_s() > until_s, process.poll() is not None
        if is_late and not has_ended:
            return None
        heard, free, _ = select.select(speaks, hears, (), 0 if has_ended else _POLL_S)
        if has_ended and (is_late or not heard):
            return said
        if heard:
            data = os.read(process.stderr.fileno(), _CHUNK_BYTES)
            said = (said + data)[-_ERROR_BYTES:]
            speaks = speaks if data else []
        if free:
            try:
                text = text[os.write(process.stdin.fileno(), text) :]
            except BrokenPipeError:
                text = b""  # it does not want to know
            if not text:
                process.stdin.close()
                hears = []


def _close(process: subprocess.Popen[bytes]) -> None:
    """End the program, and what it has started in its session, where it has not ended by itself."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for end in (process.stdin, process.stderr):
        assert end is not None
        with suppress(BrokenPipeError):
            end.close()


def _get(url: str, timeout_s: float) -> str | None:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=timeout_s) as answer:
            answer.read(1024)
    except (OSError, URLError, HTTPException, ValueError) as error:
        return f"cannot be reached: {error}"
    return None
