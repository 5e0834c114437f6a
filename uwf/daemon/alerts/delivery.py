"""Bringing one message to a person: by a command of the config, and by Apprise, each a program with a time limit.

What cannot be delivered is an answer, never an exception: who sends decides when to try again.
"""

from __future__ import annotations

import sys
from functools import partial

from uwf.app import programs
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app.programs import Stop
    from uwf.app.values import AlertConfig

SUBJECT, LEVEL = "UWF_ALERT_SUBJECT", "UWF_ALERT_LEVEL"
"""What a command is told in its environment; the text comes on its stdin."""
URL = "UWF_PING_URL"
"""What `url_ping` is told there: an address may be as good as a password, and command lines are for all to read."""


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


def deliver(
    home: str, rules: AlertConfig, level: str, subject: str, text: str, stop: Stop | None = None
) -> SendResult:
    """Send a message every way there is: each address of Apprise is one."""
    named = {SUBJECT: subject, LEVEL: level}
    ways: dict[str, Sequence[str]] = {}
    if rules.command:
        ways["alerts.command"] = rules.command
    module = "uwf.daemon.alerts.apprise_message"
    for name in rules.apprise:
        ways[f"alerts.apprise {name}"] = (sys.executable, "-P", "-m", module, name)
    ask = partial(programs.ask, home, timeout_s=rules.timeout_s, env=named, stdin=text, stop=stop)
    ended = {way: ask(words).trouble for way, words in ways.items()}
    failed = {way: why for way, why in ended.items() if why}
    return SendResult(len(failed) < len(ways), failed)


def ping(home: str, rules: AlertConfig, stop: Stop | None = None) -> SendResult:
    """Let somebody elsewhere know that this daemon lives."""
    ways: dict[str, Sequence[str]] = {}
    if rules.ping_command:
        ways["alerts.ping_command"] = rules.ping_command
    if rules.ping_url:
        ways["alerts.ping_url"] = (sys.executable, "-P", "-m", "uwf.daemon.alerts.url_ping")
    env = {URL: rules.ping_url or ""}
    ask = partial(programs.ask, home, timeout_s=rules.timeout_s, env=env, stop=stop)
    ended = {way: ask(words).trouble for way, words in ways.items()}
    failed = {way: why for way, why in ended.items() if why}
    return SendResult(not failed, failed)
