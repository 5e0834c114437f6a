"""A client that says in lines of JSON what it does: Claude Code, Codex, and whoever speaks like them.

`run` brings its process to its end under supervision and hands each line to a `Reader`, which is written for one client
and knows its words. Nothing of the stream is kept but what the reader keeps. The client's own fields say what failed;
how the process ended counts where it has said nothing.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent import APPROVAL, failure
from uwf.agent.process import program, supervise
from uwf.agent.process.requested import spec_of
from uwf.agent.protocol import (
    MOST_AHEAD_MS,
    AgentFailure,
    AgentResult,
    Session,
    names_session,
)
from uwf.agent.words.failure_signs import AUTHENTICATION, NETWORK, QUOTA
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from uwf.agent.process.pump import Stdin
    from uwf.agent.process.supervise import ProcessOutcome
    from uwf.agent.protocol import AgentEvent, AgentRequest
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

MOST_SPOKEN_CHARS = 4000
"""How much is kept of lines that are no JSON: a client that cannot start says so in plain words."""

TICK_S = 2.0
"""How often it is looked for what was said to an agent that listens while it works, and for what it has used."""

TOKENS, USD = "tokens", "usd"
MOST_AMOUNT = 1 << 53


class ClientAgent:
    """What the agents have in common that are a client with a command line and `options` of their own."""

    options: Any

    def __init__(self, name: str, argv: Sequence[str], options: Any) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.options = options

    def unavailable(self, cwd: str, path: str) -> str | None:
        """See `uwf.agent.protocol.Agent`."""
        return program.unavailable(self.argv, cwd, path)


def in_new_session(request: AgentRequest) -> AgentRequest:
    """The same for a client that does not know the session any more which it should go on in."""
    return replace(request, session=None, forks_session=False, counted=None, conversation=None)


class Reader:
    """What one run of a client says. A client is a class below: it takes the lines, and knows what they came to.

    `text` is the reply, None until it is whole. `failed` is why there is none, by the client's own word. `tools` has
    the ids of the tools that are being used, during which nothing needs to be said. `waits_for` is what it waits for by
    itself, in its own words, and `gives_up_s` until when (monotonic) it may. A line of JSON that is not whole, as a
    client leaves it that ends while it writes, has `broken_bytes`.
    """

    counts_exit = True
    """Whether a reply is none where the client fails behind it."""

    def __init__(self, name: str, on_event: Callable[[AgentEvent], None]) -> None:
        self.name = name
        self.on_event = on_event
        self.text: str | None = None
        self.failed: AgentFailure | None = None
        self.usage: dict[str, float] | None = None
        self.session: str | None = None
        self.tools: set[str] = set()
        self.spoken = ""
        self.broken_bytes = 0
        self.waits_for = ""
        self.gives_up_s = float("inf")

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.text is not None

    def take(self, said: Mapping[str, Any]) -> None:
        """One line. What is not understood is passed over: newer clients say more."""
        raise NotImplementedError

    def ends(self) -> None:
        """Its process has ended, however that went."""

    def names(self, session: Any) -> bool:
        """The client names its session. False for a name that it could not be handed back: it goes by none."""
        if not names_session(session):
            return False
        self.session = session
        self.on_event(Session(session))
        return True

    def waits(self, words: str, most_s: float) -> None:
        """The client waits for its network; it may do so for `most_s` from when it has first said so."""
        if not self.waits_for:
            self.gives_up_s = clock.monotonic_s() + most_s
        self.waits_for = words

    def goes_on(self) -> None:
        """It waits no more."""
        self.waits_for, self.gives_up_s = "", float("inf")

    def line(self, data: bytes) -> None:
        """One line as it came."""
        import json  # few commands say anything beside their reply

        try:
            said = json.loads(data)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            self.take(said)
        elif data.startswith(b"{"):
            self.broken_bytes = len(data)
        elif data.strip():
            spoken = f"{self.spoken}{data[:MOST_SPOKEN_CHARS].decode(errors='replace')}\n"
            self.spoken = spoken[-MOST_SPOKEN_CHARS:]


def run(
    name: str,
    argv: Sequence[str],
    request: AgentRequest,
    reader: Reader,
    *,
    stop: Stop,
    on_start: Callable[[Owner | None], None],
    stdin: Stdin | None = None,
    on_tick: Callable[[], object],
) -> AgentResult:
    """Run the client once, with the prompt of `request` on its stdin; or with `stdin`, which stays open, so that it can
    be told more. `on_tick` is called again and again while it runs.
    """
    outcome = supervise.run(
        spec_of(
            request,
            argv,
            stdin=request.prompt if stdin is None else stdin,
            tick_s=TICK_S,
            on_tick=on_tick,
            on_line=reader.line,
            is_whole=lambda _rest: reader.has_ended,
            is_working=lambda: bool(reader.tools),
            gives_up_s=lambda: reader.gives_up_s,
        ),
        stop=stop,
        on_start=on_start,
    )
    reader.line(outcome.stdout)  # a last line without an end
    reader.ends()
    return AgentResult(
        reader.text or "",
        stderr=outcome.stderr.decode(errors="replace"),
        session=reader.session,
        usage=reader.usage,
        failure=_failure(name, reader, outcome),
        process=outcome.facts(),
    )


def refused(
    name: str, said: str, *, status: int | None = None, resets_ms: int | None = None
) -> AgentFailure | None:
    """The failure that an HTTP `status` of the service behind a client is; None for one that says nothing.

    401 and 403 are of authentication, 429 of a quota; what is 408 or 500 and more passes by itself. The others refuse
    what was asked, and would again.
    """
    if status is None or status < 400:
        return None
    message = f"agent {name}: its service answers {status}"
    if status in (401, 403):
        return failed(message, said, AUTHENTICATION)
    if status == 429:
        return replace(failed(message, said, QUOTA), resets_ms=resets_ms)
    if status == 408 or status >= 500:
        return failed(message, said, NETWORK)
    return hopeless(message, said)


def told(
    name: str,
    said: str,
    *,
    status: int | None = None,
    resets_ms: int | None = None,
    failure_class: str | None = None,
) -> AgentFailure:
    """The failure that a client tells in the words `said`, by its own class for it, else by the `status` of the service
    behind it, else by its words.
    """
    read = failure.classify(failure.EXIT_CODE, None, None, said, "", "")
    resets_ms = read.resets_ms if resets_ms is None else resets_ms
    if failure_class is None:
        found = refused(name, said, status=status, resets_ms=resets_ms)
        if found is not None:
            return found
        failure_class = read.failure_class
    message, is_own = f"agent {name} failed", failure_class == read.failure_class
    if is_own and read.is_hopeless:
        return replace(hopeless(message, said), failure_class=failure_class)
    found = failed(message, said, failure_class)
    return replace(found, resets_ms=resets_ms if failure_class == QUOTA else None)


def failed(message: str, said: str, failure_class: str = failure.EXIT_CODE) -> AgentFailure:
    """What the client says of its own failure."""
    return AgentFailure(failure.EXIT_CODE, failure_class, message, said.strip(), is_told=True)


def hopeless(message: str, said: str) -> AgentFailure:
    """Likewise, where another try would fail in the same way."""
    return replace(failed(f"{message} ({failure.NO_USE})", said), is_hopeless=True)


def clean(value: Any) -> str:
    """A text of JSON as one that can be stored: JSON may hold halves of characters. "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(value: Any) -> float:
    """A number of JSON; 0 for what is none, below, or too large to be added up exactly."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and 0 <= value <= MOST_AMOUNT else 0


def moment_ms(at_s: Any) -> int | None:
    """A moment of JSON, in epoch seconds, at which a limit resets; None for none, for one that is over (the clocks
    differ, and the limit is reached all the same), and for one so far ahead that something else must be meant.
    """
    at_ms, now_ms = round(number(at_s) * 1000), clock.now_ms()
    return at_ms if now_ms < at_ms <= now_ms + MOST_AHEAD_MS else None


def rows(value: Any) -> Iterable[Mapping[str, Any]]:
    """The objects in a list of JSON; nothing for what is no list."""
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()


def _failure(name: str, reader: Reader, outcome: ProcessOutcome) -> AgentFailure | None:
    facts = outcome.facts()
    found = failure.of_process(
        name,
        facts,
        stdout=reader.spoken,
        stderr=outcome.stderr.decode(errors="replace"),
        error=outcome.error,
        is_hopeless=outcome.hopeless,
        is_of_machine=outcome.is_of_machine,
    )
    if found is not None and reader.waits_for and facts.ended in ("stall", "timeout"):
        message = f"agent {name} could not reach its service"
        return replace(found, failure_class=NETWORK, message=message, said=reader.waits_for)
    if reader.failed is not None:
        asks = reader.failed.code == APPROVAL  # and was called off, however that went
        if facts.ended in ("exit", "lingered") or (asks and facts.ended != "stopped"):
            return reader.failed
    if facts.ended == "exit" and reader.text is not None and not reader.counts_exit:
        return None
    if found is None and reader.text is None:
        within = f", within a line of {reader.broken_bytes} bytes" if reader.broken_bytes else ""
        return failed(f"agent {name} ended without a reply{within}", reader.spoken)
    return found
