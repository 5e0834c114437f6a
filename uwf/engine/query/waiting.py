"""Waiting until threads stand where one wants them: nobody runs them, or a status is reached. It only looks."""

from __future__ import annotations

import time
from collections import deque

from uwf import clock
from uwf.engine.chain.tags import HISTORY, STATUS, STATUSES, THREADS
from uwf.engine.chain.thread import runner
from uwf.engine.query.threads import RUNNING
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from uwf.store.protocols import Store

WAITED_FOR = (*STATUSES, RUNNING)
_POLL_S, _LONGEST_POLL_S = 0.02, 0.5
_SHARE = 0.02
"""How much of the time that has passed is waited until the next look: a night's wait costs no night of looking."""


def wait(
    store: Store,
    threads: Sequence[str],
    *,
    until: Sequence[str] = (),
    timeout_s: float | None = None,
    at_once: int | None = None,
    is_taken_up: Callable[[str], bool] = lambda thread: False,
) -> Iterator[tuple[str, bool]]:
    """Each of `threads` as soon as no process runs it; with `until`, as soon as its status is one of these.

    One that `is_taken_up` is about to be run, and waited for as one that runs. One that has ended otherwise is not: it
    comes to no other status by itself. After `timeout_s` seconds the others come with False. `at_once` of them are
    waited for at a time, all unless it is given. Raises `InputError` for a status that there is none of.
    """
    for word in until:
        if word not in WAITED_FOR:
            raise InputError(
                f"there is no status {word!r} to wait for; there are {', '.join(WAITED_FOR)}",
                hint="uwf thread wait @last --until suspended,completed",
            )
    began_s = clock.monotonic_s()
    left = deque(threads)
    watched: list[str] = []
    while left or watched:
        while left and (at_once is None or len(watched) < at_once):
            watched.append(left.popleft())
        with store.snapshot():  # which a store that was taken away does not give
            ready = [id for id in watched if _is_over(store, id, until, is_taken_up)]
        for id in ready:
            watched.remove(id)
            yield id, True
        if ready:
            continue
        passed_s = clock.monotonic_s() - began_s
        if timeout_s is not None and passed_s >= timeout_s:
            yield from ((id, False) for id in (*watched, *left))
            return
        time.sleep(min(_LONGEST_POLL_S, max(_POLL_S, _SHARE * passed_s)))


def _is_over(
    store: Store, id: str, until: Sequence[str], is_taken_up: Callable[[str], bool]
) -> bool:
    is_run = runner(store, id) is not None
    if not until:  # a run that has begun meanwhile has taken away what it was taken up for
        return not is_run and not is_taken_up(id) and runner(store, id) is None
    ref = store.ref(THREADS + id)
    if ref is None:
        return True  # somebody has deleted it
    status = ref.tags.get(STATUS)
    return RUNNING in until if is_run else status in until or status in HISTORY
