"""What the engine and whatever runs a role say to each other: an `AgentRequest` in, events meanwhile, an `AgentResult`.

An agent knows nothing of threads, stores or guards. It runs one prompt in one folder and says how that ended, in its
own words; what that means for the thread is decided by the engine. The kinds of agents are in `kinds`.
"""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, Protocol, TypeAlias

    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

    Ended = Literal[
        "exit", "lingered", "signal", "timeout", "stall", "stopped", "output_limit", "spawn_failed"
    ]
else:
    Protocol = object


def _nothing() -> None:
    """Nobody says anything."""


HASH_CHARS = 16
"""How much of a hash is shown, and has to be given: so many that nobody finds other bytes whose hash begins alike."""


class Answered(Record):
    """What a person has said to what an agent has asked for with this `hash`: it may do that once, until `until_ms`
    (epoch ms). None: it may not.
    """

    hash: str
    until_ms: int | None


class Conversation(Record):
    """A session as another machine has it: how its file is called below the folder of its client, and what `read` gives
    of it.
    """

    name: str
    read: Callable[[], bytes]


class AgentRequest(Record):
    """One prompt for one agent, with everything it may need.

    `env` is the complete environment of the agent: the caller has put the `UWF_*` names over its own.
    `session` is what this agent, in this role and folder, named as its session last time, and `counted` what that
    session had used then by the agent's own count, where it has one; `forks_session` says that it is to go on in a copy
    of it, which has a name of its own. `conversation` is what the session has by now on the machine that it was on.
    `model`, `permissions` and `args` are for a client that takes such, in its own words; `usd_left` is what the run may
    cost. `answer` is that to what the run before has ended with. A `stall_timeout_s` of None is for agents that do not
    stream. `mark` is a text that no other run has: it is put into the environment as `UWF_RUN`, so that processes that
    got away can be found. Output past 1 MiB is spooled to a nameless file in `spool_dir`.
    What runs the prompt inherits `keep_fds`, so that the holder of their other ends knows that it lives.

    One that has said what `is_reply` takes for a whole reply, and for `linger_s` nothing after it, is ended and has
    replied. None: its own end is waited for. `meanwhile` is called once, when it works: what can be done then takes no
    time of its own. `news` gives what was said to its thread since, None for nothing: for an agent that listens while
    it works, which tells by `NewsHeard` that it has taken that in.
    """

    prompt: str
    cwd: str
    env: dict[str, str]
    session: str | None
    mark: str
    spool_dir: str
    forks_session: bool = False
    counted: Mapping[str, float] | None = None
    conversation: Conversation | None = None
    model: str | None = None
    permissions: str | None = None
    args: tuple[str, ...] = ()
    usd_left: float | None = None
    answer: Answered | None = None
    timeout_s: float | None = 3600.0
    stall_timeout_s: float | None = None
    output_limit_bytes: int = 64 << 20
    grace_s: float = 3.0
    keep_fds: tuple[int, ...] = ()
    linger_s: float | None = None
    is_reply: Callable[[str], bool] = bool
    meanwhile: Callable[[], object] = bool
    news: Callable[[], str | None] = _nothing


class Text(Record):
    """A piece of what the agent says. All of them and the result's tail, joined, are the reply of a command."""

    text: str


class Thinking(Record):
    """A piece of what the agent thinks before it says something. No part of the reply."""

    text: str


class ToolCall(Record):
    """The agent uses a tool. `id` is what its `ToolResult` will name."""

    id: str
    name: str
    arguments: dict[str, Any]


class ToolResult(Record):
    """What a tool gave back."""

    id: str
    text: str
    is_error: bool = False


class Usage(Record):
    """What the run has used until now, in all: it takes the place of what was said before.

    `counted` is what the session has used by the count of an agent that goes on counting over its runs. Without amounts
    nothing is known of the run yet.
    """

    amounts: dict[str, float]
    counted: dict[str, float] | None = None


SESSION_CHARS = 4096


class Session(Record):
    """The session that the run goes on in, from now on: what `names_session` takes for one."""

    id: str


class SessionFile(Record):
    """The client keeps its session in the file at `path`, which is called `name` below the folder of all of them. It
    may be read once the run has ended.
    """

    name: str
    path: str


def names_session(word: Any) -> bool:
    """Whether an agent that names `word` as its session can be handed it back, in an environment."""
    return isinstance(word, str) and word.isprintable() and 0 < len(word) <= SESSION_CHARS


