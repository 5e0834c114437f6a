"""What a person does to a thread, as whole acts: take the lock, settle what a dead process left, then do it.

What each changes in the store is in `uwf.engine.actions`. Running a thread is in `running`.
"""

from __future__ import annotations

from contextlib import suppress

from uwf import clock, points
from uwf import config as settings
from uwf.app.thread import run_context
from uwf.engine.actions import fork as forking
from uwf.engine.actions import lifecycle, timer
from uwf.engine.actions import mark as marking
from uwf.engine.actions import stop as stopping
from uwf.engine.actions import tell as telling
from uwf.engine.actions import undo as undoing
from uwf.engine.chain import kept, told
from uwf.engine.chain import thread as threads
from uwf.engine.chain.attempt import read_attempt
from uwf.engine.chain.inside import is_inside
from uwf.engine.chain.tags import CANCELLED, HISTORY, THREADS, WORKTREE_REPO
from uwf.engine.chain.word import Word, named
from uwf.engine.progress import Recovered
from uwf.engine.query import resolve
from uwf.engine.query.thread_view import ThreadView, WordView, word_view
from uwf.engine.query.threads import RUNNING
from uwf.engine.run import lock
from uwf.engine.run.concurrent import asked
from uwf.engine.run.recovery import intake
from uwf.errors import Busy, Refused, StoreError, UwfError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.queries import ThreadQueries
    from uwf.engine.chain.thread import Thread
    from uwf.engine.chain.wake import Wake
    from uwf.engine.chain.word import Speaker
    from uwf.engine.progress import Progress
    from uwf.engine.run.context import RunContext
    from uwf.store.owner import Owner

SETTLING_S = 5.0
"""Beside the grace of its agent: how long a run that was asked to stop has for its own ending."""


class StopReport(Record):
    """The thread, the process that `ran` it (None when none did), and processes of a killed run that were ended.
    `is_silent`: of that process nothing was heard until its hold on the thread was over, and it may be there still.

    What the thread's own agent asks for `is_recorded`, and done when its step has ended."""

    thread: ThreadView
    ran: Owner | None
    left_behind: tuple[int, ...]
    is_recorded: bool = False
    is_silent: bool = False


class Forked(Record):
    """The new thread, and what it will be told that was not said with the fork."""

    thread: ThreadView
    carried: tuple[str, ...]


class Told(WordView):
    """What was said, and the thread whose next step will be told."""

    thread: str
    status: str


class Undone(Record):
    """The thread, and what waits there for the next step."""

    thread: ThreadView
    carried: tuple[str, ...]


def stop(home: ThreadQueries, id: str) -> StopReport:
    if _is_recorded(home, id, asked.STOP):
        return StopReport(_shown(home, id), None, (), is_recorded=True)
    with suppress(StoreError):  # who cannot write may stop it all the same
        timer.stopped(home.store(), id)  # before its end, which a daemon may see first
    ran = _end_run(home, id)
    is_silent = ran is not None and home.store().leases.has_lapsed(id)
    left_behind = _end_what_was_left(home, id)
    timer.stopped(home.store(), id)
    return StopReport(_shown(home, id), ran, left_behind, is_silent=is_silent)


def cancel(home: ThreadQueries, id: str, reason: str | None) -> ThreadView:
    context = run_context.of(home)
    lifecycle.refuse_ended(threads.current(context.store, context.cache, id))
    if _is_recorded(home, id, asked.CANCEL, reason):
        return _shown(home, id)
    was_asked = asked.is_asked(context.store, id)
    asked.record(context.store, id, asked.CANCEL, reason)
    try:
        thread = _cancelled(home, context, id, reason)
    except BaseException:
        if not was_asked:
            asked.take_back(context.store, id)
        raise
    return home.views().of(thread)


def cancel_soon(home: ThreadQueries, id: str, reason: str) -> bool:
    """Cancel a thread and wait for nothing. False while what runs it has not ended: ask again later.

    What does not end by itself in the time that a run has for that is killed.
    """
    context = run_context.of(home)
    store = context.store
    if threads.current(store, context.cache, id).status in HISTORY:
        return True
    asked_ms = asked.since_ms(store, id)
    if asked_ms is None:
        asked.record(store, id, asked.CANCEL, reason)
        stopping.tell(store, id)
    elif clock.now_ms() - asked_ms > (home.config.limits.grace_s + SETTLING_S) * 1000:
        stopping.stop(store, id, patience_s=0)
    try:
        with lock.hold(context, id) as held:
            thread = intake.recover(held, id)[0]
            if thread.status not in HISTORY:
                lifecycle.cancel(held.store, thread, reason)
    except Busy:
        return False
    return True


