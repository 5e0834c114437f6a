"""The nodes that a thread is made of, and how they are written down. Attempts are in `attempt`, tags in `tags`.

A chain runs backwards from a thread's head by `prev`: steps and rebinds, down to one start node. Beside
the head stands at most one attempt that has not become a step, under `@uwf/attempt/<thread>`: the one that runs
now, or the failed or interrupted ones since the last step. It carries the plan (role, round, instruction,
what is told), so that nothing a person said is lost when the agent fails or the machine dies.

A field of a node stands in three places more: where it is written (a step in `run.publish`, a start in
`actions.lifecycle`), in `shape`, which checks what a stranger wrote, and in `gate` if its value is a name.

Node kinds
    start    thread, workflow, task, cwd, startedAt
    step     one finished visit of one role
    rebind   a deliberate change of the thread's workflow
    prompt   parts: the sections of a prompt, in order; sections that repeat are links to `text`
    turn     one message inside a step: attempt (the start of its attempt; in stores of 0.1.0 also the mark of one
             that became a step without a node of its own), prev (the turn before, or null), from, kind, text, at
    attempt  the start of an attempt; that the agent was asked again; its end. The later ones link to the `begun` one
    word     what is said to a thread (see `word`)
    told     one of the words that wait for the next step (see `told`)
    text     a string that is too long to stand inside another node, or that many share
    code     what a step has left, for other machines, and conversation, the session of its agent; pack and lines are
             pieces of these (see `carried`)
"""

from __future__ import annotations

from functools import wraps

from uwf.engine.chain import word as words
from uwf.errors import InputError, StoreError
from uwf.quantities import one
from uwf.record import Record, replace
from uwf.store.codec import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Protocol, TypeVar

    T = TypeVar("T")

    from uwf.engine.chain.word import Word
    from uwf.store.codec import Node
    from uwf.store.protocols import Counters, Objects, Refs

    class Nodes(Protocol):
        """Whatever nodes can be read from: a store, a transaction, a cache."""

        def get(self, id: str) -> Node: ...

    class Reader(Objects, Refs, Counters, Protocol):
        """A store or a transaction."""

    class Writer(Protocol):
        def put(self, kind: str, payload: Any) -> str: ...


INLINE_CHARS = 1024

TEXT = "text"
"""The kind of a turn that is part of a reply. Turns of stores that know no kinds are all of this one."""
THINKING = "thinking"

BAD_NODE = "bad_node"

WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a node raises that was made by hand."""


def shaped(read: Callable[[Nodes, str], T]) -> Callable[[Nodes, str], T]:
    """`read`, which raises `StoreError` for a node that was made by hand and lacks what a thread needs."""

    @wraps(read)
    def checked(nodes: Nodes, id: str) -> T:
        try:
            return read(nodes, id)
        except WRONG_SHAPE as error:
            lacks = "a node lacks" if isinstance(error, KeyError) else "a node has a wrong shape:"
            raise StoreError(
                f"{lacks} {error}; it is read from object {id[:12]}",
                hint=f"uwf cas get {id[:12]}",
                code=BAD_NODE,
            ) from error

    return checked


def pack_text(writer: Writer, text: str) -> str | Link:
    """`text` as it stands in a payload: itself when short, else a link to a `text` node."""
    if len(text) <= INLINE_CHARS:
        return text
    return Link(writer.put("text", text))


def unpack_text(nodes: Nodes, packed: Any) -> str:
    """The string behind what `pack_text` made."""
    if isinstance(packed, Link):
        return str(nodes.get(packed).payload)
    return str(packed)


class Plan(Record):
    """What the next step is to be: made by `run/plan`, kept with the attempt until it has become a step.

    `base` is the node the step will link to, `expect` the head the thread must still have then; they differ
    only for a poke, whose step replaces the head. `told` are the words that it tells the role. `remark` is what was
    said with the plan itself, that of a poke; in stores of before there were words it is all that a person had added.
    """

    role: str
    round: int
    instruction: str
    cwd: str
    base: str
    expect: str
    workflow: str
    remark: str | None = None
    told: tuple[Word, ...] = ()

    @property
    def supplement(self) -> str | None:
        """All that a person adds."""
        return words.added_by_person(self.remark, self.told, is_poke=self.is_poke)

    @property
    def is_poke(self) -> bool:
        """Whether the step will replace the head."""
        return self.base != self.expect

    def to_payload(self, writer: Writer) -> dict[str, Any]:
        return {
            "role": self.role,
            "round": self.round,
            "instruction": pack_text(writer, self.instruction),
            "cwd": self.cwd,
            "base": Link(self.base),
            "expect": Link(self.expect),
            "workflow": Link(self.workflow),
            "supplement": None if self.remark is None else pack_text(writer, self.remark),
            **({"told": words.put(writer, self.told)} if self.told else {}),
        }

    @staticmethod
    def from_payload(nodes: Nodes, payload: Mapping[str, Any]) -> Plan:
        remark = payload["supplement"]
        return Plan(
            role=payload["role"],
            round=payload["round"],
            instruction=unpack_text(nodes, payload["instruction"]),
            cwd=payload["cwd"],
            base=payload["base"],
            expect=payload["expect"],
            workflow=payload["workflow"],
            remark=None if remark is None else unpack_text(nodes, remark),
            told=words.read(nodes, payload["told"]) if "told" in payload else (),
        )


class Start(Record):
    """The first node of a chain."""

    id: str
    thread: str
    workflow: str
    task: str
    cwd: str
    started_ms: int

    @staticmethod
    @shaped
    def read(nodes: Nodes, id: str) -> Start:
        payload = nodes.get(id).payload
        return Start(
            id=id,
            thread=payload["thread"],
            workflow=payload["workflow"],
            task=unpack_text(nodes, payload["task"]),
            cwd=payload["cwd"],
            started_ms=payload["startedAt"],
        )


class Position(Record):
    """Where a chain stands at one of its nodes: all that routing and counting need, without walking back.

    `role` and `status` are of the last step at or before the node, None before the first. `step` is that
    step's id. `visits` counts each role's steps; `sessions` has those before it that named a session (see
    `sessions`); `spent` is what the chain up to there has used.
    """

    id: str
    kind: str
    start: str
    workflow: str
    round: int
    index: int
    role: str | None
    status: str | None
    step: str | None
    visits: dict[str, int]
    sessions: dict[str, Any]
    spent: dict[str, Any]

    @staticmethod
    def of_step(id: str, payload: Mapping[str, Any]) -> Position:
        """The position at the step `id` with this payload."""
        return Position(
            id,
            "step",
            payload["start"],
            payload["workflow"],
            payload["round"],
            payload["index"],
            payload["role"],
            payload["status"],
            id,
            payload["visits"],
            payload["sessions"],
            payload["spent"],
        )

    @staticmethod
    @shaped
    def read(nodes: Nodes, id: str) -> Position:
        node = nodes.get(id)
        bound = node if node.kind == "rebind" else None
        at = id
        while node.kind == "rebind":  # which changes nothing but the workflow
            at = node.payload["prev"]
            node = nodes.get(at)
        payload = node.payload
        if node.kind == "step":
            position = Position.of_step(at, payload)
        elif node.kind == "start":
            position = Position(
                at, "start", at, payload["workflow"], 1, 0, None, None, None, {}, {}, {}
            )
        else:
            raise not_a_chain(at, node.kind)
        if bound is None:
            return position
        return replace(position, id=id, kind="rebind", workflow=bound.payload["workflow"])


USUAL_FACTS: dict[str, Any] = {
    "ended": "exit",
    "exitCode": 0,
    "signal": None,
    "durationMs": 0,
    "peakMemoryBytes": 0,
    "stdoutBytes": 0,
    "stderrBytes": 0,
    "rung": "",
    "survivors": [],
}
"""What its process came to, where nothing is to be told. A step keeps what differs."""


class ClientFacts(Record):
    """What a client has said of itself: which model answered, what its session has used by its own count, and which
    tools it was not permitted to use. `unsaid` names what an ask of an attempt has used and not said, where there were
    several asks. `asks` is what a person has to permit, as the `hash` of it and for how many
    milliseconds a yes `lasts`; `permitted` the hash of what was. Objects of agents that say none of it have no
    `client`.
    """

    model: str | None = None
    counted: Mapping[str, float] | None = None
    denied: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    asks: Mapping[str, Any] | None = None
    permitted: str | None = None

    def to_payload(self) -> dict[str, Any]:
        """The field of a step or an attempt; none for what says nothing."""
        said = {
            **({"model": self.model} if self.model else {}),
            **({"counted": dict(self.counted)} if self.counted is not None else {}),
            **({"denied": list(self.denied)} if self.denied else {}),
            **({"unsaid": list(self.unsaid)} if self.unsaid else {}),
            **({"asks": dict(self.asks)} if self.asks is not None else {}),
            **({"permitted": self.permitted} if self.permitted is not None else {}),
        }
        return {"client": said} if said else {}

    @staticmethod
    def of(payload: Mapping[str, Any]) -> ClientFacts:
        """Those in the payload of a step or an attempt."""
        said = payload.get("client", {})
        return ClientFacts(
            said.get("model"),
            said.get("counted"),
            tuple(said.get("denied", ())),
            tuple(said.get("unsaid", ())),
            said.get("asks"),
            said.get("permitted"),
        )


class Step(Record):
    """One finished visit of one role. `process` is None for a step of an early version, which kept nothing of it.

    `remark` and `told` are as in its plan; `worktree` has the snapshots `before` and `after` it, where its thread had
    a worktree.
    """

    id: str
    prev: str
    start: str
    workflow: str
    thread: str
    role: str
    index: int
    round: int
    visit: int
    status: str
    output: dict[str, Any]
    body: str
    prompt: str
    instruction: str
    remark: str | None
    told: tuple[Word, ...]
    turns: str | None
    agent: str
    client: ClientFacts
    cwd: str
    session: str | None
    started_ms: int
    duration_ms: int
    process: dict[str, Any] | None
    usage: dict[str, Any] | None
    attempts: tuple[str, ...]
    replaces: str | None
    worktree: Mapping[str, str | None] | None = None

    @property
    def supplement(self) -> str | None:
        """All that a person had added."""
        is_poke = self.replaces is not None
        return words.added_by_person(self.remark, self.told, is_poke=is_poke)

    @property
    def words(self) -> tuple[Word, ...]:
        """What was said for it. The remark of a poke is not: that was about a reply which there was."""
        if self.remark is None or self.replaces is not None:
            return self.told
        return (words.of_person(self.remark, self.started_ms), *self.told)

    @staticmethod
    @shaped
    def read(nodes: Nodes, id: str) -> Step:
        node = nodes.get(id)
        if node.kind != "step":
            raise InputError(
                f"object {id[:12]} is {one(node.kind)}, not a step",
                hint=f"uwf cas get {id[:12]}",
                code="not_a_step",
            )
        payload = node.payload
        remark = payload["supplement"]
        return Step(
            id=id,
            prev=payload["prev"],
            start=payload["start"],
            workflow=payload["workflow"],
            thread=payload["thread"],
            role=payload["role"],
            index=payload["index"],
            round=payload["round"],
            visit=payload["visits"][payload["role"]],
            status=payload["status"],
            output=payload["output"],
            body=unpack_text(nodes, payload["body"]),
            prompt=payload["prompt"],
            instruction=unpack_text(nodes, payload["instruction"]),
            remark=None if remark is None else unpack_text(nodes, remark),
            told=words.read(nodes, payload["told"]) if "told" in payload else (),
            turns=payload["turns"],
            agent=payload["agent"],
            client=ClientFacts.of(payload),
            cwd=payload["cwd"],
            session=payload["session"],
            started_ms=payload["startedAt"],
            duration_ms=payload["durationMs"],
            process=_whole_facts(payload.get("process")),
            usage=payload["usage"],
            attempts=tuple(payload["attempts"]),
            replaces=payload["replaces"],
            worktree=payload.get("worktree"),
        )


def unusual(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the facts about a process that a step keeps."""
    return {name: fact for name, fact in facts.items() if fact != USUAL_FACTS[name]}


def _whole_facts(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if kept is None else {**USUAL_FACTS, **kept}


def not_a_chain(id: str, kind: str) -> Exception:
    """The error for an object that is no node of a chain."""
    return InputError(
        f"object {id[:12]} is {one(kind)}, not a node of a thread's chain",
        hint="uwf thread list --all",
        code="not_a_chain",
    )


def previous(nodes: Nodes, id: str) -> str | None:
    """The node before `id` in its chain; None at the start node."""
    return _before(id, nodes.get(id))


def back(nodes: Nodes, id: str) -> Iterator[tuple[str, Node]]:
    """The ids and the nodes of a chain from `id` backwards to its start, each read once."""
    at: str | None = id
    while at is not None:
        node = nodes.get(at)
        yield at, node
        at = _before(at, node)


def _before(id: str, node: Node) -> str | None:
    if node.kind == "start":
        return None
    if node.kind not in ("step", "rebind"):
        raise not_a_chain(id, node.kind)
    return str(node.payload["prev"])


def prompt_text(nodes: Nodes, id: str) -> str:
    """The whole text of the `prompt` node `id`, as the agent got it."""
    return "\n\n".join(unpack_text(nodes, part) for part in nodes.get(id).payload["parts"])
