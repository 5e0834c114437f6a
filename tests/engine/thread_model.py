"""A thread as plain data: the transition table of the design, told a second time, for the machine to compare."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

FIRST = "writer"
NEXT = {"done": "reviewer", "changes": "writer", "approved": None, "$SUSPEND": None}
"""The graph of the workflow `pair`: which role a status leads to. None: the end, or nobody yet."""


@dataclass(frozen=True)
class Taken:
    """A step: who, with which status, in which round, told what by a person."""

    role: str
    status: str
    round: int
    supplement: str | None


@dataclass(frozen=True)
class Pending:
    """What is to be tried again beside the head."""

    role: str
    round: int
    supplement: str | None
    tries: int = 0
    pokes: bool = False


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
    """A thread and the states in which each of its heads was first reached."""

    now: State = State()
    heads: list[State] = field(default_factory=list)
    before_cancel: State | None = None

    def __post_init__(self) -> None:
        self.heads = self.heads or [self.now]

    # Which command may run, and what it then tries.

    def plan(self, verb: str, supplement: str | None) -> Pending | str:
        """What `exec` or `resume` tries, or the code of the refusal."""
        now = self.now
        if now.status == "cancelled":
            return "cancelled"
        if verb == "resume" and now.status == "idle":
            return "idle"
        if verb == "exec" and now.status != "idle" and supplement is None:
            return now.status
        if now.status == "completed":
            waiting = now.pending and now.pending.supplement
            return Pending(FIRST, now.round + 1, both(waiting, supplement))
        if now.pending is not None:
            return replace(now.pending, supplement=both(now.pending.supplement, supplement))
        return Pending(now.suspended or next_role(now.steps) or "nobody", now.round, supplement)

    def poke(self, remark: str) -> Pending | str:
        """What `poke` tries, or the code of the refusal."""
        now = self.now
        if now.status == "cancelled":
            return "cancelled"
        if not now.head_is_step:
            return "no_step"
        head, tries, said = now.steps[-1], 0, now.steps[-1].supplement
        if now.pending is not None:
            tries = now.pending.tries if now.pending.role == head.role else 0
            said = (
                now.pending.supplement if now.pending.pokes else both(said, now.pending.supplement)
            )
        return Pending(head.role, head.round, both(said, remark), tries, pokes=True)

    # What comes of it.

    def succeed(self, plan: Pending, status: str) -> None:
        step = Taken(plan.role, status, plan.round, plan.supplement)
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
        waiting = self.now.pending and self.now.pending.supplement
        self.heads.pop()
        now = self.heads[-1]
        if now.status == "suspended" and now.suspended not in (now.asked, next_role(now.steps)):
            status, suspended = standing(now.steps)  # it was about a try, and that is gone
            now = replace(now, status=status, suspended=suspended)
        self.now = now
        if waiting is not None:
            plan = self.plan("exec", waiting)
            assert isinstance(plan, Pending)
            self.now = replace(now, pending=plan)
        return True

    def fork(self, length: int, supplement: str | None) -> Model:
        """A fork of the first `length` steps."""
        steps = self.now.steps[:length]
        status, suspended = standing(steps)
        forked = Model(State(status, suspended, steps, head_is_step=bool(steps)))
        plan = self.now.pending if length == self.length_of_head else None
        supplement = both(plan and plan.supplement, supplement)
        if supplement is not None:
            if plan is not None and plan.supplement is not None:
                plan = replace(plan, supplement=supplement, tries=0)
            else:
                found = forked.plan("exec", supplement)
                assert isinstance(found, Pending)
                plan = found
            forked.now = replace(forked.now, status="idle", suspended=None, pending=plan)
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
