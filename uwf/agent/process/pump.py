"""The pipes of a running program: feeds its stdin, drains its stdout and stderr, blocks on none.

Memory is bounded: stdout goes to a nameless file past 1 MiB, stderr keeps its last 64 KiB. When to stop, and what
the end was, is left to `supervise`.
"""

from __future__ import annotations

import errno
import os
import select
import sys

from uwf import clock, owned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from uwf.agent.process.fifo import Fifo
    from uwf.agent.process.spawn import Pipes

IN_MEMORY_BYTES = 1 << 20
TAIL_BYTES = 64 << 10
PAUSE_S = 0.25
_CHUNK_BYTES = 64 << 10  # the usual size of a pipe
_LARGEST_PIPE_BYTES = 1 << 20  # /proc/sys/fs/pipe-max-size


class Spool:
    """Bytes in the order they came: up to 1 MiB in memory, then in a file in `folder` that has no name.

    What the disk does not take stays in memory: it is paid for.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._memory = bytearray()
        self._file = -1
        self._is_disk_full = False
        self.size_bytes = 0

    def add(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._memory += chunk
        if self._is_disk_full or (self._file < 0 and len(self._memory) <= IN_MEMORY_BYTES):
            return
        try:
            if self._file < 0:
                self._file = _nameless_file(self._folder)
            while self._memory:
                del self._memory[: os.write(self._file, self._memory)]
        except OSError:
            self._is_disk_full = True

    def read(self) -> bytes:
        """All of it."""
        parts, offset = [], 0
        while self._file >= 0 and (part := os.pread(self._file, self.size_bytes, offset)):
            parts.append(part)
            offset += len(part)
        return b"".join([*parts, self._memory])

    def close(self) -> None:
        """Give the file back. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class LineByLine:
    """In the place of a `Spool`, for output that is taken line by line and not kept: `size_bytes` is the length of the
    line that has not ended yet, `read` gives it. `on_line` is called with each whole line, without its end.
    """

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._rest = bytearray()

    @property
    def size_bytes(self) -> int:
        return len(self._rest)

    def add(self, chunk: bytes) -> None:
        if b"\n" not in chunk:
            self._rest += chunk
            return
        first, *lines = chunk.split(b"\n")
        self._rest += first
        whole, self._rest = bytes(self._rest), bytearray(lines.pop())
        self._on_line(whole)
        for line in lines:
            self._on_line(line)

    def read(self) -> bytes:
        return bytes(self._rest)

    def close(self) -> None:
        """There is nothing to give back."""


class Tail:
    """The last 64 KiB of what came, and how much it was in all."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self.size_bytes = 0

    def add(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._kept += chunk
        if len(self._kept) > 4 * TAIL_BYTES:
            del self._kept[:-TAIL_BYTES]

    def read(self) -> bytes:
        return bytes(self._kept[-TAIL_BYTES:])

    def close(self) -> None:
        """There is nothing to give back."""


class Stdin:
    """What a program reads, for one that gets more of it while it runs. Used by the callbacks of its run alone.

    It stays open until `close`, or until the program closes its end. What is written later is thrown away.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.waiting = bytearray(data)
        self.is_open = True

    def write(self, data: bytes) -> None:
        """Hand over `data`, which is written as soon as the program takes it."""
        if self.is_open:
            self.waiting += data

    def close(self) -> None:
        """Nothing more comes: the program sees the end of its input behind what waits."""
        self.is_open = False


