"""A daemon that waits makes itself ready: it lets all parts pass once over a home with nothing in it.

All that the first pass needs is loaded by then, so that the one that takes over leads, and works, within a tenth of a
second.
"""

from __future__ import annotations

import os
import shutil
import signal

from uwf import home as paths
from uwf.app import App
from uwf.app.opened import SQLITE
from uwf.daemon.loop.loop import Loop
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import Quarantine
from uwf.daemon.loop.wakeups import DRAIN
from uwf.daemon.parts import parts
from uwf.daemon.runs.runs import NoRuns


def warm(home: str) -> None:
    """Pass once over an empty home, which is below the caches of `home` and gone afterwards. Signals wait meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, DRAIN)
    try:
        _pass(os.path.join(paths.cache(home), f"empty-{os.getpid()}"))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pass(folder: str) -> None:
    try:
        with App.open(folder, store_address=SQLITE) as app:
            daemon = Daemon(app, NoRuns(), Quarantine(), lambda: None, lambda text, facts: None)
            loop = Loop(parts(daemon), _NoSleep(), lambda text: None)
            loop.once()
            loop.close()
    except Exception:
        return  # it will be slower
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _NoSleep:
    def until(self, seconds: float) -> None:
        raise AssertionError(f"one pass sleeps for no {seconds:g} s")
