"""The endpoint, called as a forge, a program and an enemy would call it. The loop is a thread of the test."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.helpers.fake_forge import REPO, SECRET, post, signed
from uwf.app.unattended.events import Event
from uwf.daemon.intake import endpoint as endpoints
from uwf.daemon.intake.buffer import Intake, Wish
from uwf.daemon.intake.endpoint import Door, Doors, Endpoint
from uwf.daemon.sources.forges.forge import Repo
from uwf.daemon.sources.forges.gitea import Gitea
from uwf.daemon.sources.forges.github import GitHub
from uwf.daemon.sources.forges.standing import Standing
from uwf.errors import InputError, StoreError

COMMENT = {
    "action": "created",
    "repository": {"full_name": REPO},
    "issue": {"number": 42, "pull_request": {}},
    "comment": {
        "id": 7,
        "body": "Too long.",
        "user": {"login": "ann", "type": "User"},
        "author_association": "OWNER",
        "updated_at": "2026-01-31T09:15:00Z",
    },
}
TOKEN = {"Authorization": "Bearer of-a-program", "Content-Type": "application/json"}


class LoopOfTest:
    """Stores in memory what waits; `fails` is raised once."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.intake = Intake(self.woken.set)
        self.stored: dict[str, Event] = {}
        self.batches: list[int] = []
        self.fails: list[Exception] = []
        self.goes = threading.Event()
        self.goes.set()
        self._ended = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._ended = True
        self.goes.set()
        self.woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self.woken.wait()
            self.woken.clear()
            self.goes.wait()
            try:
                while self.intake.take(self._store, {"/healthz": lambda: "fine\n"}):
                    pass
            except StoreError:
                pass

    def _store(self, events: Sequence[Event]) -> Mapping[str, str]:
        self.batches.append(len(events))
        if any(event.name == "bad" for event in events):
            raise InputError("a bad event", code="bad_event")
        if self.fails:
            raise self.fails.pop()
        states = {event.key: "seen" if event.key in self.stored else "new" for event in events}
        self.stored |= {event.key: event for event in events}
        return states


@pytest.fixture
def loop() -> Iterator[LoopOfTest]:
    loop = LoopOfTest()
    yield loop
    loop.close()


