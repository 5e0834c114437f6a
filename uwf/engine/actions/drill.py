"""A drill: one thread of a restored backup makes a step, in a home of its own, with a stand-in for its agent.

That the objects of a backup are sound says that it can be read; that a thread goes on says that it can be used.
Nothing outside that home is touched: the stand-in runs no process, and a thread whose run may live elsewhere is not
taken.
"""

from __future__ import annotations

from uwf.agent import failure
from uwf.agent.stop import Stop
from uwf.engine.actions.stand_in import StandIn
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.tags import CANCELLED, STATUS, THREADS, THREADS_END
from uwf.engine.progress import StepFailed
from uwf.engine.run import runner
from uwf.engine.run.order import RESUME, Order
from uwf.errors import GuardBroken, Refused, StateError, UwfError
from uwf.guard import pause
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.run.context import RunContext

LOOKED_AT, TRIED = 200, 5
"""How many of the newest threads are looked at for one that can go on, and how many of those are tried."""
SAID = "This is a drill: the backup that you are in is tried out."


def resume_one(ctx: RunContext, cwd: str) -> str | None:
    """Let the newest thread that can go on make a step, in the folder `cwd`; which one. None where none has to, or may.

    `ctx` is of a home that nobody else uses. Raises `StateError` when no thread could make one.
    """
    ctx = replace(ctx, agent_for=lambda workflow, role, override: StandIn("drill", SAID))
    for switch in (pause.PAUSE, pause.DRAIN):
        pause.turn_off(ctx.store, switch)
    problems = []
    for thread in _candidates(ctx):
        try:
            _make_step(ctx, thread, cwd)
            return thread
        except UwfError as error:
            if isinstance(error, Refused) and not isinstance(error, GuardBroken):
                continue  # which is no fault of the backup: its budget is used up, say
            problems.append(f"thread {thread}: {error.message}")
            if len(problems) == TRIED:
                break
    if problems:
        raise StateError(
            f"no thread of the backup could go on: {'; '.join(problems)}",
            hint="uwf store verify --deep",
            code="drill_failed",
        )
    return None


def _candidates(ctx: RunContext) -> list[str]:
    """Threads that a person could resume, newest first. The processes of one that runs are not ours to end."""
    refs = ctx.store.refs(THREADS, high=THREADS_END, newest_first=True, limit=LOOKED_AT)
    found = []
    for ref in refs:
        thread = ref.name.removeprefix(THREADS)
        attempt = read_attempt(ctx.store, thread)
        is_running = attempt is not None and attempt.running is not None
        if ref.tags.get(STATUS) != CANCELLED and not is_running:
            found.append(thread)
    return found


def _make_step(ctx: RunContext, thread: str, cwd: str) -> None:
    stop = Stop()
    try:
        order = Order(RESUME, supplement=SAID, cwd=cwd)
        for result in runner.run(ctx, thread, order, stop):
            # An example may not fit an unusual schema: the thread went on all the same.
            if isinstance(result, StepFailed) and result.failure.code != failure.BAD_REPLY:
                raise StateError(result.failure.message, code="drill_failed")
    finally:
        stop.close()
