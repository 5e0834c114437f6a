"""`--detach`: the run goes on in a process of its own, which no terminal ends, and this command gives the id back.

It has a session of its own, so that neither Ctrl-C nor the end of the shell reaches it, and prints into a log below the
home. The command that began it stays until the run has, or until it is certain that it cannot: so a refusal is this
command's own, and whatever is typed next finds the thread running.
"""

from __future__ import annotations

import os
import time

from uwf import home as paths
from uwf import owned
from uwf.cli import exits
from uwf.cli.thread import respawn
from uwf.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from subprocess import Popen
    from typing import Any

    from uwf.app.values import ThreadView
    from uwf.cli.context import Context

_POLL_S = 0.02
_REFUSED_S = 3.0
"""How soon a run that cannot begin has said so. One that only waits for its agent's time is in no queue: it is known by
having lasted longer.
"""
_BEGAN = (exits.DONE, exits.SUSPENDED, exits.AGENT_FAILED)
"""Exit codes of a run in which an agent was asked, or the graph had ended."""


def run(
    ctx: Context,
    threads: Sequence[str],
    words: Callable[[str], list[str]],
    *,
    waits: bool,
    text: str | None = None,
    begun: Mapping[str, Any] | None = None,
) -> int:
    """Run each of `threads` by the command line that `words` gives for it; the exit code of all that could not begin.

    With `waits` a run may wait, for a slot or for another run: then it has begun once it does. `begun` is
    what else is answered.
    """
    check(ctx)
    codes = [_begin(ctx, id, words(id), waits, text, begun or {}) for id in threads]
    return exits.of_several(codes)


def check(ctx: Context) -> None:
    """Raise `StateError` where who asks for this ends what it starts, `OSError` where there is no place for a log."""
    if ctx.app.is_inside_a_step():
        raise StateError(
            "no agent, and no program that a home asks, can detach a run: what they start ends with them",
            hint="uwf thread exec --help",
            code="inside_a_step",
        )
    paths.made(paths.logs(ctx.home))


def _begin(
    ctx: Context,
    thread: str,
    words: list[str],
    waits: bool,
    text: str | None,
    begun: Mapping[str, Any],
) -> int:
    before = _version(ctx, thread)
    path = paths.log(ctx.home, thread)
    log = owned.open_at_end(path)
    try:
        said_before = os.fstat(log).st_size
        process = respawn.spawn(ctx, words, text, stdout=log, stderr=log, start_new_session=True)
    finally:
        os.close(log)
    try:
        code = _until_it_runs(ctx, process, thread, before, waits)
    except BaseException:
        process.terminate()  # nobody would know of it
        raise
    if code is not None:
        if not _has_said_why(ctx, path, said_before):
            what = f"the run of {thread} ended with {code} before its agent was asked"
            ctx.out.error(
                "not_begun",
                f"{what}, and {path} does not say why; the disk may be full",
                f"uwf thread exec {thread}  # which says it here",
                thread=thread,
            )
        return code
    ctx.out.line(
        {"thread": thread, **begun, "pid": process.pid, "log": path},
        id=thread,
        draw=f"{thread}  runs on in process {process.pid}",
    )
    ctx.out.note(f"what it prints is in {path}")
    ctx.out.hint(f"uwf thread watch {thread}")
    return exits.DONE


def _until_it_runs(
    ctx: Context, process: Popen[bytes], thread: str, before: int, waits: bool
) -> int | None:
    """None once the run has begun; its exit code where it has ended before any agent was asked.

    `before` is the version that the thread had: what the process has moved since, it has run.
    """
    deadline_s = None
    while True:
        code = process.poll()
        view = ctx.app.show(thread)
        running = view.running
        if code is not None:
            has_run = code in _BEGAN or _version(ctx, thread, by=process.pid) > before
            return None if has_run else exits.of_process(code)
        if running is not None and running.pid == process.pid and running.role is not None:
            return None
        if running is not None and waits:
            deadline_s = deadline_s or time.monotonic() + _REFUSED_S
            if _waits(view, process.pid, deadline_s):
                return None
        time.sleep(_POLL_S)


def _waits(view: ThreadView, pid: int, deadline_s: float) -> bool:
    """Whether the run in process `pid` waits: until another one has ended, for a slot, or for its agent."""
    is_other = view.running is not None and view.running.pid != pid
    return is_other or view.waiting is not None or time.monotonic() >= deadline_s


def _version(ctx: Context, thread: str, by: int | None = None) -> int:
    """The version of the thread's last move, or of the last one by this process; 0 where it has made none."""
    moves = ctx.app.moves(thread)
    # In a store of many machines the name of one stands behind the process.
    mine = [
        each.version for each in moves if by is None or each.process.split(" on ")[0] == f"pid {by}"
    ]
    return mine[-1] if mine else 0


def _has_said_why(ctx: Context, path: str, begin: int) -> bool:
    """Pass on what a run has said that could not begin. Whether an error is among it: a full disk has no room for one,
    or for its beginning alone, and a run that is killed says nothing.
    """
    with open(path, "rb") as log:
        log.seek(begin)
        said = log.read().decode(errors="backslashreplace")
    lines = [line.rstrip("\n") for line in said.splitlines(keepends=True) if line.endswith("\n")]
    for line in lines:
        ctx.out.remark(line)
    return any(line.startswith(("error: ", '{"error"')) for line in lines)
