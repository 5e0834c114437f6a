"""From a thread as it is stored to a thread as it is shown.

*Running* comes from the lock; a thread whose chain cannot be read is shown as `corrupt` rather than hidden.
"""

from __future__ import annotations

from uwf import clock, quantities
from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import kept, told, usage, wake
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.nodes import BAD_NODE, WRONG_SHAPE, Start, back
from uwf.engine.chain.tags import (
    COMPLETED,
    COMPLETED_AT,
    CWD,
    END_REASON,
    FORKED_STEP,
    FORKED_THREAD,
    HOST,
    PLACE,
    PRIORITY,
    STATUS,
    SUPERSEDED,
    SUSPEND_MESSAGE,
    SUSPENDED_ROLE,
    THREADS,
    TITLE,
    WORKFLOW,
    WORKTREE_REPO,
    labels_of,
    number_of,
)
from uwf.engine.chain.thread import read, runner
from uwf.engine.query.thread_view import (
    ErrorView,
    ForkedFrom,
    RunningView,
    RunView,
    StateView,
    ThreadView,
    WaitingView,
    WorktreeView,
    word_view,
)
from uwf.engine.run.planning import transitions
from uwf.errors import ObjectDamaged, StoreError, StoreUnreadable, UwfError
from uwf.record import replace
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.engine.chain.attempt import Failure
    from uwf.engine.chain.nodes import Position, Reader
    from uwf.engine.chain.thread import Thread
    from uwf.engine.progress import StepResult
    from uwf.engine.query.home.guard_status import QueuePositions
    from uwf.engine.query.steps.failures import FailureView
    from uwf.store.protocols import Store
    from uwf.store.values import Ref
    from uwf.workflow.model import Workflow

RUNNING, CORRUPT = "running", "corrupt"

_OF_THREAD = ("bad_status", "bad_tag", BAD_NODE)
"""Codes of errors of the store that speak of one thread."""


