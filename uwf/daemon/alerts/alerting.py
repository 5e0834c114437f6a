"""Alerts: what a person must know is found out, kept by cause, and brought to that person.

Found out here: threads that wait for a person, what is set aside, schedules that said they would and did not, events
that were to come by a time. Others report theirs where they find them (`app.alerts`). A message goes in a thread of its
own, which touches no store. It is delivered when it went one way; one that went none is tried again, later and later. A
way that fails is set aside, and an alert itself.
"""

from __future__ import annotations

from functools import partial

from uwf import clock, quantities
from uwf.app.upkeep.alerts import BROKEN, WAITS
from uwf.daemon.alerts import delivery
from uwf.daemon.alerts.delivery import SendResult
from uwf.daemon.loop.budget import words
from uwf.daemon.loop.part import Part
from uwf.daemon.loop.quarantine import CONFIG, HOME
from uwf.daemon.scheduling import SCHEDULE
from uwf.errand import ENDING_S, Errand
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from uwf.app.values import Absence, Alert
    from uwf.daemon.loop.part import Daemon

LOOK_MS = 60_000
FIRST_RETRY_S, LONGEST_RETRY_S = 60.0, 3600.0
ASIDE, LATE, ABSENT = "aside/", "schedule/", "absent/"
WAY = "delivery"
"""What is set aside when no message goes there."""
BAD_CONFIG, OF_CONFIG = "health/config/file", (CONFIG, (HOME, ConfigInvalid.default_code))
"""The alert of the check of the configuration; what is set aside where that is not valid."""
_QUESTION_CHARS = 200

Causes = dict[str, tuple[str, str]]
"""Cause → level and words."""


