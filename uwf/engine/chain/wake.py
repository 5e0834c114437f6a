"""The one timer of a thread: when it wakes, and what for. It stands in tags, and an index finds what is due.

    wakeAt     1769850900000                   epoch milliseconds of 13 digits, so that texts sort as times do
    wakeWhy    collaboration, told: alice on … which kind of reason, whether words wait for it, and why
    wokenFor   collaboration: alice on …       only while a run goes on that its timer has begun: what that was for
    unservedSince   1769850900000              since when no machine could run it although it was due, of many machines
    notOn      ant                             the machines that could not run it since then, a line each

The earliest wish wins. A run that begins takes the timer away; what is wished for while it goes on stays, whatever its
steps publish. A run that the timer has begun leaves `wokenFor` in its place until it has ended: where that stands and
no process runs the thread, the run was killed, and the thread is due. Who is due, and in which order they run, is in
`query/home/due` and `query/home/urgency`; what a run makes of a timer in `run/timers`.
"""

from __future__ import annotations

from uwf.errors import StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WAKE_AT, WAKE_WHY, WOKEN_FOR = "wakeAt", "wakeWhy", "wokenFor"
UNSERVED, NOT_ON = "unservedSince", "notOn"
TIMER_TAGS = (WAKE_AT, WAKE_WHY, WOKEN_FOR, UNSERVED, NOT_ON)
PUT_OFF = "; put off: "
"""Between what a thread wakes for, and why it did not run for that yet."""
CLEARED = "its timer is cleared"
"""Why a thread moved whose timer a person took away."""

RECOVERY = "recovery"  # what failed or was refused is tried again, what was killed goes on
PERSON = "person"  # a person's word
DEADLINE = "deadline"  # what must be done by a time
COLLABORATION = "collaboration"  # what others say: reviews, comments
ENVIRONMENT = "environment"  # what happened around it: checks, files, other threads
ECONOMY = "economy"  # what may wait until there is room
TIMER = "timer"  # the time itself: a look that was asked for, a schedule
KINDS = (RECOVERY, PERSON, DEADLINE, COLLABORATION, ENVIRONMENT, ECONOMY, TIMER)

WHY_CHARS = 2000
LAST_MS = 10**13 - 1
"""The last moment that has 13 digits, in the year 2286."""
_TOLD = ", told"


class Wake(Record):
    """A wish to wake at `at_ms` (epoch ms). `kind` is one of `KINDS`.

    With `for_words` it is there for words that wait: once they have been told there is nothing to run for.
    """

    at_ms: int
    kind: str
    why: str
    for_words: bool = False


def of(tags: Mapping[str, str], thread: str) -> Wake | None:
    """The timer among the tags of `thread`. Raises `StoreError` for a time that is no number."""
    text = tags.get(WAKE_AT)
    if text is None:
        return None
    at_ms = _number(text)
    if at_ms is None:
        raise StoreError(
            f"thread {thread} has the tag {WAKE_AT}={text!r:.80}, which is no number",
            hint=f"uwf thread wake {thread} --clear",
            code="bad_tag",
        )
    return _reason(tags.get(WAKE_WHY, ""), at_ms)


def cut_off(tags: Mapping[str, str], at_ms: int) -> Wake | None:
    """The wake of a thread that a run has left in the middle: at once, and as urgent as what it was woken for."""
    text = tags.get(WOKEN_FOR)
    if text is None:
        return None
    was = _reason(text, at_ms)
    return Wake(at_ms, RECOVERY, f"goes on where its run was cut off, woken for {was.why}")


def wish(tags: Mapping[str, str], wake: Wake) -> dict[str, str]:
    """`tags` with the earlier of the timer they have and `wake`. A timer that cannot be read gives way."""
    there_ms = _number(tags.get(WAKE_AT, ""))
    if there_ms is not None and there_ms <= wake.at_ms:
        return dict(tags)
    at_ms = min(max(wake.at_ms, 0), LAST_MS)
    told = _TOLD if wake.for_words else ""
    why = f"{wake.kind}{told}: {wake.why}"[:WHY_CHARS]
    return {**tags, WAKE_AT: f"{at_ms:013d}", WAKE_WHY: why}


def due(tags: Mapping[str, str], thread: str, moved_ms: int, now_ms: int) -> Wake | None:
    """What `thread`, which was moved last at `moved_ms`, is to be run for now; None: its time has not come.

    It has, too, where its timer was set later than now by more than it was to last: the clock was ahead then. Raises
    `StoreError` for a timer that cannot be read.
    """
    return cut_off(tags, moved_ms) or due_timer(tags, thread, moved_ms, now_ms)


