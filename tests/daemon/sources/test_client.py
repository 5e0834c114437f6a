"""Asking a forge: what it sends, what it forbids, and where the token must not go."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.helpers import fake_forge
from tests.helpers.fake_forge import REPO, FakeForge
from uwf import clock
from uwf.daemon.sources.forges.client import Client, SourceFault

PULL = f"/repos/{REPO}/pulls/42"


@pytest.fixture
def forge() -> Iterator[FakeForge]:
    yield from fake_forge.running(lambda: FakeForge(token="t0ken"))


def client(forge: FakeForge, token: str = "t0ken", within_s: float = 10) -> Client:
    return Client(forge.url, {}, token, deadline_s=clock.monotonic_s() + within_s)


def test_what_has_not_changed_is_not_sent_again(forge: FakeForge) -> None:
    forge.open_pull(42)
    first = client(forge).get(PULL)
    assert first.value["number"] == 42
    again = client(forge).get(PULL, first.etag)
    assert again.is_unchanged and again.etag == first.etag


@pytest.mark.parametrize(
    ("status", "why"), [(401, "the token is not accepted"), (403, "may not"), (500, "says 500")]
)
def test_a_refusal_is_told(forge: FakeForge, status: int, why: str) -> None:
    forge.fail(PULL, status)
    with pytest.raises(SourceFault, match=why) as refused:
        client(forge).get(PULL)
    assert refused.value.status == status
    assert refused.value.retry_at_ms is None


@pytest.mark.parametrize(
    ("status", "headers", "after_s"),
    [
        (429, {}, 60),
        (403, {"Retry-After": "120"}, 120),
        (429, {"Retry-After": "no date"}, 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{}"}, 300),
        (200, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{}"}, 300),
    ],
)
def test_it_is_not_asked_before_it_wants_to_be(
    forge: FakeForge, status: int, headers: dict[str, str], after_s: int
) -> None:
    now_s = clock.now_ms() // 1000
    headers = {name: value.format(now_s + 300) for name, value in headers.items()}
    forge.fail(PULL, status, headers)
    asking = client(forge)
    if status != 200:
        with pytest.raises(SourceFault, match="wants to be asked again"):
            asking.get(PULL)
    else:
        asking.get(PULL)
    asked = len(forge.asked)
    with pytest.raises(SourceFault, match="wants to be asked again") as refused:
        asking.get(PULL)
    assert len(forge.asked) == asked
    assert refused.value.retry_at_ms is not None
    assert abs(refused.value.retry_at_ms // 1000 - now_s - after_s) <= 2


@pytest.mark.parametrize(("after_s", "most_s"), [(3600, 3600), (400 * 86_400, 86_400)])
def test_a_date_is_a_time_to_ask_again_and_none_is_far_away(
    forge: FakeForge, after_s: int, most_s: int
) -> None:
    now_s = clock.now_ms() // 1000
    forge.fail(PULL, 429, {"Retry-After": formatdate(now_s + after_s, usegmt=True)})
    with pytest.raises(SourceFault) as refused:
        client(forge).get(PULL)
    assert refused.value.retry_at_ms is not None
    assert abs(refused.value.retry_at_ms // 1000 - now_s - most_s) <= 2


ANSWERS = {
    "/a": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n",
    "/gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nGone",
    "/same": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "/led": b"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 4\r\n\r\nThat",
    "/round": b"HTTP/1.1 302 Found\r\nLocation: /round\r\nContent-Length: 0\r\n\r\n",
    "/file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1]",
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b" " * 9_000_000,
    "/odd": b"\x1b[31mSSH-2.0\r\n\r\n",
}


class PlainServer:
    """Says what `ANSWERS` have, and nothing of it is checked. `asked` are the paths of each connection; it `closes`
    after so many answers. Of `/slow` each byte takes a while.
    """

    def __init__(self, closes: int = 1000) -> None:
        self.asked: list[list[str]] = []
        self._closes = closes
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                self.asked.append([])
                with caller, suppress(OSError):
                    self._answer(caller, self.asked[-1])

    def _answer(self, caller: socket.socket, asked: list[str]) -> None:
        while len(asked) < self._closes and (data := caller.recv(1 << 16)):
            asked.append(data.split()[1].decode())
            if asked[-1] == "/slow":
                for byte in b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1000:
                    caller.sendall(bytes([byte]))
                    time.sleep(0.02)
            caller.sendall(ANSWERS[asked[-1]])
            if asked[-1] in ("/short", "/odd"):
                return


@pytest.fixture
def plain() -> Iterator[PlainServer]:
    with closing(PlainServer()) as plain:
        yield plain


def test_one_connection_serves_all_that_is_asked(plain: PlainServer) -> None:
    paths = ["/a", "/chunks", "/led", "/gone", "/same", "/a"]
    with Client(plain.url, {}, "", deadline_s=clock.monotonic_s() + 10) as asking:
        for path in paths:
            if path == "/gone":
                with pytest.raises(SourceFault, match="404"):
                    asking.get(path)
            else:
                assert asking.get(path, "etag").value in ([1], None)
    assert plain.asked == [["/a", "/chunks", "/led", "/a", "/gone", "/same", "/a"]]


def test_a_connection_that_was_closed_meanwhile_is_made_anew() -> None:
    with closing(PlainServer(closes=2)) as plain:
        with Client(plain.url, {}, "", deadline_s=clock.monotonic_s() + 10) as asking:
            assert [asking.get("/a").value for _ in range(5)] == [[1]] * 5
        assert plain.asked == [["/a", "/a"], ["/a", "/a"], ["/a"]]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/round", "/round leads from one address to the next"),
        ("/file", "leads to 'file:///etc/passwd', where nobody is asked"),
        ("/short", "broke off: 6 bytes are missing"),
        ("/huge", "answers with more than 8 MiB"),
        ("/slow", "no answer in time"),
        ("/odd", r"/odd: \[31mSSH-2.0"),
    ],
)
def test_a_hostile_answer_is_told_and_spoils_no_other(
    plain: PlainServer, path: str, why: str
) -> None:
    deadline_s = clock.monotonic_s() + (0.3 if path == "/slow" else 10)
    began_s = clock.monotonic_s()
    with Client(plain.url, {}, "", deadline_s=deadline_s) as asking:
        with pytest.raises(SourceFault, match=why):
            asking.get(path)
        if path == "/slow":
            assert clock.monotonic_s() - began_s < 2
        else:
            assert asking.get("/a").value == [1]


def test_a_proxy_of_the_environment_is_gone_through(
    plain: PlainServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", plain.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setitem(ANSWERS, "http://forge.invalid/a", ANSWERS["/a"])
    with Client("http://forge.invalid", {}, "", deadline_s=clock.monotonic_s() + 10) as asking:
        assert asking.get("/a").value == [1]
    monkeypatch.setenv("https_proxy", plain.url)
    monkeypatch.setitem(ANSWERS, "forge.invalid:443", ANSWERS["/gone"])
    with (
        Client("https://forge.invalid", {}, "", deadline_s=clock.monotonic_s() + 10) as asking,
        pytest.raises(SourceFault, match="Tunnel connection failed: 404"),
    ):
        asking.get("/a")
    assert plain.asked == [["http://forge.invalid/a"], ["forge.invalid:443"]]


def test_a_forge_that_hangs_is_given_up(forge: FakeForge) -> None:
    forge.hangs.clear()
    with pytest.raises(SourceFault, match="no answer in time"):
        client(forge, within_s=0.2).get(PULL)


def test_one_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SourceFault, match=f"cannot reach {url}/x: Connection refused"):
        Client(url, {}, "", deadline_s=clock.monotonic_s() + 5).get("/x")


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<html>", "is not JSON"), (b"[" * 1000, "nested"), (b"null", "with nothing")],
)
def test_an_answer_that_is_none_is_told(forge: FakeForge, body: bytes, why: str) -> None:
    forge.answers[PULL] = (200, {}, body)
    with pytest.raises(SourceFault, match=why):
        client(forge).get(PULL)


def test_the_next_page_of_another_host_is_not_asked_for(forge: FakeForge) -> None:
    with pytest.raises(SourceFault, match="another host"):
        client(forge).get("http://127.0.0.1:1/page2")
    assert forge.asked == []


def test_the_end_of_a_log_is_read_behind_a_redirect(forge: FakeForge) -> None:
    forge.logs[7] = "".join(f"line {number}\r\n" for number in range(500)) + "last"
    asking = client(forge)
    tail = asking.tail(f"/repos/{REPO}/actions/jobs/7/logs", 200)
    assert len(tail) == 200
    assert tail[-2:] == ["line 499", "last"]


def test_the_token_stays_with_its_host(forge: FakeForge) -> None:
    seen: list[str | None] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"a log")

        def log_message(self, format: str, *args: object) -> None:
            pass

    other = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=other.handle_request)
    thread.start()
    there = f"http://127.0.0.1:{other.server_address[1]}/log"
    forge.answers["/logs"] = (302, {"Location": there}, b"")
    assert client(forge).tail("/logs", 5) == ["a log"]
    thread.join()
    other.server_close()
    assert seen == [None]