@pytest.fixture
def endpoint(loop: LoopOfTest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("HOOK_SECRET", SECRET.decode())
    monkeypatch.setenv("HOOK_TOKEN", "of-a-program")
    repo = Repo("shop", "github", REPO, Standing())
    doors = {
        "shop": Door(GitHub(), repo, ("GONE", "HOOK_SECRET")),
        "tea": Door(Gitea(), Repo("tea", "gitea", REPO, Standing()), ("HOOK_SECRET",)),
        "open": Door(GitHub(), repo, ()),
    }
    endpoint = Endpoint(("127.0.0.1", 0), Doors(doors, ("HOOK_TOKEN",)), loop.intake)
    yield endpoint
    endpoint.close()


def url(endpoint: Endpoint, path: str) -> str:
    return f"http://127.0.0.1:{endpoint.port}{path}"


def raw(endpoint: Endpoint, data: bytes, within_s: float = 10) -> bytes:
    """What the endpoint says to these bytes."""
    with socket.create_connection(("127.0.0.1", endpoint.port), within_s) as caller:
        caller.sendall(data)
        found = b""
        while part := caller.recv(4096):
            found += part
        return found


def test_a_signed_delivery_is_stored_and_known_when_it_comes_again(
    endpoint: Endpoint, loop: LoopOfTest
) -> None:
    call = signed("github", "issue_comment", "d-1", COMMENT)
    status, answer = post(url(endpoint, "/hooks/shop"), *call)
    assert status == 202
    [row] = answer["events"]
    assert row["state"] == "new"
    assert loop.stored[row["event"]].data["body"] == "Too long."
    status, answer = post(url(endpoint, "/hooks/shop"), *call)
    assert (status, answer["events"][0]["state"]) == (200, "seen")
    assert loop.intake.wishes() == [Wish("shop", (42,))] * 2


def test_gitea_signs_in_its_own_way(endpoint: Endpoint, loop: LoopOfTest) -> None:
    call = signed("gitea", "issue_comment", "d-1", COMMENT)
    assert post(url(endpoint, "/hooks/tea"), *call)[0] == 202
    assert post(url(endpoint, "/hooks/shop"), *call)[0] == 401
    assert len(loop.stored) == 1


def test_what_only_says_that_a_poll_is_worth_it_stores_nothing(
    endpoint: Endpoint, loop: LoopOfTest
) -> None:
    document = {"repository": {"full_name": REPO}, "sha": "c0ffee"}
    status, answer = post(url(endpoint, "/hooks/shop"), *signed("github", "status", "d", document))
    assert (status, answer) == (202, {"events": []})
    assert loop.intake.wishes() == [Wish("shop", None)]
    assert not loop.stored


def test_a_program_with_a_token_posts_events(endpoint: Endpoint, loop: LoopOfTest) -> None:
    one = {"name": "deploy.done", "id": "d-7", "data": {"tag": "v1"}, "labels": {"pr": "42"}}
    status, answer = post(
        url(endpoint, "/events"), TOKEN, json.dumps([one, {"name": "a"}]).encode()
    )
    assert status == 202
    assert answer["events"][0] == {"event": "endpoint/d-7", "state": "new"}
    event = loop.stored["endpoint/d-7"]
    assert (event.source, event.who, event.trust) == ("endpoint", "endpoint", "bot")
    assert event.labels == {"pr": "42"} and event.data == {"tag": "v1"}
    assert len(loop.stored) == 2


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        ("/hooks/none", {}, b"{}", 404, "not_found"),
        ("/nowhere", TOKEN, b"{}", 404, "not_found"),
        ("/hooks/shop", {"Content-Type": "application/json"}, b"{}", 401, "bad_signature"),
        ("/hooks/open", {"Content-Type": "application/json"}, b"{}", 403, "no_secret"),
        ("/events", {**TOKEN, "Authorization": "Bearer x"}, b"{}", 401, "bad_token"),
        ("/events", {"Content-Type": "application/json"}, b"{}", 401, "bad_token"),
        ("/events", {**TOKEN, "Content-Type": "text/plain"}, b"{}", 415, "not_json"),
        ("/events", TOKEN, b"{", 400, "bad_json"),
        ("/events", TOKEN, b"[" * 100_000, 400, "bad_json"),
        ("/events", TOKEN, b"x" * (10 << 20), 413, "too_long"),
        ("/events", TOKEN, b"[]", 422, "bad_input"),
        ("/events", TOKEN, b"7", 422, "bad_fields"),
        ("/events", TOKEN, b'{"name": 7}', 422, "bad_fields"),
        ("/events", TOKEN, b'{"name": "a", "nmae": 1}', 422, "bad_input"),
        ("/events", TOKEN, b'{"name": "a", "trust": "owner"}', 422, "bad_input"),
        ("/events", TOKEN, b'{"name": "a", "at": "noon"}', 422, "bad_fields"),
        ("/events", TOKEN, b'{"name": "a", "labels": {"pr": 7}}', 422, "bad_fields"),
        ("/events", TOKEN, b'{"name": "bad"}', 422, "bad_event"),
    ],
)
def test_what_is_wrong_is_refused_in_words(
    endpoint: Endpoint,
    loop: LoopOfTest,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: str,
) -> None:
    found, answer = post(url(endpoint, path), headers, body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert answer["error"]["message"]
    assert not loop.stored


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({**COMMENT, "repository": {"full_name": "octo/other"}}, "other_repo"),
        ({**COMMENT, "comment": 7}, "bad_fields"),
        ({**COMMENT, "comment": {}}, "bad_fields"),
        ([], "bad_fields"),
    ],
)
def test_a_signed_payload_that_is_none_is_refused(
    endpoint: Endpoint, loop: LoopOfTest, document: Any, code: str
) -> None:
    status, answer = post(
        url(endpoint, "/hooks/shop"), *signed("github", "issue_comment", "d-1", document)
    )
    assert (status, answer["error"]["code"]) == (422, code)
    assert not loop.stored


