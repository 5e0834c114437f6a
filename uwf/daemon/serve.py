"""A daemon from its beginning to its end: lead, or wait for that; loop; drain.

Told to end (SIGTERM), it begins no run any more and waits for those that run, as long as `[daemon] drain` says. What
runs longer goes on by itself, and the next daemon finds it. SIGUSR1, or to be told twice, ends it at once. SIGHUP reads
the configuration anew. A daemon whose lock is gone ends: its home was deleted.
"""

from __future__ import annotations

import os
import signal

from uwf import __version__, clock
from uwf.daemon import election as elections
from uwf.daemon import notify, state, warming
from uwf.daemon.loop.budget import DEGRADED
from uwf.daemon.loop.loop import LOOK_S, Loop
from uwf.daemon.loop.part import Daemon
from uwf.daemon.loop.quarantine import CONFIG, Quarantine
from uwf.daemon.loop.wakeups import DRAIN, NOW, RELOAD, Wakeups
from uwf.daemon.parts import parts
from uwf.errors import ConfigInvalid, Interrupted, StateError, StoreAway, StoreBusy, StoreError
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App
    from uwf.app.unattended.daemon import Daemons
    from uwf.daemon.election import Election
    from uwf.daemon.loop.part import Tell
    from uwf.daemon.loop.quarantine import SetAside
    from uwf.daemon.notify import Supervisor


def run(app: App, tell: Tell) -> None:
    """Lead the daemons of a home until told to end. Raises `PartBroken`, and what keeps it from beginning."""
    assert app.config is not None, "one that is not valid is refused before anything else"
    if _is_inside_a_step(app):
        raise StateError(
            "no agent, and no program that a home asks, can begin the daemon: what they start ends with them",
            hint="uwf daemon status",
            code="inside_a_step",
        )
    app.events.refuse_wrong()
    app.stay()
    supervisor = notify.of_this_process()

    has_waited = False

    def on_wait(leader: int) -> None:
        nonlocal has_waited
        has_waited = True
        said = f"process {leader} leads; this one waits to take over"
        tell(said, {"what": "standby", "leader": leader})
        warming.warm(app.home)
        supervisor.waiting(said)

    signal.signal(RELOAD, signal.SIG_IGN)  # it reads the configuration when it leads
    daemons = app.daemon
    try:
        daemons.lead(on_wait)
    except Interrupted:
        return  # it has waited in vain, and no supervisor shall begin it anew
    election = elections.election(app, daemons, tell, supervisor)
    wakeups = Wakeups(app.home, election.fileno)
    try:
        while election.lead(wakeups):
            serving = _Serving(app, daemons, wakeups, supervisor, tell, election)
            serving.run(is_old=has_waited)
            has_waited = True
    finally:
        election.close()
        wakeups.close()


def _is_inside_a_step(app: App) -> bool:
    try:
        return app.is_inside_a_step()
    except (StoreAway, StoreBusy):
        return False  # it waits for the store, and says so