class ThreadViews:
    """Shows threads of one store. Keeps the workflows it has read, so that a long list reads each once."""

    def __init__(
        self,
        store: Store,
        limits: Mapping[str, float] | None = None,
        is_exhausted: Callable[[str, int, Failure | None], bool] | None = None,
        left_alone_until_ms: Callable[[str], int | None] | None = None,
        home: str | None = None,
    ) -> None:
        """`limits` is what config allows every thread. `is_exhausted` says of a thread, how often in a row its step has
        failed and how it did last, whether no more is tried until a person adds something; `left_alone_until_ms` until
        when an agent is asked nothing. In `home` there may be replies that could not be stored.
        """
        self._home = home
        self._kept: dict[str, str] | None = None
        self._limits = limits or {}
        self._is_exhausted = is_exhausted
        self._left_alone_until_ms = left_alone_until_ms
        self._store = store
        self._workflows: dict[str, Workflow] = {}
        self._queue: QueuePositions | None = None

    def thread(self, ref: Ref, *, is_whole: bool = False) -> ThreadView:
        """The thread behind `ref`. Raises `StoreError` when the store cannot be asked now.

        One that `is_whole` has what waits to be told as well, and what a killed uwf has left running, for which it is
        looked through all processes.
        """
        try:
            thread = read(self._store, ref)
            _check_shape(thread.position)
            if not is_whole:
                return self._whole(thread, self._state(thread))
            view = self._with_processes(thread, self.of(thread))
            return replace(view, superseded=_superseded(self._store, thread.id))
        except (UwfError, *WRONG_SHAPE) as error:
            if not _is_lasting(error):
                raise
            return _corrupt(ref, error)

    def of(self, thread: Thread) -> ThreadView:
        """A thread that was read or made just now, with what waits to be told."""
        waits = tuple(map(word_view, told.waiting(self._store, thread.id)))
        view = replace(self._whole(thread, self._state(thread)), told=waits)
        if waits and thread.status == COMPLETED:
            workflow = self._workflow(thread.position.workflow)
            return replace(view, current_role=transitions.re_entry_role(thread, workflow))
        return view

    def result(self, result: StepResult) -> RunView:
        """The thread after one step of a run."""
        from uwf.engine.progress import (
            FailureJoined,
            GraphDone,
            StepDone,
            StepFailed,
            StepPostponed,
        )

        state = vars(self._state(result.thread)) | {"error": None}
        if isinstance(result, GraphDone):
            return RunView(**state)
        if isinstance(result, StepDone):
            payload = self._store.get(result.step).payload
            state["usage"] = payload["usage"]
            return RunView(
                **state,
                role=result.role,
                step=result.step,
                step_status=payload["status"],
                joined=result.is_joined,
                duration_ms=payload["durationMs"],
            )
        duration_ms = None
        if isinstance(result, StepFailed):
            failure, duration_ms = result.failure, self._took_ms(result.attempt)
            state["usage"] = None
            state["error"] = ErrorView(failure.code, failure.message, result.attempt)
        if isinstance(result, StepPostponed):
            state["suspend_message"] = result.failure.message
        is_joined = isinstance(result, FailureJoined)
        return RunView(**state, role=result.role, joined=is_joined, duration_ms=duration_ms)

    def _took_ms(self, attempt: str) -> int | None:
        took_ms: int | None = self._store.get(attempt).payload["durationMs"]
        return took_ms

    def way_on(self, thread: Thread) -> str:
        """The shortest command that lets a thread go on, also while its agent is left alone."""
        attempt, until_ms = thread.attempt, None
        if attempt is not None and attempt.has_failed and self._left_alone_until_ms is not None:
            until_ms = self._left_alone_until_ms(attempt.agent)
        left_ms = 0 if until_ms is None else until_ms - clock.now_ms()
        wait = f" --wait {left_ms // 60_000 + 1}m" if left_ms > 0 else ""
        return self._way_on(thread) + wait

    def _way_on(self, thread: Thread) -> str:
        more = self._more_budget(thread)
        if more is not None:
            return f"{transitions.typed('resume', thread)} --budget {more}"
        attempt, plan = thread.attempt, thread.plan
        new = attempts.new_to(thread.pending, told.waiting(self._store, thread.id))
        if any(word.is_of_person for word in new):
            return transitions.typed("exec", thread)
        if plan is not None and attempt is not None and self._is_exhausted is not None:
            failures = attempts.failures_in_a_row(self._store, attempt, plan)
            failure = attempt.failure if attempt.has_failed else None
            if self._is_exhausted(thread.id, failures, failure):
                return f"{transitions.typed('resume', thread)} --supplement TEXT"
        return transitions.typed("exec", thread) if new else transitions.way_on(thread)

    def _state(self, thread: Thread) -> StateView:
        workflow = self._workflow(thread.position.workflow)
        tags, plan = thread.tags, None if thread.status == COMPLETED else thread.plan
        timer = self._timer(thread)
        return StateView(
            thread=thread.id,
            head=thread.head,
            status=thread.status,
            workflow=thread.position.workflow,
            workflow_name=workflow.name,
            current_role=transitions.next_role(thread, workflow),
            suspended_role=tags.get(SUSPENDED_ROLE),
            suspend_message=tags.get(SUSPEND_MESSAGE),
            done=thread.status == COMPLETED,
            round=thread.position.round if plan is None else plan.round,
            usage=usage.reported(thread),
            error=self._error(thread),
            wake_at=None if timer is None else timer.at_ms,
            wake_why=None if timer is None else timer.why,
            wake_kind=None if timer is None else timer.kind,
        )

    def _timer(self, thread: Thread) -> wake.Wake | None:
        """When it wakes: where a run that its timer had begun was cut off, at once."""
        if wake.WOKEN_FOR in thread.tags and runner(self._store, thread.id) is None:
            return wake.cut_off(thread.tags, thread.updated_ms)
        return wake.of(thread.tags, thread.id)

    def _whole(self, thread: Thread, state: StateView) -> ThreadView:
        begun = Start.read(self._store, thread.position.start)
        tags, running = thread.tags, self._running(thread.id)
        is_fork = FORKED_THREAD in tags and clock.is_ulid(thread.id)
        shown = vars(state) | ({} if running is None else {"status": RUNNING})
        kept_reply = None if running is not None else self._kept_reply(thread.id)
        used = self._used(thread)
        return ThreadView(
            **shown,
            prompt=begun.task,
            cwd=tags.get(CWD) or begun.cwd,
            title=tags.get(TITLE),
            labels=labels_of(tags),
            priority=number_of(tags, PRIORITY, thread.id) or 0,
            place=tags.get(PLACE),
            steps=thread.position.index,
            rounds=state.round,
            spent=self._amounts(thread, state.current_role, used),
            budget=self._budget(thread, state.current_role),
            started_at=clock.ulid_ms(thread.id) if is_fork else begun.started_ms,
            updated_at=thread.updated_ms,
            completed_at=number_of(tags, COMPLETED_AT, thread.id),
            running=running,
            waiting=self._waiting(thread.id, running),
            forked_from=ForkedFrom(tags[FORKED_THREAD], tags.get(FORKED_STEP))
            if FORKED_THREAD in tags
            else None,
            end_reason=tags.get(END_REASON),
            failed=None if thread.attempt is None else _newest_failure(self._store, thread),
            kept_reply=kept_reply,
            kept_reply_is_cut=True if kept_reply and kept.only_beginning(kept_reply) else None,
            unseen=self._unseen(thread, state.current_role, used),
            unknown_usage=usage.unknown(used) or None,
            worktree=_worktree(thread, self._home) if tags.get(WORKTREE_REPO) else None,
            host=tags.get(HOST),
            unserved_since=number_of(tags, wake.UNSERVED, thread.id) if running is None else None,
        )

    def _unseen(
        self, thread: Thread, role: str | None, used: Mapping[str, float]
    ) -> dict[str, str] | None:
        limits = self._budget(thread, role)
        names = usage.unseen(used, limits) if limits else ()
        if not names:
            return None
        agent = "" if thread.attempt is None else thread.attempt.agent
        if thread.position.step is not None:
            agent = self._store.get(thread.position.step).payload["agent"]
        return dict.fromkeys(names, agent)

    def _kept_reply(self, id: str) -> str | None:
        """The file with a reply of the thread that could not be stored."""
        if self._kept is None:
            found = [] if self._home is None else kept.found(self._home)
            self._kept = {kept.thread_of(path): path for path in found}
        return self._kept.get(id)

    def _more_budget(self, thread: Thread) -> str | None:
        """What lets a thread go on that has used up what it may, as in `+usd=5,+steps=9`; None when it has not."""
        role = thread.tags.get(SUSPENDED_ROLE)
        limits = self._budget(thread, role)
        used = self._amounts(thread, role, self._used(thread))
        short = {
            name: quantities.raised_enough(limit, used[name]) - limit
            for name, limit in limits.items()
            if used[name] >= limit
        }
        return "+" + quantities.format_budget(short).replace(",", ",+") if short else None

    def _budget(self, thread: Thread, role: str | None) -> dict[str, float]:
        workflow = self._workflow(thread.position.workflow)
        return usage.allowed(self._limits, workflow, role, thread.tags)

    def _used(self, thread: Thread) -> dict[str, float]:
        used = usage.of_thread(self._store, thread)
        kept_reply = self._kept_reply(thread.id)
        return used if kept_reply is None else usage.add(used, kept.cost(kept_reply))

    def _amounts(
        self, thread: Thread, role: str | None, used: Mapping[str, float]
    ) -> dict[str, float]:
        amounts = {**used, quantities.VISITS: thread.position.visits.get(role or "", 0)}
        return {name: quantities.tidy(name, amounts.get(name, 0)) for name in quantities.NAMES}

    def _workflow(self, id: str) -> Workflow:
        if id not in self._workflows:
            self._workflows[id] = workflow_model.from_payload(self._store.get(id).payload)
        return self._workflows[id]

    def _error(self, thread: Thread) -> ErrorView | None:
        attempt = thread.attempt
        if attempt is None or not attempt.has_failed or thread.plan is None:
            return None
        error = self._store.get(attempt.last).payload["error"]
        return ErrorView(error["code"], error["message"], attempt.last)

    def _running(self, id: str) -> RunningView | None:
        owner = runner(self._store, id)
        if owner is None:
            return None
        attempt, host = read_attempt(self._store, id), owner.host or None
        if attempt is None or not attempt.is_run_by(owner):
            return RunningView(owner.pid, host=host)
        role, since_ms = attempt.plan.role, attempt.began_ms
        return RunningView(owner.pid, role, since_ms, attempt.agent, host)

    def _with_processes(self, thread: Thread, view: ThreadView) -> ThreadView:
        attempt = thread.attempt
        if view.running is not None or attempt is None or attempt.running is None:
            return view
        if view.kept_reply is not None:
            return view  # its agent has ended
        from uwf.engine.chain.left_behind import left_behind  # only after a crash

        return replace(view, left_behind=left_behind(self._store, thread.id, attempt))

    def _waiting(self, id: str, running: RunningView | None) -> WaitingView | None:
        if running is None or running.role is not None:
            return None
        if self._queue is None:
            # Here, because it loads guards, which looking at a thread needs rarely.
            from uwf.engine.query.home.guard_status import QueuePositions

            self._queue = QueuePositions(self._store)
        return self._queue.of(id, running.pid)


