"""The wish to stop, from a signal handler or another thread."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from uwf.agent.stop import Stop


@pytest.fixture
def stop() -> Iterator[Stop]:
    stop = Stop()
    yield stop
    stop.close()


def readable(stop: Stop, within_s: float = 0) -> bool:
    return bool(select.select([stop.fileno()], [], [], within_s)[0])


def test_nothing_is_asked_at_first(stop: Stop) -> None:
    assert (stop.count, stop.signum, readable(stop)) == (0, None, False)


def test_first_signal_is_kept_and_requests_are_counted(stop: Stop) -> None:
    stop.request(signal.SIGINT)
    stop.request(signal.SIGTERM)
    assert (stop.count, stop.signum) == (2, signal.SIGINT)


def test_request_before_anybody_polls_is_seen(stop: Stop) -> None:
    stop.request()
    assert readable(stop)
    assert stop.signum == signal.SIGTERM


def test_every_watcher_sees_it(stop: Stop) -> None:
    stop.fileno()
    stop.request()
    assert readable(stop)
    assert readable(stop)


def test_request_from_another_thread_wakes_a_waiting_poll(stop: Stop) -> None:
    stop.fileno()
    timer = threading.Timer(0.05, stop.request)
    timer.start()
    assert readable(stop, within_s=5)
    timer.join()


def test_signal_handler_wakes_a_waiting_poll(stop: Stop) -> None:
    before = signal.signal(signal.SIGUSR1, stop.handle)
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        assert readable(stop, within_s=5)
        assert (stop.count, stop.signum) == (1, signal.SIGUSR1)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_more_requests_than_its_pipe_holds_do_not_block(stop: Stop) -> None:
    stop.fileno()
    for _ in range(100_000):
        stop.request()
    assert stop.count == 100_000


def test_request_after_close_only_counts(stop: Stop) -> None:
    stop.fileno()
    stop.close()
    stop.close()
    stop.request()
    assert stop.count == 1
