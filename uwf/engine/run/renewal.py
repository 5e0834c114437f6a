"""Renewing the lease of a thread while it is held, in a store that many machines share.

One who cannot renew it cannot know either whether another has taken the thread by now. So it ends its own agent, well
before the lease is over and another may begin with the same work: `PATIENCE` of its time without a success is enough.
What it would publish after that is refused by the store in any case, see `store/fenced`.

With each renewal the run looks whether it was asked to stop, from a machine that cannot send it a signal.
"""

from __future__ import annotations

import threading

from uwf import clock, quantities
from uwf.errors import StoreAway
from uwf.store.leases import STOP_WORD, superseded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.stop import Stop
    from uwf.store.protocols import Leases
    from uwf.store.values import Lease

EVERY, PATIENCE = 1 / 6, 1 / 2
"""Of the time that a lease lasts: 10 s and 30 s of 60."""


class Renewal:
    """While this is open, `lease` is renewed. Once it is lost, or cannot be renewed, `stop` is asked for, and says why.

    One thread renews, another watches it: a renewal may hang for as long as its database does.
    """

    def __init__(self, leases: Leases, lease: Lease, lasts_s: float, stop: Stop) -> None:
        self._leases = leases
        self._lease = lease
        self._every_s, self._patience_s = lasts_s * EVERY, lasts_s * PATIENCE
        self._stop = stop
        self._over = threading.Event()
        self._renewed_s = clock.monotonic_s()
        self._fault = "its store does not answer"

    def __enter__(self) -> Renewal:
        for work in (self._renew, self._watch):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()

    def _renew(self) -> None:
        is_asked = False
        while not self._over.wait(self._every_s):
            asked_s = clock.monotonic_s()  # from then on it lasts, however late the answer comes
            try:
                is_held = self._leases.renew(self._lease)
                word = self._leases.asked(self._lease) if is_held else ""
                lost = None if is_held else superseded(self._leases, self._lease)
            except Exception as error:  # whatever it is: it may pass, and it is watched
                self._fault = str(error)
                continue
            if self._over.is_set():
                return
            if lost is not None:
                self._stop.request(error=lost)
                return
            self._renewed_s = asked_s
            if word == STOP_WORD and not is_asked:
                is_asked = True
                self._stop.request()

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, self._left_s())):
            if self._left_s() <= 0:
                self._stop.request(error=self._away())
                return

    def _left_s(self) -> float:
        return self._renewed_s + self._patience_s - clock.monotonic_s()

    def _away(self) -> StoreAway:
        waited = quantities.said(quantities.TIME, self._patience_s)
        return StoreAway(
            f"the hold on thread {self._lease.name} could not be renewed for {waited}, and its agent was ended, before "
            f"another machine takes the thread: {self._fault}",
            hint=f"uwf thread show {self._lease.name}",
        )
