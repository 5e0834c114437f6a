"""What a person may type for a thread, a step, a workflow, …: for completion, in any front door. It only reads.

Every kind is given what was typed of the word, and may find more than fits it.
"""

from __future__ import annotations

from uwf import clock
from uwf.app.opened import current_folder
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from uwf.app.opened import OpenHome
    from uwf.store.values import Ref

MAX_CANDIDATES = 100


class Candidate(Record):
    """A word that may be typed, and what it stands for."""

    word: str
    meaning: str = ""


def _threads(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    """The newest, each as short as one types it; whole ids where none of these begins with what was typed."""
    from uwf.engine.chain.tags import THREADS, THREADS_END
    from uwf.engine.query import resolve

    yield Candidate(resolve.LAST, "the newest thread")
    store = home.reader()

    def newest(begin: str) -> list[Ref]:
        found = store.refs(
            THREADS + begin, high=THREADS_END, newest_first=True, limit=MAX_CANDIDATES
        )
        return [ref for ref in found if clock.is_ulid(ref.name.removeprefix(THREADS))]

    short = [(resolve.short(store, ref.name.removeprefix(THREADS)), ref) for ref in newest("")]
    fitting = [(word, ref) for word, ref in short if word.startswith(prefix)]
    whole = [] if fitting else [(ref.name.removeprefix(THREADS), ref) for ref in newest(prefix)]
    for word, ref in fitting or whole:
        begun = clock.iso(clock.ulid_ms(ref.name.removeprefix(THREADS)))
        yield Candidate(word, f"{ref.tags.get('status', '')}, begun {begun}")


def _waiting(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.query import resolve
    from uwf.engine.query.home import guard_status

    store = home.reader()
    for row in guard_status.waiting(store, home.home):
        short = resolve.short(store, row.thread)
        word = short if short.startswith(prefix) else row.thread
        yield Candidate(word, f"{row.position} in the queue")


def _steps(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    from itertools import islice

    from uwf.engine.chain import story
    from uwf.engine.query import resolve

    thread = prefix.partition("/")[0].partition("~")[0]
    by_role = "/" in prefix
    if thread == prefix:
        yield from _threads(home, prefix)
        if not resolve.LAST.startswith(prefix):
            return
        thread = resolve.LAST
    store = home.reader()
    head = resolve.thread_ref(store, thread).id
    for back, step in enumerate(islice(story.steps_back(store, head), MAX_CANDIDATES)):
        name = f"/{step.role}@{step.visit}" if by_role else f"~{back}"
        yield Candidate(thread + name, f"step {step.index}: {step.role}, {step.status}")


def _workflows(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.chain.tags import REGISTRY
    from uwf.workflow import find

    here = find.names(current_folder())
    for name in here:
        yield Candidate(name, "in this project")
    for ref in home.reader().refs(REGISTRY + prefix, limit=MAX_CANDIDATES):
        name = ref.name.removeprefix(REGISTRY)
        if name not in here:
            yield Candidate(name, "registered")


def _agents(home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    for name, agent in home.config.agents.items():
        yield Candidate(name, " ".join(agent.argv))


def _schedules(home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.config.schedules import Schedule
    from uwf.quantities import TIME, written

    for schedule in home.config.elements(Schedule):
        yield Candidate(
            schedule.name, schedule.cron or f"every {written(TIME, schedule.every_s or 0)}"
        )


def _sources(home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.config.sources import Source

    for source in home.config.elements(Source):
        yield Candidate(source.name, source.repo or source.path or " ".join(source.command))


def _refs(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    for ref in home.reader().refs(prefix, limit=MAX_CANDIDATES):
        yield Candidate(ref.name, ref.id[:12])


def _settings(home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.config import edit

    for setting in edit.settings(home.home):
        is_shown = setting.value is not None and not setting.is_secret
        yield Candidate(setting.key, str(setting.value) if is_shown else "")


def _statuses(_home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.engine.query.listing import SHOWN_STATUSES

    return map(Candidate, SHOWN_STATUSES)


def _classes(_home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.agent.failure import CLASSES

    return map(Candidate, CLASSES)


def _sorts(_home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.engine.query.listing import SORTS

    return map(Candidate, SORTS)


def _events(home: OpenHome, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.events.event import KIND

    return map(Candidate, home.reader().entry_keys(KIND, prefix, limit=MAX_CANDIDATES))


def _event_states(_home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.engine.events.decision import STATES

    return map(Candidate, STATES)


def _branches(_home: OpenHome, prefix: str) -> Iterator[Candidate]:
    from uwf import config
    from uwf.workspace.git import Git
    from uwf.workspace.repository import branches

    return map(Candidate, branches(Git(current_folder(), config.environment()), prefix))


def _topics(_home: OpenHome, _prefix: str) -> Iterator[Candidate]:
    from uwf.app.guides import guides

    return (Candidate(each.topic, each.title) for each in guides())


KINDS: dict[str, Callable[[OpenHome, str], Iterator[Candidate]]] = {
    "thread": _threads,
    "waiting": _waiting,
    "step": _steps,
    "workflow": _workflows,
    "agent": _agents,
    "source": _sources,
    "schedule": _schedules,
    "ref": _refs,
    "key": _settings,
    "status": _statuses,
    "class": _classes,
    "sort": _sorts,
    "event": _events,
    "event state": _event_states,
    "branches": _branches,
    "topic": _topics,
}
"""What can be completed. `waiting` are the threads in the queue, `key` those of the configuration, `class`
those of failures, `branches` those of the repository that one is in."""
