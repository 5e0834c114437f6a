"""Which file a command line runs, and in words why it cannot. Starting it is left to `spawn`.

The folder that the program will work in says nothing about which program that is: it may be a clone of a stranger's
repository. So only absolute entries of PATH count, and a program's path is absolute.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class SpawnFailed(Exception):
    """The program could not be started. The text names it, says why, and fits on one line.

    `is_of_machine`: the reason lies with this process and its machine, and would meet any other program.
    """

    def __init__(self, text: str, *, is_of_machine: bool = False) -> None:
        super().__init__(text)
        self.is_of_machine = is_of_machine


def find_program(argv: Sequence[str], cwd: str, path: str) -> str:
    """The file that `argv` runs in the folder `cwd`, with `path` as PATH. Raises SpawnFailed."""
    word = argv[0] if argv else ""
    if not word or "\0" in word:
        raise SpawnFailed(f"cannot run {word!r}: that is not the name of a program")
    if not os.path.isdir(cwd):
        raise SpawnFailed(f"cannot run {word!r} in {cwd}: there is no such folder")
    if "/" in word and not os.path.isabs(word):
        raise SpawnFailed(
            f"cannot run {word!r}: a relative path would name a file of the folder {cwd}; the absolute path is needed"
        )
    folders = [""] if "/" in word else absolute_entries(path).split(os.pathsep)
    reason = "no such file" if "/" in word else "not found on PATH"
    for folder in folders:
        candidate = os.path.join(folder, word)
        try:
            mode = os.stat(candidate).st_mode
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(mode) and os.access(candidate, os.X_OK):
            return candidate
        if stat.S_ISREG(mode):
            reason = f"{candidate} is not executable"
        elif "/" in word:
            reason = "it is not a file"
    raise SpawnFailed(f"cannot run {word!r}: {reason}")


def unavailable(argv: Sequence[str], cwd: str, path: str) -> str | None:
    """Why `argv` cannot be run in the folder `cwd`; None when a program is there."""
    try:
        find_program(argv, cwd, path)
    except SpawnFailed as failed:
        return str(failed)
    return None


def absolute_entries(path: str) -> str:
    """`path` as the PATH of an agent: without its relative and empty entries, which mean the folder one is in.

    The system's own folders when nothing is left, since an empty PATH means that folder too.
    """
    return os.pathsep.join(filter(os.path.isabs, path.split(os.pathsep))) or "/bin:/usr/bin"


def explain(argv: Sequence[str], cwd: str, path: str, stage: str, number: int) -> str:
    """One line for a `Child.failure`."""
    why = os.strerror(number) if number else "unexpected fault in the new process"
    if stage == "folder":
        return f"cannot run {argv[0]!r} in {cwd}: {why}"
    if stage != "exec":
        return f"cannot run {argv[0]!r}: {why} ({stage})"
    if number == errno.ENOEXEC:
        why = "it is neither a program nor a script whose first line begins with #!"
    elif number == errno.E2BIG:
        why = "its arguments and environment are too long"
    elif number == errno.ENOENT:
        try:
            why = f"{_interpreter(find_program(argv, cwd, path))} is missing"
        except SpawnFailed as vanished:
            return str(vanished)
    return f"cannot run {argv[0]!r}: {why}"


def is_of_machine(number: int | None) -> bool:
    """Whether an error of the system is for want of descriptors, memory or processes."""
    return number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)


def is_hopeless(stage: str, number: int) -> bool:
    """Whether a `Child.failure` would come again, however often one tried."""
    lasting = (errno.ENOEXEC, errno.E2BIG, errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ELOOP)
    return stage in ("exec", "folder") and number in lasting


def _interpreter(program: str) -> str:
    with open(program, "rb") as file:
        line = file.readline(256)
    if not line.startswith(b"#!"):
        return "the loader it names"
    return f"the interpreter {line[2:].strip().decode(errors='replace')!r} of its first line"
