"""The one face of the engine: every front door (the command line, a daemon, a server, a screen) uses `App`.

    with App.open(home) as app:
        thread = app.start("review", "Look at the parser.", labels={"repo": "shop"})
        for done in app.exec(thread.thread, count=None):
            print(done.step_status)

Verbs are whole acts: each takes the locks it needs, settles what a dead process left, and answers with the thread
as it is then. Queries only read. Both take what a person types for a thread or a step: an id, a part of one,
`@last`. What they answer are records (`uwf.app.values`); a run tells of itself in events (`uwf.app.events`); errors are
those of `uwf.errors`. Threads stand here; what else a home has is in rooms of its own: `steps`, `workflows`,
`objects`, `guards`, `upkeep`, `settings`, `agents`.

Commands that look pay for what is imported, so everything below is imported where it is used.
"""

from __future__ import annotations

from uwf import config
from uwf.app.opened import QUICK_S, OpenHome, absolute, no_warning
from uwf.errors import InputError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import IO

    from uwf.agent.stop import Stop
    from uwf.app.acts import Forked, StopReport, Undone
    from uwf.app.agents import Agents
    from uwf.app.completion import Candidate
    from uwf.app.guards import Guards
    from uwf.app.objects import StoredObjects
    from uwf.app.settings import Settings
    from uwf.app.steps import Steps
    from uwf.app.upkeep import Upkeep
    from uwf.app.workflows import Workflows
    from uwf.engine.actions.transfer import Imported
    from uwf.engine.events import Event
    from uwf.engine.query.diff import Comparison
    from uwf.engine.query.follow import Glance
    from uwf.engine.query.listing import Listing
    from uwf.engine.query.markdown import Page
    from uwf.engine.query.refs import ThreadMove
    from uwf.engine.query.thread_view import RunView, ThreadView
    from uwf.store.protocols import Ref


class Waited(Record):
    """A thread that was waited for, as it is then; and whether it was there in time."""

    thread: ThreadView
    in_time: bool