class Alerting(Part):
    """Tend: a person is told what that person must know."""

    name = "alerts"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._looked_ms: int | None = None
        self._message = Errand[SendResult](daemon.wake)
        self._ping = Errand[SendResult](daemon.wake)
        self._sent: Sequence[Alert] = ()
        self._bad_ways: set[str] = set()
        self._retry_s, self._failures = 0.0, 0
        self._pinged_s: float | None = None

    def tick(self, now_ms: int) -> float | None:
        if self._looked_ms is None or not 0 <= now_ms - self._looked_ms < LOOK_MS:
            self._looked_ms = now_ms
            self._look()
        self._send(now_ms)
        return self._send_ping()

    def close(self) -> None:
        """A message that goes out just now is sent anew by the next daemon."""
        self._message.wait(ENDING_S)
        self._ping.wait(ENDING_S)

    def _look(self) -> None:
        """Open and end the alerts of what is found out here; remind of those that wait for a person."""
        alerts = self._daemon.app.alerts
        known = {alert.cause: alert for alert in alerts.all() if alert.is_open}
        found = {**self._waiting(), **self._aside(known), **self._late(), **self._absent()}
        for cause, (level, text) in found.items():
            before = known.get(cause)
            if before is None or before.text != text or level < before.level:
                alerts.report(cause, level, text)
        self._remind(known.keys() & found.keys())
        for cause in known.keys() - found.keys():
            if cause.startswith((WAITS, ASIDE, LATE, ABSENT)):
                alerts.clear(cause, silently=cause.startswith(WAITS))

    def _remind(self, causes: Iterable[str]) -> None:
        wakes, now_ms = self._daemon.app.wakes, clock.now_ms()
        waits = {each.thread for each in wakes.reminders(now_ms)}
        for cause in causes:
            if cause.startswith(WAITS) and cause.split("/")[1] in waits:
                self._daemon.app.alerts.remind(cause)
        if waits:
            wakes.reminded(now_ms)

    def _waiting(self) -> Causes:
        inbox = self._daemon.app.inbox()
        found = {}
        for item in inbox.waiting:
            asks = " ".join(item.question.split())[:_QUESTION_CHARS]
            name = item.title or item.workflow or item.thread
            way, _, _ = item.answer.partition(" --wait ")  # for how long changes by the minute
            # Another question of the same thread is another cause: it is told, too.
            text = f"{name} waits for you: {item.role or item.kind}: {asks} ({way})"
            found[f"{WAITS}{item.thread}/{item.since}"] = ("P1", text)
        for broken in inbox.broken:
            found[f"{BROKEN}{broken.thread}"] = (
                "P1",
                f"thread {broken.thread} is broken: {broken.why}",
            )
        return found

    def _aside(self, known: Container[str]) -> Causes:
        """What the check of the configuration has told is not told again for what comes of it."""
        return {
            f"{ASIDE}{one.kind}/{one.name}": (
                "P1",
                f"{one.kind} {one.name} is set aside: {one.why}",
            )
            for one in self._daemon.quarantine.all()
            if BAD_CONFIG not in known or (one.kind, one.name) not in OF_CONFIG
        }

    def _late(self) -> Causes:
        """One that is set aside is told as that alone."""
        found = self._daemon.app.schedules.alarms(clock.now_ms())
        return {
            f"{LATE}{one.cause}": ("P1", f"{one.text} ({one.hint})")
            for one in found
            if not self._daemon.quarantine.holds(SCHEDULE, one.schedule)
        }

    def _absent(self) -> Causes:
        return {
            f"{ABSENT}{rule.name}": (rule.level, _missed(rule, at_ms))
            for rule, at_ms in self._daemon.app.alerts.absent(clock.now_ms())
        }

    def _send(self, now_ms: int) -> None:
        """Take what came of the last message, and send the next."""
        daemon, rules = self._daemon, self._daemon.app.alerts.config
        came = self._message.taken()
        if came is not None:
            self._note_ways(came.failed)
            if came.failed:
                daemon.say(f"an alert could not be delivered: {came.words}")
            if came.is_out:  # the ways that failed are told by those that did not
                self._failures = 0
                daemon.app.alerts.told(self._sent, now_ms)
            else:
                delay_s = min(FIRST_RETRY_S * 2.0**self._failures, LONGEST_RETRY_S)
                self._failures += 1
                self._retry_s = clock.monotonic_s() + delay_s
        if self._message.is_out or not delivery.is_possible(rules):
            return
        if self._failures and clock.monotonic_s() < self._retry_s:
            return
        due = daemon.app.alerts.due(now_ms)
        if due:
            self._sent = due
            subject, text = daemon.app.alerts.message(due)
            level = min(alert.level for alert in due)
            send = partial(delivery.deliver, daemon.app.home, rules, level, subject, text)
            self._message.go(lambda: _kept(lambda: send(stop=daemon.stop)), "alert")

    def _note_ways(self, failed: Mapping[str, str]) -> None:
        """A way that fails is set aside until a message goes there again."""
        for way in self._bad_ways - failed.keys():
            self._daemon.quarantine.let_go(WAY, way)
        for way, why in failed.items():
            self._daemon.quarantine.set_aside(WAY, way, why)
        self._bad_ways = {*failed}

    def _send_ping(self) -> float | None:
        """Say every so often that the loop lives; in how many seconds again."""
        rules = self._daemon.app.alerts.config
        came = self._ping.taken()
        if came is not None and came.failed:
            self._daemon.say(came.words)
        if not (rules.ping_url or rules.ping_command):
            return None
        now_s = clock.monotonic_s()
        if self._pinged_s is None or now_s - self._pinged_s >= rules.ping_every_s:
            self._pinged_s = now_s
            if not self._ping.is_out:
                ping = partial(delivery.ping, self._daemon.app.home, rules)
                self._ping.go(lambda: _kept(lambda: ping(stop=self._daemon.stop)), "ping")
        return self._pinged_s + rules.ping_every_s - now_s


def _missed(rule: Absence, at_ms: int) -> str:
    """The same words as long as it is missed at the same time, or all the time."""
    if rule.within_s is None:
        when = f"in the 24 hours before {clock.iso(at_ms)}"
    else:
        when = f"for {quantities.said(quantities.TIME, rule.within_s)}"
    return f"no {rule.on} has come {when}: absence {rule.name}"


def _kept(act: Callable[[], SendResult]) -> SendResult:
    """What came of it, also where nobody had thought of that."""
    try:
        return act()
    except Exception as error:
        return SendResult(False, {"alerts": words(error)})
