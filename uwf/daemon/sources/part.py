"""The part that asks sources: each in its time and in a thread of its own, so that one that hangs starves no other.

The thread touches no store: it gets what it needs to know and hands back what it found, which the next tick stores
together with what is to be remembered. A source that fails is asked later and later, and told so: its error stands in
`source list`, and after `SET_ASIDE_AFTER` polls in a row in `daemon status`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from uwf import clock
from uwf.daemon.loop.budget import words
from uwf.daemon.loop.part import Part
from uwf.daemon.sources.asking import LEAST_S, Asked, Asking, Outcome
from uwf.daemon.sources.polled import Polled, PollTask
from uwf.errand import Errand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TypeAlias

    from uwf.app.values import Source
    from uwf.daemon.intake.buffer import Wish
    from uwf.daemon.loop.part import Daemon

    Poll: TypeAlias = Callable[[PollTask], Polled]

SOURCE = "source"
GIVEN_UP_S = 15.0
"""After its time limit: a poll that has not come back then hangs in something that knows none."""
SET_ASIDE_AFTER = 3


class _Poll(Errand[Polled]):
    """One poll."""

    def __init__(self, asked: Asked, poll: Poll, wake: Callable[[], None]) -> None:
        super().__init__(wake)
        self.asked = asked
        self.began_s = clock.monotonic_s()
        self.is_given_up = False
        self.found: Polled | None = None
        self.go(lambda: self._found(poll), f"poll {asked.task.source.name}")

    def _found(self, poll: Poll) -> Polled:
        try:
            return poll(self.asked.task)
        except Exception as error:  # of one source, which must not be the end of the others
            return Polled(faults=(f"internal fault: {words(error)}",), is_down=True)


class SourcePolls(Part):
    """Sources → events. `wishes` gives the polls that webhooks say are worth it now."""

    name = "sources"

    def __init__(
        self,
        daemon: Daemon,
        wishes: Callable[[], list[Wish]] = list,
        poll: Poll | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self._daemon, self._wishes, self._poll = daemon, wishes, poll or _poll
        self._asking = Asking(daemon.app, dice)
        self._polls: dict[str, _Poll] = {}
        self._due_s: dict[str, float] = {}
        self._peace_s: dict[str, float] = {}
        """Until when a source is not asked, whoever wishes for it: a while after each poll, longer where it said so."""
        self._wished: dict[str, set[int]] = {}

    def tick(self, now_ms: int) -> float | None:
        known = {source.name: source for source in self._daemon.app.sources.configured()}
        self._note_wishes(known)
        for name, poll in list(self._polls.items()):
            poll.found = poll.found or poll.taken()
            if name in known:
                self._take(known[name], poll)
            if poll.found is not None:
                del self._polls[name]
        waits = [self._start(source, now_ms) for source in known.values()]
        return min((each for each in waits if each is not None), default=None)

    def finish(self, within_s: float) -> None:
        """Wait for the polls that go on, and take what they found: for one pass of all parts without staying."""
        end_s = clock.monotonic_s() + within_s
        for poll in self._polls.values():
            poll.wait(max(0.0, end_s - clock.monotonic_s()))
        self.tick(clock.now_ms())

    def close(self) -> None:
        """A poll that goes on is given up: nothing of it was stored, and it is made anew."""
        for poll in self._polls.values():
            poll.wait(0.5)

    def _note_wishes(self, known: Collection[str]) -> None:
        for wish in self._wishes():
            if wish.source in known and wish.numbers is None:
                self._due_s[wish.source] = clock.monotonic_s()
            elif wish.source in known:
                self._wished.setdefault(wish.source, set()).update(wish.numbers or ())

    def _take(self, source: Source, poll: _Poll) -> None:
        """Store what a poll has found; where that cannot be, it is kept, and nobody is asked again. Of one that does
        not come back, say so once; another one waits until it has.
        """
        late_s = clock.monotonic_s() - poll.began_s - source.timeout_s - GIVEN_UP_S
        if poll.found is not None:
            self._deliver(poll.asked, poll.found)
        elif late_s > 0 and not poll.is_given_up:
            poll.is_given_up = True
            fault = f"a poll does not come back after {source.timeout_s:g} s"
            self._deliver(poll.asked, Polled(faults=(fault,), is_down=True))

    def _start(self, source: Source, now_ms: int) -> float | None:
        """Begin a poll of a source that is due. In how many seconds it is; None: something else comes first."""
        sources, name, now_s = self._daemon.app.sources, source.name, clock.monotonic_s()
        if name in self._polls:
            left_s = source.timeout_s + GIVEN_UP_S - (now_s - self._polls[name].began_s)
            return left_s if left_s > 0 else None
        if name not in self._due_s:
            state = sources.state(name)
            after_ms = min(state.next_ms - now_ms, state.next_ms - state.polled_ms)  # of any clock
            self._due_s[name] = now_s + max(0.0, after_ms / 1000)
        is_due = self._due_s[name] <= now_s
        soon_s = (
            self._peace_s.get(name, 0.0) if is_due or name in self._wished else self._due_s[name]
        )
        if soon_s > now_s:
            return soon_s - now_s
        if self._daemon.is_draining or sources.is_paused(name):
            return None
        asked = self._asking.prepare(
            source,
            self._wished.pop(name, ()),
            is_partial=not is_due,
            stop=self._daemon.stop,
        )
        if not asked.is_empty:
            self._polls[name] = _Poll(asked, self._poll, self._daemon.wake)
            return source.timeout_s + GIVEN_UP_S
        self._deliver(asked, Polled())
        return self._due_s[name] - now_s

    def _deliver(self, asked: Asked, found: Polled) -> None:
        """Store what was found, note when the source is due again, and say what is wrong."""
        name, now_s = asked.task.source.name, clock.monotonic_s()
        outcome = self._asking.deliver(asked, found)
        next_s = now_s + max(0.0, (outcome.state.next_ms - clock.now_ms()) / 1000)
        if outcome.wants_peace or not asked.is_partial:
            self._due_s[name] = next_s
        self._peace_s[name] = next_s if outcome.wants_peace else now_s + LEAST_S
        self._say(name, outcome)

    def _say(self, name: str, outcome: Outcome) -> None:
        say, quarantine = self._daemon.say, self._daemon.quarantine
        before, state = outcome.before, outcome.state
        for dropped in sorted(set(state.aged) - set(before.aged)):
            say(f"source {name} asks about {dropped} no more: nothing happened on it for 14 days")
        for why in outcome.delivered.refused:
            say(f"source {name} gave what is no event: {why}")
        if state.error and state.error != before.error:
            say(f"source {name}: {state.error}")
        if state.failures >= SET_ASIDE_AFTER:
            quarantine.set_aside(SOURCE, name, state.error)
        elif not state.failures:
            quarantine.let_go(SOURCE, name)


def _poll(task: PollTask) -> Polled:
    from uwf.daemon.sources import polling  # and with it all that speaks HTTP

    return polling.poll(task)
