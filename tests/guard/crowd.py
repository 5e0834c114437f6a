"""Processes that do the same at the same moment, forked from the test: what real races are made of."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Work = Callable[[int, Callable[[Any], None], Callable[[], None]], None]
"""`work(number, tell, wait)`: `tell(value)` tells the test something, `wait()` returns when the test says so."""


class Crowd:
    """Processes that have begun. Each told value is kept as (number of the process, value)."""

    def __init__(self, count: int, work: Work) -> None:
        self._told_end, telling = os.pipe()
        begin, self._begin = os.pipe()
        end, self._end = os.pipe()
        self.pids = [self._fork(number, work, telling, begin, end) for number in range(count)]
        self.living = set(self.pids)
        for descriptor in (telling, begin, end):
            os.close(descriptor)
        self._buffer = b""
        self._ended = False
        os.close(self._begin)  # now, all of them

    def _fork(self, number: int, work: Work, telling: int, begin: int, end: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            for other in (self._told_end, self._begin, self._end):
                os.close(other)

            def tell(value: Any) -> None:
                os.write(telling, json.dumps([number, value]).encode() + b"\n")

            os.read(begin, 1)
            work(number, tell, lambda: os.read(end, 1) and None)
            os._exit(0)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(1)

    def told(self, count: int | None = None, within_s: float = 20.0) -> list[tuple[int, Any]]:
        """The next `count` values that are told; without `count` all until the last process ended."""
        found: list[tuple[int, Any]] = []
        deadline = time.monotonic() + within_s
        while count is None or len(found) < count:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                number, value = json.loads(line)
                found.append((number, value))
                continue
            left_s = deadline - time.monotonic()
            assert left_s > 0, f"only {found} was told in time"
            if select.select([self._told_end], [], [], left_s)[0]:
                chunk = os.read(self._told_end, 1 << 16)
                if not chunk:
                    assert count is None, f"all ended, and only {found} was told"
                    break
                self._buffer += chunk
        return found

    def end(self) -> None:
        """Let `wait` return in all of them. May be called twice."""
        if not self._ended:
            self._ended = True
            os.close(self._end)

    def kill(self, number: int) -> None:
        """SIGKILL, and see it off."""
        pid = self.pids[number]
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.living.discard(pid)

    def close(self) -> None:
        self.end()
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in self.living]
        os.close(self._told_end)
        assert not any(codes), "a process of the crowd failed"


@contextmanager
def crowd(count: int, work: Work) -> Iterator[Crowd]:
    """A crowd; at the end none of it is left."""
    many = Crowd(count, work)
    try:
        yield many
    except BaseException:
        for pid in many.living:
            os.kill(pid, signal.SIGKILL)
        for pid in many.living:
            os.waitpid(pid, 0)
        raise
    many.close()
