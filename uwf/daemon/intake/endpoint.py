"""The loopback endpoint: webhooks of forges, events of whoever bears a token, and two pages for machines that look on.

    POST /hooks/SOURCE   a delivery of a forge, signed with one of the source's secrets
    POST /events         one event, or a list of them, with `Authorization: Bearer …`
    GET  /healthz        200 while the loop goes round
    GET  /metrics        the figures, as Prometheus reads them

Who delivers is asked before anything is parsed. Each connection has a thread of a bounded number, and a bounded time
for all of its request, however slowly that comes. The threads never touch the store: they hand what came to the loop by
way of `Intake`, and answer 202 once it is durable; 503 where the loop has no time for it, and then the sender tries
again. A delivery that came before is answered like the first: 200, `seen`.
"""

from __future__ import annotations

import io
import json
import socket
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

from uwf import clock, config
from uwf.daemon.intake import event_json, signature, strict_json
from uwf.daemon.intake.buffer import NotTaken
from uwf.daemon.sources.forges.forge import Delivery
from uwf.daemon.timed import Timed
from uwf.errors import InputError, UwfError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.daemon.intake.buffer import Intake
    from uwf.daemon.sources.forges.forge import Forge, Repo

CONNECTIONS = 32
REQUEST_S = 10.0
LINGER_S = 1.0
LINGER_BYTES = 16 << 20
RETRY_AFTER_S = 5
CHUNK_BYTES = 1 << 16
JSON_TYPES = ("application/json",)

_FULL = (
    b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Type: application/json\r\n\r\n"
    b'{"error": {"code": "busy", "message": "too many connections"}}\n'
)


class Door(Record):
    """What a delivery to one source is checked and read with. `secrets` are names."""

    forge: Forge
    repo: Repo
    secrets: tuple[str, ...]


class Doors(Record):
    """Who may deliver: forges by the name of their source, and bearers of the tokens that `tokens` name."""

    by_source: Mapping[str, Door]
    tokens: tuple[str, ...]


class Refusal(Exception):
    """What a request is answered with in place of what it asks for."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Endpoint:
    """Listens on `address` until it is closed. OSError where that is taken."""

    def __init__(self, address: tuple[str, int], doors: Doors, intake: Intake) -> None:
        self.doors = doors
        """Replaced when the configuration is read anew."""
        self.intake = intake
        self.surprises: deque[Exception] = deque(maxlen=10)
        """What no answer was foreseen for: 500 to the caller, and whoever has the loop is to say more of it."""
        self._closing = False
        self._server = _Server(address, self)
        intake.open()
        self._thread = threading.Thread(target=self._serve, name="endpoint", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Take nothing more; who is being answered gets the answer."""
        self._closing = True
        self.intake.stop()
        host = str(self._server.server_address[0])
        with suppress(OSError), socket.create_connection((host, self.port), 1):
            pass  # ends the wait for the next connection
        self._thread.join(REQUEST_S)
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closing:
            self._server.handle_request()  # without a time limit: it wakes nobody while nobody calls


