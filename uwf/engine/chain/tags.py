"""The refs of threads and their tags: the one list of both, and what a thread's state is in tags.

    @uwf/thread/<ULID>     a thread: points at the newest node of its chain; the tags below
    @uwf/attempt/<ULID>    the attempt beside the head of that thread, while it has not become a step
    @uwf/superseded/<ULID>/<attempt>   one of that thread that came to its end after another run had taken the thread
    @uwf/told/<ULID>       what waits to be said to that thread, while anything does
    @uwf/registry/<name>   a registered workflow
    @uwf/history/<ULID>    a completed thread in stores of an early version: see `upkeep.migrate`

Moving a thread's ref is in `thread.move_head`, what a thread has used and may use in `usage`.
"""

from __future__ import annotations

from uwf.engine.chain.wake import NOT_ON, TIMER_TAGS, UNSERVED, WAKE_AT, kept, run_ended, wish
from uwf.errors import StoreError
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from uwf.engine.chain.wake import Wake

THREADS = "@uwf/thread/"
THREADS_END = THREADS + "8"
"""After the refs of all threads: no ULID begins with an 8. Names that are none stand behind it."""

ATTEMPTS = "@uwf/attempt/"
SUPERSEDED = "@uwf/superseded/"
TOLD = "@uwf/told/"
REGISTRY = "@uwf/registry/"
OLD_THREADS = "@uwf/history/"

# Where a thread stands.
STATUS = "status"
SUSPENDED_ROLE = "suspendedRole"  # only while suspended
SUSPEND_MESSAGE = "suspendMessage"  # only while suspended
COMPLETED_AT = "completedAt"  # epoch milliseconds, only while completed or cancelled
END_REASON = "endReason"  # why it ended, where that says more than the status
# And the timer of `wake`: WAKE_AT, WAKE_WHY, WOKEN_FOR, UNSERVED, NOT_ON.
STATE_TAGS = (STATUS, SUSPENDED_ROLE, SUSPEND_MESSAGE, COMPLETED_AT, END_REASON, *TIMER_TAGS)

# What stays with a thread whatever its state.
WORKFLOW = "workflow"  # the name of the workflow it is bound to
PRIORITY = "priority"
CWD = "cwd"  # the folder its agents work in, where that is another one than it was begun in
PLACE = "place"  # where it may run, of many machines: see `place`
TITLE = "title"  # what a person calls it
AGENT = "agent"  # what the last command ran it with by --agent: so does its timer; "" for none
LABEL = "label."  # before the key of a label
BUDGET = "budget."  # before the name of a limit
UNDONE = "undone."  # before the name of an amount: used by steps and attempts that were undone
UNDONE_TO = UNDONE + "to"  # the index of the step that an undo last went back to
FORKED_THREAD, FORKED_STEP = "forkedFromThread", "forkedFromStep"  # where a fork came from
OCCURRENCE = (
    "occurrence"  # of the schedule that started it: NAME@<its nominal time in epoch milliseconds>
)
EVENT = "event"  # the key of the event that began it
HOST = "host"  # the machine that it was on last, in a store that many machines share
WORKTREE = "worktree."  # before what there is to know of its worktree: see `worktree`
WORKTREE_REPO = WORKTREE + "repo"  # a thread has one where this is set, and not empty
WORKTREE_LEFT = WORKTREE + "left"  # the same of one in which it works no more

NAMED = (
    *(WORKFLOW, SUSPENDED_ROLE, FORKED_THREAD, FORKED_STEP, OCCURRENCE, EVENT, HOST, PLACE, NOT_ON),
    *(
        WORKTREE + what
        for what in ("branch", "base", "onto", "port", "back", "kept", "merged", "made")
    ),
)
"""Tags whose values are names that others look up by: no secret is looked for in them. In all others one may stand."""
NUMBERS = (COMPLETED_AT, WAKE_AT, UNSERVED, PRIORITY, BUDGET, UNDONE)
"""Beginnings of tags whose values are numbers, nor is one looked for there."""

IDLE, SUSPENDED, COMPLETED, CANCELLED = "idle", "suspended", "completed", "cancelled"
ACTIVE, HISTORY = (IDLE, SUSPENDED), (COMPLETED, CANCELLED)
STATUSES = ACTIVE + HISTORY

MESSAGE_CHARS = 2000


class ThreadState(Record):
    """Where a thread stands: a status, the role that would run next, why it is suspended, when it wishes to wake."""

    status: str
    next_role: str | None = None
    message: str | None = None
    wake: Wake | None = None


def with_state(tags: Mapping[str, str], state: ThreadState, now_ms: int) -> dict[str, str]:
    """`tags` of a thread that is in `state` now; those that do not speak of a state are kept.

    So is its timer, which others may have set while a run went on, but for a thread that is cancelled.
    """
    new = {key: tag for key, tag in tags.items() if key not in STATE_TAGS}
    if state.status != CANCELLED:
        new |= kept(tags) if state.status == IDLE else run_ended(kept(tags))
    if state.wake is not None:
        new = wish(new, state.wake)
    new[STATUS] = state.status
    if state.status == SUSPENDED:
        if state.next_role is not None:
            new[SUSPENDED_ROLE] = state.next_role
        new[SUSPEND_MESSAGE] = (state.message or "suspended")[:MESSAGE_CHARS]
    if state.status in HISTORY:
        new[COMPLETED_AT] = str(now_ms)
    return new


def lasting(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that do not come with where a thread stands: its labels, its priority, where it came from."""
    return {key: tag for key, tag in tags.items() if key not in (*STATE_TAGS, WORKFLOW)}


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among a thread's tags."""
    return {key.removeprefix(LABEL): tag for key, tag in tags.items() if key.startswith(LABEL)}


def number_of(tags: Mapping[str, str], key: str, thread: str) -> int | None:
    """The tag `key` of `thread` as a number, None when there is none. Raises `StoreError` for anything else."""
    text = tags.get(key)
    try:
        return None if text is None else int(text)
    except ValueError:
        raise StoreError(
            f"thread {thread} has the tag {key}={text!r:.80}, which is no number",
            hint=f"uwf ref log {THREADS}{thread}",
            code="bad_tag",
        ) from None
