"""A trial of a source: it is asked once as the daemon asks it, delivers one event as the world would, and that event is
looked for in the store, with what was decided about it.

    ask      what it has to say now is taken in, so nothing is lost by a trial
    deliver  over the endpoint, signed, where the daemon listens and the source has a secret; else straight
    decide   by the triggers there are
    list     it stands among the events
"""

from __future__ import annotations

import json
import os

from uwf import clock, config
from uwf import home as paths
from uwf.app.unattended.events import Event
from uwf.daemon import state
from uwf.daemon.intake import signature, spool
from uwf.daemon.sources import polling
from uwf.daemon.sources.asking import Asking, token_of
from uwf.errors import UwfError
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from uwf.app import App
    from uwf.app.values import Source
    from uwf.daemon.sources.asking import Outcome

NAME = "source.test"
HOOK = "uwf_test"
"""What a forge would call it."""
SPOOL, ENDPOINT = "spool", "endpoint"
POST_S = 10.0
WITHIN_S = 10.0


class TrialStep(Record):
    """One thing that was tried, and what came of it in words."""

    step: str
    ok: bool
    text: str


class SourceTrial(Record):
    """All of them in order; the `event` that was delivered, None where it did not come so far."""

    source: str
    ok: bool
    steps: tuple[TrialStep, ...]
    event: str | None
    hint: str | None = None


class _Failed(Exception):
    """A step failed, and the ones after it make no sense."""


def run(app: App, name: str) -> SourceTrial:
    """Try the source `name`, or the spool folder, or the endpoint. Raises `NotFound` for any other."""
    trial = _Trial(app)
    try:
        if name == SPOOL:
            key = trial.deliver_by_spool()
        elif name == ENDPOINT:
            key = trial.deliver_by_endpoint()
        else:
            source = app.sources.find(name)
            trial.ask(source)
            key = trial.deliver(source)
        trial.see(key)
    except _Failed:
        pass
    ok = all(step.ok for step in trial.steps)
    return SourceTrial(name, ok, tuple(trial.steps), trial.event, trial.hint)