class App(OpenHome):
    """Everything one can do with a home, and see of it."""

    @classmethod
    def open(
        cls,
        home: str | None = None,
        *,
        warn: Callable[[str], None] = no_warning,
        wait_s: float = QUICK_S,
    ) -> App:
        """The home at `home`, by default that of the environment. Nothing is read or made yet.

        `warn` is told what will go wrong one day. `wait_s` bounds the waiting for other writers of the store, but for
        a run, which waits longer.
        """
        return cls(config.home(home), warn, wait_s)

    def __enter__(self) -> App:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # -- looking at threads

    def thread_id(self, thread: str) -> str:
        """The id of the thread that is meant. Raises `NotFound`, `Ambiguous` or `InputError`."""
        return _id(self.ref_of(thread))

    def show(self, thread: str) -> ThreadView:
        """Where a thread stands, and what a killed uwf has left running of it."""
        return self.views().thread(self.ref_of(thread), with_processes=True)

    def threads(
        self,
        statuses: Sequence[str] | str = "active",
        *,
        workflow: str | None = None,
        labels: Mapping[str, str] | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        classes: Sequence[str] = (),
        sort: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Listing:
        """Threads, newest first: those with one of `statuses`, or the `active`, the `history`, or `all` of them.

        `sort` asks for another order: see `listing.NUMBERS` and `WORDS`; a `-` before it turns that round. With
        `classes` only those whose last attempt was a failure of such a class.
        """
        from uwf.engine.query import listing

        wanted = listing.wanted(
            self.reader(), statuses, workflow, labels, since_ms, until_ms, classes
        )
        return listing.look(
            self.reader(), self.views(), wanted, limit=limit, offset=offset, sort=sort
        )

    def read(
        self, thread: str, *, quota_chars: int | None = None, before: int | None = None
    ) -> Page:
        """A thread as Markdown, its newest steps kept first within the quota; only steps `before` an index."""
        from uwf.engine.chain import thread as threads
        from uwf.engine.query import markdown

        found = threads.read(self.reader(), self.ref_of(thread))
        quota_chars = quota_chars or self.config.read.chars
        return markdown.thread_page(self.reader(), found, quota_chars=quota_chars, before=before)

    def agent_of(self, view: ThreadView) -> str:
        """The agent that runs a thread or ran it last; "" before its first step."""
        from uwf.engine.query import threads

        return threads.agent_of(self.reader(), view)

    def log(self, thread: str) -> list[ThreadMove]:
        """Every move of a thread, oldest first."""
        from uwf.engine.query import refs

        return refs.thread_log(self.reader(), self.ref_of(thread).name)

    def follow(self, thread: str) -> Iterator[Glance]:
        """Glances at a thread that another process runs, one at every change, until it stops."""
        from uwf.engine.query.follow import follow

        return follow(self.reader(), self.views(), self.thread_id(thread))

    def wait(
        self,
        *threads: str,
        until: Sequence[str] = (),
        timeout_s: float | None = None,
        at_once: int | None = None,
    ) -> Iterator[Waited]:
        """Each thread as soon as no process runs it, or with `until` as soon as it has one of these statuses.

        What has ended otherwise is not waited for; what was not there in time comes last. `at_once` says how many are
        waited for at a time.
        """
        from uwf.engine.query import waiting

        ids = list(map(self.thread_id, threads))
        found = waiting.wait(self.reader(), ids, until=until, timeout_s=timeout_s, at_once=at_once)
        return (Waited(self.show(id), in_time) for id, in_time in found)

    def compare(self, one: str, other: str) -> Comparison:
        """The steps that two threads share, and those after that."""
        from uwf.engine.query import diff

        return diff.compare(self.reader(), self.ref_of(one), self.ref_of(other))

    def comparison_text(self, found: Comparison) -> str:
        """A comparison for a reader, line by line."""
        from uwf.engine.query import diff

        return diff.text(self.reader(), found)

    def is_inside_a_step(self) -> bool:
        """Whether this process descends from an agent, with whose step it ends."""
        from uwf.agent.process.tree import MARK_NAME

        return MARK_NAME in config.environment()

    def complete(self, kind: str, prefix: str = "") -> Iterator[Candidate]:
        """What may be typed for a `thread`, a `step`, a `workflow`, …, `prefix` being typed: see `completion.KINDS`."""
        from uwf.app.completion import KINDS

        return KINDS[kind](self, prefix)

    # -- acting on threads

    def start(
        self,
        workflow: str,
        task: str,
        *,
        cwd: str | None = None,
        labels: Mapping[str, str] | None = None,
        priority: int = 0,
        budget: Mapping[str, float] | None = None,
    ) -> ThreadView:
        """A new thread, idle before its first step. `cwd` is where its agents work, by default here."""
        from uwf.engine.actions import lifecycle

        try:
            cwd = absolute(cwd)
        except FileNotFoundError:
            import shlex

            raise InputError(
                "the current folder does not exist any more",
                hint=shlex.join(("uwf", "thread", "start", workflow, "-p", "TEXT", "--cwd", "DIR")),
                code="no_folder",
            ) from None
        found = self.workflows.find(workflow)
        begin = lifecycle.Begin(
            found.workflow,
            task,
            cwd,
            dict(labels or {}),
            priority,
            budget or {},
            config.local_zone(),
        )
        thread = lifecycle.start(self.store(create=True), begin)
        self.workflows.tell_hidden(found.workflow)
        self.tell_hidden(task, "the task")
        self.tell_hidden(cwd, "the name of the working directory")
        self.tell_hidden(str(begin.labels), "a label")
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
        on_event: Callable[[Event], None] | None = None,
    ) -> Iterator[RunView]:
        """Run the next `count` steps of a thread, None for all until it stops, giving each as it is done.

        `supplement` is what a person adds; it resumes a suspended or completed thread. With `workflow` the thread goes
        on with that one. Raises `StateError` and `Refused` with nothing changed, `Interrupted` when `stop` was asked
        for. It waits up to `wait_s` seconds for another run, a slot, or a pause that ends. A person who waits for what
        is `interactive` has seats.
        """
        from uwf.app import running
        from uwf.engine.run.order import EXEC, Order

        self.be_patient()
        rebind = None if workflow is None else self.workflows.store(workflow)
        order = Order(
            EXEC, count, agent, supplement, rebind, wait_s=wait_s, is_interactive=interactive
        )
        return running.run(self, self.thread_id(thread), order, stop, on_event)

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
        on_event: Callable[[Event], None] | None = None,
    ) -> Iterator[RunView]:
        """Go on with a suspended or completed thread as `exec` does.

        `budget` changes what it may use, as in `+usd=2`; `cwd` is the folder that its agents work in from now on. With
        one of them an idle thread goes on as well.
        """
        from uwf.app import running
        from uwf.engine.run.order import RESUME, Order

        self.be_patient()
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
        return running.run(self, self.thread_id(thread), order, stop, on_event)

    def retry(
        self,
        thread: str,
        *,
        count: int | None = 1,
        agent: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Iterator[RunView]:
        """Try a step again that has failed, and go on as `exec` does. Raises `StateError` when none has."""
        from uwf.app import running
        from uwf.engine.run.order import RETRY, Order

        self.be_patient()
        order = Order(RETRY, count, agent, wait_s=wait_s, is_interactive=interactive)
        return running.run(self, self.thread_id(thread), order, stop, on_event)

    def poke(
        self,
        thread: str,
        remark: str,
        *,
        agent: str | None = None,
        wait_s: float = 0.0,
        interactive: bool = False,
        stop: Stop | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Iterator[RunView]:
        """Run the head step's role again with a remark; the new step replaces the head."""
        from uwf.app import running
        from uwf.engine.run.order import POKE, Order

        self.be_patient()
        order = Order(
            POKE, agent=agent, supplement=remark, wait_s=wait_s, is_interactive=interactive
        )
        return running.run(self, self.thread_id(thread), order, stop, on_event)

    def way_on(self, thread: str) -> str:
        """The command that lets a suspended or completed thread go on."""
        from uwf.engine.chain import thread as threads

        return self.views().way_on(threads.read(self.reader(), self.ref_of(thread)))

    def stop(self, thread: str) -> StopReport:
        """End what runs on a thread now, and what a killed run has left behind; the thread stays as it is."""
        from uwf.app import acts

        return acts.stop(self, self.thread_id(thread))

    def cancel(self, thread: str, reason: str | None = None) -> ThreadView:
        """End a thread for good. What runs is stopped first."""
        from uwf.app import acts

        return acts.cancel(self, self.thread_id(thread), reason)

    def mark(
        self,
        thread: str,
        *,
        labels: Mapping[str, str] | None = None,
        priority: int | None = None,
        title: str | None = None,
    ) -> ThreadView:
        """Set labels, the priority, the title of a thread, on record. An empty label or title is taken away."""
        from uwf.app import acts
        from uwf.engine.actions.mark import Marks

        self.tell_hidden(f"{labels} {title}", "a label or the title")
        return acts.mark(self, self.thread_id(thread), Marks(labels or {}, priority, title))

    def fork(self, step: str, supplement: str | None = None, *, cwd: str | None = None) -> Forked:
        """A new thread that shares all history up to a step, or to the head of a thread; it may work in `cwd`."""
        from uwf.app import acts

        return acts.fork(self, step, supplement, None if cwd is None else _folder(cwd))

    def undo(self, thread: str) -> Undone:
        """Move a thread's head back to where it was before; a cancelled thread becomes what it was."""
        from uwf.app import acts

        return acts.undo(self, self.thread_id(thread))

    def export(self, thread: str, stream: IO[bytes]) -> int:
        """Write a thread with all its history, the attempt of a killed run too; the number of objects."""
        from uwf.app import acts
        from uwf.engine.actions import transfer

        acts.settle_what_was_left(self, id := self.thread_id(thread))
        return transfer.export(self.store(), id, stream)

    def export_to(self, thread: str, path: str) -> int:
        """The same into a new file, which appears whole or not at all."""
        from uwf.app import acts
        from uwf.engine.actions import transfer

        acts.settle_what_was_left(self, id := self.thread_id(thread))
        return transfer.export_to(self.store(), id, path)

    def import_threads(self, stream: IO[bytes], name: str, *, cwd: str | None = None) -> Imported:
        """Take in the threads of a file that `export` wrote, which a person calls `name`; here they work in `cwd`."""
        from uwf.engine.actions import transfer

        folder = None if cwd is None else _folder(cwd)
        store = self.store(create=True)
        return transfer.import_threads(store, stream, name, self.home, self.gate, folder)

    # -- the other rooms

    @property
    def steps(self) -> Steps:
        from uwf.app.steps import Steps

        return Steps(self)

    @property
    def workflows(self) -> Workflows:
        from uwf.app.workflows import Workflows

        return Workflows(self)

    @property
    def objects(self) -> StoredObjects:
        from uwf.app.objects import StoredObjects

        return StoredObjects(self)

    @property
    def guards(self) -> Guards:
        from uwf.app.guards import Guards

        return Guards(self)

    @property
    def upkeep(self) -> Upkeep:
        from uwf.app.upkeep import Upkeep

        return Upkeep(self)

    @property
    def settings(self) -> Settings:
        from uwf.app.settings import Settings

        return Settings(self)

    @property
    def agents(self) -> Agents:
        from uwf.app.agents import Agents

        return Agents(self)

    def ref_of(self, thread: str) -> Ref:
        from uwf.engine.query import resolve

        return resolve.thread_ref(self.reader(), thread)


def _folder(path: str) -> str:
    """The absolute path of a folder for agents to work in. Raises `InputError` when there is none."""
    from uwf.engine.actions.lifecycle import check_folder

    folder = absolute(path)
    check_folder(folder)
    return folder


def _id(ref: Ref) -> str:
    return ref.name.rpartition("/")[2]
