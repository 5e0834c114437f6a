"""A row of the screen: what it says of one thread, whether that waits, runs, or is due."""

from __future__ import annotations

import shlex
from types import MappingProxyType

from uwf.display import states, threads
from uwf.display import turns as display
from uwf.display.inert import visible
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from uwf.app.values import BrokenItem, DueThread, InboxItem, ThreadView, TurnView
    from uwf.display.states import Look

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Row(Record):
    """`word` is the state, and `look` how that is drawn. `at` is since when it is so, or when it will wake; `says` is
    the question, the last words of the agent, or what else is to be known at a glance; `more` are the lines of all
    that it asks.
    """

    thread: str
    look: Look
    word: str
    says: str
    workflow: str = ""
    role: str = ""
    agent: str = ""
    at: int | None = None
    usd: float | None = None
    task: str = ""
    more: tuple[str, ...] = ()
    labels: Mapping[str, str] = _NOTHING

    def fits(self, words: Sequence[str]) -> bool:
        """Whether each of `words`, in small letters, is somewhere in it."""
        labels = " ".join(f"{key}={value}" for key, value in self.labels.items())
        parts = (self.thread, self.word, self.says, self.workflow, self.role, self.agent, self.task)
        text = "\n".join((*parts, labels)).lower()
        return all(word in text for word in words)


def of_item(item: InboxItem) -> Row:
    """What waits for a person."""
    return Row(
        item.thread,
        states.of(item.kind),
        item.kind,
        one_line(item.question),
        workflow=item.workflow or "",
        role=item.role or "",
        at=item.since,
        task=one_line(item.title or ""),
        more=_asked(item),
        labels=item.labels,
    )


def _asked(item: InboxItem) -> tuple[str, ...]:
    """The question, what may be answered, and the key that does it. What is to be permitted is whole, however long:
    nobody can say yes to what is cut.
    """
    most = None if item.kind == "approval" else MOST_CHARS
    lines = [visible(line) for line in item.question[:most].split("\n") if line.strip()]
    if item.choices:
        lines.append(one_line(f"choices: {' | '.join(item.choices)}"))
    words = shlex.split(item.answer)
    if item.is_unserved:
        lines.append(f"it goes on by itself once one can: {item.answer}")
    elif words[1] != "answer":
        lines.append(f"r: {one_line(item.answer)}")
    else:
        lines.append("a answers it" + ("" if words[-1] == "TEXT" else f", yes is: {words[-1]}"))
    return tuple(lines)


def of_broken(item: BrokenItem) -> Row:
    """What cannot be read."""
    more = (one_line(item.why), one_line(item.look))
    return Row(item.thread, states.of("broken"), "broken", more[0], more=more)


def of_running(view: ThreadView, turns: Sequence[TurnView]) -> Row:
    """What a process runs, or waits to run; `turns` are the last ones of its agent."""
    running = view.running
    at: int | None
    if view.waiting is not None:
        word, at = view.state, view.waiting.since
        says = f"number {view.waiting.position} in the queue"
    else:
        word, at = "running", None if running is None else running.since
        says = last_words(turns) or one_line(view.title or view.prompt or "")
    role = view.current_role if running is None else running.role or view.current_role
    agent = None if running is None else running.agent
    return _of_view(view, word, says, role=role, at=at, agent=agent)


def of_due(view: ThreadView, due: DueThread, now_ms: int) -> Row:
    """What wakes by itself: it is due, or will be."""
    word = "due" if due.wake.at_ms <= now_ms else "wakes"
    look = states.POSTPONED
    return _of_view(view, word, one_line(due.wake.why), look=look, at=due.wake.at_ms)


def of_view(view: ThreadView) -> Row:
    """A thread in a list of all."""
    look = threads.look(view)
    word = "failed" if look is states.FAILED else view.state
    says = view.suspend_message if view.status == "suspended" else None
    if view.error is not None and view.status == "corrupt":
        says = view.error.message
    says = one_line(says or view.title or view.prompt or "")
    return _of_view(view, word, says, look=look, at=view.updated_at)


def last_words(turns: Sequence[TurnView]) -> str:
    """What an agent said or thought last, or which tool it uses, on one line."""
    said = (display.now(turn.kind, turn.text) for turn in reversed(turns))
    return one_line(next(filter(None, said), ""))


MOST_CHARS = 2000
"""Of a line, before it is drawn: no screen is wider, and no reply so short that it could not be longer."""


def one_line(text: str) -> str:
    """`text` on one line, with nothing in it that steers a terminal."""
    return visible(" ".join(text[:MOST_CHARS].split()))


def _of_view(
    view: ThreadView,
    word: str,
    says: str,
    *,
    look: Look | None = None,
    role: str | None = None,
    at: int | None = None,
    agent: str | None = None,
) -> Row:
    return Row(
        view.thread,
        states.of(word) if look is None else look,
        word,
        says,
        workflow=view.workflow_name or "",
        role=role or view.suspended_role or view.current_role or "",
        agent=agent or "",
        at=at,
        usd=(view.spent or {}).get("usd"),
        task=one_line(view.title or view.prompt or ""),
        labels=view.labels,
    )
