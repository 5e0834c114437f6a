"""What a request to an agent means for the program that answers it."""

from __future__ import annotations

from uwf.agent.process.supervise import ProcessSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from uwf.agent.process.pump import Stdin
    from uwf.agent.protocol import AgentRequest


def spec_of(
    request: AgentRequest, argv: Sequence[str], *, stdin: str | Stdin, **more: Any
) -> ProcessSpec:
    """The program `argv` for a request to an agent; `more` are fields of a ProcessSpec."""
    return ProcessSpec(
        argv=tuple(argv),
        cwd=request.cwd,
        env=request.env,
        mark=request.mark,
        spool_dir=request.spool_dir,
        stdin=stdin.encode(errors="replace") if isinstance(stdin, str) else stdin,
        timeout_s=request.timeout_s,
        stall_timeout_s=request.stall_timeout_s,
        output_limit_bytes=request.output_limit_bytes,
        grace_s=request.grace_s,
        keep_fds=request.keep_fds,
        linger_s=request.linger_s,
        meanwhile=request.meanwhile,
        **more,
    )
