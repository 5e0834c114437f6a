"""Bringing one message to a person: by a command of the config, and by Apprise, each in a process with a time limit.

What cannot be delivered is an answer, never an exception: who sends decides when to try again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

from uwf import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

    from uwf.app.values import AlertConfig

SUBJECT, LEVEL = "UWF_ALERT_SUBJECT", "UWF_ALERT_LEVEL"
"""What a command is told in its environment; the text comes on its stdin."""
_ERROR_BYTES = 300


def is_possible(rules: AlertConfig) -> bool:
    """Whether anybody is to be told anything."""
    return bool(rules.command or rules.apprise)


def deliver(rules: AlertConfig, level: str, subject: str, text: str) -> list[str]:
    """Send a message every way there is; what went wrong, in words."""
    failed = []
    named = {SUBJECT: subject, LEVEL: level}
    if rules.command:
        failed += _run("alerts.command", rules.command, text, named, rules.timeout_s)
    if rules.apprise:
        words = (sys.executable, "-m", "uwf.daemon.alerts.apprise_message", *rules.apprise)
        failed += _run("alerts.apprise", words, text, named, rules.timeout_s)
    return failed


def ping(rules: AlertConfig) -> list[str]:
    """Let somebody elsewhere know that this daemon lives; what went wrong, in words."""
    failed = []
    if rules.ping_command:
        failed += _run("alerts.ping_command", rules.ping_command, "", {}, rules.timeout_s)
    if rules.ping_url:
        failed += _get(rules.ping_url, rules.timeout_s)
    return failed


def _run(
    what: str, words: Sequence[str], text: str, named: Mapping[str, str], timeout_s: float
) -> list[str]:
    """Run a program in a session of its own, which ends with its time."""
    environ = {**config.environment(), **named}
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                words,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return [f"{what} cannot be run: {getattr(error, 'strerror', None) or error}"]
        with process:
            try:
                process.communicate(text.encode(), timeout=timeout_s)
            except subprocess.TimeoutExpired:
                _end(process)
                return [f"{what} did not end within {timeout_s:g} s"]
        if process.returncode == 0:
            return []
        said = _last_line(errors)
    return [f"{what} exited with {process.returncode}" + (f": {said}" if said else "")]


def _last_line(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - _ERROR_BYTES))
    return errors.read().decode(errors="replace").strip().rpartition("\n")[2]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it has started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    process.wait()


def _get(url: str, timeout_s: float) -> list[str]:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=timeout_s) as answer:
            answer.read(1024)
    except (OSError, URLError, HTTPException, ValueError) as error:
        return [f"alerts.ping_url cannot be reached: {error}"]
    return []
