"""A model on loopback: answers what it is told to, in turn, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """`parts` are sent one after the other, each at once; what is callable is called there. `is_cut`: the connection
    ends without its last bytes.
    """

    parts: tuple[bytes | Callable[[], object], ...]
    status: int = 200
    headers: Mapping[str, str] = {}
    is_cut: bool = False


class FakeModel:
    """`asked` has path, headers (in lower case) and body of each request."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = []
        self.asked: list[dict[str, Any]] = []

    def will(self, *parts: bytes | Callable[[], object], **more: Any) -> None:
        self.answers.append(Answer(parts, **more))

    def will_say(self, document: Any, status: int = 200, **headers: str) -> None:
        self.will(json.dumps(document).encode(), status=status, headers=headers)


@contextmanager
def serving() -> Iterator[FakeModel]:
    """One that listens while this lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            model.asked.append(
                {"path": self.path, "headers": headers, "body": json.loads(body or b"null")}
            )
            answer = model.answers.pop(0)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                for part in answer.parts:
                    if callable(part):
                        part()
                    else:
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                        self.wfile.flush()
                if not answer.is_cut:
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:
                pass  # whoever asked is gone
            self.close_connection = True

        def log_message(self, *_args: object) -> None:
            """What was asked is kept, and printed nowhere."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model = FakeModel(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
