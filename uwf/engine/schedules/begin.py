"""Doing what was claimed: starting its thread or waking those it is for, once, whoever is killed meanwhile.

That a thread was made, or told, and that its occurrence has started is one transaction. So a claim that is found
without it was left by one who died, and whoever looks next begins it. Before that it is asked whether another one of
the schedule is in the way, and whether a precheck thinks it worth it; neither is waited for: what cannot be told yet is
asked again at the next look.
"""

from __future__ import annotations

from uwf import points, quantities
from uwf.engine.actions import lifecycle
from uwf.engine.chain import told, wake
from uwf.engine.chain.tags import CANCELLED, LABEL, STATUS, THREADS, THREADS_END
from uwf.engine.chain.thread import wake_by
from uwf.engine.chain.word import Word
from uwf.engine.schedules import facts
from uwf.engine.schedules import occurrence as occurrences
from uwf.engine.schedules.occurrence import (
    BACKFILL,
    BY_TIME,
    CLAIMED,
    ENDED,
    FAILED,
    SKIPPED,
    STARTED,
    UNDER_WAY,
    Occurrence,
)
from uwf.engine.schedules.precheck import PATIENCE_S, Verdict
from uwf.errors import InputError, NotFound, ObjectDamaged, StateError
from uwf.record import Record, replace
from uwf.trust import BOT, OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from uwf.config.schedules import Schedule
    from uwf.engine.chain.worktree import WorktreeAsked
    from uwf.engine.schedules.facts import Watch
    from uwf.engine.schedules.precheck import Prechecks
    from uwf.store.protocols import Store, Transaction
    from uwf.store.values import Ref
    from uwf.workflow.model import Workflow

SKIP, QUEUE = "skip", "queue"
"""Policies `overlap`."""

HOPELESS = (InputError, NotFound, StateError, ObjectDamaged)
"""Why one cannot begin, now or later. A store that is full or busy is none: the claim waits for it."""

_GRACE_MS = 10_000
"""After its time is over, how long a precheck of another process may take to be taken for lost."""


class Hands(Record):
    """What is needed to begin: the store, the schedules of the config by name, the workflow of a word in a folder, how
    a thread is cancelled (False: it was told to end, and has not yet), who runs prechecks, how what begins is followed,
    which worktree a thread in a folder gets.
    """

    store: Store
    schedules: Mapping[str, Schedule]
    workflow: Callable[[str, str], Workflow]
    cancel: Callable[[str, str], bool]
    prechecks: Prechecks
    watch: Watch
    home: str
    zone: str | None
    worktree: Callable[[str], WorktreeAsked | None] = lambda cwd: None


def begin_claimed(hands: Hands, now_ms: int, *, by_person: bool = False) -> list[Occurrence]:
    """Begin what is claimed and may begin, or what a person has claimed alone; those of which there was news."""
    found = []
    ways: dict[str, list[Occurrence]] = {}
    for other in occurrences.find(hands.store, UNDER_WAY):
        ways.setdefault(other.schedule, []).append(other)
    for claimed in occurrences.find(hands.store, CLAIMED):
        if by_person and claimed.by == BY_TIME:
            continue
        others = ways.setdefault(claimed.schedule, [])
        try:
            after = _begun(hands, claimed, others, now_ms)
        except HOPELESS as error:
            after = _failed(hands, claimed, error.message, now_ms)
        if after is not None:
            found.append(after)
            others += [after] if after.state in UNDER_WAY else []
    return found


def in_the_way(store: Store, one: Occurrence) -> list[Occurrence]:
    """The occurrences of the same schedule that have started and not ended."""
    found = occurrences.find(store, UNDER_WAY)
    return [other for other in found if other.schedule == one.schedule and other.key != one.key]


def overlap_of(one: Occurrence) -> str:
    """What `one` does where another one is in its way: those that are made up for run one after the other."""
    return QUEUE if one.by == BACKFILL else one.task.overlap


def _begun(
    hands: Hands, one: Occurrence, others: list[Occurrence], now_ms: int
) -> Occurrence | None:
    """`one` once it has begun, or will not, `others` being in its way; None while that cannot be told."""
    overlap = overlap_of(one)
    if others and overlap == SKIP:
        last = others[-1]
        why = f"{named(last)} has not ended"
        return _write(hands, one, replace(one, state=SKIPPED, why=why), now_ms)
    if others and (overlap == QUEUE or not _all_ended(hands, one, others, now_ms)):
        return None
    answer = _answer(hands, one, now_ms)
    if answer is None:
        return None
    if not answer.is_yes:
        return _write(hands, one, replace(one, state=SKIPPED, why=answer.why), now_ms)
    if one.task.wake:
        return _wake(hands, one, answer, now_ms)
    return _start(hands, one, answer, now_ms)


def _all_ended(hands: Hands, one: Occurrence, others: list[Occurrence], now_ms: int) -> bool:
    """Cancel the threads of `others`, of which those are left that have not ended yet. Whether all have."""
    why = f"the next occurrence of schedule {one.schedule} is due"
    for other in others:
        for thread in other.threads:
            hands.cancel(thread, why)
    facts.settle(hands.store, hands.watch, now_ms, only=one.schedule)
    others[:] = in_the_way(hands.store, one)
    return not others


