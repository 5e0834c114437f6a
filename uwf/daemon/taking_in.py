"""The first parts of a pass, by which events come in that nobody has to ask for: the spool folder and the endpoint."""

from __future__ import annotations

from uwf.daemon import spool
from uwf.daemon.endpoint import Door, Doors, Endpoint
from uwf.daemon.intake import Intake
from uwf.daemon.part import Part
from uwf.daemon.sources import polling
from uwf.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from uwf.app import App
    from uwf.app.events import Event
    from uwf.daemon.part import Daemon

SPOOL, ENDPOINT = "spool", "endpoint"


class SpoolFolder(Part):
    """Files → events. A file that was refused is named in `daemon status` as long as it is there."""

    name = SPOOL

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._refused: frozenset[str] = frozenset()

    def tick(self, now_ms: int) -> float | None:
        app = self._daemon.app
        taken = spool.take_in(app.home, app.events.take)
        refused = {each.name: each.why for each in spool.refused(app.home)}
        for name, why in refused.items():
            self._daemon.quarantine.set_aside(SPOOL, name, why)
        for name in self._refused - refused.keys():
            self._daemon.quarantine.let_go(SPOOL, name)
        self._refused = frozenset(refused)
        return 0.0 if taken == spool.MOST else None


class Listening(Part):
    """What is delivered over HTTP → events. `[daemon] listen` may change while the daemon runs."""

    name = ENDPOINT

    def __init__(self, daemon: Daemon, intake: Intake) -> None:
        self._daemon, self._intake = daemon, intake
        self._pages = {
            "/healthz": lambda: "ok\n",
            "/metrics": lambda: daemon.app.figures.prometheus(),
        }
        self._endpoint: Endpoint | None = None
        self._listen = ""

    def tick(self, now_ms: int) -> float | None:
        app = self._daemon.app
        config = app.sources.endpoint()
        if config.listen != self._listen:
            self._stop()
            if config.listen:
                self._start(config.listen)
            self._listen = config.listen
        if self._endpoint is None:
            return None
        self._endpoint.doors = doors(app)
        has_more = self._intake.take(self._store, self._pages)
        if self._endpoint.surprises:
            raise self._endpoint.surprises.popleft()
        return 0.0 if has_more else None

    def close(self) -> None:
        self._stop()

    @property
    def port(self) -> int | None:
        """Where it listens."""
        return None if self._endpoint is None else self._endpoint.port

    def _start(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._endpoint = Endpoint(
                (host.strip("[]"), int(port)), doors(self._daemon.app), self._intake
            )
        except OSError as error:
            raise StateError(
                f"cannot listen on {listen}: {error.strerror}",
                hint="uwf config set daemon.listen 127.0.0.1:PORT",
                code="cannot_listen",
            ) from None
        self._daemon.say(f"listens on {listen}")

    def _stop(self) -> None:
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _store(self, events: Sequence[Event]) -> dict[str, str]:
        taken = self._daemon.app.events.take(events)
        return {each.event: each.state for each in taken}


def doors(app: App) -> Doors:
    """Who may deliver, as the configuration has it."""
    forges = (source for source in app.sources.configured() if source.is_forge)
    by_source = {
        source.name: Door(polling.FORGES[source.kind], polling.repo_of(source), source.secrets)
        for source in forges
    }
    return Doors(by_source, app.sources.endpoint().tokens)