class Model(Record):
    """Which model answers, by the name that the client gives it."""

    name: str


class Denied(Record):
    """A tool that the agent wanted to use and was not permitted to, and what it wanted of it."""

    tool: str
    arguments: dict[str, Any]


class NewsHeard(Record):
    """The agent has taken in what `news` gave it last."""


class Asks(Record):
    """A person has to permit what has this `hash`, in words that the failure of the run has; a yes is good for
    `lasts_ms`. The run ends with it.
    """

    hash: str
    lasts_ms: int


class Permitted(Record):
    """A yes of a person is about to be used. Only when `on_event` has returned it may be, and never again."""

    hash: str


class RateLimit(Record):
    """A limit of the service behind the agent. Once `is_reached`, nothing passes until `resets_ms` (None: unknown)."""

    is_reached: bool
    resets_ms: int | None = None


MOST_AHEAD_MS = 40 * 86_400_000
"""Further ahead is no reset of any limit, but a misunderstanding."""


AgentEvent: TypeAlias = (
    Text
    | Thinking
    | ToolCall
    | ToolResult
    | Usage
    | Session
    | SessionFile
    | Model
    | Denied
    | NewsHeard
    | Asks
    | Permitted
    | RateLimit
)


class ProcessFacts(Record):
    """How a process ended and what it needed.

    `ended` was decided once, by whatever came first; what `lingered` was ended behind its whole reply. `exit_code` or
    `signal` say how the program itself went in the end, also when it was ended for a timeout; both are None when it
    never ran, did not end, or its status was lost. `escalation` is how far its family had to be forced: "" (not at
    all), "term" or "kill". `survivors` are pids that even SIGKILL did not end. `peak_memory_bytes` is that of the
    largest among the program and the descendants that were collected, and never less than what this program itself held
    when it started it; 0 when not known.
    """

    ended: Ended
    exit_code: int | None = None
    signal: int | None = None
    duration_ms: int = 0
    peak_memory_bytes: int = 0
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    escalation: str = ""
    survivors: tuple[int, ...] = ()


class AgentFailure(Record):
    """Why a run gave no reply.

    `code` is how it ended, `failure_class` what that is a case of: see `failure`. A run that a person stopped has
    `stopped` as both. `message` is a sentence for a person, `said` the line in which the agent itself said it, or "".
    `resets_ms` is when a quota begins anew, if the agent said so. `is_hopeless`: another try would fail likewise.
    `is_told`: a client has said so in fields of its own; nothing was read from words.
    """

    code: str
    failure_class: str
    message: str
    said: str = ""
    resets_ms: int | None = None
    is_hopeless: bool = False
    is_told: bool = False


class AgentResult(Record):
    """What a run came to. Without a `failure`, `text` is the whole reply; with one, what there was of it.

    `tail` is the end of `text` that no event has carried: what came with the end itself. `stderr` is the end of the
    error output. `session` is what the agent named as its session, and `usage` maps names such as `tokens` or `usd` to
    amounts. `process` is None for an agent that has no process.
    """

    text: str
    tail: str = ""
    stderr: str = ""
    session: str | None = None
    usage: dict[str, float] | None = None
    failure: AgentFailure | None = None
    process: ProcessFacts | None = None


class Agent(Protocol):
    """Runs prompts. One at a time per thread of the program; several may run side by side.

    One that `streams` says what it does while it does it, so that a long silence means that it hangs.
    """

    name: str
    streams: bool

    @property
    def own_variables(self) -> tuple[str, ...] | None:
        """How the variables begin that its client reads: of the secrets in the environment it is handed those, and
        those that its config names. None: all.
        """
        ...

    def unavailable(self, cwd: str, path: str) -> str | None:
        """Why it cannot be started in the folder `cwd` with `path` as PATH, in one line; None when it can."""
        ...

    def run(
        self,
        request: AgentRequest,
        *,
        stop: Stop,
        on_start: Callable[[Owner | None], None],
        on_event: Callable[[AgentEvent], None],
    ) -> AgentResult:
        """Run `request.prompt` to its end.

        `on_start(process)` is called before the agent may do anything, and it only runs when that has returned; None is
        for an agent without a process. `on_event` is called with each event as it arrives. What either of them raises
        ends the agent and is raised from here.
        """
        ...
