"""Running a thread: the runner, with what it needs of a home, and its results as they are shown.

The verbs that run one are in `verbs`, which threads there are to run is asked of `queries`.
"""

from __future__ import annotations

from uwf.agent.stop import Stop
from uwf.app.thread import run_context
from uwf.app.thread.run_log import RunLog
from uwf.engine.chain import thread as threads
from uwf.engine.chain.tags import SUSPENDED
from uwf.engine.run import runner
from uwf.engine.run.planning.transitions import NOT_FAILED
from uwf.errors import StateError, UwfError
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.queries import ThreadQueries
    from uwf.engine.progress import Progress
    from uwf.engine.query.thread_view import RunView
    from uwf.engine.run.order import Order


def run(
    home: ThreadQueries,
    thread: str,
    order: Order,
    stop: Stop | None,
    on_progress: Callable[[Progress], None] | None,
    workflow: str | None = None,
) -> Iterator[RunView]:
    """Run a thread as ordered, under `workflow` from now on where one is named: both as a person calls them.

    What cannot be found is told at once, all else with the first step.
    """
    home.be_patient()
    if workflow is not None:
        from uwf.app.setup.workflows import Workflows

        order = replace(order, rebind=Workflows(home).store(workflow))
    return _run(home, home.thread_id(thread), order, stop, on_progress)


def _run(
    home: ThreadQueries,
    id: str,
    order: Order,
    stop: Stop | None,
    on_progress: Callable[[Progress], None] | None,
) -> Iterator[RunView]:
    """Run the thread `id`. A thread that waits has the same hint as when it was suspended."""
    if order.agent is not None:
        home.hide(order.agent)
    if order.supplement is not None:
        said = home.clean(order.supplement, "what you add")
        order = replace(order, supplement=said, speaker=home.speaker())
    log = RunLog(home.log_writer, id, on_progress)
    context, views = run_context.of(home, log.on_progress), home.views()
    given, stop = stop, stop or Stop()
    try:
        for result in runner.run(context, id, order, stop):
            line = views.result(result)
            log.step(line)
            yield line
    except UwfError as error:
        log.ended(error)
        if isinstance(error, StateError) and error.code in (SUSPENDED, NOT_FAILED):
            error.hint = views.way_on(threads.current(context.store, context.cache, id))
        elif order.agent is not None and error.hint is not None:
            error.hint = _with_agent(error.hint, id, context.redactor.text(order.agent))
        raise
    finally:
        home.poke_daemon()  # there is room for another one, and perhaps a timer
        if given is None:
            stop.close()


def _with_agent(hint: str, thread: str, agent: str) -> str:
    """The hint of a guard, which knows nothing of `--agent`: what runs the thread again does so with the same one."""
    import shlex

    for verb in ("exec", "resume"):
        typed = f"uwf thread {verb} {thread}"
        if hint.startswith(typed) and "--agent" not in hint:
            return f"{typed} {shlex.join(('--agent', agent))}{hint.removeprefix(typed)}"
    return hint