def due_timer(tags: Mapping[str, str], thread: str, moved_ms: int, now_ms: int) -> Wake | None:
    """The same of its timer alone."""
    timer = of(tags, thread)
    if timer is None or timer.at_ms <= now_ms:
        return timer
    return timer if moved_ms - now_ms > max(timer.at_ms - moved_ms, 0) else None


def is_over(tags: Mapping[str, str], now_ms: int) -> bool:
    """Whether they have a timer, and its time has come."""
    at_ms = _number(tags.get(WAKE_AT, ""))
    return at_ms is not None and at_ms <= now_ms


def without(tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` with no timer, nor what a run was woken for."""
    return {key: tag for key, tag in tags.items() if key not in TIMER_TAGS}


def kept(tags: Mapping[str, str]) -> dict[str, str]:
    """The timer among `tags`."""
    return {key: tags[key] for key in TIMER_TAGS if key in tags}


def run_ended(tags: Mapping[str, str]) -> dict[str, str]:
    """`tags` of a thread whose run has ended: what it was woken for is over, a timer set meanwhile is not."""
    return {key: tag for key, tag in tags.items() if key not in (WOKEN_FOR, UNSERVED, NOT_ON)}


def run_began(
    tags: Mapping[str, str],
    seen: Mapping[str, str],
    now_ms: int,
    *,
    is_first: bool,
    is_woken: bool,
    has_news: bool = False,
) -> dict[str, str]:
    """`tags` of a thread once a step of a run begins that was planned when they were `seen`.

    With its first step the run takes the timer away; with a later one only what is due by then, or what an earlier
    step of its own has asked for: another's wish for later stays. One that was set since the step was planned stays in
    any case: it may be about what the step does not know; so does any where `has_news`, words that the step is not
    told, since a wish that came with them may have found an earlier timer. `is_woken`: it is the timer that began this
    run.
    """
    new = dict(tags) if is_woken or not is_first else run_ended(tags)
    new.pop(UNSERVED, None)
    new.pop(NOT_ON, None)
    if WAKE_AT not in tags or not _is_as(tags, seen):
        return new
    timer = _reason(tags.get(WAKE_WHY, ""), _number(tags[WAKE_AT]) or 0)
    is_own = timer.kind in (TIMER, RECOVERY) and not timer.for_words
    if not (is_first or is_own or timer.at_ms <= now_ms):
        return new
    if is_first and is_woken:
        new[WOKEN_FOR] = tags.get(WAKE_WHY, "")
    if not has_news:
        del new[WAKE_AT]
        new.pop(WAKE_WHY, None)
    return new


def put_off(
    tags: Mapping[str, str],
    seen: Mapping[str, str],
    later: Wake | None,
    *,
    is_over: bool,
    unserved_ms: int | None = None,
    not_on: Sequence[str] = (),
) -> dict[str, str]:
    """`tags` of a thread whose run has ended before it did what it was woken for, and that is to go on `later`. With
    `is_over` the timer that was `seen` is gone, but none that was set since. `unserved_ms`: none could run it since
    then, or since earlier, and the machines that are asked last are those that it is `not_on`.
    """
    new = run_ended(tags)
    if unserved_ms is not None:
        new[UNSERVED] = unserved(tags, unserved_ms)[UNSERVED]
        new[NOT_ON] = "\n".join(not_on)
    if is_over and _is_as(tags, seen):
        new.pop(WAKE_AT, None)
        new.pop(WAKE_WHY, None)
    return new if later is None else wish(new, later)


def not_on(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The machines that could not run a thread when it was last their turn."""
    return tuple(filter(None, tags.get(NOT_ON, "").split("\n")))


def unserved(tags: Mapping[str, str], since_ms: int | None) -> dict[str, str]:
    """`tags` of a thread that no machine can run since then, or since earlier; None: one can."""
    if since_ms is None:
        return {key: tag for key, tag in tags.items() if key != UNSERVED}
    return {UNSERVED: f"{since_ms:013d}", **tags}


def _is_as(tags: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Whether the timer is still the one that was `seen`."""
    return all(tags.get(key) == seen.get(key) for key in (WAKE_AT, WAKE_WHY))


def _reason(text: str, at_ms: int) -> Wake:
    """A timer with this reason. One without a kind is of an uwf that had them for failed attempts alone."""
    head, colon, why = text.partition(": ")
    kind = head.removesuffix(_TOLD)
    if not colon or kind not in KINDS:
        return Wake(at_ms, RECOVERY, text)
    return Wake(at_ms, kind, why, for_words=head != kind)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
