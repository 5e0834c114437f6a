"""`attempts_exhausted`: a step that keeps failing is left to a person.

Two counts, and either is enough: tries in a row at one step, and the same failure over the thread's whole life,
which a success in between does not reset. A person who adds something has the step tried once more.

Failures are the same when their signatures are: the class, and the message without what differs from one time to
the next. Counter `failures/<thread>` = {signature: how often}.
"""

from __future__ import annotations

from uwf.guard.contract import refuse
from uwf.quantities import counted
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.guard.contract import Request
    from uwf.store.protocols import Counters, Transaction

FAILURES = "failures/"
KEPT = 32
"""Signatures that are remembered for one thread; of more than that, the rarest is forgotten."""

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


class Rules(Record):
    """Tries in a row, and how often the same failure in a thread's life."""

    max_attempts: int = 3
    max_repeats: int = 3


class Attempts:
    """The guard over both counts."""

    name = "attempts"

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def enter(self, request: Request) -> None:
        if request.fresh:
            return
        if request.tries >= self._rules.max_attempts:
            what = f"failed {counted(request.tries, 'time')} in a row"
        elif request.repeats >= self._rules.max_repeats:
            what = f"failed in the same way {counted(request.repeats, 'time')} in its life"
        else:
            return
        raise refuse(
            "attempts_exhausted",
            f"thread {request.thread}: role {request.role} {what}, and another try would be no "
            "different; a person has to add something",
            hint=f"uwf thread resume {request.thread} --supplement 'what to do differently'",
        )


def signature(failure_class: str, message: str) -> str:
    """What two failures of one kind have in common. At most some 200 characters."""
    import re

    text = message[:_MESSAGE_CHARS].lower()
    for pattern, word in _PATTERNS:
        text = re.sub(pattern, word, text)
    return f"{failure_class}: {' '.join(text.split())}"[:_SIGNATURE_CHARS]


def tell_failure(tx: Transaction, thread: str, signature: str) -> None:
    """An attempt failed like this."""
    known = dict(tx.counter(FAILURES + thread) or {})
    count = int(known.pop(signature, 0))
    if len(known) >= KEPT:
        del known[min(known, key=lambda one: known[one])]
    tx.set_counter(FAILURES + thread, {**known, signature: count + 1})


def repeats(counters: Counters, thread: str, signature: str) -> int:
    """How often `thread` has failed like this."""
    return int((counters.counter(FAILURES + thread) or {}).get(signature, 0))