class _Server(HTTPServer):
    """One thread a connection, `CONNECTIONS` at most; who comes after those is told so and let go."""

    request_queue_size = 64

    def __init__(self, address: tuple[str, int], endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without asking for the name of this machine, which may take long."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            with suppress(OSError):
                request.settimeout(0)
                request.send(_FULL)
            self.shutdown_request(request)
            return
        try:
            threading.Thread(
                target=self._answer, args=(request, client_address), daemon=True
            ).start()
        except RuntimeError:  # no more threads are to be had
            self._room.release()
            self.shutdown_request(request)

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            with suppress(OSError):  # whoever called is gone
                self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            self._room.release()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "uwf", ""
    timeout = REQUEST_S

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        timed = Timed(self.connection, clock.monotonic_s() + REQUEST_S)
        self.rfile = io.BufferedReader(timed)
        self._unread = 0

    def do_GET(self) -> None:
        self._reply(self._page)

    def do_POST(self) -> None:
        self._reply(self._delivery)

    def finish(self) -> None:
        """A body that was refused is still read for a while: a sender that cannot send hears no answer."""
        super().finish()
        if not self._unread:
            return
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            rest = Timed(self.connection, clock.monotonic_s() + LINGER_S)
            left, chunk = min(self._unread, LINGER_BYTES), bytearray(CHUNK_BYTES)
            while left > 0 and (size := rest.readinto(chunk)):
                left -= size

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request."""
        self.close_connection = True
        self._send(code, {"error": {"code": "bad_request", "message": message or "bad request"}})

    def log_message(self, format: str, *args: object) -> None:
        """What came stands in the store."""

    def _reply(self, answer: Any) -> None:
        try:
            status, body = answer()
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            self._send(refusal.status, {"error": error}, refusal.headers)
        except NotTaken as refused:
            error = {"code": "busy", "message": str(refused)}
            self._send(503, {"error": error}, {"Retry-After": str(RETRY_AFTER_S)})
        except UwfError as error:
            self._send(422, {"error": {"code": error.code, "message": error.message}})
        except OSError:
            raise
        except Exception as error:
            self.server.endpoint.surprises.append(error)
            self._send(500, {"error": {"code": "internal", "message": "internal fault"}})
        else:
            self._send(status, body)

    def _page(self) -> tuple[int, Any]:
        asked = self.headers.get("Host", "localhost")
        host, _, port = asked.rpartition(":")
        host = host if port.isdigit() else asked
        if host.strip("[]") not in ("127.0.0.1", "localhost", "::1"):
            raise Refusal(403, "not_local", "this page is for this machine alone")
        text = self.server.endpoint.intake.page(self.path.partition("?")[0])
        if text is None:
            raise Refusal(404, "not_found", "there are /healthz and /metrics")
        return 200, text

    def _delivery(self) -> tuple[int, Any]:
        doors, path = self.server.endpoint.doors, self.path.partition("?")[0]
        if path == "/events":
            self._check_token(doors)
            found = Delivery(tuple(event_json.events(self._json(self._body()), "endpoint")))
            source = None
        else:
            source = path.removeprefix("/hooks/")
            door = doors.by_source.get(source)
            if door is None or not path.startswith("/hooks/"):
                raise Refusal(404, "not_found", "no source is called so: uwf source list")
            body = self._body()
            self._check_signature(door, body)
            found = door.forge.webhook(door.repo, self.headers, self._json(body), clock.now_ms())
        states = self.server.endpoint.intake.offer(found.events, source, found.numbers)
        is_old = states and all(state == "seen" for state in states.values())
        rows = [{"event": id, "state": state} for id, state in states.items()]
        return 200 if is_old else 202, {"events": rows}

    def _check_token(self, doors: Doors) -> None:
        tokens = self._secrets(doors.tokens, "no [daemon] tokens")
        if not signature.has_token(self.headers, tokens):
            raise Refusal(401, "bad_token", "no such token", WWW_Authenticate="Bearer")

    def _check_signature(self, door: Door, body: bytes) -> None:
        secrets = self._secrets(door.secrets, f"source {door.repo.source} has no secrets")
        if not signature.is_signed(door.repo.kind, self.headers, body, secrets):
            raise Refusal(401, "bad_signature", "the signature is not that of this body")

    def _secrets(self, names: tuple[str, ...], otherwise: str) -> list[bytes]:
        found, wrong = signature.secrets(names, config.environment())
        if not found:
            why = "; ".join(wrong) or f"{otherwise} are configured"
            raise Refusal(403, "no_secret", f"nobody can be told from others here: {why}")
        return found

    def _body(self) -> bytes:
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not length:
            raise Refusal(411, "no_length", "a body needs its Content-Length")
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            raise Refusal(400, "bad_length", "the Content-Length is no number")
        self._unread = int(length)
        if kind not in JSON_TYPES:
            raise Refusal(415, "not_json", "the content type is to be application/json")
        if self._unread > strict_json.MAX_BYTES:
            raise Refusal(413, "too_long", "a body has 1 MiB at the utmost")
        try:
            body = self.rfile.read(self._unread)
        except TimeoutError:
            raise Refusal(408, "too_slow", f"the body did not come in {REQUEST_S:.0f} s") from None
        self._unread -= len(body)
        if self._unread:
            raise Refusal(400, "cut", "the body is shorter than it says")
        return body

    def _json(self, body: bytes) -> Any:
        try:
            return strict_json.parse(body)
        except InputError as error:
            raise Refusal(400, error.code, error.message) from None

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        is_text = isinstance(body, str)
        data = body.encode() if is_text else json.dumps(body).encode() + b"\n"
        kind = "text/plain; version=0.0.4; charset=utf-8" if is_text else "application/json"
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
