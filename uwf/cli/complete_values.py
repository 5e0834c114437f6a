"""The values that completion knows for a parameter: threads, steps, workflows, agents, … It only reads.

What is made of them, and which of them a shell may be told, is in `complete.py`.
"""

from __future__ import annotations

import os

from uwf import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from uwf.cli.context import Context

    Candidate = tuple[str, str]
    """A word, and what it means."""

MAX_CANDIDATES = 100


def _threads(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.chain.tags import THREADS, THREADS_END
    from uwf.engine.query.resolve import LAST

    yield LAST, "the newest thread"
    refs = context.reader().refs(
        THREADS + prefix, high=THREADS_END, newest_first=True, limit=MAX_CANDIDATES
    )
    for ref in refs:
        id = ref.name.removeprefix(THREADS)
        if clock.is_ulid(id):
            yield id, f"{ref.tags.get('status', '')}, begun {clock.iso(clock.ulid_ms(id))}"


def _waiting(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.query import guard_status

    for row in guard_status.waiting(context.reader(), context.home):
        yield row.thread, f"{row.position} in line"


def _steps(context: Context, prefix: str) -> Iterator[Candidate]:
    from itertools import islice

    from uwf.engine.chain import story
    from uwf.engine.query import resolve

    thread = prefix.partition("/")[0].partition("~")[0]
    by_role = "/" in prefix
    if thread == prefix:
        yield from _threads(context, prefix)
        if not resolve.LAST.startswith(prefix):
            return
        thread = resolve.LAST
    store = context.reader()
    head = resolve.thread_ref(store, thread).id
    for back, step in enumerate(islice(story.steps_back(store, head), MAX_CANDIDATES)):
        name = f"/{step.role}@{step.visit}" if by_role else f"~{back}"
        yield thread + name, f"step {step.index}: {step.role}, {step.status}"


def _workflows(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.chain.tags import REGISTRY
    from uwf.workflow import find

    here = find.names(os.getcwd())
    for name in here:
        yield name, "in this project"
    for ref in context.reader().refs(REGISTRY + prefix, limit=MAX_CANDIDATES):
        name = ref.name.removeprefix(REGISTRY)
        if name not in here:
            yield name, "registered"


def _agents(context: Context, prefix: str) -> Iterator[Candidate]:
    for name, agent in context.config.agents.items():
        yield name, " ".join(agent.command)


def _pausable(context: Context, prefix: str) -> Iterator[Candidate]:
    yield "on", "pause everything"
    yield "off", "let everything go on"
    yield from _agents(context, prefix)


def _refs(context: Context, prefix: str) -> Iterator[Candidate]:
    for ref in context.reader().refs(prefix, limit=MAX_CANDIDATES):
        yield ref.name, ref.id[:12]


def _keys(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.config import edit

    for setting in edit.settings(context.home):
        yield setting.key, "" if setting.is_secret or setting.value is None else str(setting.value)


def _statuses(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.engine.query.listing import SHOWN_STATUSES

    return _listed(SHOWN_STATUSES, prefix)


def _columns(context: Context, prefix: str) -> Iterator[Candidate]:
    from uwf.cli.columns import ALL

    return _listed(ALL, prefix)


def _listed(words: Iterable[str], prefix: str) -> Iterator[Candidate]:
    """The next of several words that are separated by commas."""
    before, comma, _ = prefix.rpartition(",")
    for word in words:
        if word not in before.split(","):
            yield before + comma + word, ""


FINDERS: dict[str, Callable[[Context, str], Iterator[Candidate]]] = {
    "thread": _threads,
    "waiting": _waiting,
    "step": _steps,
    "workflow": _workflows,
    "workflow name": _workflows,
    "agent": _agents,
    "pausable": _pausable,
    "ref": _refs,
    "key": _keys,
    "statuses": _statuses,
    "columns": _columns,
}
"""By what `complete=` of a declaration may say beside the kinds of files. Each is given what was typed of the word and
may find more than fits it."""
