"""What class of failure an agent's end is, read from how it ended and from what it said.

    spawn_failed  exit_code  signal  timeout  stall  output_limit  bad_reply
    quota  authentication  network  out_of_memory  machine  internal  permission  no_progress

The first row is what the process did; the second says more: `machine` that this process could start nothing, for want
of descriptors, memory or processes; `permission` that an agent was denied what its role needs, `no_progress` that it
did the same again and again. The others are read from the messages that agents, the services
behind them and common tools are known to print. Only ever asked about a failure: a step that went well may
speak of rate limits as much as it likes. What tells a class is in `failure_signs`, which lines are read for it in
`error_lines`, and when a limit resets is read by `rate_limit_reset`. What a class means for others is said where they
are: which open a circuit in `guard.breaker`, which are tried again in `config.records`.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.echo import Echo
from uwf.agent.process import platform
from uwf.agent.protocol import AgentFailure
from uwf.agent.thoughts import TAG, without_thoughts
from uwf.agent.words import error_lines, error_objects, failure_signs
from uwf.agent.words.failure_signs import AUTHENTICATION, NETWORK, OUT_OF_MEMORY, QUOTA
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.protocol import ProcessFacts

SPAWN_FAILED, EXIT_CODE, SIGNAL, BAD_REPLY = "spawn_failed", "exit_code", "signal", "bad_reply"
TIMEOUT, STALL, OUTPUT_LIMIT = "timeout", "stall", "output_limit"
MACHINE, INTERNAL = "machine", "internal"
PERMISSION, NO_PROGRESS, MAX_TURNS = "permission", "no_progress", "max_turns"

CLASSES = (
    *(SPAWN_FAILED, EXIT_CODE, SIGNAL, TIMEOUT, STALL, OUTPUT_LIMIT, BAD_REPLY),
    *(QUOTA, AUTHENTICATION, NETWORK, OUT_OF_MEMORY, MACHINE, INTERNAL),
    *(PERMISSION, NO_PROGRESS, MAX_TURNS),
)
TRANSIENT = (NETWORK, QUOTA, MACHINE)
"""Classes that time alone cures."""
STOPPED = "stopped"
"""The code of a run that a person stopped, which is no failure of the agent and has no class."""
BUDGET = "budget"
"""That of a run which its client has ended at what it might cost: whether that was the budget, our own count says."""

_SIGKILL = 9
_KILLED_EXIT = 128 + _SIGKILL  # how a shell tells that what it ran was killed
_STDERR_CHARS = 4000
_STDOUT_CHARS = 600
"""An agent that gives up says so at its end; what stands before is its work, which may be about anything."""
_MOST_CHARS = 64 << 10
"""The last word of a client may be one line of JSON, with all that it has counted behind the error."""
_REPLY = r"^(?:[ \t]*(?:-{3,}|`{3,}\w*|~{3,}\w*)[ \t]*\r?\n)?[ \t]*(?:\{[ \t]*)?[\"']?\$status[\"']?[ \t]*:.*"
_MOST_SAID = 500

NO_USE = "another try would fail likewise"


class Diagnosis(Record):
    """`resets_ms` is when a quota begins anew, if the agent said so. `is_hopeless`: another try would fail likewise."""

    failure_class: str
    resets_ms: int | None = None
    is_hopeless: bool = False


def of_process(
    agent: str,
    facts: ProcessFacts,
    *,
    stdout: str,
    stderr: str,
    error: str,
    prompt: str = "",
    is_hopeless: bool = False,
    is_of_machine: bool = False,
) -> AgentFailure | None:
    """Why a process of `agent`, which was sent `prompt`, delivered no reply; None when it did.

    `error` is our own word on it: why it could not be started (`is_of_machine`: nor could any other agent), or why its
    status is not known.
    """
    if facts.ended == "lingered" or (facts.ended == "exit" and facts.exit_code == 0):
        return None
    words = {
        "exit": f"agent {agent} exited with code {facts.exit_code}",
        "signal": f"agent {agent} was killed by signal {facts.signal}",
        "timeout": f"agent {agent} reached its timeout",
        "stall": f"agent {agent} said nothing for too long",
        "stopped": f"agent {agent} was stopped",
        "output_limit": f"agent {agent} wrote more than its output limit",
        "spawn_failed": f"agent {agent} could not be started: {error}",
    }
    message = words[facts.ended]
    if is_of_machine:
        message = f"this shell or its machine has no room for agent {agent}: {error}"
        return AgentFailure(SPAWN_FAILED, MACHINE, message)
    echo = Echo(prompt)
    written = stdout
    stdout = _spoken(stdout, echo)
    stderr = echo.taken_out_of(_tail(stderr, _STDERR_CHARS))
    said = ""
    if facts.ended in ("exit", "signal"):
        said = _words(stdout, stderr) or _last_of(written, echo)
    if facts.ended == "exit" and facts.exit_code is None:
        message, said = f"agent {agent} ended, and nobody knows how: {error}", ""
    code = EXIT_CODE if facts.ended == "exit" else facts.ended
    if code == STOPPED:
        return AgentFailure(STOPPED, STOPPED, message)
    found = classify(
        code,
        facts.exit_code,
        facts.signal,
        stderr or error,
        stdout,
        facts.escalation,
        peak_memory_bytes=facts.peak_memory_bytes,
    )
    if found.is_hopeless:
        message = f"{message} ({NO_USE})"
    is_hopeless = is_hopeless or found.is_hopeless
    return AgentFailure(code, found.failure_class, message, said, found.resets_ms, is_hopeless)


def is_transient(failed: AgentFailure) -> bool:
    """Whether time alone cures it: of no other does an agent say when its limit resets."""
    is_limited = failed.resets_ms is not None
    return (failed.failure_class in TRANSIENT or is_limited) and not failed.is_hopeless


def of_reply(agent: str, reply: str, prompt: str, stderr: str = "") -> AgentFailure | None:
    """The failure that `reply` is when it is no reply to `prompt` but a message of the client; None for any other.

    Where the reply is empty, the message may be the whole of `stderr`, or its last line.
    """
    echo = Echo(prompt)
    said = without_thoughts(echo.taken_out_of(reply[-_MOST_CHARS:])).strip()
    if not said:
        said = echo.taken_out_of(_tail(stderr, _STDERR_CHARS)).strip()
        said = said if error_lines.is_message(said) else _last_line(said)
    found = classify(BAD_REPLY, None, None, "", said, "")
    if found == Diagnosis(BAD_REPLY):
        return None
    message = f"agent {agent} gave no reply" + (f" ({NO_USE})" if found.is_hopeless else "")
    words = error_lines.last_error_line(said)
    return AgentFailure(
        BAD_REPLY, found.failure_class, message, words, found.resets_ms, found.is_hopeless
    )


def classify(
    code: str,
    exit_code: int | None,
    signal: int | None,
    stderr: str,
    stdout_tail: str,
    escalation: str,
    *,
    peak_memory_bytes: int | None = None,
) -> Diagnosis:
    """The class of a failed attempt.

    `code` is how the attempt ended, one of the first row; `escalation` is what we ended the process with ("" for
    nothing, "term", "kill"). An unknown code is `internal`.
    """
    if code not in CLASSES:
        return Diagnosis(INTERNAL)
    if code not in (EXIT_CODE, SIGNAL, SPAWN_FAILED, BAD_REPLY):
        return Diagnosis(code)
    text = _what_counts(code, stderr, stdout_tail)
    said = failure_signs.told_by(text)
    if said == QUOTA:
        from uwf.agent import rate_limit_reset

        at_ms = rate_limit_reset.resets_ms(text, clock.now_ms())
        return Diagnosis(QUOTA, at_ms, at_ms is None and failure_signs.is_unpaid(text))
    if said is not None and (code != SIGNAL or said == OUT_OF_MEMORY):
        return Diagnosis(said)
    was_killed = signal == _SIGKILL or exit_code == _KILLED_EXIT
    if was_killed and not escalation and _memory_ran_out(peak_memory_bytes):
        return Diagnosis(OUT_OF_MEMORY)
    is_refused = code in (EXIT_CODE, BAD_REPLY) and failure_signs.is_refused(text)
    return Diagnosis(code, is_hopeless=is_refused)


def _spoken(stdout: str, echo: Echo) -> str:
    """The end of `stdout`, without the prompt; "" where an agent has replied, since what ends then is its reply."""
    far = _tail(stdout, _MOST_CHARS)
    if "$status" not in far and f"<{TAG}" not in far.lower():
        return echo.taken_out_of(_tail(stdout, _STDOUT_CHARS))
    said = without_thoughts(far)
    return "" if _has_reply(said, echo) else echo.taken_out_of(_tail(said, _STDOUT_CHARS))


def _has_reply(text: str, echo: Echo) -> bool:
    """Whether front matter, good or bad, stands in `text` that is no example of the prompt."""
    import re

    for found in re.finditer(_REPLY, text, re.MULTILINE):
        if not echo.is_example(text, found.start(), found.end()):
            return True
    return False


def _tail(text: str, least: int) -> str:
    """The last `least` characters of `text`, and before them the rest of their line, unless that is endless."""
    start, first = len(text) - least, max(0, len(text) - _MOST_CHARS)
    if start <= 0:
        return text
    end_of_line = text.rfind("\n", first, start)
    return text[first if end_of_line < 0 else end_of_line + 1 :]


def _words(stdout: str, stderr: str) -> str:
    """The line in which an agent says why it failed: some speak on stdout, and of other things on stderr."""
    told = error_lines.last_error_line(stderr) or error_lines.last_error_line(stdout)
    return told or _last_line(stderr)


def _last_of(stdout: str, echo: Echo) -> str:
    """The last line of `stdout`: better than nothing where no error is told, but no evidence of any class."""
    said = error_objects.in_words(_last_line(echo.taken_out_of(_tail(stdout, _STDOUT_CHARS))))
    return said if len(said) <= _MOST_SAID else f"{said[:_MOST_SAID]}…"


def _last_line(text: str) -> str:
    return text.rstrip().rsplit("\n", 1)[-1].strip()


def _what_counts(code: str, stderr: str, stdout: str) -> str:
    """The text in which a message of the agent itself would stand."""
    if code == BAD_REPLY:  # a reply that is nothing but a message; anything else is a reply
        return error_lines.error_text(stdout) if error_lines.is_message(stdout) else ""
    if code == SPAWN_FAILED:
        return stderr  # our own words
    stdout, stderr = _tail(stdout, _STDOUT_CHARS), _tail(stderr, _STDERR_CHARS)
    spoken = error_lines.error_text(stdout, is_spoken=True)
    return f"{spoken}\n{error_lines.error_text(stderr)}"


def _memory_ran_out(peak_memory_bytes: int | None) -> bool:
    """Whether it may have been the kernel that killed, for memory: it has done so before, and there was reason to."""
    total = platform.memory_bytes()
    if platform.oom_kills() == 0 or total is None or peak_memory_bytes is None:
        return False
    return peak_memory_bytes >= total // 4
