"""Alerts: what a person must know is found out, kept by cause, and brought to that person.

Found out here: threads that wait for a person, what is set aside, schedules that said they would and did not,
events that were to come by a time. Others
report theirs where they find them (`app.alerts`). A message goes in a thread of its own, which touches no store; one
that could not be delivered is tried again, later and later, and `daemon status` says so.
"""

from __future__ import annotations

from uwf import clock
from uwf.daemon.alerts import delivery
from uwf.daemon.loop.budget import words
from uwf.daemon.loop.errand import Errand
from uwf.daemon.loop.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uwf.app.values import Alert
    from uwf.daemon.loop.part import Daemon

LOOK_MS = 60_000
FIRST_RETRY_S, LONGEST_RETRY_S = 60.0, 3600.0
WAITS, ASIDE, LATE, ABSENT = "waits/", "aside/", "schedule/", "absent/"
_QUESTION_CHARS = 200

Causes = dict[str, tuple[str, str]]
"""Cause → level and words."""


class Alerting(Part):
    """Tend: a person is told what that person must know."""

    name = "alerts"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._looked_ms: int | None = None
        self._message = Errand[list[str]](daemon.wake)
        self._ping = Errand[list[str]](daemon.wake)
        self._sent: Sequence[Alert] = ()
        self._retry_s, self._failures = 0.0, 0
        self._pinged_s: float | None = None

    def tick(self, now_ms: int) -> float | None:
        if self._looked_ms is None or not 0 <= now_ms - self._looked_ms < LOOK_MS:
            self._looked_ms = now_ms
            self._look()
        self._send(now_ms)
        return self._send_ping()

    def _look(self) -> None:
        """Open and end the alerts of what is found out here; remind of those that wait for a person."""
        alerts = self._daemon.app.alerts
        found = {**self._waiting(), **self._aside(), **self._late(), **self._absent()}
        known = {alert.cause: alert for alert in alerts.all() if alert.is_open}
        for cause, (level, text) in found.items():
            if cause not in known or known[cause].text != text:
                alerts.report(cause, level, text)
        reminded = {each.thread for each in self._daemon.app.wakes.reminders(clock.now_ms())}
        for cause in known.keys() & found.keys():
            if cause.startswith(WAITS) and cause.split("/")[1] in reminded:
                alerts.remind(cause)
        for cause in known.keys() - found.keys():
            if cause.startswith((WAITS, ASIDE, LATE, ABSENT)):
                alerts.clear(cause, silently=cause.startswith(WAITS))

    def _waiting(self) -> Causes:
        inbox = self._daemon.app.inbox()
        found = {}
        for item in inbox.waiting:
            asks = " ".join(item.question.split())[:_QUESTION_CHARS]
            name = item.title or item.workflow or item.thread
            # Another question of the same thread is another cause: it is told, too.
            text = f"{name} waits for you: {item.role or item.kind}: {asks} ({item.answer})"
            found[f"{WAITS}{item.thread}/{item.since}"] = ("P1", text)
        for broken in inbox.broken:
            found[f"{ASIDE}thread/{broken.thread}"] = (
                "P1",
                f"thread {broken.thread} is broken: {broken.why}",
            )
        return found

    def _aside(self) -> Causes:
        return {
            f"{ASIDE}{one.kind}/{one.name}": (
                "P1",
                f"{one.kind} {one.name} is set aside: {one.why}",
            )
            for one in self._daemon.quarantine.all()
        }

    def _late(self) -> Causes:
        found = self._daemon.app.schedules.alarms(clock.now_ms())
        return {f"{LATE}{one.cause}": ("P1", f"{one.text} ({one.hint})") for one in found}

    def _absent(self) -> Causes:
        return {
            f"{ABSENT}{rule.name}": (
                rule.level,
                f"no {rule.on} has come: absence {rule.name}, missed since {clock.iso(at_ms)}",
            )
            for rule, at_ms in self._daemon.app.alerts.absent(clock.now_ms())
        }

    def _send(self, now_ms: int) -> None:
        """Take what came of the last message, and send the next."""
        daemon, rules = self._daemon, self._daemon.app.alerts.config
        failed = self._message.taken()
        if failed is not None and not failed:
            self._failures = 0
            daemon.app.alerts.told(self._sent, now_ms)
        elif failed:
            delay_s = min(FIRST_RETRY_S * 2.0**self._failures, LONGEST_RETRY_S)
            self._failures += 1
            self._retry_s = clock.monotonic_s() + delay_s
            daemon.say(f"an alert could not be delivered: {'; '.join(failed)}")
        if self._message.is_out or not delivery.is_possible(rules):
            return
        if self._failures and clock.monotonic_s() < self._retry_s:
            return
        due = daemon.app.alerts.due(now_ms)
        if due:
            self._sent = due
            subject, text = daemon.app.alerts.message(due)
            level = min(alert.level for alert in due)
            self._message.go(
                lambda: _kept(lambda: delivery.deliver(rules, level, subject, text)), "alert"
            )

    def _send_ping(self) -> float | None:
        """Say every so often that the loop lives; in how many seconds again."""
        rules = self._daemon.app.alerts.config
        failed = self._ping.taken()
        if failed:
            self._daemon.say("; ".join(failed))
        if not (rules.ping_url or rules.ping_command):
            return None
        now_s = clock.monotonic_s()
        if self._pinged_s is None or now_s - self._pinged_s >= rules.ping_every_s:
            self._pinged_s = now_s
            if not self._ping.is_out:
                self._ping.go(lambda: _kept(lambda: delivery.ping(rules)), "ping")
        return self._pinged_s + rules.ping_every_s - now_s


def _kept(act: Callable[[], list[str]]) -> list[str]:
    """What went wrong, in words, also where nobody had thought of it."""
    try:
        return act()
    except Exception as error:
        return [words(error)]
