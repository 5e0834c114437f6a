"""The live line is drawn by a timer, and the terminal may be frozen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from uwf.cli.screen import live
from uwf.cli.screen.live import Live
from uwf.cli.screen.output import Output
from uwf.engine.progress import StepStarted

TICK_S = 0.02
STARTED = StepStarted(thread="T", role="worker", agent="slow", index=1, round=1, ask=1)


def stopped(terminal: int) -> None:
    """Ctrl-S."""
    termios.tcflow(terminal, termios.TCOOFF)


def nearly_full(terminal: int) -> None:
    """Nobody reads, as behind a stalled connection, and there is room for less than a line."""
    os.set_blocking(terminal, False)
    try:
        while os.write(terminal, b"x"):
            pass
    except BlockingIOError:
        os.set_blocking(terminal, True)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """The two ends of a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(live, "TICK_S", TICK_S)
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield leader, follower
    signal.setitimer(signal.ITIMER_REAL, 0)
    termios.tcflush(follower, termios.TCIOFLUSH)
    termios.tcflow(follower, termios.TCOON)
    os.close(leader)
    os.close(follower)


def begin(monkeypatch: pytest.MonkeyPatch, terminal: int, out: Output) -> Live:
    """A live line on that terminal."""
    monkeypatch.setattr(sys, "stderr", os.fdopen(terminal, "w", closefd=False))
    line = Live(out)
    line.on_progress(STARTED)
    return line


def shown(leader: int) -> bytes:
    """What the terminal was given since the last look."""
    found = b""
    until_s = time.monotonic() + 0.1
    while (left_s := until_s - time.monotonic()) > 0:
        if select.select([leader], [], [], left_s)[0]:
            found += os.read(leader, 65536)
    return found


def ticks(count: int) -> None:
    """Wait until the timer has run out that often."""
    seen = 0
    draw = signal.getsignal(signal.SIGALRM)
    assert callable(draw)

    def count_and_draw(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        draw(number, frame)

    signal.signal(signal.SIGALRM, count_and_draw)
    deadline = time.monotonic() + 20
    while seen < count:
        assert time.monotonic() < deadline
        time.sleep(TICK_S)
    signal.signal(signal.SIGALRM, draw)


@pytest.mark.parametrize("freeze", [stopped, nearly_full])
def test_a_frozen_terminal_does_not_hold_up_what_runs(
    terminal: tuple[int, int],
    freeze: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leader, follower = terminal
    line = begin(monkeypatch, follower, Output())
    assert b"worker" in shown(leader)
    freeze(follower)
    ticks(3)
    assert os.get_blocking(follower), "others write to this terminal, too"
    shown(leader)
    termios.tcflow(follower, termios.TCOON)
    ticks(1)
    line.pause()
    assert b"worker" in shown(leader)


def test_a_note_that_waits_for_a_frozen_terminal_is_written_once_and_whole(
    terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, follower = terminal
    out = Output()
    line = begin(monkeypatch, follower, out)
    stopped(follower)
    draw = signal.getsignal(signal.SIGALRM)
    assert callable(draw)
    seen = 0

    def thaw_later(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        draw(number, frame)
        seen += 1
        if seen == 4:
            termios.tcflow(follower, termios.TCOON)

    signal.signal(signal.SIGALRM, thaw_later)
    out.note("reply not valid")
    line.pause()
    assert shown(leader).count(b"\r\x1b[Kreply not valid\r\n") == 1
