"""What may say "not now": how the guards stand, their switches, and the queue."""

from __future__ import annotations

from uwf import config as settings
from uwf.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.queries import ThreadQueries
    from uwf.engine.query.home.guard_status import GuardStatus, QueueRow, StatsRow


class Guards:
    """What `app.guards` can do."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home

    def status(self) -> GuardStatus:
        """How all guards stand now."""
        from uwf.engine.query.home import guard_status
        from uwf.engine.run.admission import Admission

        home, path = self._home, settings.environment().get("PATH", "")
        return guard_status.status(Admission(home.reader(), home.home, home.config, path).guards)

    def stats(self) -> list[StatsRow]:
        """How steps went lately, by agent, by workflow and altogether."""
        from uwf.engine.query.home import guard_status
        from uwf.guard.success_rate import SuccessRate

        return guard_status.stats(self._home.reader(), self._home.config.rules(SuccessRate.Rules))

    def drain(self, on: bool) -> None:
        """Let running steps finish and begin none, until it is off again."""
        from uwf.guard import pause

        store = self._home.store(create=True)
        if on:
            pause.turn_on(store, pause.DRAIN, "drain", until_ms=None, why="")
        else:
            pause.turn_off(store, pause.DRAIN)
            self._lifted(pause.DRAINS)

    def pause(
        self, agent: str | None = None, *, until_ms: int | None = None, why: str = ""
    ) -> None:
        """Pause everything, or one agent."""
        from uwf.guard import pause

        store = self._home.store(create=True)
        if agent is None:
            pause.turn_on(store, pause.PAUSE, "pause", until_ms=until_ms, why=why)
        else:
            name = self._home.named(agent)  # as a run calls it
            counter = pause.of_agent(name)
            pause.turn_on(store, counter, name, until_ms=until_ms, why=why or "by hand")

    def unpause(self, agent: str | None = None) -> bool:
        """Let everything go on, or one agent. False when it was not paused."""
        from uwf.guard import pause

        store = self._home.store(create=True)
        if agent is None:
            is_over = pause.turn_off(store, pause.PAUSE)
            self._lifted(pause.ALL_PAUSED)
        else:
            name = self._home.named(agent)
            is_over = pause.resume_agent(store, name)
            self._lifted(pause.is_paused(name), of_limits=name)
        return is_over

    def _lifted(self, *words: str, of_limits: str | None = None) -> None:
        """What these words have refused is tried again at once, and what waits for a limit of that agent."""
        from uwf.app.thread.wakes import Wakes
        from uwf.engine.actions import timer
        from uwf.engine.run.attempt.retry import RESETS

        agent_of = Wakes(self._home).agent

        def has_refused(thread: str, why: str) -> bool:
            is_limited = of_limits is not None and RESETS in why
            return why.startswith(words) or (is_limited and agent_of(thread) == of_limits)

        timer.lifted(self._home.store(), has_refused)
        self._home.poke_daemon()

    def refuse_if_stopped(self) -> None:
        """Raise `Refused` while no step of any thread may begin: uwf drains, or everything is paused."""
        from uwf.guard import pause

        pause.refuse_while_draining(self._home.reader())
        pause.refuse_while_paused(self._home.reader())

    def reset(self, breaker: str) -> int:
        """Close a circuit breaker by hand, or all of an agent; how many. Raises `NotFound` when none was open."""
        from uwf.guard import breaker as breakers

        closed = breakers.reset(self._home.store(create=True), breaker)
        if not closed:
            raise NotFound(
                f"no breaker {breaker!r} has counted a failure",
                hint="uwf guard status",
                code="no_such_breaker",
            )
        agent = breaker.rpartition("/")[0]  # it may be named with the class of its failures
        self._lifted(*(breakers.has_failed(each) for each in (breaker, agent)))
        return closed

    def queue(self) -> list[QueueRow]:
        """The threads that wait for a slot, in the order in which they go."""
        from uwf.engine.query.home import guard_status

        return guard_status.waiting(self._home.reader(), self._home.home)

    def drop(self, thread: str) -> str:
        """Take a thread out of the queue, which its command is told; its id. Raises `NotFound` when it does not wait.

        It may also be named by its counter: an entry that cannot be read is told of by that name, and its thread may
        be gone.
        """
        from uwf.engine.query import resolve
        from uwf.guard.capacity import queue

        is_counter = thread.startswith(queue.PREFIX)
        name = thread if is_counter else resolve.thread_ref(self._home.reader(), thread).name
        id = name.rpartition("/")[2]
        with self._home.store().transaction("queue drop", durable=False) as tx:
            was_waiting = queue.remove(tx, id)
        if not was_waiting:
            raise NotFound(f"thread {id} does not wait", hint="uwf queue list", code="not_waiting")
        return id
