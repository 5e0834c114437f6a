"""A thread as plain data: the transition table of the design, told a second time, for the machine to compare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

FIRST = "writer"
NEXT = {"done": "reviewer", "changes": "writer", "approved": None, "$SUSPEND": None}
"""The graph of the workflow `pair`: which role a status leads to. None: the end, or nobody yet."""


class Said(NamedTuple):
    """A word; no two have the same number, and the higher one came later."""

    number: int
    text: str


Words = tuple[Said, ...]


@dataclass(frozen=True)
class Taken:
    """A step: who, with which status, in which round, told what; and the remark of a poke."""

    role: str
    status: str
    round: int
    told: Words
    remark: str | None = None


@dataclass(frozen=True)
class Pending:
    """What is to be tried again beside the head. `began` is a number as words have one, of its last try."""

    role: str
    round: int
    told: Words
    remark: str | None = None
    tries: int = 0
    pokes: bool = False
    began: int = 0


@dataclass(frozen=True)
class State:
    """Where a thread stands. `rebinds` counts the changes of workflow behind the head."""

    status: str = "idle"
    suspended: str | None = None
    steps: tuple[Taken, ...] = ()
    pending: Pending | None = None
    workflow: int = 0
    head_is_step: bool = False

    @property
    def asked(self) -> str | None:
        """The role that suspended the thread, if its last step did."""
        return standing(self.steps)[1]

    @property
    def round(self) -> int:
        return self.steps[-1].round if self.steps else 1


@dataclass
class Model:
    """A thread, what waits to be told to it, and the states in which each of its heads was first reached."""

    now: State = State()
    waiting: Words = ()
    heads: list[State] = field(default_factory=list)
    before_cancel: State | None = None

    def __post_init__(self) -> None:
        self.heads = self.heads or [self.now]

    # Which command may run, and what it then tries.

    def said(self, verb: str, text: str | None, number: int) -> Words:
        """The words of a command: none where they are typed again and wait already."""
        if text is None or verb == "poke" or any(word.text == text for word in self.waiting):
            return ()
        return (Said(number, text),)

    def plan(self, verb: str, text: str | None, said: Words) -> Pending | str:
        """What `exec` or `resume` tries, or the code of the refusal."""
        now, told = self.now, in_order(self.waiting, said)
        if now.status == "cancelled":
            return "cancelled"
        if verb == "resume" and now.status == "idle":
            return "idle"
        known = now.pending.told if now.pending else ()
        is_told = text is not None or any(word not in known for word in self.waiting)
        if verb == "exec" and now.status != "idle" and not is_told:
            return now.status
        if now.status == "completed":
            return Pending(FIRST, now.round + 1, told)
        if now.pending is not None:
            return replace(now.pending, told=in_order(now.pending.told, told))
        return Pending(
            now.suspended or now.asked or next_role(now.steps) or "nobody", now.round, told
        )

    def poke(self, remark: str) -> Pending | str:
        """What `poke` tries, or the code of the refusal."""
        now = self.now
        if now.status == "cancelled":
            return "cancelled"
        if not now.head_is_step:
            return "no_step"
        head, tries = now.steps[-1], 0
        before = head.remark
        if now.pending is not None:
            tries = now.pending.tries if now.pending.role == head.role else 0
            before = now.pending.remark if now.pending.pokes else before
        told = in_order(head.told, self.waiting)
        return Pending(head.role, head.round, told, both(before, remark), tries, pokes=True)

    # What comes of it.

    def tell(self, word: Said) -> bool:
        """Whether it can be told anything."""
        if self.now.status == "cancelled":
            return False
        self.waiting = in_order(self.waiting, (word,))
        return True

    def succeed(self, plan: Pending, status: str) -> None:
        step = Taken(plan.role, status, plan.round, plan.told, plan.remark)
        self.waiting = tuple(word for word in self.waiting if word not in plan.told)
        steps = (*(self.now.steps[:-1] if plan.pokes else self.now.steps), step)
        status, suspended = standing(steps)
        self.arrive(replace(self.now, status=status, suspended=suspended, steps=steps))

    def fail(self, plan: Pending) -> None:
        pending = replace(plan, tries=plan.tries + 1)
        self.now = replace(self.now, status="suspended", suspended=plan.role, pending=pending)

    def stop(self, plan: Pending) -> None:
        """The attempt was stopped or its process died: it is kept, and the state stays."""
        status = "idle" if self.now.status == "completed" else self.now.status
        pending = replace(plan, tries=plan.tries + 1)
        self.now = replace(self.now, status=status, pending=pending)

    def cancel(self) -> None:
        self.before_cancel = self.now
        self.now = replace(self.now, status="cancelled", suspended=None)

    def rebind(self) -> None:
        now = self.now
        self.arrive(
            replace(now, workflow=now.workflow + 1, head_is_step=False), pending=now.pending
        )

    def undo(self) -> bool:
        """Whether there was something to undo."""
        if self.now.status == "cancelled" and self.before_cancel is not None:
            self.now, self.before_cancel = self.before_cancel, None
            return True
        if len(self.heads) == 1:
            return False
        before = self.now
        self.heads.pop()
        now = self.heads[-1]
        if now.status == "suspended" and now.suspended not in (now.asked, next_role(now.steps)):
            status, suspended = standing(now.steps)  # it was about a try, and that is gone
            now = replace(now, status=status, suspended=suspended)
        self.now = now
        left = [word for step in before.steps if step not in now.steps for word in step.told]
        if before.pending is not None:
            left += before.pending.told
            if before.pending.remark is not None:
                left.append(Said(before.pending.began, before.pending.remark))
        stay = {word for step in now.steps for word in step.told}
        self.waiting = in_order(self.waiting, tuple(word for word in left if word not in stay))
        return True

    def fork(self, length: int, said: Words) -> Model:
        """A fork of the first `length` steps, that is told something."""
        steps = self.now.steps[:length]
        status, suspended = standing(steps)
        forked = Model(State(status, suspended, steps, head_is_step=bool(steps)))
        if length == self.length_of_head:
            forked.waiting = self.waiting
            plan = self.now.pending
            if plan is not None and plan.pokes:
                plan = replace(plan, tries=0)
                forked.now = replace(forked.now, pending=plan)
        forked.waiting = in_order(forked.waiting, said)
        if forked.waiting or forked.now.pending is not None:
            if status == "completed" and forked.now.pending is None:
                pending = Pending(FIRST, forked.now.round + 1, ())
                forked.now = replace(forked.now, pending=pending)
            forked.now = replace(forked.now, status="idle", suspended=None)
        return forked

    @property
    def length_of_head(self) -> int | None:
        """How many steps there are up to the head; None when the head is no step, nor the start."""
        is_start = not self.now.steps and self.now.workflow == 0
        return len(self.now.steps) if self.now.head_is_step or is_start else None

    def arrive(self, state: State, pending: Pending | None = None) -> None:
        if state.workflow == self.now.workflow:
            state = replace(state, head_is_step=True)
        self.heads.append(replace(state, pending=None))
        self.now = replace(state, pending=pending)


def in_order(*several: Words) -> Words:
    return tuple(sorted({word for words in several for word in words}))


def standing(steps: tuple[Taken, ...]) -> tuple[str, str | None]:
    """Where a chain leaves its thread: the status, and the role that asked."""
    if steps and steps[-1].status == "approved":
        return "completed", None
    if steps and steps[-1].status == "$SUSPEND":
        return "suspended", steps[-1].role
    return "idle", None


def next_role(steps: tuple[Taken, ...]) -> str | None:
    return NEXT[steps[-1].status] if steps else FIRST


def both(first: str | None, second: str | None) -> str | None:
    if first is None or second is None or first == second:
        return first or second
    return f"{first}\n\n{second}"
