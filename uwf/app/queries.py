"""What can be seen of threads. Queries only read, and take what a person types for a thread."""

from __future__ import annotations

from uwf import clock, config
from uwf.app.opened import OpenHome
from uwf.errors import ConfigInvalid, CounterUnreadable, StateError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from uwf.app.thread.code import CodeDiff
    from uwf.engine.chain.attempt import Failure
    from uwf.engine.chain.word import Speaker
    from uwf.engine.query.follow import Following, Glance
    from uwf.engine.query.home.costs import Costs
    from uwf.engine.query.home.inbox import Inbox
    from uwf.engine.query.listing import Listing
    from uwf.engine.query.refs import ThreadMove
    from uwf.engine.query.steps.diff import Comparison
    from uwf.engine.query.steps.markdown import Page
    from uwf.engine.query.steps.path import Path
    from uwf.engine.query.thread_view import ThreadView
    from uwf.engine.query.threads import ThreadViews
    from uwf.engine.upkeep.migrate import Unmigrated
    from uwf.store.values import Ref


class Waited(Record):
    """A thread that was waited for, as it is then; and whether it was there in time."""

    thread: ThreadView
    in_time: bool


class ThreadQueries(OpenHome):
    """A home whose threads can be looked at."""

    _has_warned = False

    def thread_id(self, thread: str) -> str:
        """The id of the thread that is meant. Raises `NotFound`, `Ambiguous` or `InputError`."""
        return _id(self.ref_of(thread))

    def short_ids(self, threads: Iterable[str]) -> dict[str, str]:
        """What a person sees and types for each of these ids: the shortest suffix that means it in this home."""
        from uwf.engine.query import resolve

        return {id: resolve.short(self.reader(), id) for id in threads}

    def show(self, thread: str) -> ThreadView:
        """Where a thread stands, what waits to be told, and what a killed uwf has left running of it."""
        return self.views().thread(self.ref_of(thread), is_whole=True)

    def path(self, thread: str) -> Path:
        """Which roles a thread went through lately, what each of them came to, and what failed on the way."""
        from uwf.engine.chain import thread as threads
        from uwf.engine.query.steps import path

        return path.of(self.reader(), threads.read(self.reader(), self.ref_of(thread)))

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

    def left_in_history(self) -> Unmigrated | None:
        """A thread that an early version has kept elsewhere; None without any."""
        from uwf.engine.chain.tags import OLD_THREADS

        if not self.reader().names(OLD_THREADS, limit=1):
            return None
        from uwf.engine.upkeep import migrate

        return migrate.left(self.reader())

    def inbox(self, limit: int | None = None) -> Inbox:
        """What waits for a person, oldest first; with `limit`, among so many suspended threads, the newest ones."""
        from uwf.engine.query.home import inbox

        return inbox.look(self.reader(), self.views(), limit)

    def read(
        self,
        thread: str,
        *,
        quota_chars: int | None = None,
        before: int | None = None,
        when: Callable[[int], str] = clock.iso,
        typed: Callable[[str], str] = str,
    ) -> Page:
        """A thread as Markdown, its newest steps kept first within the quota; only steps `before` an index. `when`
        says a moment as its reader sees it, `typed` a command as its reader types it.
        """
        from uwf.engine.chain import thread as threads
        from uwf.engine.query.steps import markdown

        found = threads.read(self.reader(), self.ref_of(thread))
        quota_chars = quota_chars or self.config.read.chars
        return markdown.thread_page(
            self.reader(),
            found,
            quota_chars=quota_chars,
            before=before,
            way_on=self.views().way_on,
            when=when,
            typed=typed,
        )

    def running(self) -> list[str]:
        """The threads that a process runs now, waits to run or changes, the oldest first."""
        from uwf.engine.chain import thread as threads

        return threads.held(self.reader())

    def agent_of(self, view: ThreadView) -> str:
        """The agent that runs a thread or ran it last; "" before its first step."""
        from uwf.engine.query import threads

        return threads.agent_of(self.reader(), view)

    def moves(self, thread: str) -> list[ThreadMove]:
        """Every move of a thread, oldest first."""
        from uwf.engine.query import refs

        return refs.thread_log(self.reader(), self.ref_of(thread).name)

    def follow(self, *threads: str) -> Iterator[Glance]:
        """Glances at threads that other processes run, one at every change, until all have stopped. One that is due
        has not, while a daemon leads, which has it run.

        Raises `StateError` where the agent of one of them asks for this, which would wait for itself.
        """
        from uwf.engine.query.follow import follow

        return follow(list(map(self.following, threads)))

    def following(self, thread: str) -> Following:
        """The same for whoever has other things to do in between: each look tells what is new."""
        from uwf.engine.query.follow import Following

        id = self.thread_id(thread)
        self._refuse_inside(id)
        return Following(self.reader(), self.views(), id, self._is_taken_up)

    def wait(
        self,
        *threads: str,
        until: Sequence[str] = (),
        timeout_s: float | None = None,
        at_once: int | None = None,
    ) -> Iterator[Waited]:
        """Each thread as soon as no process runs it, or with `until` as soon as it has one of these statuses. One that
        is due is waited for, too, while a daemon leads, which has it run.

        What has ended otherwise is not waited for; what was not there in time comes last. `at_once` says how many are
        waited for at a time. Raises `StateError` where the agent of one of them asks for this.
        """
        from uwf.engine.query import waiting
        from uwf.engine.query.threads import RUNNING

        ids = list(map(self.thread_id, threads))
        if RUNNING not in until:
            for id in ids:
                self._refuse_inside(id)
        found = waiting.wait(
            self.reader(),
            ids,
            until=until,
            timeout_s=timeout_s,
            at_once=at_once,
            is_taken_up=self._is_taken_up,
        )
        return (Waited(self.show(id), in_time) for id, in_time in found)

    def _is_taken_up(self, thread: str) -> bool:
        """Whether a run of the thread is about to begin: it is due, and a daemon leads, which has it run."""
        from uwf.app.unattended.daemon import Daemons
        from uwf.engine.query.home import due

        is_due = due.is_now(self.reader(), thread, clock.now_ms())
        return is_due and Daemons(self).of_all() is not None

    def compare(self, one: str, other: str) -> Comparison:
        """The steps that two threads share, and those after that."""
        from uwf.engine.query.steps import diff

        return diff.compare(self.reader(), self.ref_of(one), self.ref_of(other))

    def code_diff(self, one: str, other: str | None = None) -> CodeDiff | None:
        """What differs between the files of two threads at their heads, or what those of one have become. None where
        they have no worktrees of one repository.
        """
        from uwf.engine.chain.tags import WORKTREE_REPO

        refs = [self.ref_of(each) for each in (one, other) if each is not None]
        if not all(ref.tags.get(WORKTREE_REPO) for ref in refs):
            return None
        from uwf.app.thread import code

        return code.diff(self, *refs)

    def costs(self, threads: Iterable[ThreadView]) -> Costs:
        """What they have cost in all, and by state, workflow, role and model."""
        from uwf.engine.query.home import costs

        found = list(threads)
        refs = (self.ref_of(each.thread) for each in found)
        return costs.of_threads(self.reader(), refs, {each.thread: each.status for each in found})

    def comparison_text(self, found: Comparison) -> str:
        """A comparison for a reader, line by line."""
        from uwf.engine.query.steps import diff

        return diff.text(self.reader(), found)

    def can_name_a_place(self, name: str) -> bool:
        """Whether a thread could ask to run at what is called so."""
        from uwf.engine.chain.place import is_name

        return is_name(name)

    @property
    def machine(self) -> str:
        """What tells this machine, or container, since its boot from others of the same name; "" where nothing does."""
        from uwf.agent.process import platform

        return platform.where(platform.this_process())

    def is_inside_a_step(self) -> bool:
        """Whether this process descends from an agent, or from a program that a home asks, with which it ends."""
        from uwf.agent.process.tree import MARK_NAME

        return MARK_NAME in config.environment() or self.own_thread() is not None

    def own_thread(self) -> str | None:
        """The thread in whose step this process works; None for a person, and for all that no run has started."""
        from uwf.engine.chain.inside import thread_of

        return thread_of(self.reader(), config.environment())

    def speaker(self) -> Speaker:
        """Who speaks here: a person, the agent of a thread, or a program in place of a person (`client`)."""
        from uwf.engine.chain.word import A_PERSON, Speaker, of_thread
        from uwf.trust import BOT

        own = self.own_thread()
        if own is not None:
            return of_thread(own)
        return A_PERSON if self.client is None else Speaker(self.client, BOT)

    def is_inside(self, id: str) -> bool:
        """Whether this process came of what runs on the thread now, however far down."""
        from uwf.engine.chain.inside import is_inside

        return is_inside(self.reader(), id, config.environment())

    def _refuse_inside(self, id: str) -> None:
        if self.is_inside(id):
            raise StateError(
                f"thread {id} runs the agent that asks for this, and stops only after that has ended",
                hint=f"uwf thread show {id}",
                code="inside_a_step",
            )

    def views(self) -> ThreadViews:
        """Threads of this home, as they are shown. A config that is not valid hides none of them."""
        from uwf.engine.query.threads import ThreadViews

        try:
            budget = config.thread_budget(self.settings_read)
        except ConfigInvalid as error:
            if not self._has_warned:
                self._has_warned = True
                self.warn(error.message)
            return ThreadViews(self.reader(), home=self.home)

        def is_exhausted(thread: str, in_a_row: int, failure: Failure | None) -> bool:
            from uwf.guard.attempts import Attempts, exhausted, repeats  # only once one has failed

            alike = 0
            if failure is not None:
                alike = repeats(self.reader(), thread, failure.code, failure.message)
            return exhausted(self.config.rules(Attempts.Rules), in_a_row, alike) is not None

        def left_alone_until_ms(agent: str) -> int | None:
            from uwf.guard.backoff import Backoff
            from uwf.guard.breaker import Breaker, left_alone_until_ms

            rules, backoff = self.config.rules(Breaker.Rules), self.config.rules(Backoff)
            try:
                return left_alone_until_ms(self.reader(), agent, rules, backoff)
            except CounterUnreadable:
                return None  # the refusal of the next step says so; looking goes on

        return ThreadViews(self.reader(), budget, is_exhausted, left_alone_until_ms, self.home)

    def ref_of(self, thread: str) -> Ref:
        from uwf.engine.query import resolve

        return resolve.thread_ref(self.reader(), thread)


def _id(ref: Ref) -> str:
    return ref.name.rpartition("/")[2]
