"""Beginning and ending: the driver for this terminal, and the signal that ends it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from threading import Thread

from uwf.errors import Interrupted
from uwf.top import plain
from uwf.top.screen import TopApp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App

NO_UTF8 = "this terminal has no UTF-8: what needs it is shown as ?"


def run(app: App, *, is_plain: bool) -> None:
    """Show the home of `app` until a person ends it. `is_plain`: the terminal shows ASCII alone.

    Raises `Interrupted` where a signal ends it, once the terminal is as it was.
    """
    screen = TopApp(app.home)
    if is_plain:
        screen = TopApp(app.home, notes=NO_UTF8, driver=plain.driver(screen.driver_class))
    app.close()  # the screen has apps of its own
    Thread(target=_end_with_terminal, args=(sys.stdin.fileno(),), daemon=True).start()
    ended_by = asyncio.run(_until_ended(screen))
    if screen.failure is not None:
        raise screen.failure
    if ended_by is not None:
        raise Interrupted("ended by SIGTERM", signum=ended_by)


def _end_with_terminal(fd: int) -> None:
    """End this process as SIGHUP does once the terminal is gone. The kernel tells the shell of that, and not every
    shell tells its jobs; Textual would wait for ever until it can write.
    """
    gone = select.poll()
    gone.register(fd, 0)
    for _, found in gone.poll():
        if found & (select.POLLHUP | select.POLLERR):  # and not that this system cannot ask
            os.kill(os.getpid(), signal.SIGHUP)


async def _until_ended(screen: TopApp) -> int | None:
    """The terminal keeps what it can select: without a mouse, ids can be copied as usual."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: screen.exit(int(signal.SIGTERM)))
    try:
        return await screen.run_async(mouse=False)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
