"""`attempts_exhausted`: a step that keeps failing is left to a person.

Two counts, and either is enough: attempts in a row at one step, and the same failure over the thread's whole life,
which a success in between does not reset. When a person adds something, the step is tried once more. What time alone
cures is in neither.

Failures are the same when their signatures are: the class, and the message without what differs from one time to
the next. Counter `failures/<thread>` = {signature: how often}.
"""

from __future__ import annotations

from uwf.config_table import Table, count, key
from uwf.errors import PersonNeeded
from uwf.guard.contract import AttemptFailed, Guard, refuse
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.guard.contract import AttemptOutcome, Host, Request
    from uwf.store.protocols import Counters, Transaction

FAILURES = "failures/"
KEPT = 32
"""Signatures that are remembered for one thread; of more than that, the rarest is forgotten."""

NOTE = " — "
"""Between what happened and what it means for the next attempt, in the message of a failure that was explained."""

_SIGNATURE_CHARS = 200
_MESSAGE_CHARS = 2000

_PATTERNS = (
    (r"https?://\S+", "<url>"),
    (r"(?:~|\.{1,2})?(?:/[\w.@+~-]+)+/?", "<path>"),
    (r"\b[a-z]:\\\S+", "<path>"),
    (r"\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?)?\b", "<time>"),
    (r"\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[ap]m)?\b", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
    (r"\b(?=[a-z]*\d)[0-9a-hjkmnp-tv-z]{26}\b", "<id>"),
    (r"\b(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{7,})\b", "<id>"),
    (r"(?<![\w<])[+-]?\d+(?:[.,]\d+)*", "<n>"),
    (r"\d+", "<n>"),
)
"""Over text in lower case: what differs between two failures that are one. Longer forms come first."""


class Attempts(Guard):
    """Refuses a step that has failed too often, until a person adds something."""

    name = "attempts"

    class Rules(Table, at="limits"):
        """Attempts in a row, and how often the same failure in a thread's life."""

        max_attempts: int = key(count, 3)
        max_repeats: int = key(count, 3)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.rules: Attempts.Rules = host.rules(Attempts.Rules)

    def enter(self, request: Request) -> None:
        _known(self._host.store, request.thread)  # to be added to, should this attempt fail
        if request.fresh:
            return
        what = exhausted(self.rules, request.failures_in_a_row, request.repeats)
        if what is None:
            return
        raise refuse(
            "attempts_exhausted",
            f"thread {request.thread}: role {request.role} {what}, and another try would be no "
            "different; a person has to add something",
            kind=PersonNeeded,
            hint=f"uwf thread resume {request.thread} --supplement 'what to do differently'",
        )

    def ended(self, tx: Transaction, request: Request, outcome: AttemptOutcome) -> None:
        if not isinstance(outcome, AttemptFailed) or outcome.is_retried or outcome.is_transient:
            return
        counter = FAILURES + request.thread
        known = _known(tx, request.thread)
        failure = signature(outcome.failure_class, outcome.cause)
        count = int(known.pop(failure, 0))
        if len(known) >= KEPT:
            del known[min(known, key=lambda one: known[one])]
        tx.set_counter(counter, {**known, failure: count + 1})

    def repeats(self, thread: str, failure_class: str, cause: str) -> int:
        """As the function of this name says, of the guard's own store."""
        return repeats(self._host.store, thread, failure_class, cause)


def exhausted(rules: Attempts.Rules, in_a_row: int, repeats: int) -> str | None:
    """What a step has failed too often in, in words; None when it may be tried again."""
    if in_a_row >= rules.max_attempts:
        return f"failed {counted(in_a_row, 'time')} in a row"
    if repeats >= rules.max_repeats:
        return f"failed in the same way {counted(repeats, 'time')} in its life"
    return None


def repeats(counters: Counters, thread: str, failure_class: str, cause: str) -> int:
    """How often in its life `thread` has failed like this."""
    return int(_known(counters, thread).get(signature(failure_class, cause), 0))


def _known(counters: Counters, thread: str) -> dict[str, Any]:
    return dict(counters.counter(FAILURES + thread) or {})


def signature(failure_class: str, message: str) -> str:
    """What two failures of one kind have in common. At most some 200 characters."""
    import re

    text = message.partition(NOTE)[0][:_MESSAGE_CHARS].lower()
    for pattern, word in _PATTERNS:
        text = re.sub(pattern, word, text)
    return f"{failure_class}: {' '.join(text.split())}"[:_SIGNATURE_CHARS]
