"""`uwf worker run`: what a worker is told on its command line and by its home, and its life as a process."""

from __future__ import annotations

import os
import random
import time

from uwf import __version__, config
from uwf.daemon import install, notify
from uwf.daemon.loop.wakeups import Wakeups
from uwf.daemon.news import CLOCK_RIGHT, News
from uwf.daemon.runs import children
from uwf.errors import InputError, StateError, StoreError
from uwf.jobs.link import QueueLink
from uwf.jobs.workers import WorkerFacts, queues_of
from uwf.quantities import TIME, written
from uwf.record import Record
from uwf.worker.control import need_queue
from uwf.worker.worker import Worker, channels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app import App
    from uwf.daemon.loop.part import Tell

POLL_S = 0.5
DRAIN_S = 900.0
"""For how long a supervisor lets a worker wait for the steps of its runs."""
APART_S = 0.3
"""Workers that are begun at once do not all connect in the same moment."""
FIT = "its home has room again, and can be written: it takes what is due"


class WorkerOptions(Record):
    """What its command line says; None: as the home says."""

    slots: int | None = None
    labels: tuple[str, ...] = ()
    agents: tuple[str, ...] | None = None
    poll_s: float = POLL_S


def supervised(options: WorkerOptions) -> install.Supervised:
    """What a supervisor is told of a worker with these options."""
    words = [] if options.slots is None else [f"--slots={options.slots}"]
    words += [f"--label={label}" for label in options.labels]
    if options.agents is not None:
        words.append(f"--agents={','.join(options.agents)}")
    if options.poll_s != POLL_S:
        words.append(f"--poll={written(TIME, options.poll_s)}")
    return install.Supervised("worker", words, DRAIN_S, is_reloaded=False)


def need_worker(app: App, options: WorkerOptions) -> None:
    """Raise what would keep a worker of this home with these options from beginning, whatever the database says."""
    need_queue(app)
    facts_of(app, options)


def facts_of(app: App, options: WorkerOptions) -> WorkerFacts:
    """What a worker of this home says of itself. InputError for an agent that is not configured, or a name or a label
    that cannot be.
    """
    known = tuple(app.config.agents)
    for name in options.agents or ():
        if name not in known:
            raise InputError(
                f"no agent is called {name!r} in this home", hint="uwf agent list", code="bad_agent"
            )
    for label in options.labels:
        if not app.can_name_a_place(label):
            raise InputError(
                f"{label!r} is no label: letters, digits, and . _ - make one",
                hint="uwf worker run --label gpu",
                code="bad_label",
            )
    host = config.host()
    if not app.can_name_a_place(host):
        raise InputError(
            f"no machine can be called {host!r}: letters, digits, and . _ - make a name",
            hint="export UWF_HOST=box-2",
            code="bad_host",
        )
    return WorkerFacts(
        host=host,
        home=app.home,
        pid=os.getpid(),
        labels=options.labels,
        agents=known if options.agents is None else options.agents,
        slots=app.config.daemon.jobs if options.slots is None else options.slots,
        version=__version__,
        machine=app.machine,
    )


def run(app: App, options: WorkerOptions, tell: Tell) -> None:
    """Take runs until told to end. Raises what keeps it from beginning."""
    if _is_inside_a_step(app):
        raise StateError(
            "no agent, and no program that a home asks, can begin a worker: what they start ends with them",
            hint="uwf worker list",
            code="inside_a_step",
        )
    address, facts = need_queue(app), facts_of(app, options)
    app.close()  # each run has a connection of its own
    supervisor = notify.of_this_process()
    queues = queues_of(facts)
    link = QueueLink(address, "uwf worker", channels(queues), is_one_of_many=True)
    wakeups = Wakeups(None, link.fileno)
    try:
        time.sleep(random.uniform(0, APART_S))
        prefix = children.scope_prefix(app.home)
        runs = children.ChildRuns(app.home, prefix, facts.agents, facts.labels)
        skew, unfit = News(app.health.skew, CLOCK_RIGHT), News(app.health.unfit, FIT)
        worker = Worker(link, facts, queues, runs, wakeups, tell, options.poll_s, skew, unfit)
        supervisor.ready("takes runs")
        worker.run(supervisor.alive)
    finally:
        supervisor.stopping("ends")
        wakeups.close()
        link.close()


def _is_inside_a_step(app: App) -> bool:
    try:
        return app.is_inside_a_step()
    except StoreError:
        return False  # a worker begins as well where the store does not answer yet, and says so
