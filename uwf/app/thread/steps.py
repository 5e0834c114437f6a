"""The steps of a thread, their prompts, replies and turns, and the attempts that failed."""

from __future__ import annotations

from uwf import clock
from uwf.engine.query import resolve
from uwf.engine.query.steps import steps, turns
from uwf.engine.query.steps.steps import StepPage as StepPage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.app.opened import OpenHome
    from uwf.app.thread.code import CodeDiff
    from uwf.engine.query.steps.failures import FailureView
    from uwf.engine.query.steps.markdown import Page
    from uwf.engine.query.steps.steps import AttemptPage, StepRow
    from uwf.engine.query.steps.turns import TurnRow, TurnView


class Steps:
    """What `app.steps` can do. A step is named by an id, `THREAD~N`, `THREAD/role@N`, or a thread for its last one."""

    def __init__(self, home: OpenHome) -> None:
        self._home = home

    def all(self, thread: str) -> list[StepRow]:
        """The steps of a thread, oldest first."""
        reader = self._home.reader()
        return steps.rows(reader, resolve.thread_ref(reader, thread).id)

    def show(self, step: str) -> StepPage | AttemptPage:
        """One step, whole; or an attempt that failed: also the last one of a thread that has no step yet."""
        reader, (id, is_attempt) = self._home.reader(), self._find(step)
        return steps.attempt_page(reader, id) if is_attempt else steps.page(reader, id)

    def read(self, step: str, when: Callable[[int], str] = clock.iso) -> Page:
        """The same as Markdown; `when` says a moment as its reader sees it."""
        from uwf.engine.query.steps import markdown

        reader, (id, is_attempt) = self._home.reader(), self._find(step)
        page = markdown.attempt_page if is_attempt else markdown.step_page
        return page(reader, id, when)

    def turns(self, thread: str, step: str | None = None) -> list[TurnRow]:
        """What the agents of a thread said, failed attempts included; with `step`, only for that one."""
        from uwf.engine.chain.thread import runner

        reader = self._home.reader()
        ref = resolve.thread_ref(reader, thread)
        only = None if step is None else resolve.step_id(reader, step)
        is_running = runner(reader, ref.name.rpartition("/")[2]) is not None
        return turns.of_thread(reader, ref, only, is_running=is_running)

    def newest_turns(self, thread: str, limit: int) -> list[TurnView]:
        """The last turns of what runs on a thread now, at most `limit`, oldest first."""
        reader = self._home.reader()
        return turns.newest(reader, resolve.thread_ref(reader, thread), limit)

    def code(self, thread: str, step: StepPage) -> CodeDiff | None:
        """What a step of a thread has changed in its worktree, rid of secrets; None where there is none to compare."""
        from uwf.app.thread import code

        files = step.worktree or {}
        before, after = files.get("before"), files.get("after")
        if before is None or after is None or before == after:
            return None
        reader = self._home.reader()
        return code.between(self._home, resolve.thread_ref(reader, thread), before, after)

    def last_attempt(self, thread: str) -> str | None:
        """The newest attempt of a thread that has not become a step; None when there is none."""
        reader = self._home.reader()
        return turns.last_attempt(reader, resolve.thread_ref(reader, thread))

    def failed(self, thread: str) -> tuple[FailureView, ...]:
        """The attempts at the next step of a thread, oldest first."""
        from uwf.engine.chain import thread as threads
        from uwf.engine.query.steps import failures

        reader = self._home.reader()
        ref = resolve.thread_ref(reader, thread)
        return failures.since_head(reader, threads.read(reader, ref))

    def _find(self, step: str) -> tuple[str, bool]:
        """The id that is meant, and whether it is an attempt's."""
        reader = self._home.reader()
        id = resolve.step_id(reader, step, or_attempt=True)
        return id, reader.get(id).kind == "attempt"