def _worktree(thread: Thread, home: str | None) -> WorktreeView | None:
    from uwf.engine.chain import worktree as trees  # most threads have none

    found = None if home is None else trees.of(thread.tags, thread.id, home)
    if found is None:
        return None
    return WorktreeView(found.path, found.branch, found.onto, found.merged)


def _superseded(store: Store, id: str) -> tuple[FailureView, ...] | None:
    if not store.names(f"{SUPERSEDED}{id}/", limit=1):
        return None
    from uwf.engine.query.steps import failures  # most threads have none

    return failures.superseded(store, id)


def _newest_failure(store: Store, thread: Thread) -> FailureView | None:
    from uwf.engine.query.steps import failures  # most threads have none

    return failures.newest(store, thread)


def agent_of(reader: Reader, view: ThreadView) -> str:
    """The agent that runs the thread of `view`, or ran it last; "" before its first step."""
    if view.running is not None:
        return view.running.agent or ""
    if not view.is_readable:
        return ""
    chain = back(reader, view.head)
    return next((str(node.payload["agent"]) for _, node in chain if node.kind == "step"), "")


def _corrupt(ref: Ref, error: Exception) -> ThreadView:
    """A thread whose chain cannot be read. One whose head is intact but no chain keeps its status."""
    message = f"a node has a wrong shape: {error}"
    code = BAD_NODE
    if isinstance(error, UwfError):
        message, code = error.message, error.code
    tags = ref.tags
    completed = tags.get(COMPLETED_AT, "")
    return ThreadView(
        thread=ref.name.removeprefix(THREADS),
        head=ref.id,
        status=tags.get(STATUS, CORRUPT) if code == "not_a_chain" else CORRUPT,
        workflow_name=tags.get(WORKFLOW),
        suspended_role=tags.get(SUSPENDED_ROLE),
        suspend_message=tags.get(SUSPEND_MESSAGE),
        error=ErrorView(code, message, None),
        title=tags.get(TITLE),
        labels=labels_of(tags),
        updated_at=ref.updated_ms,
        completed_at=int(completed) if completed.isdecimal() else None,
    )


def _check_shape(position: Position) -> None:
    """Raise `TypeError` where a step that was made by hand has no counts where they belong."""
    counts = (position.index, position.round, *position.visits.values())
    if not all(type(count) is int for count in counts):
        raise TypeError(f"object {position.id[:12]} counts with something that is no number")


def _is_lasting(error: Exception) -> bool:
    """Whether it is the thread that cannot be read. A busy store or a failing disk says nothing about a thread."""
    if not isinstance(error, StoreError) or error.code in _OF_THREAD:
        return True
    return isinstance(error, (ObjectDamaged, StoreUnreadable))
