"""The part that decides what has been taken in: whom it is for, who is told, who wakes.

Where the agent of the glance is to be asked, that may take a minute: it is asked in a thread of its own, which has the
home opened for itself, so that the loop goes round meanwhile. Killed then, the event still waits for its answer.
"""

from __future__ import annotations

from functools import partial

from uwf import clock
from uwf.app import App
from uwf.daemon.loop.budget import words
from uwf.daemon.loop.now_and_then import NowAndThen
from uwf.daemon.loop.part import Part
from uwf.errand import Errand
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.app.values import DecisionView
    from uwf.daemon.loop.part import Daemon

EVENT, TRIGGER = "event", "trigger"
"""What is set aside."""
AT_ONCE = 2
AGAIN_S, LONGEST_S = 30.0, 1800.0
"""After how long an agent of the glance that could not be asked is asked again: twice as long each time."""


class _Later(Record):
    """A glance that came to nothing is asked for again at `at_s`, of the monotonic clock, after `wait_s`."""

    wait_s: float
    at_s: float


class Decisions(Part):
    """Events → words and wakes."""

    name = "decide"

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._asked: dict[str, Errand[str]] = {}
        self._later: dict[str, _Later] = {}
        self._held: set[tuple[str, str]] = set()
        self._problems = NowAndThen(self._look)

    def tick(self, now_ms: int) -> float | None:
        events, quarantine = self._daemon.app.events, self._daemon.quarantine
        unreadable: dict[str, str] = {}
        decided = events.decide(
            now_ms, ask=False, on_unreadable=lambda one: unreadable.update({one.name: one.why})
        )
        self._set_aside(unreadable, now_ms)
        for one in decided:
            self._say(one)
        for key, asking in list(self._asked.items()):
            error = asking.taken()
            if error is not None:
                del self._asked[key]
                if error:
                    self._failed(key, error)
        waiting, now_s = events.asking(), clock.monotonic_s()
        for key in self._later.keys() - set(waiting):
            del self._later[key]
            quarantine.let_go(EVENT, key)
        for key in () if self._daemon.is_draining else waiting:
            known = key in self._asked or (key in self._later and self._later[key].at_s > now_s)
            if not known and len(self._asked) < AT_ONCE:
                self._asked[key] = Errand(self._daemon.wake)
                self._asked[key].go(partial(_glance, self._daemon.app.home, key), "glance")
        return 0.0 if decided else None

    def _failed(self, key: str, error: str) -> None:
        """Name the event, and ask again later."""
        self._daemon.quarantine.set_aside(EVENT, key, error)
        before = self._later.get(key)
        wait_s = AGAIN_S if before is None else min(2 * before.wait_s, LONGEST_S)
        self._later[key] = _Later(wait_s, clock.monotonic_s() + wait_s)

    def _say(self, one: DecisionView) -> None:
        """Who was told, and what a person has to mend; what was ignored stands in `event list`."""
        if one.threads:
            text = f"event {one.event} is told: {', '.join(one.threads[:3])}"
            self._daemon.say(
                text,
                what="event_told",
                thread=one.threads[0] if len(one.threads) == 1 else None,
                event=one.event,
                threads=list(one.threads),
            )
        elif one.state == "refused":
            text = f"event {one.event} is refused: {one.why}"
            self._daemon.say(text, what="event_refused", event=one.event, reason=one.reason)

    def _look(self) -> Mapping[str, str]:
        """The triggers that name what is not there; those that do are remembered."""
        events = self._daemon.app.events
        found = events.problems()
        events.remember_good(found)
        return found

    def _set_aside(self, unreadable: dict[str, str], now_ms: int) -> None:
        """What cannot be read, and triggers that name what is not there, as long as that is so."""
        found = {(EVENT, name): why for name, why in unreadable.items()}
        triggers = self._daemon.app.events.triggers()
        problems = self._problems.at(now_ms, triggers.of)
        found |= {(TRIGGER, name): why for name, why in (*problems.items(), *triggers.set_aside)}
        for gone in self._held - found.keys():
            self._daemon.quarantine.let_go(*gone)
        for (kind, name), why in found.items():
            self._daemon.quarantine.set_aside(kind, name, why)
        self._held = set(found)


def _glance(home: str, key: str) -> str:
    """Glance at one event; why that came to nothing, "" when it did not."""
    try:
        with App.open(home) as app:
            app.events.answer(key)
    except Exception as error:  # of one event, which must not be the end of the others
        return words(error)
    return ""
