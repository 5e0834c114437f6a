"""A forge on loopback, in the shapes of GitHub or Gitea: what tests say happened there, it tells whoever asks.

It answers with ETags and pages, counts who asks for what, and can be told to fail, to hang, or to be asked less often.
What happens is also told by webhook, signed as the forge signs: `forge.deliveries` has them in their order, and
`Weather` loses, doubles and reorders them on their way.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from uwf import clock

HEAD = "c0ffee" + "0" * 34
REPO = "octo/shop"
SECRET = b"of the webhook"


class WebhookCall(NamedTuple):
    """One delivery, as the forge would post it."""

    headers: dict[str, str]
    body: bytes


class FakeForge:
    """`kind` is github or gitea. Times are those of `uwf.clock`, to the second as forges have them."""

    def __init__(
        self, kind: str = "github", *, page: int = 100, token: str = "", daemon: bool = False
    ) -> None:
        """With `daemon` nobody need close it."""
        self.kind, self.page, self.token = kind, page, token
        self.pulls: dict[int, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.unchanged = 0
        self.deliveries: list[WebhookCall] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.hangs = threading.Event()
        self.hangs.set()
        self.logs: dict[int, str] = {}
        self._ids = 100
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=daemon
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.hangs.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What happens on it.

    def open_pull(self, number: int, head: str = HEAD) -> None:
        self.pulls[number] = {
            "state": "open",
            "merged": False,
            "closed_at": None,
            "head": head,
            **{name: [] for name in ("reviews", "comments", "lines", "checks", "statuses")},
        }

    def close_pull(self, number: int, *, merged: bool = False) -> None:
        pull = self.pulls[number]
        pull.update(state="closed", merged=merged, closed_at=now())
        self._tell("pull_request", number, {"action": "closed"})

    def comment(self, number: int, body: str, who: str = "ann", **more: Any) -> int:
        comment = {**self._said(body, who), **more}
        self.pulls[number]["comments"].append(comment)
        self._tell("issue_comment", number, {"action": "created", "comment": comment})
        return int(comment["id"])

    def edit(self, number: int, id: int, body: str) -> None:
        comment = next(each for each in self.pulls[number]["comments"] if each["id"] == id)
        comment.update(body=body, updated_at=now())
        self._tell("issue_comment", number, {"action": "edited", "comment": comment})

    def line(self, number: int, path: str, body: str, who: str = "ann") -> int:
        """A comment on a line; with Gitea in a review of its own."""
        said = {**self._said(body, who), "path": path, "line": 3, "commit_id": HEAD}
        if self.kind == "gitea":
            review = self.review(number, "commented", "", who)
            said = {**said, "position": 3, "pull_request_review_id": review}
            self._review(number, review)["comments_count"] = 1
        self.pulls[number]["lines"].append(said)
        if self.kind == "github":
            more = {"action": "created", "comment": said}
            self._tell("pull_request_review_comment", number, more)
        return int(said["id"])

    def review(self, number: int, state: str, body: str, who: str = "ann", **more: Any) -> int:
        said = {**self._said(body, who), "commit_id": HEAD, "submitted_at": now(), **more}
        words = {"approved": "APPROVED", "commented": "COMMENTED"}
        said["state"] = words.get(state, "CHANGES_REQUESTED")
        if self.kind == "gitea":
            words = {"approved": "APPROVED", "commented": "COMMENT"}
            said["state"] = words.get(state, "REQUEST_CHANGES")
            said.update(official=more.get("official", True), comments_count=0)
        self.pulls[number]["reviews"].append(said)
        told = {**said, "state": said["state"].lower()}
        if self.kind == "gitea":
            told = {"type": f"pull_request_review_{state}", "content": body}
        self._tell("pull_request_review", number, {"action": "submitted", "review": told})
        return int(said["id"])

    def check(self, number: int, name: str, conclusion: str, log: str = "") -> int:
        id = self._new_id()
        pull = self.pulls[number]
        if self.kind == "gitea":
            status = {"id": id, "context": name, "status": conclusion, "updated_at": now()}
            status["target_url"] = f"{self.url}/{REPO}/actions/runs/7/jobs/{id}"
            self.logs[id] = log
            pull["statuses"].append({**status, "description": f"{name}: {conclusion}"})
            self._tell("status", None, {"sha": pull["head"], "context": name})
            return id
        run = {
            "id": id,
            "name": name,
            "head_sha": pull["head"],
            "status": "completed",
            "conclusion": conclusion,
            "completed_at": now(),
            "html_url": f"{self.url}/{REPO}/actions/runs/7/job/{id}",
            "details_url": f"{self.url}/{REPO}/actions/runs/7/job/{id}",
            "output": {"title": f"{name}: {conclusion}"},
            "app": {"slug": "github-actions"},
            "pull_requests": [{"number": number}],
        }
        self.logs[id] = log
        pull["checks"].append(run)
        self._tell("check_run", None, {"action": "completed", "check_run": run})
        return id

    def delete(self, number: int, id: int) -> None:
        """A comment goes, and nobody is told."""
        for name in ("comments", "lines"):
            kept = [each for each in self.pulls[number][name] if each["id"] != id]
            self.pulls[number][name] = kept

    def fail(self, path: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer to whatever begins with `path` in this way; 0: as before."""
        if status:
            self.answers[path] = (status, dict(headers or {}), b'{"message": "no"}')
        else:
            self.answers.pop(path, None)

    # How it answers.

    def answer(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON at `path` without its prefix; None where there is none."""
        words = path.removeprefix("/api/v1").removeprefix(f"/repos/{REPO}").strip("/").split("/")
        if words == [""]:
            return {"full_name": REPO}
        if words[0] == "commits":
            return self._of_commit(words[1], words[2])
        if words[0] in ("pulls", "issues") and words[1].isdigit():
            pull = self.pulls.get(int(words[1]))
            if pull is None:
                return None
            if len(words) == 2:
                return self._pull(int(words[1]))
            if words[2] == "reviews" and len(words) == 5:
                inside = [
                    each
                    for each in pull["lines"]
                    if each["pull_request_review_id"] == int(words[3])
                ]
                return inside
            name = "lines" if words[0] == "pulls" and words[2] == "comments" else words[2]
            since = query.get("since", "")
            return [each for each in pull[name] if not since or each["updated_at"] >= since]
        if words[:2] in (["issues", "comments"], ["pulls", "comments"]):
            everything = [
                each for pull in self.pulls.values() for each in (*pull["comments"], *pull["lines"])
            ]
            return next((each for each in everything if each["id"] == int(words[2])), None)
        if words[0] == "check-runs":
            runs = [run for pull in self.pulls.values() for run in pull["checks"]]
            return next((run for run in runs if run["id"] == int(words[1])), None)
        return None

    def _of_commit(self, sha: str, what: str) -> Any:
        pull = next((each for each in self.pulls.values() if each["head"] == sha), None)
        if what == "check-runs":
            runs = [] if pull is None else pull["checks"]
            return {"check_runs": [run for run in runs if run["head_sha"] == sha]}
        return {"sha": sha, "statuses": [] if pull is None else pull["statuses"]}

    def _pull(self, number: int) -> dict[str, Any]:
        pull = self.pulls[number]
        return {
            "number": number,
            "state": pull["state"],
            "merged": pull["merged"],
            "merged_at": pull["closed_at"] if pull["merged"] else None,
            "closed_at": pull["closed_at"],
            "title": "A shop",
            "head": {"sha": pull["head"]},
            "user": {"login": "uwf-bot", "type": "Bot"},
            "author_association": "COLLABORATOR",
            "html_url": f"{self.url}/{REPO}/pull/{number}",
        }

    def _said(self, body: str, who: str) -> dict[str, Any]:
        return {
            "id": self._new_id(),
            "user": {"login": who, "type": "Bot" if who.endswith("[bot]") else "User"},
            "author_association": {"ann": "OWNER", "cat": "NONE"}.get(who, "MEMBER"),
            "body": body,
            "created_at": now(),
            "updated_at": now(),
            "html_url": f"{self.url}/{REPO}/said/{self._ids}",
        }

    def _review(self, number: int, id: int) -> dict[str, Any]:
        found: dict[str, Any] = next(
            each for each in self.pulls[number]["reviews"] if each["id"] == id
        )
        return found

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids

    # What it posts.

    def _tell(self, name: str, number: int | None, payload: dict[str, Any]) -> None:
        document = {"repository": {"full_name": REPO}, "sender": {"login": "ann"}, **payload}
        if number is not None and name == "issue_comment":
            document.update(issue={"number": number, "pull_request": {}}, is_pull=True)
        elif number is not None:
            document["pull_request"] = self._pull(number)
        self.deliveries.append(signed(self.kind, name, f"d-{self._new_id()}", document))


def signed(kind: str, name: str, id: str, document: Any, secret: bytes = SECRET) -> WebhookCall:
    """A delivery with the signature of that forge."""
    body = json.dumps(document).encode()
    found = hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json"}
    if kind == "github":
        headers["X-GitHub-Event"], headers["X-GitHub-Delivery"] = name, id
        headers["X-Hub-Signature-256"] = f"sha256={found}"
    else:
        headers["X-Gitea-Event"], headers["X-Gitea-Delivery"] = name, id
        headers["X-Gitea-Signature"] = found
    return WebhookCall(headers, body)


class Weather:
    """What happens to deliveries on their way: three in ten are lost, three in ten come twice, none in order."""

    def __init__(self, seed: int, *, lost: float = 0.3, doubled: float = 0.3) -> None:
        self._dice, self._lost, self._doubled = random.Random(seed), lost, doubled

    def through(self, calls: list[WebhookCall]) -> list[WebhookCall]:
        come = []
        for call in calls:
            if self._dice.random() < self._lost:
                continue
            come += [call] * (2 if self._dice.random() < self._doubled else 1)
        self._dice.shuffle(come)
        return come


def post(
    url: str, headers: Mapping[str, str], body: bytes, timeout_s: float = 10
) -> tuple[int, Any]:
    """The status and the JSON that a POST is answered with."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def now() -> str:
    return clock.iso(clock.now_ms())


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked is gone, as it is when it has given up."""


def _handler(forge: FakeForge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            forge.asked.append(self.path)
            forge.hangs.wait(30)
            for path, (status, headers, body) in forge.answers.items():
                if parts.path.startswith(path):
                    return self._send(status, body, headers)
            if forge.token and self.headers.get("Authorization") != f"Bearer {forge.token}":
                return self._send(401, b'{"message": "bad credentials"}', {})
            if parts.path.endswith("/logs"):
                there = f"{forge.url}/blob/{parts.path.split('/')[-2]}"
                return self._send(302, b"", {"Location": there})
            if parts.path.startswith("/blob/"):
                return self._send(200, forge.logs[int(parts.path.split("/")[2])].encode(), {})
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            found = forge.answer(parts.path, query)
            if found is None:
                return self._send(404, b'{"message": "Not Found"}', {})
            headers = {}
            if isinstance(found, list):
                page = int(query.get("page", "1"))
                if len(found) > page * forge.page:
                    rest = (
                        parts.path
                        + "?"
                        + "&".join(
                            f"{name}={value}" for name, value in {**query, "page": page + 1}.items()
                        )
                    )
                    headers["Link"] = f'<{forge.url}{rest}>; rel="next"'
                found = found[(page - 1) * forge.page : page * forge.page]
            body = json.dumps(found).encode()
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == etag:
                forge.unchanged += 1
                return self._send(304, b"", {"ETag": etag})
            return self._send(200, body, {"ETag": etag, **headers})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def running(make: Callable[[], FakeForge]) -> Iterator[FakeForge]:
    """For fixtures: a forge that is closed at the end."""
    forge = make()
    try:
        yield forge
    finally:
        forge.close()


def posted(url: str, call: WebhookCall, tick: Callable[[], object]) -> int:
    """The status that a delivery is answered with, while the loop goes round by `tick` in this thread."""
    found: list[int] = []
    poster = threading.Thread(target=lambda: found.append(post(url, *call)[0]))
    poster.start()
    while poster.is_alive():
        tick()
        poster.join(0.005)
    return found[0]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def eventually(claim: Callable[[], bool], within_s: float = 20) -> None:
    """Wait until `claim` holds; fails the test when it does not in time."""
    end_s = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < end_s, "not in time"
        time.sleep(0.02)
