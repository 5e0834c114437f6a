"""The first parts of a pass, by which events come in that nobody has to ask for: the spool folder and the endpoint."""

from __future__ import annotations

from uwf import clock, config
from uwf.daemon.intake import signature, spool
from uwf.daemon.intake.buffer import Intake
from uwf.daemon.loop.budget import words
from uwf.daemon.loop.part import Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app import App
    from uwf.app.unattended.events import Event
    from uwf.daemon.intake.endpoint import Doors, Endpoint
    from uwf.daemon.loop.part import Daemon

SPOOL, ENDPOINT = "spool", "endpoint"
FOLDER = "events/"
AGAIN_S = 10.0
STUCK_S = 30.0
"""How long a file that could not be taken away is left alone: a folder may be written to again."""


class SpoolFolder(Part):
    """Files → events. What was refused, or cannot be taken away, is named in `daemon status` as long as it is there."""

    name = SPOOL

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stuck: dict[str, str] = {}
        self._again_s = 0.0
        self._named: frozenset[str] = frozenset()

    def tick(self, now_ms: int) -> float | None:
        app = self._daemon.app
        odd, taken, now_s = {}, None, clock.monotonic_s()
        if self._stuck and now_s >= self._again_s:
            self._stuck = {}
        try:
            taken = spool.take_in(app.home, app.events.take, self._stuck)
            if taken.stuck:
                self._again_s = now_s + STUCK_S
            there = set(spool.names(app.home))
            self._stuck = {
                name: why for name, why in {**self._stuck, **taken.stuck}.items() if name in there
            }
            odd = {each.name: each.why for each in spool.refused(app.home)}
            odd |= {spool.shown(name): why for name, why in self._stuck.items()}
        except OSError as error:
            odd = {FOLDER: f"it cannot be looked into: {error.strerror}"}
        for name in self._named - odd.keys():
            self._daemon.quarantine.let_go(SPOOL, name)
        for name, why in odd.items():
            self._daemon.quarantine.set_aside(SPOOL, name, why)
        self._named = frozenset(odd)
        return 0.0 if taken is not None and taken.files == spool.MOST else None


class Listening(Part):
    """What is delivered over HTTP → events. `[daemon] listen` may change while the daemon runs; where it cannot be
    listened on, that is tried again.
    """

    name = ENDPOINT

    def __init__(self, daemon: Daemon, intake: Intake) -> None:
        self._daemon, self._intake = daemon, intake
        self._pages = {
            "/healthz": lambda: "ok\n",
            "/metrics": lambda: daemon.app.figures.prometheus(),
        }
        self._endpoint: Endpoint | None = None
        self._listen = ""
        self._lacking: frozenset[str] = frozenset()

    def tick(self, now_ms: int) -> float | None:
        app = self._daemon.app
        listen = app.sources.endpoint().listen
        if listen != self._listen:
            self._stop()
            self._listen = listen
        if not listen:
            return None
        if self._endpoint is None:
            self._endpoint = self._opened(listen)
        if self._endpoint is None:
            return AGAIN_S
        self._endpoint.doors = doors(app)
        has_more = self._intake.take(self._store, self._pages)
        while (
            self._endpoint.surprises
        ):  # no fault of this part: whoever calls could end the daemon by it
            surprise = words(self._endpoint.surprises.popleft())
            self._daemon.say(f"a request met an internal fault: {surprise}", what="fault")
        self._name_lacking()
        return 0.0 if has_more else None

    def close(self) -> None:
        self._stop()

    @property
    def port(self) -> int | None:
        """Where it listens."""
        return None if self._endpoint is None else self._endpoint.port

    def _opened(self, listen: str) -> Endpoint | None:
        from uwf.daemon.intake.endpoint import Endpoint  # and with it all that speaks HTTP

        host, _, port = listen.rpartition(":")
        daemon = self._daemon
        try:
            endpoint = Endpoint((host.strip("[]"), int(port)), doors(daemon.app), self._intake)
        except OSError as error:
            daemon.quarantine.set_aside(ENDPOINT, listen, f"cannot listen: {error.strerror}")
            return None
        daemon.quarantine.let_go(ENDPOINT, listen)
        daemon.say(f"listens on {listen}")
        return endpoint

    def _stop(self) -> None:
        self._daemon.quarantine.let_go(ENDPOINT, self._listen)
        self._name({})
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _store(self, events: Sequence[Event]) -> dict[str, str]:
        states: dict[str, str] = {}
        for each in self._daemon.app.events.take(events):
            states.setdefault(each.event, each.state)  # one that came twice at once is new
        return states

    def _name_lacking(self) -> None:
        """Name the secrets that the configuration names and that are not there: who has them is turned away."""
        sources = self._daemon.app.sources
        named = {source.name: source.secrets for source in sources.configured() if source.secrets}
        lacking = {}
        for name, secrets in {**named, "tokens": sources.endpoint().tokens}.items():
            _, wrong = signature.secrets(secrets, config.environment())
            if wrong:
                lacking[f"{name}, a secret"] = "; ".join(wrong)
        self._name(lacking)

    def _name(self, lacking: Mapping[str, str]) -> None:
        quarantine = self._daemon.quarantine
        for name in self._lacking - lacking.keys():
            quarantine.let_go(ENDPOINT, name)
        for name, why in lacking.items():
            quarantine.set_aside(ENDPOINT, name, why)
        self._lacking = frozenset(lacking)


def doors(app: App) -> Doors:
    """Who may deliver, as the configuration has it."""
    from uwf.daemon.intake.endpoint import Door, Doors
    from uwf.daemon.sources import polling

    forges = (source for source in app.sources.configured() if source.is_forge)
    by_source = {
        source.name: Door(polling.FORGES[source.kind], polling.repo_of(source), source.secrets)
        for source in forges
    }
    return Doors(by_source, app.sources.endpoint().tokens)
