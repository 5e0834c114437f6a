"""A small supervisor that speaks the notify protocol of systemd: it starts, watches, restarts and stops one service."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class Supervisor:
    """Restarts its service when that fails, as a unit with `Restart=on-failure` does."""

    def __init__(
        self,
        folder: Path,
        start: Callable[[dict[str, str]], subprocess.Popen[bytes]],
        watchdog_s: float,
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path := str(folder / "notify"))
        self._start = start
        self._watchdog_s = watchdog_s
        self._env = {
            "NOTIFY_SOCKET": path,
            "WATCHDOG_USEC": str(round(watchdog_s * 1_000_000)),
        }
        self.told: list[str] = []
        """All that the service has said, line by line."""
        self.restarts = 0
        self.process = start(self._env)

    def until(self, line: str, within_s: float = 20.0) -> None:
        """Watch the service until it says `line` once more; what it said before does not count."""
        seen = self.told.count(line)
        deadline_s = time.monotonic() + within_s
        while self.told.count(line) == seen:
            assert time.monotonic() < deadline_s, f"it never said {line}: {self.told[-5:]}"
            self._watch()

    def stop(self) -> int:
        """Stop the service as `systemctl stop` does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self._listen(0.05)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._socket.close()

    def _watch(self) -> None:
        """A little while, in which a service that has failed is started anew."""
        self._listen(0.05)
        code = self.process.poll()
        if code not in (None, 0):
            self.restarts += 1
            self.process = self._start(self._env)

    def _listen(self, seconds: float) -> None:
        self._socket.settimeout(seconds)
        try:
            while True:
                self.told += self._socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return