class _Trial:
    def __init__(self, app: App) -> None:
        self._app = app
        self._id = clock.ulid(clock.now_ms())
        self.steps: list[TrialStep] = []
        self.event: str | None = None
        self.hint: str | None = None

    def ask(self, source: Source) -> None:
        """One poll as the daemon makes it. A forge of which no thread carries anything is asked for its repository."""
        try:
            token_of(source)
        except UwfError as error:
            self._no("ask", error.message, error.hint)
        outcome = Asking(self._app).ask(source, polling.poll)
        state = outcome.state
        if state.error:
            self._no("ask", state.error)
        said = "asked"
        if source.is_forge and not state.watching:
            try:
                self._ask_for_repo(source)
            except UwfError as error:
                self._no("ask", error.message)
            said = f"{source.repo} can be read; no thread carries a pull request of it (label pr=…)"
        elif source.is_forge:
            said = f"asked about {counted(state.watching, 'pull request')}"
        self._ok("ask", f"{said}, {_new(outcome)}")

    def deliver(self, source: Source) -> str:
        if source.is_forge and source.secrets and self._listens():
            return self._deliver_signed(source)
        self._app.events.take([self._event(source.name)])
        self._ok("deliver", "stored")
        return f"{source.name}/{self._id}"

    def deliver_by_endpoint(self) -> str:
        endpoint = self._app.sources.endpoint()
        if not endpoint.listen:
            self._no(
                "deliver",
                "[daemon] listen is not set",
                "uwf config set daemon.listen 127.0.0.1:8437",
            )
        if not self._listens():
            why = f"no daemon listens on {endpoint.listen}"
            runs = self._app.daemon.leader() is not None
            self._no("deliver", why, "uwf daemon status" if runs else "uwf daemon run")
        tokens, wrong = signature.secrets(endpoint.tokens, config.environment())
        if not tokens:
            self._no("deliver", "; ".join(wrong) or "[daemon] tokens are not set")
        body = json.dumps({"name": NAME, "id": self._id, "trust": "stranger"}).encode()
        headers = {"Authorization": f"Bearer {tokens[0].decode('latin-1')}"}
        return self._post("/events", headers, body)

    def deliver_by_spool(self) -> str:
        """Written beside its name and renamed, as any program does it."""
        app, folder = self._app, paths.made(paths.events(self._app.home))
        name = f"{self._id}{spool.ENDING}"
        with open(os.path.join(folder, f".{name}"), "w", encoding="utf-8") as file:
            json.dump({"name": NAME, "id": self._id, "trust": "stranger"}, file)
        os.rename(os.path.join(folder, f".{name}"), os.path.join(folder, name))
        spool.take_in(app.home, app.events.take)  # a daemon may be quicker
        self._ok("deliver", f"taken in from {os.path.join(folder, name)}")
        return f"{SPOOL}/{self._id}"

    def see(self, key: str) -> None:
        """What was decided, and that it is listed."""
        app, self.event = self._app, key
        end_s = clock.monotonic_s() + WITHIN_S
        app.events.decide()
        page = app.events.show(key)
        while page.state == "new" and clock.monotonic_s() < end_s:
            app.events.decide()  # there may be hundreds before it
            page = app.events.show(key)
        if page.state == "new":
            self._no("decide", f"not within {WITHIN_S:g} s", f"uwf event show {key}")
        self._ok("decide", f"{page.state}: {page.why}" if page.why else page.state)
        if key not in {row.event for row in app.events.list(name=page.name).events}:
            self._no("list", "it is not there", f"uwf event show {key}")
        self._ok("list", f"uwf event show {key}")

    def _ask_for_repo(self, source: Source) -> None:
        forge = polling.FORGES[source.kind]
        with polling.client_of(source, token_of(source), source.timeout_s) as client:
            client.get(forge.repo_path(source.repo))

    def _listens(self) -> bool:
        """Whether a daemon does: another program is shown no token."""
        listen, leader = self._app.sources.endpoint().listen, self._app.daemon.leader()
        if not listen or leader is None:
            return False
        aside = state.read(self._app.home, leader).get("quarantine", [])
        return not any(one["kind"] == ENDPOINT and one["name"] == listen for one in aside)

    def _event(self, source: str) -> Event:
        return Event(self._id, source, NAME, clock.now_ms(), source, "stranger")

    def _deliver_signed(self, source: Source) -> str:
        secrets, wrong = signature.secrets(source.secrets, config.environment())
        if not secrets:
            self._no("deliver", "; ".join(wrong))
        body = json.dumps({"repository": {"full_name": source.repo}}).encode()
        headers = signature.signed(source.kind, body, secrets[0], event=HOOK, delivery=self._id)
        return self._post(f"/hooks/{source.name}", headers, body)

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> str:
        """The key of the event that the endpoint of the daemon has taken in."""
        import urllib.error
        import urllib.request
        from http.client import HTTPException

        address = f"http://{self._app.sources.endpoint().listen}{path}"
        headers = {**headers, "Content-Type": "application/json"}
        request = urllib.request.Request(address, data=body, headers=headers)
        try:
            try:
                with urllib.request.urlopen(request, timeout=POST_S) as response:
                    key = str(json.load(response)["events"][0]["event"])
            except urllib.error.HTTPError as error:
                with error:
                    said = json.load(error)["error"]["message"]
                self._no("deliver", f"{address} says {error.code}: {said}")
        except (OSError, HTTPException) as error:
            self._no("deliver", f"cannot reach {address}: {error}", "uwf daemon status")
        except (ValueError, LookupError, TypeError):
            why = f"what {address} says is no answer of this daemon: another program listens there"
            self._no("deliver", why, "uwf daemon status")
        self._ok("deliver", f"taken in by {address}")
        return key

    def _ok(self, step: str, text: str) -> None:
        self.steps.append(TrialStep(step, True, text))

    def _no(self, step: str, text: str, hint: str | None = None) -> NoReturn:
        self.steps.append(TrialStep(step, False, text))
        self.hint = hint or "uwf source list"
        raise _Failed


def _new(outcome: Outcome) -> str:
    return counted(sum(one.state == "new" for one in outcome.delivered.taken), "new event")
