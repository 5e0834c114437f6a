"""What can be done with threads. Each verb is a whole act: see `thread/acts` and `thread/running`.

Everything below is imported where it is used: commands that look import this file, too.
"""

from __future__ import annotations

from uwf import clock, config
from uwf.app.opened import absolute
from uwf.app.queries import ThreadQueries
from uwf.errors import InputError, StateError
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import IO

    from uwf.agent.stop import Stop
    from uwf.app.thread.acts import Forked, StopReport, Told, Undone
    from uwf.engine.actions.merge import BroughtIn
    from uwf.engine.actions.transfer import Imported
    from uwf.engine.progress import Progress
    from uwf.engine.query.thread_view import RunView, ThreadView
    from uwf.working import OnWork


class ThreadVerbs(ThreadQueries):
    """A home whose threads can be begun, run and changed."""

    def start(
        self,
        workflow: str,
        task: str,
        *,
        cwd: str | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        budget: Mapping[str, float] | None = None,
        wakes: bool = False,
        worktree: str | None = None,
        place: str | None = None,
    ) -> ThreadView:
        """A new thread, idle before its first step. `cwd` is where its agents work, by default here.

        One that `wakes` is due at once: whoever runs what is due runs it. `worktree` is the branch of a worktree of the
        repository there, "" for a branch that is named after the thread; None: as the config says, which has nothing to
        say where a `cwd` is given. `place` is where it may run, of many machines: `host:NAME` or `label:NAME`.
        """
        from uwf.app.setup.workflows import Workflows
        from uwf.engine.actions import lifecycle
        from uwf.engine.chain.wake import PERSON, Wake

        is_by_config = worktree is None and cwd is None
        try:
            cwd = absolute(cwd)
        except FileNotFoundError:
            import shlex

            raise InputError(
                "the current folder does not exist any more",
                hint=shlex.join(("uwf", "thread", "start", workflow, "-p", "TEXT", "--cwd", "DIR")),
                code="no_folder",
            ) from None
        workflows = Workflows(self)
        found = workflows.find(workflow)
        begin = lifecycle.Begin(
            found.workflow,
            task,
            cwd,
            dict(labels or {}),
            priority,
            budget or {},
            config.local_zone(),
            wake=Wake(self.now_ms(), PERSON, "started") if wakes else None,
            place=place,
        )
        if worktree is not None or (is_by_config and self.has_worktrees):
            from uwf.app.thread import worktrees

            lifecycle.check(begin)
            branch = worktree or None
            asked = worktrees.asked_for(self, cwd, branch, is_needed=worktree is not None)
            begin = replace(begin, worktree=asked)
        thread = lifecycle.start(self.store(create=True), begin)
        if begin.worktree is not None:
            from uwf.app.thread import worktrees

            thread = worktrees.begun(self, thread)
        workflows.tell_hidden(found.workflow)
        self.tell_hidden(task, "the task")
        self.tell_hidden(cwd, "the name of the working directory")
        self.tell_hidden(str(begin.labels), "a label")
        if wakes:
            self.poke_daemon()
        return self.views().of(thread)

    def exec(
        self,
        thread: str,
        *,
        count: int | None = 1,
        agent: str | None = None,
        supplement: str | None = None,
        workflow: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[RunView]:
        """Run the next `count` steps of a thread, None for all until it stops, giving each as it is done.

        `supplement` is what a person adds; it resumes a suspended or completed thread. With `workflow` the thread goes
        on with that one. Raises `StateError` and `Refused` with nothing changed, `Interrupted` when `stop` was asked
        for. It waits up to `wait_s` seconds for another run, a slot, or a pause that ends. A person who waits for what
        is `interactive` has seats.
        """
        from uwf.app.thread import running
        from uwf.engine.run.order import EXEC, Order

        order = Order(EXEC, count, agent, supplement, wait_s=wait_s, is_interactive=interactive)
        return running.run(self, thread, order, stop, on_progress, workflow)

    def resume(
        self,
        thread: str,
        *,
        count: int | None = 1,
        agent: str | None = None,
        supplement: str | None = None,
        budget: str | None = None,
        cwd: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[RunView]:
        """Go on with a suspended or completed thread as `exec` does. It counts as a person's, who goes before others.

        `budget` changes what it may use, as in `+usd=2`; `cwd` is the folder that its agents work in from now on. With
        one of them an idle thread goes on as well.
        """
        from uwf.app.thread import running
        from uwf.engine.run.order import RESUME, Order

        folder = None if cwd is None else _folder(cwd)
        order = Order(
            RESUME,
            count,
            agent,
            supplement,
            budget=budget,
            wait_s=wait_s,
            cwd=folder,
            is_interactive=interactive,
        )
        return running.run(self, thread, order, stop, on_progress)

    def retry(
        self,
        thread: str,
        *,
        count: int | None = 1,
        agent: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[RunView]:
        """Try a step again that has failed, and go on as `exec` does. Raises `StateError` when none has."""
        from uwf.app.thread import running
        from uwf.engine.run.order import RETRY, Order

        order = Order(RETRY, count, agent, wait_s=wait_s, is_interactive=interactive)
        return running.run(self, thread, order, stop, on_progress)

    def poke(
        self,
        thread: str,
        remark: str,
        *,
        agent: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[RunView]:
        """Run the head step's role again with a remark; the new step replaces the head."""
        from uwf.app.thread import running
        from uwf.engine.run.order import POKE, Order

        order = Order(
            POKE, agent=agent, supplement=remark, wait_s=wait_s, is_interactive=interactive
        )
        return running.run(self, thread, order, stop, on_progress)

    def way_on(self, thread: str) -> str:
        """The shortest command that lets a thread go on."""
        from uwf.engine.chain import thread as threads

        return self.views().way_on(threads.read(self.reader(), self.ref_of(thread)))

    def stop(self, thread: str) -> StopReport:
        """End what runs on a thread now, and what a killed run has left behind; the thread stays as it is."""
        from uwf.app.thread import acts

        return acts.stop(self, self.thread_id(thread))

    def cancel(self, thread: str, reason: str | None = None) -> ThreadView:
        """End a thread for good. What runs is stopped first."""
        from uwf.app.thread import acts

        return acts.cancel(self, self.thread_id(thread), reason)

    def mark(
        self,
        thread: str,
        *,
        labels: Mapping[str, str] | None = None,
        priority: int | None = None,
        title: str | None = None,
        place: str | None = None,
    ) -> ThreadView:
        """Set labels, the priority, the title, the place of a thread, on record. What is empty is taken away."""
        from uwf.app.thread import acts
        from uwf.engine.actions.mark import Marks

        self.tell_hidden(f"{labels} {title}", "a label or the title")
        return acts.mark(self, self.thread_id(thread), Marks(labels or {}, priority, title, place))

    def tell(self, thread: str, text: str, *, who: str | None = None) -> Told:
        """Leave words for the next step of a thread, also while it runs; nothing is run.

        `who` says them, a name; by default a person, or the thread whose agent asks for this.
        """
        from uwf.app.thread import acts
        from uwf.engine.chain.word import WHO_CHARS

        id, speaker = self.thread_id(thread), self.speaker()
        if who is not None:
            if not (who.strip() and who.isprintable() and len(who) <= WHO_CHARS):
                raise InputError(
                    f"who says it is a name on one line, of up to {WHO_CHARS} characters",
                    hint=f"uwf thread tell {id} TEXT --from 'a name'",
                )
            speaker = speaker.naming(who)
        return acts.tell(self, id, text, speaker)

    def answer(self, thread: str, text: str) -> Told:
        """Answer what a suspended thread asks: it is told, and due at once. `StateError` for one that asks nothing, and
        for the agent that asks it.
        """
        from uwf.app.thread import acts
        from uwf.engine.chain.tags import STATUS, SUSPENDED, THREADS
        from uwf.engine.chain.wake import PERSON, Wake

        ref = self.ref_of(thread)
        id, status = ref.name.removeprefix(THREADS), ref.tags.get(STATUS)
        if id == self.own_thread() or self.is_inside(id):
            raise StateError(
                f"thread {id} runs the agent that answers, and no agent answers its own question",
                hint=f"uwf thread tell {id} TEXT",
                code="inside_a_step",
            )
        if status != SUSPENDED:
            raise StateError(
                f"thread {id} is {status}: it asks nothing",
                hint=f"uwf thread tell {id} TEXT",
                code="not_asking",
            )
        wish = Wake(clock.now_ms(), PERSON, "it was answered", for_words=True)
        told = acts.tell(self, id, text, self.speaker(), wish)
        self.poke_daemon()
        return told

    def fork(self, step: str, supplement: str | None = None, *, cwd: str | None = None) -> Forked:
        """A new thread that shares all history up to a step, or to the head of a thread; it may work in `cwd`."""
        from uwf.app.thread import acts

        folder = None if cwd is None else _folder(cwd)
        return acts.fork(self, step, supplement, folder, self.speaker())

    def undo(self, thread: str, *, files: bool = False) -> Undone:
        """Move a thread's head back to where it was before; a cancelled thread becomes what it was.

        With `files` those of its worktree go back as well.
        """
        from uwf.app.thread import acts

        return acts.undo(self, self.thread_id(thread), files=files)

    def merge(self, thread: str, *, onto: str | None = None, wait_s: float = 0.0) -> BroughtIn:
        """Bring the work in a thread's worktree into the branch that it is for, or `onto` another one.

        It waits up to `wait_s` seconds for other merges, and for a run of the thread.
        """
        from uwf.app.thread import worktrees

        return worktrees.merge(self, self.thread_id(thread), onto, wait_s)

    def export(self, thread: str, stream: IO[bytes]) -> int:
        """Write a thread with all its history, the attempt of a killed run too; the number of objects."""
        from uwf.app.thread import acts
        from uwf.engine.actions import transfer

        acts.settle_what_was_left(self, id := self.thread_id(thread))
        return transfer.export(self.store(), id, stream)

    def export_to(self, thread: str, path: str, *, code: str | None = None) -> int:
        """The same into a new file, which appears whole or not at all. `code` is a second one, for what git has of the
        thread's worktree.
        """
        from uwf.app.thread import acts
        from uwf.engine.actions import transfer

        acts.settle_what_was_left(self, id := self.thread_id(thread))
        if code is None:
            return transfer.export_to(self.store(), id, path)
        from uwf.app.thread import code as carried

        return carried.export_to(self, id, path, code)

    def import_threads(
        self,
        stream: IO[bytes],
        name: str,
        *,
        cwd: str | None = None,
        code: str | None = None,
        on_work: OnWork | None = None,
    ) -> Imported:
        """Take in the threads of a file that `export` wrote, which a person calls `name`; here they work in `cwd`.

        With `code`, the second file, in worktrees of the repository that is there.
        """
        from uwf.engine.actions import transfer

        if code is not None:
            from uwf.app.thread import code as carried

            return carried.import_threads(self, stream, name, absolute(cwd), code, on_work)
        folder = None if cwd is None else _folder(cwd)
        store = self.store(create=True)
        return transfer.import_threads(
            store, stream, name, self.home, self.gate, folder, on_work=on_work
        )


def _folder(path: str) -> str:
    """The absolute path of a folder for agents to work in. Raises `InputError` when there is none."""
    from uwf.engine.actions.lifecycle import check_folder

    folder = absolute(path)
    check_folder(folder)
    return folder
