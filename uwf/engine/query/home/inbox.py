"""What waits for a person: the question of each suspended thread, since when it waits, and how to answer.

A thread that runs is not in it, nor one that was answered, nor one whose agent is asked again by itself. Of many
machines, one that none could run for an hour is, though it goes on by itself once one can. Those whose chain cannot be
read stand apart: no answer helps them. Times are epoch milliseconds.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent import APPROVAL
from uwf.engine.chain import told
from uwf.engine.chain.attempt import OVER_BUDGET
from uwf.engine.chain.tags import STATUS, SUSPEND_MESSAGE, SUSPENDED, SUSPENDED_ROLE, THREADS
from uwf.engine.chain.thread import runner
from uwf.engine.chain.wake import UNSERVED, WAKE_AT, WOKEN_FOR
from uwf.engine.query.threads import CORRUPT
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from uwf.engine.query.thread_view import ThreadView
    from uwf.engine.query.threads import ThreadViews
    from uwf.store.protocols import Store
    from uwf.store.values import Ref

QUESTION, FAILURE, BUDGET, NO_WORKER = "question", "failure", "budget", "unserved"
"""Why a thread waits: a role asked, its agent failed, it has used up what it may, its agent has asked for what a person
has to permit (`approval`), or there is no machine that could run it.
"""
UNSERVED_MS = 3_600_000
"""So long that is left to pass by itself: a machine is begun anew, or set up."""
_KINDS = {None: QUESTION, OVER_BUDGET: BUDGET, APPROVAL: APPROVAL}

CHOICES = "choices"
"""The field of a reply with what a person may answer, a list of short texts."""
_MOST_CHOICES, _CHOICE_CHARS = 12, 80


class InboxItem(Record):
    """A thread that waits. `answer` is what to type; `code` the failure's, where its agent has failed."""

    thread: str
    role: str | None
    question: str
    since: int
    kind: str
    choices: tuple[str, ...]
    answer: str
    workflow: str | None
    title: str | None
    labels: Mapping[str, str]
    code: str | None

    @property
    def is_unserved(self) -> bool:
        return self.kind == NO_WORKER


class BrokenItem(Record):
    """A thread that cannot be read, and the command that says more."""

    thread: str
    why: str
    look: str


class Inbox(Record):
    """What waits, oldest first, and what is broken. `is_cut` says whether there may be more."""

    waiting: tuple[InboxItem, ...]
    broken: tuple[BrokenItem, ...]
    is_cut: bool = False


def look(store: Store, views: ThreadViews, limit: int | None = None) -> Inbox:
    """All that waits for a person now; with `limit`, of at most so many suspended threads, the newest ones."""
    waiting, broken = [], []
    most = None if limit is None else limit + 1
    refs = store.refs(THREADS, tags={STATUS: SUSPENDED}, newest_first=True, limit=most)
    for ref in reversed(refs[:limit]):
        id = ref.name.removeprefix(THREADS)
        is_woken = WAKE_AT in ref.tags or WOKEN_FOR in ref.tags
        view = views.thread(ref)
        if view.status == CORRUPT:
            why = "its chain cannot be read" if view.error is None else view.error.message
            broken.append(BrokenItem(id, why, f"uwf thread log {id}"))
        elif runner(store, id) is not None or (is_woken and told.are_waiting(store, id)):
            continue  # it was answered, or is about to go on
        elif view.wake_at is None or view.failed is None:
            waiting.append(_item(store, views, ref, view))
    waiting += _unserved(store, views, {item.thread for item in waiting}, most)
    waiting.sort(key=lambda item: (item.since, item.thread))
    return Inbox(tuple(waiting), tuple(broken), len(refs) == most)


def _item(store: Store, views: ThreadViews, ref: Ref, view: ThreadView) -> InboxItem:
    code = None if view.failed is None else view.failed.code
    kind = _KINDS.get(code, FAILURE)
    answer = f"uwf answer {view.thread} TEXT"
    if kind != QUESTION or told.are_waiting(store, view.thread):
        from uwf.engine.chain.thread import read

        answer = views.way_on(read(store, ref))
    return InboxItem(
        thread=view.thread,
        role=view.suspended_role,
        question=_question(view, kind),
        since=since_ms(store, ref),
        kind=kind,
        choices=_choices(store, view) if kind == QUESTION else (),
        answer=answer,
        workflow=view.workflow_name,
        title=view.title,
        labels=view.labels,
        code=code,
    )


def _unserved(
    store: Store, views: ThreadViews, known: Collection[str], limit: int | None
) -> Iterator[InboxItem]:
    until_ms = clock.now_ms() - UNSERVED_MS
    for ref in store.refs_by_tag(THREADS, UNSERVED, high=f"{until_ms:013d}", limit=limit):
        view = views.thread(ref)
        since = view.unserved_since
        if since is None or view.thread in known:
            continue  # it runs, or cannot be read
        yield InboxItem(
            thread=view.thread,
            role=view.suspended_role or view.current_role,
            question=view.unserved,
            since=since,
            kind=NO_WORKER,
            choices=(),
            answer="uwf worker list" if store.is_shared else f"uwf thread show {view.thread}",
            workflow=view.workflow_name,
            title=view.title,
            labels=view.labels,
            code=None,
        )


def _question(view: ThreadView, kind: str) -> str:
    """What is asked; what is to be permitted as a whole, however long it is."""
    if kind == APPROVAL and view.failed is not None:
        return view.failed.message
    return view.suspend_message or "it waits for a person"


def since_ms(store: Store, ref: Ref) -> int:
    """Since when a suspended thread asks what it asks: labels and words that came later change nothing of that."""
    asked = _asks(ref.id, ref.tags)
    since = ref.updated_ms
    for move in reversed(store.moves(ref.name)):
        if move.new is None or _asks(move.new, move.tags) != asked:
            break
        since = move.at_ms
    return since


def _asks(head: str, tags: Mapping[str, str]) -> tuple[str | None, ...]:
    return head, tags.get(STATUS), tags.get(SUSPENDED_ROLE), tags.get(SUSPEND_MESSAGE)


def _choices(store: Store, view: ThreadView) -> tuple[str, ...]:
    """What the role that asks offers as answers, where it does."""
    node = store.get(view.head)
    if node.kind != "step" or node.payload["role"] != view.suspended_role:
        return ()
    found = node.payload["output"].get(CHOICES)
    if not isinstance(found, list):
        return ()
    words = [word for word in found if isinstance(word, str) and 0 < len(word) <= _CHOICE_CHARS]
    return tuple(words[:_MOST_CHOICES])