def _answer(hands: Hands, one: Occurrence, now_ms: int) -> Verdict | None:
    """What the precheck says; None while it has said nothing. Where there is none, and for words, it is a yes."""
    schedule = hands.schedules.get(one.schedule)
    command = () if schedule is None else schedule.precheck
    if not command or one.by != BY_TIME or one.task.text or _has_words(hands.store, one):
        return Verdict(True)
    answer = hands.prechecks.take(one.key)
    if answer is not None or hands.prechecks.is_asked(one.key):
        return answer
    if one.checked_ms is None:
        asked = replace(one, checked_ms=now_ms)
        if _write(hands, one, asked, now_ms) is not None:
            env = {"UWF_HOME": hands.home, "UWF_SCHEDULE": one.schedule}
            cwd = one.task.cwd or hands.home
            if not hands.prechecks.ask(one.key, command, cwd, env):
                _write(hands, asked, one, now_ms)  # later, when there is room
        return None
    patience_ms = round(PATIENCE_S * 1000) + _GRACE_MS
    if 0 <= now_ms - one.checked_ms < patience_ms:
        return None  # another process has asked
    return Verdict(True, why="the answer of the precheck was lost, which counts as a yes")


def _has_words(store: Store, one: Occurrence) -> bool:
    """Whether words wait for one of those that are to be woken: they are reason enough."""
    return bool(one.task.wake) and any(
        told.are_waiting(store, ref.name.removeprefix(THREADS)) for ref in _woken(store, one)
    )


def _start(hands: Hands, one: Occurrence, answer: Verdict, now_ms: int) -> Occurrence | None:
    task = one.task
    begin = lifecycle.Begin(
        workflow=hands.workflow(task.workflow, task.cwd),
        task=task.prompt,
        cwd=task.cwd,
        labels=dict(task.labels),
        zone=hands.zone,
        occurrence=one.key,
        wake=_timer(one, now_ms),
    )
    lifecycle.check(begin)
    begin = replace(begin, worktree=hands.worktree(begin.cwd))

    def make(tx: Transaction) -> Occurrence:
        thread = lifecycle.make(hands.store, tx, begin).id
        points.at("occurrence: thread made")
        for word in _words(one, answer, now_ms):
            told.tell(tx, thread, word)
        return replace(one, state=STARTED, started_ms=now_ms, threads=(thread,), why=answer.why)

    return _change(hands, one, make, now_ms)


def _wake(hands: Hands, one: Occurrence, answer: Verdict, now_ms: int) -> Occurrence | None:
    words = _words(one, answer, now_ms)
    timer = replace(_timer(one, now_ms), for_words=bool(words))

    def wake_all(tx: Transaction) -> Occurrence:
        woken = tuple(ref.name.removeprefix(THREADS) for ref in _woken(tx, one))
        for thread in woken:
            for word in words:
                told.tell(tx, thread, word)
            wake_by(tx, thread, timer)
        if woken:
            return replace(one, state=STARTED, started_ms=now_ms, threads=woken, why=answer.why)
        labels = ", ".join(f"{key}={value}" for key, value in one.task.wake.items())
        return replace(
            one, state=SKIPPED, why=f"there is no thread to wake with the label {labels}"
        )

    return _change(hands, one, wake_all, now_ms)


def _woken(reader: Store | Transaction, one: Occurrence) -> list[Ref]:
    """The threads that have the labels, but for those that were cancelled."""
    tags = {LABEL + key: value for key, value in one.task.wake.items()}
    found = reader.refs(THREADS, high=THREADS_END, tags=tags)
    return [ref for ref in found if ref.tags.get(STATUS) != CANCELLED]


def _timer(one: Occurrence, now_ms: int) -> wake.Wake:
    return wake.Wake(now_ms, wake.TIMER, f"schedule {one.schedule}")


def _words(one: Occurrence, answer: Verdict, now_ms: int) -> list[Word]:
    """What is told: the text of the schedule, and what its precheck has to say."""
    found = []
    if one.task.text:
        found.append(Word(one.task.text, f"schedule {one.schedule}", OWNER, now_ms, one.key))
    said = "\n\n".join(part for part in (answer.told, answer.why and f"({answer.why})") if part)
    if said:
        found.append(Word(said, f"precheck of schedule {one.schedule}", BOT, now_ms, one.key))
    return found


def _failed(hands: Hands, one: Occurrence, why: str, now_ms: int) -> Occurrence | None:
    after = replace(one, state=ENDED, ended_ms=now_ms, how=FAILED, why=why)
    return _change(hands, one, lambda tx: after, now_ms)


def _write(hands: Hands, before: Occurrence, after: Occurrence, now_ms: int) -> Occurrence | None:
    return _change(hands, before, lambda tx: after, now_ms)


def _change(
    hands: Hands, before: Occurrence, change: Callable[[Transaction], Occurrence], now_ms: int
) -> Occurrence | None:
    """Write what `change` makes of `before` and of the store, unless another process was quicker: then None."""
    with hands.store.transaction("occurrence") as tx:
        if occurrences.read(tx, before.key) != before:
            return None
        after = change(tx)
        occurrences.save(tx, after)
        facts.note(tx, after, hands.watch, now_ms)
    return after


def named(one: Occurrence) -> str:
    """An occurrence with its threads, for a person."""
    threads = quantities.counted(len(one.threads), "thread")
    which = f"thread {one.threads[0]}" if len(one.threads) == 1 else threads
    return f"{one.key} ({which})"
