"""Asking a forge: what it sends, what it forbids, and where the token must not go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
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


def test_a_date_is_a_time_to_ask_again(forge: FakeForge) -> None:
    forge.fail(PULL, 429, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    with pytest.raises(SourceFault) as refused:
        client(forge).get(PULL)
    assert refused.value.retry_at_ms == 4_133_980_799_000


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