class _Serving:
    """The daemon while it leads."""

    def __init__(
        self,
        app: App,
        daemons: Daemons,
        wakeups: Wakeups,
        supervisor: Supervisor,
        tell: Tell,
        election: Election,
    ) -> None:
        self._app, self._wakeups, self._supervisor = app, wakeups, supervisor
        self._daemons, self._election = daemons, election
        self._since_ms = clock.now_ms()
        self._ends_s: float | None = None
        self._config_error: str | None = None
        self._file = state.StateFile(app.home)
        quarantine = Quarantine(self._say_aside, lambda text: app.redactor.text(text))
        self._daemon = Daemon(app, election.runs(quarantine), quarantine, wakeups.wake, tell)
        self._say = self._daemon.say
        look_s = min(election.look_s, (supervisor.watchdog_s or LOOK_S * 2) / 2)
        self._loop = Loop(parts(self._daemon), wakeups, self._say, self._after_pass, look_s)

    def run(self, *, is_old: bool) -> None:
        """Pass after pass to the end. The configuration `is_old` where it was read before this process has led."""
        self._say(f"process {os.getpid()} leads the daemons of {self._app.home}")
        if is_old:
            self._read_config()
        if self._wakeups.deaf is not None:
            self._say(f"nothing wakes it, it looks every {LOOK_S:g} s: {self._wakeups.deaf}")
        try:
            self._loop.once()
            self._supervisor.ready("leads")
            self._loop.run(self._goes_on)
        finally:
            self._supervisor.stopping("ends")
            self._daemon.end_programs()
            self._loop.close()
            self._file.remove()
        left = self._daemon.running
        self._say(f"ended; what goes on: {counted(len(left), 'run')}" if left else "ended")

    def _say_aside(self, one: SetAside) -> None:
        text = f"{one.kind} {one.name} is set aside: {one.why}"
        self._say(text, what="set_aside", kind=one.kind, name=one.name)

    def _goes_on(self) -> float | None:
        """Do what the signals say. How long the loop may sleep at most; None: it ends."""
        signals, self._wakeups.signals = self._wakeups.signals, []
        for number in signals:
            if number == NOW or (number in DRAIN and self._ends_s is not None):
                self._election.is_over = True
                return None
            if number in DRAIN:
                self._drain()
            elif number == RELOAD:
                self._reload()
        if not self._daemons.leads():
            raise StateError("the lock of this daemon was deleted, or its home", code="lock_gone")
        try:
            if self._app.let_go_of_stale_store():
                self._say("another store has taken the place of the one that was open")
                if not self._election.leads_in_another_store():
                    return None
            if not self._election.still_leads():
                self._say("another daemon leads now")
                return None
        except StoreError as error:
            if self._election.runs_here:
                raise
            self._say(f"leads no more, as it cannot tell whether it does: {error.message}")
            return None
        if self._ends_s is None:
            return 0.0 if self._election.has_heard else LOOK_S
        left_s = self._ends_s - clock.monotonic_s()
        if self._election.runs_here and self._daemon.running and left_s > 0:
            return left_s
        self._election.is_over = True
        return None

    def _drain(self) -> None:
        drain_s = self._app.config.daemon.drain_s
        self._daemon.is_draining = True
        self._ends_s = clock.monotonic_s() + drain_s
        running = len(self._daemon.running)
        runs = counted(running, "run")
        self._supervisor.stopping(f"waits for {runs}")
        if running:
            self._say(f"begins nothing any more, and waits up to {drain_s:g} s for {runs}")

    def _reload(self) -> None:
        self._supervisor.reloading()
        if self._read_config():
            self._say("the configuration was read anew")
            if self._app.is_store_elsewhere:
                self._say(
                    "it names another store, which a daemon that begins anew has: uwf daemon stop"
                )
        self._supervisor.ready("leads")

    def _read_config(self) -> bool:
        """Read it anew. One that is not valid is refused, and the old one stays."""
        try:
            self._app.reload_config(self._app.events.refuse_wrong)
        except ConfigInvalid as error:
            self._config_error = error.message
            self._daemon.quarantine.set_aside(*CONFIG, error.message)
            self._say(f"the configuration stays as it was: {error.message}")
            return False
        self._config_error = None
        self._daemon.quarantine.let_go(*CONFIG)
        return True

    def _after_pass(self) -> None:
        self._supervisor.alive()
        daemon = self._daemon
        for name, part in self._loop.views().items():
            if part.state == DEGRADED:
                daemon.quarantine.set_aside("part", name, part.error or "it fails")
            else:
                daemon.quarantine.let_go("part", name)
        self._file.write(
            state.DaemonState(
                pid=os.getpid(),
                since=self._since_ms,
                version=__version__,
                jobs=self._app.config.daemon.jobs,
                drain_s=self._app.config.daemon.drain_s,
                parts=self._loop.views(),
                running=tuple(sorted(daemon.running)),
                waiting=daemon.waiting,
                quarantine=tuple(daemon.quarantine.all()),
                is_draining=daemon.is_draining,
                jumps=self._loop.jumps,
                deaf=self._wakeups.deaf,
                config_error=self._config_error,
            )
        )
