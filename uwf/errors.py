"""The error tree. Library code raises these; `error_report.py` has what they say outside, `cli/exits.py` exit codes.

    UwfError
    ├── InputError            the caller's text, file or arguments are wrong          exit 2
    │   ├── Ambiguous             a prefix fits two or more things
    │   ├── ConfigInvalid         config.toml, or a value for it
    │   └── WorkflowInvalid       a workflow file; carries its problems
    ├── NotFound              no such thread, step, object, ref, workflow             exit 4
    │   └── ObjectMissing         an object that something links to is not there      exit 1
    ├── StateError            the thing is in a state that forbids this               exit 5
    │   ├── Busy                  another process runs the thread
    │   ├── Conflict              a compare-and-set found another value
    │   ├── Superseded            another holds by now what this process held
    │   └── WorkspaceError        a repository or a worktree is not as it has to be
    ├── Refused               a guard said "not now"; carries its reason              exit 75
    │   ├── Crowded               until others have ended, nobody knows when
    │   ├── PersonNeeded          and time alone never changes that                   exit 5
    │   │   └── NotHere               of several machines another one may have it
    │   └── GuardBroken           it could not be asked                               exit 1
    ├── Interrupted           ended by a signal, at a whole step                      exit 128 + signal
    ├── PartBroken            a part of the daemon failed 10 times in a row           exit 70
    └── StoreError            a fault of the disk or the store file                   exit 1
        ├── StoreBusy             waited for another writer, in vain
        ├── StoreAway             the database of the store does not answer
        ├── QueueAway             the queue of the workers cannot be asked now
        ├── StoreUnreadable       the store file cannot be read as a store
        ├── StoreTooNew           written by a newer format
        ├── ObjectDamaged         bytes that do not hash to their id
        ├── ReplyKept             an agent's reply could not be stored; names its file
        └── CounterUnreadable     a counter or a sample whose value cannot be decoded

Every error has `code` (a stable snake_case word for `--json`), a message that names the thing, the action and
the cause in one or two lines, and an optional `hint`: the next command to type.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar


CROWDED_MS = 30_000
"""After how long a script may ask again for what others hold: often enough for a slot, too seldom to be a load."""


def refusal(reason: str, retry_at_ms: int | None) -> dict[str, Any]:
    """What the JSON of each refusal has: which it is, and when to try again; None: it never passes by itself."""
    return {"reason": reason, "retryAtMs": retry_at_ms}


class UwfError(Exception):
    """Base of all. `code` may be given where one class covers several causes."""

    default_code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code

    def retry_ms(self, now_ms: int) -> int | None:
        """When to try again, for a script that asks at `now_ms`; None: it never passes by itself."""
        return None


class InputError(UwfError):
    default_code = "bad_input"


class Ambiguous(InputError):
    default_code = "ambiguous"


class ConfigInvalid(InputError):
    default_code = "bad_config"


class WorkflowInvalid(InputError):
    """`problems` are `uwf.workflow.problem.WorkflowProblem` values, errors and warnings together."""

    default_code = "invalid_workflow"

    def __init__(
        self, message: str, problems: Sequence[Any] = (), *, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class NotFound(UwfError):
    default_code = "not_found"


class ObjectMissing(NotFound):
    default_code = "object_missing"


class StateError(UwfError):
    default_code = "wrong_state"


class Busy(StateError):
    default_code = "busy"

    def retry_ms(self, now_ms: int) -> int | None:
        return now_ms + CROWDED_MS


class Conflict(StateError):
    default_code = "conflict"


class Superseded(StateError):
    """What was to be written under a lease that this process does not hold any more: nothing of it was."""

    default_code = "superseded"


class WorkspaceError(StateError):
    default_code = "workspace"


class Refused(UwfError):
    """A guard's "not now". `reason` is the guard's reason code and also the error code; `retry_at_ms` is when
    the answer may be another one, in epoch milliseconds, if the guard knows.
    """

    default_code = "refused"

    def __init__(
        self, message: str, *, reason: str, hint: str | None = None, retry_at_ms: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=reason)
        self.reason = reason
        self.retry_at_ms = retry_at_ms

    def retry_ms(self, now_ms: int) -> int | None:
        return self.retry_at_ms


class Crowded(Refused):
    """Others have to end, or let go of something, and no guard knows when that is."""

    def retry_ms(self, now_ms: int) -> int | None:
        return self.retry_at_ms or now_ms + CROWDED_MS


class PersonNeeded(Refused):
    """It stays like this until a person has changed something: a caller that tries again tries in vain."""


class NotHere(PersonNeeded):
    """This machine lacks what it takes: of several that share a store another one may have it."""


class GuardBroken(Refused):
    """A guard could not be asked, and nothing runs because of that."""


class Interrupted(UwfError):
    """Ended by signal number `signum`; the thread is at a whole step and the agent is gone."""

    default_code = "interrupted"

    def __init__(self, message: str, *, signum: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.signum = signum


class PartBroken(UwfError):
    default_code = "part_broken"


class StoreError(UwfError):
    default_code = "store"


class StoreBusy(StoreError):
    default_code = "store_busy"


class StoreAway(StoreError):
    default_code = "store_away"


class QueueAway(StoreError):
    default_code = "queue_away"


class StoreUnreadable(StoreError):
    default_code = "store_unreadable"


class StoreTooNew(StoreError):
    default_code = "store_too_new"


class ObjectDamaged(StoreError):
    default_code = "object_damaged"


class CounterUnreadable(StoreError):
    default_code = "bad_counter"


class ReplyKept(StoreError):
    """`path` is the file that has the reply; None where not even that could be written."""

    default_code = "reply_kept"

    def __init__(
        self, message: str, *, path: str | None, hint: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.path = path
