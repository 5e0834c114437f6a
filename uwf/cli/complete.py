"""What a shell may offer at a place of the command line. It only reads, and when it cannot, it offers nothing.

Where the place is, `typed.py` finds; how the shells ask is in `shells.py`.
"""

from __future__ import annotations

import os
import string

from uwf import clock, config
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from uwf.cli.command import Param
    from uwf.cli.context import Context

    Offer = tuple[str, str]
    """A word, and what it means."""

MAX_OFFERS = 100
MAX_MEANING = 60

WORDS, FILES, FOLDERS, YAML = "words", "files", "folders", "yaml"
"""What is offered: our words, or names of files, which the shell finds and quotes itself."""

_IN_A_WORD = frozenset(string.ascii_letters + string.digits + "_./@~-+:=,")
_IN_A_MEANING = _IN_A_WORD | {" "}
"""Names of files and refs are written by strangers, and a script of a shell may evaluate what it is offered, or put it
unquoted on a line. So what is not surely a plain word is not offered at all."""


class Answer(Record):
    """What to offer. `offers` are all there is when the kind is WORDS, and empty otherwise."""

    kind: str = WORDS
    offers: tuple[Offer, ...] = ()


def values(param: Param, context: Context, prefix: str) -> Answer:
    """What may be given for `param` and begins with `prefix`."""
    what = param.spec.complete
    if what in (FILES, FOLDERS, YAML):
        return Answer(what)
    if what == "workflow" and _is_path(prefix):
        return Answer(YAML)
    find = _FINDERS.get(what)
    found = find(context, prefix) if find else ((word, "") for word in param.spec.choices)
    offers = tuple(_harmless_offers(found, prefix))
    return Answer(YAML) if what == "workflow" and prefix and not offers else Answer(WORDS, offers)


def is_harmless(word: str) -> bool:
    """Whether no shell reads more than a word in `word`, quoted or not, evaluated or not, nor a command an option."""
    return bool(word) and word[0] not in "-~=+" and _IN_A_WORD.issuperset(word)


def harmless(text: str) -> str:
    """`text` on one short line, and of it only what no shell and no terminal reads as anything else."""
    kept = (char if char in _IN_A_MEANING else " " for char in text[: 4 * MAX_MEANING])
    return short("".join(kept))


def short(text: str) -> str:
    """`text` on one line that fits beside a word."""
    line = " ".join(text.split())
    if len(line) <= MAX_MEANING:
        return line
    whole_words = line[: MAX_MEANING - 2].rpartition(" ")[0] or line[: MAX_MEANING - 3]
    return f"{whole_words.rstrip(',;:')}..."


def _harmless_offers(found: Iterable[Offer], prefix: str) -> Iterator[Offer]:
    left = MAX_OFFERS
    try:
        for word, meaning in found:
            if word.startswith(prefix) and is_harmless(word):
                yield word, harmless(meaning)
                left -= 1
            if not left:
                return
    except Exception:  # a shell prompt is no place for an error: the command itself will tell
        if config.is_debugging():
            raise


def _threads(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.engine.chain.nodes import THREADS, THREADS_END
    from uwf.engine.query.resolve import LAST

    yield LAST, "the newest thread"
    refs = context.reader().refs(
        THREADS + prefix, high=THREADS_END, newest_first=True, limit=MAX_OFFERS
    )
    for ref in refs:
        id = ref.name.removeprefix(THREADS)
        if clock.is_ulid(id):
            yield id, f"{ref.tags.get('status', '')}, begun {clock.iso(clock.ulid_ms(id))}"


def _waiting(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.agent.process import platform
    from uwf.guard import queue as line

    waiting = line.entries(context.reader(), platform.is_same)
    for position, entry in enumerate(line.in_order(waiting, clock.monotonic_s()), 1):
        yield entry.thread, f"{position} in line"


def _steps(context: Context, prefix: str) -> Iterator[Offer]:
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
    for back, step in enumerate(islice(story.steps_back(store, head), MAX_OFFERS)):
        name = f"/{step.role}@{step.visit}" if by_role else f"~{back}"
        yield thread + name, f"step {step.index}: {step.role}, {step.status}"


def _workflows(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.engine.chain.nodes import REGISTRY
    from uwf.workflow import find

    here = find.names(os.getcwd())
    for name in here:
        yield name, "in this project"
    for ref in context.reader().refs(REGISTRY + prefix, limit=MAX_OFFERS):
        name = ref.name.removeprefix(REGISTRY)
        if name not in here:
            yield name, "registered"


def _agents(context: Context, prefix: str) -> Iterator[Offer]:
    for name, agent in context.config.agents.items():
        yield name, " ".join(agent.command)


def _pausable(context: Context, prefix: str) -> Iterator[Offer]:
    yield "on", "pause everything"
    yield "off", "let everything go on"
    yield from _agents(context, prefix)


def _refs(context: Context, prefix: str) -> Iterator[Offer]:
    for ref in context.reader().refs(prefix, limit=MAX_OFFERS):
        yield ref.name, ref.id[:12]


def _keys(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.config import edit

    for setting in edit.settings(context.home):
        yield setting.key, "" if setting.is_secret or setting.value is None else str(setting.value)


def _statuses(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.engine.query.listing import SHOWN_STATUSES

    return _listed(SHOWN_STATUSES, prefix)


def _columns(context: Context, prefix: str) -> Iterator[Offer]:
    from uwf.cli.columns import ALL

    return _listed(ALL, prefix)


def _listed(words: Iterable[str], prefix: str) -> Iterator[Offer]:
    """The next of several words that are separated by commas."""
    before, comma, _ = prefix.rpartition(",")
    for word in words:
        if word not in before.split(","):
            yield before + comma + word, ""


def _is_path(prefix: str) -> bool:
    return os.sep in prefix or prefix[:1] in (".", "~")


_FINDERS: dict[str, Callable[[Context, str], Iterator[Offer]]] = {
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
"""What `complete=` of a declaration may say, beside the kinds of files. Each is given what was typed of the word, and
may offer more than fits it."""

KNOWN = frozenset(_FINDERS) | {FILES, FOLDERS, YAML}
