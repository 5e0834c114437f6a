"""A model on loopback that speaks as the services behind the clients do: messages, responses, generateContent.

What it answers is what it was told to, one act after the other, whoever asks; after the last one it replies `DONE`.
What it was asked and what it has said it used is kept. Requests of a client for itself (a title, a count, one without
tools) take no act.
"""

from __future__ import annotations

import gzip
import json
import select
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from clients import wire

DONE = "---\n$status: done\n---\nAll of it is done.\n"


class Say(NamedTuple):
    """A reply, each piece of it `slow_s` after the one before. `is_cut`: the connection ends within it."""

    text: str = DONE
    slow_s: float = 0
    is_cut: bool = False
    times: int = 1


class Use(NamedTuple):
    """The use of a tool: `shell` with a command line, `write` with a path, or any by its name, with JSON."""

    tool: str
    argument: str


class Fail(NamedTuple):
    """An HTTP status, `times` times; None: until other acts are given. `resets_s` is when its limit is over."""

    status: int
    resets_s: int | None = None
    times: int | None = None


class Hang(NamedTuple):
    """No answer, until whoever asked is gone."""


Act = Say | Use | Fail | Hang


class Asked(NamedTuple):
    """One request that took an act. `text` is all of it, `headers` in lower case."""

    act: Act
    headers: Mapping[str, str]
    text: str


class Model:
    """`given` has, by name, what all answers have said they used."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.given: list[dict[str, int]] = []
        self._acts: list[Act] = []
        self._lock = threading.Lock()

    def will(self, *acts: Act) -> None:
        """What it does from now on."""
        with self._lock:
            self._acts = list(acts)

    def take(self, headers: Mapping[str, str], text: str) -> Act:
        with self._lock:
            act: Act = self._acts[0] if self._acts else Say()
            times = getattr(act, "times", 1)
            if self._acts and times is not None:
                self._acts[:1] = [act._replace(times=times - 1)] if times > 1 else []  # type: ignore[call-arg]
            self.asked.append(Asked(act, headers, text))
            return act

    def gave(self, usage: dict[str, int]) -> None:
        with self._lock:
            self.given.append(usage)


@contextmanager
def serving() -> Iterator[Model]:
    """One that listens while this lasts."""
    model = Model()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"model": model}))
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [], "models": [], "has_more": False})

    def do_POST(self) -> None:
        try:
            body = self._body()
            path = self.path.partition("?")[0]
            speaks = wire.of(path)
            if speaks is None:
                self._json(200, {"input_tokens": 42})
                return
            try:
                self._answer(speaks, body)
            except OSError:
                self.close_connection = True  # whoever asked is gone
        except (ValueError, KeyError) as error:
            self._json(400, {"error": {"message": f"not understood: {error!r}"}})

    def _answer(self, speaks: wire.Wire, body: dict[str, Any]) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        act: Act = Say("A title")
        if speaks.is_work(body):
            act = self.model.take(headers, json.dumps(body, ensure_ascii=False))
        if isinstance(act, Hang):
            self._hang()
        elif isinstance(act, Fail):
            self._json(act.status, speaks.error(act.status), wire.limits(act.resets_s))
        elif isinstance(act, Use):
            name, given = speaks.tool(body, act.tool, act.argument)
            self._stream(speaks, speaks.use(body, name, given, f"call_{uuid.uuid4().hex[:16]}"))
        else:
            self._stream(speaks, speaks.say(body, act.text), act.slow_s, is_cut=act.is_cut)

    def _stream(
        self, speaks: wire.Wire, said: wire.Said, slow_s: float = 0, *, is_cut: bool = False
    ) -> None:
        if said.whole is not None:
            self.model.gave(said.usage)
            self._json(200, said.whole)
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for at, (name, document) in enumerate(said.events):
            if is_cut and at > len(said.events) // 2:
                return
            time.sleep(slow_s)
            head = f"event: {name}\n" if name else ""
            self.wfile.write(f"{head}data: {json.dumps(document)}\n\n".encode())
            self.wfile.flush()
        self.model.gave(said.usage)

    def _hang(self) -> None:
        while not select.select([self.connection], [], [], 0.2)[0]:
            pass
        self.close_connection = True

    def _body(self) -> dict[str, Any]:
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        if "chunked" in self.headers.get("transfer-encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        if self.headers.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        found = json.loads(data or b"{}")
        return found if isinstance(found, dict) else {}

    def _json(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_args: object) -> None:
        """What was asked is kept, and printed nowhere."""
