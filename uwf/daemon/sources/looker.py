"""Looking again before a thread wakes: whether what it was told of is still so, in threads of their own.

    may_run(thread)    yes: nothing can be asked, or it was, and some of it is still so
                       no: it is being asked, and the loop is woken when that is done; or nothing is so any more

What is no longer so is taken away from what waits for the thread, with the reason noted at its event.
"""

from __future__ import annotations

from collections.abc import Callable

from uwf import clock
from uwf.daemon.loop.budget import words
from uwf.daemon.sources import answer as looked
from uwf.daemon.sources.answer import Dropped, StillTrue
from uwf.daemon.sources.asking import token_of
from uwf.errand import Errand
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from uwf.app.unattended.events import Event
    from uwf.app.values import Source
    from uwf.daemon.loop.part import Daemon
    from uwf.daemon.sources.answer import Answer

    Look: TypeAlias = Callable[[Event, Source, str, float], Answer]

AT_ONCE = 4
LATE_S = 1.0
MOST_OF_ONE = 20
"""Events of one thread that are asked about; of more, the newest."""
GOOD_FOR_S = 300.0
"""So long an answer holds for a thread whose run is put off: a guard may say "not now" for a while."""


class _Question(Record):
    event: Event
    source: Source


class _Looking(Errand[tuple["Answer", ...]]):
    """The questions for one thread."""

    def __init__(
        self, questions: Sequence[_Question], look: Look, wake: Callable[[], None]
    ) -> None:
        super().__init__(wake)
        self.questions = tuple(questions)
        self._look = look
        self._end_s = clock.monotonic_s() + looked.WITHIN_S
        self.go(lambda: tuple(map(self._answer, self.questions)), "look")

    @property
    def is_late(self) -> bool:
        """Whether nobody need wait for it any more."""
        return clock.monotonic_s() > self._end_s + LATE_S

    def _answer(self, question: _Question) -> Answer:
        left_s = self._end_s - clock.monotonic_s()
        if left_s <= 0:
            return StillTrue("(Whether this is still so was not asked in time.)")
        try:
            token = token_of(question.source)
            return self._look(question.event, question.source, token, left_s)
        except InputError as error:
            return StillTrue(f"(Whether this is still so could not be asked: {error.message})")
        except Exception as error:  # of one event, which must not keep its thread from waking
            return StillTrue(f"(Whether this is still so could not be asked: {words(error)})")


class Looker:
    """Asks for the part that begins runs."""

    def __init__(self, daemon: Daemon, look: Look | None = None) -> None:
        self._daemon, self._look = daemon, look or _look
        self._going: dict[str, _Looking] = {}
        self._known_s: dict[tuple[str, str], float] = {}

    def may_run(self, thread: str) -> bool:
        """Whether the run of a thread that is due may begin."""
        if thread in self._going:
            return self._is_over(thread)
        questions = self._questions(thread)
        if not questions:
            return True
        if len(self._going) < AT_ONCE:
            self._going[thread] = _Looking(questions, self._look, self._daemon.wake)
        return False

    @property
    def left_s(self) -> float:
        """After how long nobody need wait any more for what goes on; 0: nothing does."""
        return looked.WITHIN_S + LATE_S if self._going else 0.0

    def settle(self, thread: str) -> bool:
        """`may_run`, and wait for the answer."""
        while not (may_run := self.may_run(thread)) and thread in self._going:
            self._going[thread].wait(LATE_S)
        return may_run

    def _questions(self, thread: str) -> list[_Question]:
        app, now_s = self._daemon.app, clock.monotonic_s()
        self._known_s = {
            key: at_s for key, at_s in self._known_s.items() if now_s - at_s < GOOD_FOR_S
        }
        sources = {source.name: source for source in app.sources.configured() if source.is_forge}
        if not sources:
            return []
        found = [
            _Question(event, sources[event.source])
            for event in app.events.waiting(thread)
            if event.source in sources
            and looked.is_askable(event, sources[event.source])
            and (thread, event.key) not in self._known_s
        ]
        return found[-MOST_OF_ONE:]

    def _is_over(self, thread: str) -> bool:
        """Do what the answers say. Whether there is still something to run for."""
        known = self._going[thread]
        answers = known.taken()
        if answers is None and not known.is_late:
            return False
        del self._going[thread]
        app, now_s = self._daemon.app, clock.monotonic_s()
        late = StillTrue("(Whether this is still so was not answered in time.)")
        has_work = True
        for question, answer in zip(
            known.questions, answers or (late,) * len(known.questions), strict=True
        ):
            event = question.event
            self._known_s[thread, event.key] = now_s
            if isinstance(answer, Dropped):
                has_work = app.events.no_more(thread, event.key, answer.reason)
                self._daemon.say(f"{thread} is not told of {event.key}: {answer.reason}")
            elif answer.words:
                app.events.tell_more(thread, event.key, answer.words)
        return has_work


def _look(event: Event, source: Source, token: str, within_s: float) -> Answer:
    from uwf.daemon.sources.look import look  # and with it all that speaks HTTP

    return look(event, source, token, within_s)