def test_who_delivers_is_asked_before_anything_is_parsed(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints.strict_json, "parse", lambda *_: pytest.fail("parsed"))
    call = signed("github", "issue_comment", "d-1", COMMENT, secret=b"another")
    assert post(url(endpoint, "/hooks/shop"), *call)[0] == 401


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /events HTTP/1.1\r\nAuthorization: Bearer of-a-program\r\n\r\n", b"411"),
        (
            b"POST /events HTTP/1.1\r\nAuthorization: Bearer of-a-program\r\n"
            b"Content-Length: -5\r\n\r\n",
            b"400",
        ),
        (
            b"POST /events HTTP/1.1\r\nAuthorization: Bearer of-a-program\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n",
            b"411",
        ),
        (b"GARBAGE\r\n\r\n", b"bad_request"),
        (b"\x00\xff\r\n\r\n", b"bad_request"),
        (b"DELETE /events HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_refused(endpoint: Endpoint, head: bytes, status: bytes) -> None:
    assert status in raw(endpoint, head).partition(b"\r\n")[0]


def test_events_that_come_together_are_one_transaction(
    endpoint: Endpoint, loop: LoopOfTest
) -> None:
    loop.goes.clear()
    body = [json.dumps({"name": "a", "id": f"{number}"}).encode() for number in range(8)]
    found: list[int] = []
    callers = [
        threading.Thread(
            target=lambda each=each: found.append(post(url(endpoint, "/events"), TOKEN, each)[0])
        )
        for each in body
    ]
    for caller in callers:
        caller.start()
    deadline_s = time.monotonic() + 10
    while len(loop.intake._offers) < 8 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    loop.goes.set()
    for caller in callers:
        caller.join()
    assert found == [202] * 8
    assert loop.batches == [8]


def test_one_bad_event_keeps_no_other_from_being_stored(
    endpoint: Endpoint, loop: LoopOfTest
) -> None:
    intake = Intake(lambda: None)
    outcomes: dict[str, object] = {}

    def offer(name: str) -> None:
        event = Event(id=name, source="x", name=name, at_ms=1, who="x", trust="bot", data=None)
        try:
            outcomes[name] = intake.offer([event], None, ())
        except InputError as error:
            outcomes[name] = error.code

    callers = [threading.Thread(target=offer, args=(name,)) for name in ("good", "bad", "fine")]
    for caller in callers:
        caller.start()
    while len(intake._offers) < 3:
        time.sleep(0.01)
    intake.take(loop._store, {})
    for caller in callers:
        caller.join()
    assert outcomes == {"good": {"x/good": "new"}, "bad": "bad_event", "fine": {"x/fine": "new"}}


def test_a_loop_that_is_busy_or_cannot_store_is_told_as_503(
    endpoint: Endpoint, loop: LoopOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.fails.append(StoreError("the disk is full"))
    body = json.dumps({"name": "a", "id": "1"}).encode()
    status, answer = post(url(endpoint, "/events"), TOKEN, body)
    assert (status, answer["error"]["code"]) == (503, "busy")
    assert post(url(endpoint, "/events"), TOKEN, body)[0] == 202
    monkeypatch.setattr("uwf.daemon.intake.buffer.WAIT_S", 0.1)
    loop.goes.clear()
    status, answer = post(url(endpoint, "/events"), TOKEN, b'{"name": "a", "id": "2"}')
    assert (status, answer["error"]["message"]) == (503, "the daemon is busy")
    loop.goes.set()


def test_a_full_queue_is_told_at_once(
    endpoint: Endpoint, loop: LoopOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.daemon.intake.buffer.MOST_WAITING", 0)
    status, answer = post(url(endpoint, "/events"), TOKEN, b'{"name": "a"}')
    assert (status, answer["error"]["message"]) == (503, "0 deliveries wait already")


def test_a_daemon_that_stops_says_so(endpoint: Endpoint) -> None:
    endpoint.intake.stop()
    status, answer = post(url(endpoint, "/events"), TOKEN, b'{"name": "a"}')
    assert (status, answer["error"]["message"]) == (503, "the daemon stops")


def test_whoever_is_slow_has_an_end(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "REQUEST_S", 0.3)
    head = b"POST /events HTTP/1.1\r\nAuthorization: Bearer of-a-program\r\n"
    begin_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", endpoint.port), 10) as caller:
        for byte in head + b"Content-Type: application/json\r\n" * 1000:
            try:
                caller.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.01)
    assert time.monotonic() - begin_s < 8
    slow = head + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    assert b" 408 " in raw(endpoint, slow)


def test_too_many_at_once_are_told_and_the_others_go_on(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    for _ in range(endpoints.CONNECTIONS):
        held.append(socket.create_connection(("127.0.0.1", endpoint.port), 10))
        held[-1].sendall(b"GET /healthz HTTP/1.1\r\nA:")
    found = raw(endpoint, b"")
    assert found.startswith(b"HTTP/1.0 503 ") and b"Retry-After" in found
    held[0].sendall(b" b\r\n\r\n")
    assert b" 200 " in held[0].recv(100)
    for each in held:
        each.close()


def test_pages_are_for_this_machine_alone(endpoint: Endpoint) -> None:
    port = endpoint.port
    assert b"fine" in raw(
        endpoint, f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    )
    assert b" 403 " in raw(endpoint, b"GET /healthz HTTP/1.1\r\nHost: evil.example:80\r\n\r\n")
    assert b" 403 " in raw(endpoint, b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert b" 200 " in raw(endpoint, b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    assert b" 404 " in raw(endpoint, b"GET /other HTTP/1.1\r\nHost: localhost:1\r\n\r\n")


def test_it_waits_without_waking_and_closes_at_once(loop: LoopOfTest) -> None:
    endpoint = Endpoint(("127.0.0.1", 0), Doors({}, ()), loop.intake)
    begin_s = time.monotonic()
    endpoint.close()
    assert time.monotonic() - begin_s < 5
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", endpoint.port), 1)