def _cancelled(home: ThreadQueries, context: RunContext, id: str, reason: str | None) -> Thread:
    """End what runs the thread, and then the thread. It is on record that this is asked: whoever waited for the lock
    and gets it first does it before anything else, so that no waiter runs a step of a thread that is to end.
    """
    deadline_s = clock.monotonic_s() + home.config.limits.grace_s + SETTLING_S
    while True:
        _end_run(home, id)
        points.at("cancel: run ended")
        try:
            with lock.hold(context, id, wait_s=1.0) as held:
                thread = intake.recover(held, id)[0]
                if thread.status == CANCELLED:
                    return thread
                return lifecycle.cancel(held.store, thread, reason)
        except Refused:
            thread = threads.current(context.store, context.cache, id)
            if thread.status == CANCELLED:
                return thread
            if clock.monotonic_s() >= deadline_s:
                raise


def mark(home: ThreadQueries, id: str, marks: marking.Marks) -> ThreadView:
    marking.mark(home.store(), id, marks)
    return _shown(home, id)


def tell(
    home: ThreadQueries, id: str, text: str, speaker: Speaker, wish: Wake | None = None
) -> Told:
    said = home.clean(text, "what you say")
    who = named(home.clean(speaker.who, "who says it"))
    store = home.store()
    word = Word(said, who, speaker.trust, clock.now_ms())
    status = telling.tell(store, id, word, wish)
    if threads.runner(store, id) is not None:
        status = RUNNING
    home.poke_daemon()
    return Told(**vars(word_view(word)), thread=id, status=status)


def fork(
    home: ThreadQueries, step: str, supplement: str | None, cwd: str | None, speaker: Speaker
) -> Forked:
    node, source = resolve.forkable(home.reader(), step)
    said = home.clean(supplement, "what you add") if supplement else None
    thread = forking.fork(home.store(), node, source, said, cwd, home.home, speaker)
    carried = tuple(text for text in _carried(home, thread) if text != said)
    if thread.tags.get(WORKTREE_REPO):
        from uwf.app.thread import worktrees

        thread = worktrees.begun(home, thread)
    return Forked(home.views().of(thread), carried)


def undo(home: ThreadQueries, id: str, *, files: bool) -> Undone:
    with lock.hold(run_context.of(home), id) as context:
        thread = intake.recover(context, id)[0]
        if files:
            from uwf.app.thread import worktrees

            thread = worktrees.undo(context, thread)
        else:
            thread = undoing.undo(context.store, thread)
    return Undone(home.views().of(thread), _carried(home, thread))


def _carried(home: ThreadQueries, thread: Thread) -> tuple[str, ...]:
    """What the next step of a thread will be told, oldest first; the remark of a poke before all that."""
    remark = None if thread.plan is None else thread.plan.remark
    words = tuple(word.text for word in told.waiting(home.store(), thread.id))
    return words if remark is None else (remark, *words)


def _is_recorded(home: ThreadQueries, id: str, verb: str, reason: str | None = None) -> bool:
    """Whether it is the thread's own agent that asks for this, which is done when its step has ended."""
    if not is_inside(home.store(), id, settings.environment()):
        return False
    asked.record(home.store(), id, verb, reason)
    home.warn(
        f"thread {id} runs the agent that asks for this: {verb} is recorded, and done when its step ends"
    )
    return True


def _end_run(home: ThreadQueries, id: str) -> Owner | None:
    """Stop what runs the thread, with time for its agent to end. The process that ran it, None if none did."""

    def on_wait(owner: Owner) -> None:
        home.warn(
            f"thread {id} is run by {owner.in_words}, which is asked to stop; that may take a minute"
        )

    patience_s = home.config.limits.grace_s + SETTLING_S
    return stopping.stop(home.store(), id, patience_s=patience_s, on_wait=on_wait)


def settle_what_was_left(home: ThreadQueries, id: str) -> None:
    """Put in order what a killed run has left, where that can be done; what runs, and a full disk, stay as they are."""
    attempt = read_attempt(home.reader(), id)
    is_left = attempt is not None and attempt.running is not None
    if is_left or kept.found(home.home, id):
        with suppress(UwfError):
            intake.recover_if_free(run_context.of(home), id)


def _end_what_was_left(home: ThreadQueries, id: str) -> tuple[int, ...]:
    """Settle what a killed run left behind, unless the thread is run again already. The pids that were ended."""
    ended: list[int] = []

    def note(event: Progress) -> None:
        if isinstance(event, Recovered):
            ended.extend(event.ended_pids)

    try:
        with lock.hold(run_context.of(home, note), id) as context:
            intake.recover(context, id)
    except Busy:
        return ()
    return tuple(ended)


def _shown(home: ThreadQueries, id: str) -> ThreadView:
    ref = home.store().ref(THREADS + id)
    assert ref is not None, "no act deletes a thread"
    return home.views().thread(ref, is_whole=True)
