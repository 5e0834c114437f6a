"""The services behind the agents, and when each of them is in which mood. Times are minutes of the night.

overloaded  answers 529 for half an hour once it has answered
refusing    refuses connections for half an hour once it has answered: nobody listens
limited     reaches a usage limit once it has answered, which resets half an hour later, and says so
throttled   answers 429 until minute 20, then to every fourth call, and names no time
expired     answers 401 all night: no time cures that
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUTAGE_MIN = 30.0
THROTTLED_UNTIL = 20.0
EXPIRED_WORDS = "the token has expired"

REPLY = "---\n$status: done\n---\nDone."
NAMES = ("overloaded", "refusing", "limited", "throttled", "expired")


class Services:
    """All five, from the making of this on. A minute of the night takes `minute_s` seconds."""

    def __init__(self, minute_s: float) -> None:
        self._minute_s = minute_s
        self._began_s = time.monotonic()
        self.answers = {name: Counter[int]() for name in NAMES}
        """How often each has answered with which status."""
        self._first: dict[str, float] = {}
        """The minute at which each has answered first."""
        self._lock = threading.Lock()
        self._servers: dict[str, ThreadingHTTPServer] = {name: self._listen(name) for name in NAMES}
        self.ports = {name: server.server_port for name, server in self._servers.items()}
        self._is_over, self._has_answered = threading.Event(), threading.Event()
        self._outage = threading.Thread(target=self._close_for_a_while, daemon=True)
        self._outage.start()

    def close(self) -> None:
        self._is_over.set()
        self._has_answered.set()
        self._outage.join()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def minute(self) -> float:
        return (time.monotonic() - self._began_s) / self._minute_s

    def answer(self, name: str) -> tuple[int, str]:
        """The status and the text of the next answer."""
        with self._lock:
            status, text = self._says(name, self.minute())
            self.answers[name][status] += 1
            self._first.setdefault(name, self.minute())
        if name == "refusing":
            self._has_answered.set()
        return status, text

    def _says(self, name: str, minute: float) -> tuple[int, str]:
        if name == "expired":
            return 401, EXPIRED_WORDS
        left_min = self._first.get(name, -math.inf) + OUTAGE_MIN - minute
        if name == "overloaded" and left_min > 0:
            return 529, "Overloaded"
        if name == "limited" and left_min > 0:
            left_s = math.ceil(left_min * self._minute_s * 1000) / 1000
            error = {"type": "usage_limit_reached", "resets_in_seconds": left_s}
            return 429, json.dumps({"error": error})
        is_fourth = sum(self.answers[name].values()) % 4 == 3
        if name == "throttled" and (minute < THROTTLED_UNTIL or is_fourth):
            return 429, "too many requests"
        return 200, REPLY

    def _listen(self, name: str, port: int = 0) -> ThreadingHTTPServer:
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                status, text = services.answer(name)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_words: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        return server

    def _close_for_a_while(self) -> None:
        """Nobody listens to the port of `refusing` for half an hour after its first answer."""
        self._has_answered.wait()
        if self._is_over.is_set():
            return
        self._servers["refusing"].shutdown()
        self._servers["refusing"].server_close()
        if not self._is_over.wait(OUTAGE_MIN * self._minute_s):
            self._servers["refusing"] = self._listen("refusing", self.ports["refusing"])
