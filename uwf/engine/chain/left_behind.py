"""What a killed uwf has left of an attempt, as it can be seen: nothing is ended here. `recovery` settles it."""

from __future__ import annotations

import os

from uwf.agent.process import platform
from uwf.engine.chain.thread import is_here, runner
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from uwf.engine.chain.attempt import Attempt, Processes
    from uwf.store.protocols import Store


class LeftBehind(Record):
    """An attempt whose uwf, the process `runner`, is gone, and the processes of its agent that still run. Those on
    another `host` cannot be seen from here.
    """

    left_out: ClassVar[tuple[str, ...]] = ("host",)

    runner: int
    role: str
    agent: str
    pids: tuple[int, ...]
    host: str | None = None

    @property
    def in_words(self) -> str:
        """Which processes still run; "" when none does."""
        pids = ", ".join(map(str, self.pids))
        one = f"process {pids} of {self.agent} still runs"
        more = f"processes {pids} of {self.agent} still run"
        return "" if not self.pids else one if len(self.pids) == 1 else more


def left_behind(store: Store, thread: str, attempt: Attempt | None) -> LeftBehind | None:
    """What is left of `attempt`. None where its uwf runs it: here, or in the home of which this is a copy."""
    if attempt is None or attempt.running is None or runner(store, thread) is not None:
        return None
    running, pids = attempt.running, tuple[int, ...]()
    if not is_here(store, running.agent or running.runner):
        return LeftBehind(
            running.runner.pid, attempt.plan.role, attempt.agent, (), running.runner.host
        )
    if is_kept(running):
        return None
    if running.agent is not None:
        from uwf.agent.process.tree import ProcessTree

        living = ProcessTree(running.agent, attempt.mark).living()
        pids = tuple(sorted(process.pid for process in living))
    return LeftBehind(running.runner.pid, attempt.plan.role, attempt.agent, pids)


def is_kept(running: Processes) -> bool:
    """Whether the uwf that started the agent still has it: then this store is a copy of the one in which it runs."""
    agent = running.agent
    process = None if agent is None else platform.look(agent.pid)
    if process is None or process.is_zombie or process.owner != agent:
        return False
    return process.parent == running.runner.pid and process.parent != os.getpid()
