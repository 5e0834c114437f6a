"""What class of failure an agent's end is, read from how it ended and from what it said.

    spawn_failed  exit_code  signal  timeout  stall  output_limit  bad_reply
    quota  authentication  network  out_of_memory  machine  internal

The first row is what the process did; the second says more: `machine` that this process could start nothing, for want
of descriptors, memory or processes. The others are read from the messages that agents, the services
behind them and common tools are known to print. Only ever asked about a failure: a step that went well may
speak of rate limits as much as it likes. When a limit resets is read by `rate_limit_reset`.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent import error_lines
from uwf.agent.echo import Echo
from uwf.agent.process import platform
from uwf.agent.protocol import AgentFailure
from uwf.agent.thoughts import without_thoughts
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.protocol import ProcessFacts

SPAWN_FAILED, EXIT_CODE, SIGNAL, BAD_REPLY = "spawn_failed", "exit_code", "signal", "bad_reply"
TIMEOUT, STALL, OUTPUT_LIMIT = "timeout", "stall", "output_limit"
QUOTA, AUTHENTICATION, NETWORK = "quota", "authentication", "network"
OUT_OF_MEMORY, MACHINE, INTERNAL = "out_of_memory", "machine", "internal"

CLASSES = (
    *(SPAWN_FAILED, EXIT_CODE, SIGNAL, TIMEOUT, STALL, OUTPUT_LIMIT, BAD_REPLY),
    *(QUOTA, AUTHENTICATION, NETWORK, OUT_OF_MEMORY, MACHINE, INTERNAL),
)
TRANSIENT = (NETWORK, QUOTA, MACHINE)
"""Classes that time alone cures."""
STOPPED = "stopped"
"""The code of a run that a person stopped, which is no failure of the agent and has no class."""

_SIGKILL = 9
_KILLED_EXIT = 128 + _SIGKILL  # how a shell tells that what it ran was killed
_STDERR_CHARS = 4000
_STDOUT_CHARS = 600
_REPLY_CHARS = 64 << 10
"""An agent that gives up says so at its end; what stands before is its work, which may be about anything."""

_STATUS = r"(?<![a-z])(?:http(?:/[\d.]+)?|status|code|error|api)[ _]?(?:code|error)?\W{0,12}"

_SAYS = {
    QUOTA: (
        r"usage[ _]limit",
        r"rate[ _-]?limit",
        rf"{_STATUS}429\b",
        r"too many requests",
        r"(?<!disk )quota[ _](?:exceeded|reached|exhausted)",
        r"exceeded your (?:current |daily |monthly )?quota",
        r"check quota|insufficient_quota|quota will reset",
        r"resource[ _](?:has been )?exhausted",
        r"hit your (?:[\w-]+ )?limit",
        r"request rejected \(429\)|\(429\)",
        r"\b(?:session|hourly|daily|weekly|monthly|\d+-hour|spending) limit",
        r"credit balance (?:is )?too low|out of credits|insufficient (?:credits|funds|balance)",
        r"rate[ -]limited|(?:spending|spend|usage) cap reached",
        rf"{_STATUS}402\b",
    ),
    AUTHENTICATION: (
        rf"{_STATUS}40[13]\b",
        r"missing environment variable\W+\w*(?:key|token)",
        r"unauthori[sz]ed|unauthenticated",
        r"(?:invalid|incorrect|expired|missing) (?:x-)?api[ _-]?key",
        r"api[ _-]?key (?:is )?(?:not (?:found|valid|set)|missing|invalid|expired)",
        r"authentication[ _](?:error|failed|required)|failed to authenticate",
        r"not (?:logged|signed) in|please (?:run )?(?:`?[\w/-]+ )?/?log ?in\b",
        r"(?:invalid|expired) (?:oauth |access |bearer |refresh )?token",
        r"token (?:has |is )?(?:expired|revoked)",
        r"(?:login|session) (?:has )?expired|organization has been disabled",
    ),
    OUT_OF_MEMORY: (
        r"\bout of memory",
        r"cannot allocate memory|\benomem\b",
        r"\bmemoryerror\b|std::bad_alloc",
        r"oom[ -]?kill",
    ),
    NETWORK: (
        r"connection (?:was |is )?(?:refused|reset|aborted|closed|timed ?out|error|failed)",
        r"\b(?:econnrefused|econnreset|econnaborted|etimedout|enotfound|eai_again)\b",
        r"\b(?:ehostunreach|enetunreach)\b|no route to host|network (?:is )?unreachable",
        r"could not resolve|name resolution|getaddrinfo|name or service not known",
        r"socket hang up|fetch failed|network error|request timed out",
        r"(?:tls|ssl) handshake",
        rf"{_STATUS}(?:500|502|503|504|529)\b|api error:? 5\d\d\b",
        r"unable to connect|connection_?refused|waiting for network|error sending request",
        r"no such host|connection lost|reconnecting|request timeout|api error: terminated",
        r"server had an error|stream (?:disconnected|closed)|high demand|server-side issue|internal server error",
        r"bad gateway|service unavailable|gateway time-?out|overloaded_error|\boverloaded\b",
    ),
}
"""Patterns over text in lower case. The first class that fits is taken: a limit that was reached is also told
by connections that were closed.
"""

_HOPELESS = (
    rf"{_STATUS}(?:400|404|413)\b|invalid_request_error|model_not_found",
    r"issue with the selected model|(?:request|prompt|input) (?:is )?too (?:large|long)",
)
"""The service will not take this request, however often it is asked."""
_UNPAID = r"credit balance (?:is )?too low|out of credits|insufficient (?:credits|funds|balance)"
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
    stdout, stderr = (
        echo.taken_out_of(stdout[-_STDOUT_CHARS:]),
        echo.taken_out_of(stderr[-_STDERR_CHARS:]),
    )
    said = _words(stdout, stderr) if facts.ended in ("exit", "signal") else ""
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


def of_reply(agent: str, reply: str, prompt: str) -> AgentFailure | None:
    """The failure that `reply` is when it is no reply to `prompt` but a message of the client; None for any other."""
    said = without_thoughts(Echo(prompt).taken_out_of(reply[-_REPLY_CHARS:])).strip()
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
    said = _said(text)
    if said == QUOTA:
        from uwf.agent import rate_limit_reset

        at_ms = rate_limit_reset.resets_ms(text, clock.now_ms())
        return Diagnosis(QUOTA, at_ms, at_ms is None and _has(text, _UNPAID))
    if said is not None and (code != SIGNAL or said == OUT_OF_MEMORY):
        return Diagnosis(said)
    was_killed = signal == _SIGKILL or exit_code == _KILLED_EXIT
    if was_killed and not escalation and _memory_ran_out(peak_memory_bytes):
        return Diagnosis(OUT_OF_MEMORY)
    is_refused = code in (EXIT_CODE, BAD_REPLY) and _has(text, *_HOPELESS)
    return Diagnosis(code, is_hopeless=is_refused)


def _words(stdout: str, stderr: str) -> str:
    """The line in which an agent says why it failed: some speak on stdout, and of other things on stderr."""
    last = _last_line(stderr)
    if last and error_lines.is_error_line(last):
        return last
    return error_lines.last_error_line(stdout) or last


def _last_line(text: str) -> str:
    return text.rstrip().rsplit("\n", 1)[-1].strip()


def _what_counts(code: str, stderr: str, stdout: str) -> str:
    """The text in which a message of the agent itself would stand."""
    if code == BAD_REPLY:  # a reply that is nothing but a message; anything else is a reply
        return stdout.strip() if error_lines.is_message(stdout) else ""
    if code == SPAWN_FAILED:
        return stderr  # our own words
    stdout, stderr = stdout[-_STDOUT_CHARS:], stderr[-_STDERR_CHARS:]
    return f"{error_lines.error_text(stdout)}\n{error_lines.error_text(stderr)}"


def _said(text: str) -> str | None:
    found = (name for name, patterns in _SAYS.items() if _has(text, *patterns))
    return next(found, None)


def _has(text: str, *patterns: str) -> bool:
    import re

    text = text.lower()
    return any(re.search(pattern, text) for pattern in patterns)


def _memory_ran_out(peak_memory_bytes: int | None) -> bool:
    """Whether it may have been the kernel that killed, for memory: it has done so before, and there was reason to."""
    total = platform.memory_bytes()
    if platform.oom_kills() == 0 or total is None or peak_memory_bytes is None:
        return False
    return peak_memory_bytes >= total // 4
