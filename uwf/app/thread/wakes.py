"""When threads wake: setting their timers, who is due and in which order, running one, reminding: `app.wakes`."""

from __future__ import annotations

from uwf import clock, config
from uwf.errors import PersonNeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from uwf.agent.stop import Stop
    from uwf.app.queries import ThreadQueries
    from uwf.config.records import Config
    from uwf.engine.chain.wake import Wake
    from uwf.engine.progress import Progress
    from uwf.engine.query.home.due import DueThreads, Waits
    from uwf.engine.query.home.urgency import DueThread
    from uwf.engine.query.thread_view import RunView, ThreadView
    from uwf.store.owner import Owner
    from uwf.store.protocols import Counters
    from uwf.workflow.model import Role

REMINDED = "reminded"
"""The counter that has the moment up to which people were reminded."""


class Wakes:
    """What `app.wakes` can do."""

    def __init__(self, home: ThreadQueries) -> None:
        self._home = home

    def at(self, thread: str, at_ms: int | None = None, why: str = "by hand") -> ThreadView:
        """Let a thread wake at `at_ms`, by default now, on a person's word. A timer that is earlier stays as it is."""
        from uwf.engine.chain.wake import PERSON, Wake

        return self._change(
            thread, Wake(self._home.now_ms() if at_ms is None else at_ms, PERSON, why)
        )

    def clear(self, thread: str) -> ThreadView:
        """Take the timer of a thread away."""
        return self._change(thread, None)

    def run(
        self,
        thread: str,
        *,
        count: int | None = None,
        agent: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[RunView]:
        """Run a thread that is due as `App.exec` does, from whatever state it is in; nothing where it is not due.

        It waits up to `wait_s` seconds for a slot alone: for all else that time cures its timer is set anew. One that a
        worker has begun ends, and stays due, before a step of an agent that this worker has not, or at another place.
        """
        from uwf.app.thread import running
        from uwf.engine.run.order import WOKEN, Order

        order = Order(
            WOKEN,
            count,
            agent,
            wait_s=wait_s,
            is_interactive=interactive,
            only=config.agents_of_worker(),
            labels=config.labels_of_worker(),
        )
        return running.run(self._home, thread, order, stop, on_progress)

    def due(self, now_ms: int, *, look_ahead: bool = True) -> DueThreads:
        """Who is to be run at `now_ms`, the most urgent first. `look_ahead`: the clock may have been set back."""
        from uwf.engine.query.home import due

        return due.due(self._home.reader(), now_ms, look_ahead=look_ahead)

    def soonest(self, limit: int) -> list[DueThread]:
        """At most `limit` threads with a timer that do not run: those that are due first, then those that will be."""
        from uwf.engine.query.home import due

        return due.soonest(self._home.reader(), limit)

    def is_now(self, thread: str) -> bool:
        """Whether a thread is due now, and no process runs it. One whose timer cannot be read is not."""
        from uwf.engine.query.home import due

        return due.is_now(self._home.reader(), thread, clock.now_ms())

    def wakes_again(self, thread: str) -> bool:
        """Whether a thread has a timer, other than what a run of it was begun for."""
        from uwf.engine.chain.tags import THREADS
        from uwf.engine.chain.wake import WAKE_AT

        ref = self._home.reader().ref(THREADS + thread)
        return ref is not None and WAKE_AT in ref.tags

    def under_way(self) -> list[str]:
        """The threads that run because they were due."""
        from uwf.engine.query.home import due

        return due.under_way(self._home.reader())

    def holder(self, thread: str) -> Owner | None:
        """The process that runs a thread now, if one does."""
        from uwf.engine.chain.thread import runner

        return runner(self._home.reader(), thread)

    def settle(self, thread: str) -> None:
        """Put in order what a run that was cut off has left, where no process runs it. What is not possible stays.

        Of a run of this machine nobody on another sees that it is dead: there its lease would have to end first.
        """
        from contextlib import suppress

        from uwf.app.thread import run_context
        from uwf.engine.run.recovery.intake import recover_if_free
        from uwf.errors import UwfError

        with suppress(UwfError):
            recover_if_free(run_context.of(self._home), thread)

    def unserved(self, threads: Sequence[str], since_ms: int | None) -> None:
        """Put on record that no machine can run these threads since then, although they are due; None: one can."""
        from uwf.engine.actions import timer

        timer.unserved(self._home.store(), threads, since_ms)

    def urgency(self, due: DueThread, now_ms: int) -> int:
        """How urgent one is that is due, as a number for a queue that sorts by that: a higher one goes first."""
        from uwf.engine.query.home import urgency

        return urgency.number(due, now_ms)

    def agent(self, thread: str) -> str | None:
        """The agent that the next step of a thread would be run with: a configured one, or what its workflow asks for;
        None where it is none of those.
        """
        from uwf.engine.chain.cache import NodeCache
        from uwf.engine.chain.tags import AGENT
        from uwf.engine.chain.thread import current
        from uwf.engine.run.planning import transitions
        from uwf.errors import UwfError

        reader, settings = self._home.reader(), self._home.config
        try:
            found = current(reader, reader, thread)
            workflow = NodeCache(reader).workflow(found.position.workflow)
            role = transitions.next_role(found, workflow)
            role = role or transitions.re_entry_role(found, workflow)
            if role is None:
                return None
            asked = workflow.roles[role].agent
            word = found.tags.get(AGENT) or _chosen(settings, workflow.name, workflow.roles[role])
        except (UwfError, KeyError):
            return None  # the run says what is wrong
        return word if word is not None and (word in settings.agents or word == asked) else None

    def reminders(self, now_ms: int) -> list[Waits]:
        """The threads that wait for a person, of whom that is to be told once more: then `reminded` says it was."""
        from uwf.engine.query.home import due

        reader = self._home.reader()
        return due.waiting(reader, _reminded_ms(reader, now_ms), now_ms)

    def reminded(self, now_ms: int) -> None:
        """People were told of all whose reminders were due at `now_ms`. A crash before this tells it twice."""
        with self._home.store().transaction("reminded", durable=False) as tx:
            tx.set_counter(REMINDED, now_ms)

    def _change(self, thread: str, wish: Wake | None) -> ThreadView:
        from uwf.engine.actions import timer

        ref = timer.change(self._home.store(), self._home.thread_id(thread), wish)
        self._home.poke_daemon()
        return self._home.views().thread(ref)


def _chosen(config: Config, workflow: str, role: Role) -> str | None:
    from uwf.engine.run.planning import agents

    try:
        return agents.chosen(config, workflow, role)
    except PersonNeeded:
        return role.agent  # another machine may have it


def _reminded_ms(reader: Counters, now_ms: int) -> int:
    """Up to when people were reminded. A moment that lies ahead was one of a clock that went back."""
    value = reader.counter(REMINDED)
    return min(value, now_ms) if isinstance(value, int) else 0
