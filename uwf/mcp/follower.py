"""Waiting for a thread that a process of its own runs, and telling a client meanwhile what its agent does."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from uwf.app.values import Following, Glance

    Report = Callable[[int, str], None]
    """Told how many things have happened so far, and the newest in words."""

LOOK_S, SILENT_S = 0.2, 15.0
"""Between two looks at a thread; and after how long something is said, though nothing has happened."""
WORDS_CHARS = 200
MOST_TOLD = 5
"""Of what is new at one look."""


class Follower:
    """Waits for a thread, and tells what its agent does. `stop` ends the waiting."""

    def __init__(self, report: Report, stop: threading.Event) -> None:
        self._report = report
        self._stop = stop
        self._count = 0

    def follow(self, following: Following, seconds: float) -> None:
        began_s = said_s = time.monotonic()
        while True:
            glance = following.look()
            now_s = time.monotonic()
            if glance is not None:
                self._tell(glance)
                said_s = now_s
            elif now_s - said_s >= SILENT_S:
                self._say(f"nothing new for {now_s - said_s:.0f} s")
                said_s = now_s
            left_s = began_s + seconds - now_s
            if following.is_over or left_s <= 0 or self._stop.wait(min(LOOK_S, left_s)):
                return

    def _tell(self, glance: Glance) -> None:
        running = glance.thread.running
        role = None if running is None else running.role
        happened = [f"{role or 'agent'}, {turn.kind}: {turn.text}" for turn in glance.turns]
        happened += [f"step {step.index}: {step.role} → {step.status}" for step in glance.steps]
        if not happened:
            happened = [glance.thread.status if role is None else f"{role} works"]
        self._count += max(0, len(happened) - MOST_TOLD)
        for words in happened[-MOST_TOLD:]:
            self._say(words)

    def _say(self, words: str) -> None:
        self._count += 1
        self._report(self._count, " ".join(words.split())[:WORDS_CHARS])