class Pump:
    """Moves bytes through the parent's ends of `pipes`, and wakes up for the descriptors in `wakers`.

    `on_output(chunk)` is called with stdout as it arrives, `on_pause()` once whenever stdout has then been quiet for
    `PAUSE_S`. Past `limit_bytes` of either stream (None: never), of a line where stdout is taken by lines,
    `is_over_limit` is set and the rest is thrown away. `events` is a further pipe, which needs no end.
    """

    def __init__(
        self,
        pipes: Pipes,
        stdin: Stdin,
        *,
        stdout: Spool | Tail | LineByLine,
        limit_bytes: int | None,
        on_output: Callable[[bytes], object],
        on_pause: Callable[[], object],
        wakers: Iterable[int],
        events: Fifo | None = None,
    ) -> None:
        self._pipes, self._stdin, self._stdout = pipes, stdin, stdout
        self._limit_bytes = sys.maxsize if limit_bytes is None else limit_bytes
        self._on_output, self._on_pause = on_output, on_pause
        self.stderr = Tail()
        self.stdout_bytes = 0
        self.is_over_limit = False
        self.is_discarding = False  # set: what still comes is drained and thrown away
        self.last_output_s = self.last_stdout_s = clock.monotonic_s()
        self._pause_due_s: float | None = None
        self._poll = select.poll()
        for waker in wakers:
            self._poll.register(waker, select.POLLIN)
        self._readers = {}
        if events is not None and events.reader is not None:
            self._readers[events.reader] = events.take  # before the reply that ends them
        self._endless = len(self._readers)
        self._readers[pipes.stdout[0]] = self._take_stdout
        self._readers[pipes.stderr[0]] = self._take_stderr
        for reader in self._readers:
            self._poll.register(reader, select.POLLIN)
        self._is_stdin_full = False
        self._feed()

    def is_done(self) -> bool:
        """Whether both output pipes are closed at the other end."""
        return len(self._readers) == self._endless

    def run_once(self, timeout_s: float | None) -> None:
        """Wait until there is something to do, or the time is over, and do it. None waits without end.

        The time is rounded up to whole milliseconds.
        """
        if self._pause_due_s is not None:
            until_pause_s = self._pause_due_s - clock.monotonic_s()
            timeout_s = until_pause_s if timeout_s is None else min(timeout_s, until_pause_s)
        milliseconds = None if timeout_s is None else max(0.0, timeout_s * 1000)
        for descriptor, _event in self._poll.poll(milliseconds):
            if descriptor in self._readers:
                self._read(descriptor)
            elif descriptor == self._pipes.stdin[1]:
                self._poll.unregister(descriptor)
                self._is_stdin_full = False
            else:
                self._poll.unregister(descriptor)  # a waker stays readable: once is enough
        if self._pause_due_s is not None and clock.monotonic_s() >= self._pause_due_s:
            self._pause_due_s = None
            self._on_pause()
        self._feed()

    def drain_now(self) -> None:
        """Read what the pipes hold now. Bounded, even when they are being filled all the time."""
        for reader in list(self._readers):
            taken = 0
            while reader in self._readers and taken < _LARGEST_PIPE_BYTES:
                got = self._read(reader)
                if not got:
                    break
                taken += got

    def _read(self, reader: int) -> int:
        """Move one chunk; how much it was. At the end of the stream its pipe is closed."""
        try:
            chunk = os.read(reader, _CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if chunk:
            if not self.is_discarding:
                self.last_output_s = clock.monotonic_s()
                self._readers[reader](chunk)
            return len(chunk)
        del self._readers[reader]
        self._poll.unregister(reader)
        self._pipes.close("stdout" if reader == self._pipes.stdout[0] else "stderr")
        return 0

    def _take_stdout(self, chunk: bytes) -> None:
        self.stdout_bytes += len(chunk)
        self.last_stdout_s = self.last_output_s
        room = self._limit_bytes - self._stdout.size_bytes
        if len(chunk) > room:
            self.is_over_limit = True
            chunk = chunk[:room]
        if chunk:
            self._stdout.add(chunk)
            self._pause_due_s = self.last_output_s + PAUSE_S
            self._on_output(chunk)

    def _take_stderr(self, chunk: bytes) -> None:
        self.stderr.add(chunk)
        self.is_over_limit |= self.stderr.size_bytes > self._limit_bytes

    def _feed(self) -> None:
        """Write what stdin takes now; close it at the end, or when it will not be read."""
        stdin, waiting = self._pipes.stdin[1], self._stdin.waiting
        if stdin < 0 or self._is_stdin_full:
            return
        try:
            while waiting:
                del waiting[: os.write(stdin, waiting)]
        except BlockingIOError:
            self._poll.register(stdin, select.POLLOUT)
            self._is_stdin_full = True
            return
        except BrokenPipeError:
            waiting.clear()  # the agent does not want to read more, which is its right
            self._stdin.close()
        if not self._stdin.is_open:
            self._pipes.close("stdin")


def _nameless_file(folder: str) -> int:
    """A file for this user alone that vanishes with its descriptor. The folder is made when it is not there."""
    owned.make_folder(folder)
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
                raise  # else a file system or kernel without them
    path = os.path.join(folder, f".spool-{os.urandom(8).hex()}")
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    os.unlink(path)
    return file
