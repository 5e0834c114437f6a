"""Between the threads of the endpoint and the loop: what came waits here until the loop has stored it.

The loop takes all that waits in one transaction and lets each thread know. A thread waits a bounded time and the queue
is bounded, so a loop that is slow or stopping means "not taken", never a thread too many and never a lost event: what
is stored after its sender gave up is known when it comes again.
"""

from __future__ import annotations

import threading
from collections import deque

from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from uwf.app.unattended.events import Event

WAIT_S = 5.0
PAGE_WAIT_S = 2.0
MOST_WAITING = 256
MOST_EVENTS = 1000
"""In one transaction."""


class NotTaken(Exception):
    """The loop has no time for it now."""


class Wish(Record):
    """That a poll is worth it now: of these pull requests of `source`, or, with None, of all."""

    source: str
    numbers: tuple[int, ...] | None


class _Offer:
    """What waits, and what came of it: states by event, a text, or an error."""

    def __init__(self, events: Sequence[Event], page: str = "") -> None:
        self.events, self.page = tuple(events), page
        self.done = threading.Event()
        self.states: dict[str, str] = {}
        self.text: str | None = None
        self.error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        self.error = error
        self.done.set()


class Intake:
    """The queue. `offer` and `page` are for the threads of the endpoint, the rest is for the loop's."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._offers: deque[_Offer] = deque()
        self._wishes: list[Wish] = []
        self._is_stopped = False

    def offer(
        self, events: Sequence[Event], source: str | None, numbers: tuple[int, ...] | None
    ) -> dict[str, str]:
        """Have `events` stored, and a poll of `source` be made soon; by id whether each is `new` or was `seen`.

        Raises `NotTaken`, or `InputError` for what cannot be stored.
        """
        if source is not None and numbers != ():
            with self._lock:
                self._wishes.append(Wish(source, numbers))
            if not events:
                self._wake()
        return self._wait(_Offer(events), WAIT_S).states if events else {}

    def page(self, path: str) -> str | None:
        """The page at `path` as the loop sees it now; None when there is none. Raises `NotTaken`."""
        return self._wait(_Offer((), path), PAGE_WAIT_S).text

    def take(
        self,
        store: Callable[[Sequence[Event]], Mapping[str, str]],
        pages: Mapping[str, Callable[[], str]],
    ) -> bool:
        """Store what waits by `store`, which gives states by event; whether more waits.

        What `store` raises, everyone who waits is told, and the caller. An event that cannot be stored keeps no other
        from it.
        """
        offers = self._next()
        if offers:
            self._answer(offers, store, pages)
        with self._lock:
            return bool(self._offers)

    def wishes(self) -> list[Wish]:
        """The polls that are wished for since this was last asked."""
        with self._lock:
            found, self._wishes = self._wishes, []
        return found

    def open(self) -> None:
        """Take what is offered, again after a `stop`."""
        with self._lock:
            self._is_stopped = False

    def stop(self) -> None:
        """Take nothing more; who waits is told."""
        with self._lock:
            self._is_stopped = True
            offers, self._offers = list(self._offers), deque()
        for offer in offers:
            offer.end(NotTaken("the daemon stops"))

    def _wait(self, offer: _Offer, wait_s: float) -> _Offer:
        with self._lock:
            if self._is_stopped:
                raise NotTaken("the daemon stops")
            if len(self._offers) >= MOST_WAITING:
                raise NotTaken(f"{MOST_WAITING} deliveries wait already")
            self._offers.append(offer)
        self._wake()
        if not offer.done.wait(wait_s):
            raise NotTaken("the daemon is busy")
        if isinstance(offer.error, (InputError, NotTaken)):
            raise offer.error
        if offer.error is not None:
            raise NotTaken("it could not be stored")
        return offer

    def _answer(
        self,
        offers: Sequence[_Offer],
        store: Callable[[Sequence[Event]], Mapping[str, str]],
        pages: Mapping[str, Callable[[], str]],
    ) -> None:
        events = [event for offer in offers for event in offer.events]
        try:
            states = store(events) if events else {}
            texts = {offer.page: pages[offer.page]() for offer in offers if offer.page in pages}
        except InputError as error:
            if len(offers) > 1:
                for offer in offers:
                    self._answer([offer], store, pages)
            else:
                offers[0].end(error=error)
        except BaseException as error:
            for offer in offers:
                offer.end(error=error)
            raise
        else:
            for offer in offers:
                offer.states = {event.key: states[event.key] for event in offer.events}
                offer.text = texts.get(offer.page)
                offer.end()

    def _next(self) -> list[_Offer]:
        found: list[_Offer] = []
        room = MOST_EVENTS
        with self._lock:
            while self._offers and (not found or len(self._offers[0].events) <= room):
                found.append(self._offers.popleft())
                room -= len(found[-1].events)
        return found
