"""What an error says of itself at a front door: a code, words, a hint, and what else its kind tells."""

from __future__ import annotations

import errno
import os

from uwf import clock, errors
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class ErrorReport(Record):
    """`hint` is the next command to type, None where there is none; `more` are fields of the JSON beside these."""

    code: str
    message: str
    hint: str | None
    more: Mapping[str, Any]

    @property
    def document(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.more}


def of(error: BaseException) -> ErrorReport:
    """What `error` says: also one that no part of uwf has raised."""
    if isinstance(error, errors.UwfError):
        return ErrorReport(error.code, error.message, error.hint, _more(error))
    return ErrorReport(*_foreign(error), {})


def is_folder_gone(error: BaseException) -> bool:
    """Whether a relative path was looked at in a current folder that somebody has deleted."""
    if not isinstance(error, FileNotFoundError) or error.filename is not None:
        return False
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _more(error: errors.UwfError) -> dict[str, Any]:
    if isinstance(error, errors.WorkflowInvalid):
        return {"problems": [str(problem) for problem in error.problems]}
    if isinstance(error, (errors.Refused, errors.StateError)):
        return errors.refusal(error.code, error.retry_ms(clock.now_ms()))
    if isinstance(error, errors.ReplyKept):
        return {"kept": error.path}
    return {}


def _foreign(error: BaseException) -> tuple[str, str, str | None]:
    """Code, message and hint for what no part of uwf has raised."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "interrupted", None
    if isinstance(error, UnicodeEncodeError):
        # From the command line: all other text is checked where it is read.
        return "not_unicode", f"{error.object!r:.120} is not Unicode text", "locale"
    if _is_memory_short(error):
        return "no_memory", "this shell has no memory for uwf", "ulimit -v"
    if is_folder_gone(error):
        return "no_folder", "the current folder does not exist any more", "cd"
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: " if isinstance(error.filename, str) else "system call failed: "
        return "os", what + error.strerror, None
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    what = f"internal fault: {what}; UWF_DEBUG=1 shows where, please report it"
    return "internal", what, "export UWF_DEBUG=1"


def _is_memory_short(error: BaseException) -> bool:
    """Whether the machine, or the limit of this shell, had no memory for what was to be done or loaded."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ImportError):  # the dynamic linker's words
        return any(sign in str(error).lower() for sign in ("failed to map", "cannot allocate"))
    return isinstance(error, SystemError) and _is_memory_limited()


def _is_memory_limited() -> bool:
    """Python's own parts say `SystemError` where they had no memory even to say that."""
    try:
        import resource
    except ImportError:
        return True
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
