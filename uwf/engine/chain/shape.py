"""What nodes of threads must look like, when a stranger may have written them. Those of this store are just read.

A shape names the fields of a payload, what each may hold, and to which forms of nodes its links lead. Fields that no
shape names are of a newer uwf and do no harm. `form` tells the three forms of an attempt apart, each of which lacks
what the others have.
"""

from __future__ import annotations

from uwf.engine.chain.carried import CODE, CONVERSATION, LINES, PACK
from uwf.engine.chain.told import CELL
from uwf.engine.chain.word import WORD
from uwf.errors import UwfError
from uwf.quantities import one
from uwf.store.codec import Link
from uwf.trust import TRUSTS
from uwf.workflow import model, route, trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeAlias

    from uwf.store.codec import Node

    Leads: TypeAlias = Iterator[tuple[str, tuple[str, ...]]]
    """The links in a value, each with the forms of which one must be at its end."""

    Field: TypeAlias = Callable[[Any], Leads]
    """Raises `WrongShape` for a value that does not fit."""

END_OF_TIME_MS = 253_402_300_800_000
"""The year 10000: what is later cannot be shown."""

CHAIN = ("start", "step", "rebind")
ATTEMPT = BEGUN, AGAIN, ENDED = "attempt's start", "attempt asked again", "attempt's end"


class WrongShape(ValueError):
    """A node that no thread can have. The text says what is wrong, and in which field."""


def form(node: Node) -> str:
    """The kind of a node, and of an attempt which of its three."""
    if node.kind != "attempt" or not isinstance(node.payload, dict):
        return node.kind
    if "error" in node.payload:
        return ENDED
    return AGAIN if "begun" in node.payload else BEGUN


def leads(node: Node) -> Leads:
    """The links of a node, each with the forms of which one must be at its end.

    WrongShape when it is no node that a thread can have.
    """
    found = _SHAPES.get(form(node))
    if found is None:
        raise WrongShape(f"is {one(node.kind)}, which is no part of a thread")
    yield from found(node.payload)
    if node.kind == "step" and node.payload["role"] not in node.payload["visits"]:
        raise WrongShape("has a role that it does not count")


def _wrong(value: Any, wanted: str) -> WrongShape:
    return WrongShape(f"is {type(value).__name__}, not {wanted}")


def _text(value: Any) -> Leads:
    if type(value) is not str:
        raise _wrong(value, "a text")
    yield from ()


def _count(value: Any) -> Leads:
    if type(value) is not int or not 0 <= value < END_OF_TIME_MS:
        raise _wrong(value, "a count") if type(value) is not int else WrongShape("is out of range")
    yield from ()


def _amount(value: Any) -> Leads:
    if type(value) not in (int, float):
        raise _wrong(value, "an amount")
    yield from ()


def _one_of(*known: str) -> Field:
    def check(value: Any) -> Leads:
        yield from _text(value)
        if value not in known:
            raise WrongShape(f"is none of {', '.join(known)}")

    return check


def _truth(value: Any) -> Leads:
    if type(value) is not bool:
        raise _wrong(value, "true or false")
    yield from ()


def _bytes(value: Any) -> Leads:
    if type(value) is not bytes:
        raise _wrong(value, "bytes")
    yield from ()


def _map(value: Any) -> Leads:
    if type(value) is not dict:
        raise _wrong(value, "a map")
    yield from ()


def _to(*forms: str) -> Field:
    def check(value: Any) -> Leads:
        if type(value) is not Link:
            raise _wrong(value, "a link")
        yield value, forms

    return check


def _packed(value: Any) -> Leads:
    """See `nodes.pack_text`."""
    return _to("text")(value) if type(value) is Link else _text(value)


def _text_or(field: Field) -> Field:
    return lambda value: _text(value) if type(value) is str else field(value)


def _perhaps(field: Field) -> Field:
    return lambda value: iter(()) if value is None else field(value)


def _each(field: Field) -> Field:
    def check(value: Any) -> Leads:
        if type(value) is not list:
            raise _wrong(value, "a list")
        for item in value:
            yield from field(item)

    return check


def _by_name(field: Field) -> Field:
    def check(value: Any) -> Leads:
        yield from _map(value)
        for item in value.values():
            yield from field(item)

    return check


def _fields(more: Mapping[str, Field] = {}, /, **fields: Field) -> Field:
    """All of `fields`, and those of `more` that are there: fields that a version did not know, or left out."""

    def check(value: Any) -> Leads:
        yield from _map(value)
        for name, field in (*fields.items(), *more.items()):
            if name not in value:
                if name in fields:
                    raise WrongShape(f"lacks `{name}`")
                continue
            try:
                yield from field(value[name])
            except WrongShape as error:
                raise WrongShape(f"has a wrong `{name}`, which {error}") from None

    return check


def _workflow(value: Any) -> Leads:
    yield from _WORKFLOW(value)
    try:
        route.entry_target(model.from_payload(value), 1)
        if len(triggers := value.get("on", ())) > trigger.MAX_TRIGGERS:
            raise WrongShape(f"has {len(triggers)} triggers")
        for given in triggers:
            trigger.of_stored(given)
    except (KeyError, UwfError) as error:
        raise WrongShape(f"is a workflow that no thread can have: {error}") from None


def _commit(value: Any) -> Leads:
    yield from _text(value)
    if len(value) not in (40, 64) or not set(value) <= set("0123456789abcdef"):
        raise WrongShape("is the name of no commit")


_TOLD: Mapping[str, Field] = {"told": _each(_to(WORD))}

_PLAN = _fields(
    _TOLD,
    role=_text,
    round=_count,
    instruction=_packed,
    cwd=_text,
    base=_to(*CHAIN),
    expect=_to(*CHAIN),
    workflow=_to("workflow"),
    supplement=_perhaps(_packed),
)

_ALONG: Mapping[str, Field] = {"code": _to(CODE), "conversation": _to(CONVERSATION)}

_WORKTREE = _by_name(_perhaps(_commit))

_PROCESS = _perhaps(
    _fields({"host": _text}, runner=_count, pid=_perhaps(_count), started=_perhaps(_text))
)

_CLIENT: Mapping[str, Field] = {
    "client": _fields(
        {
            **{"model": _text, "counted": _by_name(_amount), "denied": _each(_text)},
            **{"asks": _fields(hash=_text, lasts=_count), "permitted": _text},
            "unsaid": _each(_text),
        }
    )
}

_TURNS = _perhaps(_to("turn"))

_WORKFLOW = _fields(
    {"budget": _by_name(_amount), "on": _each(_map)},
    name=_text,
    description=_text,
    roles=_by_name(
        _fields(
            {
                **{"max_visits": _count, "writes": _truth, "agent": _text, "model": _text},
                "needs": _each(_text),
            },
            description=_text,
            goal=_text,
            capabilities=_each(_text),
            procedure=_text,
            output=_text,
            frontmatter=_map,
        )
    ),
    graph=_by_name(_by_name(_fields(role=_text, prompt=_text, location=_perhaps(_text)))),
)

_SHAPES: Mapping[str, Field] = {
    "start": _fields(
        thread=_text, workflow=_to("workflow"), task=_packed, cwd=_text, startedAt=_count
    ),
    "rebind": _fields(prev=_to(*CHAIN), workflow=_to("workflow")),
    "step": _fields(
        {
            **{"process": _perhaps(_map), "worktree": _WORKTREE, **_TOLD, **_CLIENT},
            **{"host": _text, **_ALONG},
        },
        prev=_to(*CHAIN),
        start=_to("start"),
        workflow=_to("workflow"),
        thread=_text,
        role=_text,
        index=_count,
        round=_count,
        visits=_by_name(_count),
        sessions=_by_name(_text_or(_each(_to("step")))),
        status=_text,
        output=_map,
        body=_packed,
        prompt=_to("prompt"),
        instruction=_packed,
        supplement=_perhaps(_packed),
        turns=_TURNS,
        agent=_text,
        cwd=_text,
        session=_perhaps(_text),
        startedAt=_count,
        durationMs=_count,
        usage=_perhaps(_by_name(_amount)),
        spent=_by_name(_amount),
        attempts=_each(_to(ENDED)),
        replaces=_perhaps(_to("step")),
    ),
    "prompt": _fields(parts=_each(_packed)),
    "turn": _fields(
        {"kind": _text},
        **{"from": _text},
        attempt=_text_or(_to(BEGUN, AGAIN)),
        prev=_TURNS,
        text=_packed,
        at=_count,
    ),
    WORD: _fields(text=_text, who=_text, trust=_one_of(*TRUSTS), at=_count, event=_perhaps(_text)),
    CELL: _fields(word=_to(WORD), before=_perhaps(_to(CELL))),
    "text": _text,
    CODE: _fields(thread=_text, commit=_commit, pushed=_truth, parts=_each(_to(PACK))),
    PACK: _fields(bytes=_bytes),
    CONVERSATION: _fields(name=_text, parts=_each(_to(LINES))),
    LINES: _fields(bytes=_bytes),
    "workflow": _workflow,
    BEGUN: _fields(
        {"worktree": _WORKTREE, "host": _text},
        thread=_text,
        plan=_PLAN,
        number=_count,
        agent=_text,
        mark=_text,
        prompt=_perhaps(_to("prompt")),
        before=_perhaps(_to(ENDED)),
        startedAt=_count,
        process=_PROCESS,
    ),
    AGAIN: _fields(begun=_to(BEGUN), turns=_TURNS, process=_PROCESS),
    ENDED: _fields(
        {"retried": _truth, "worktree": _WORKTREE, **_ALONG, **_CLIENT},
        begun=_to(BEGUN),
        turns=_TURNS,
        error=_fields(code=_text, message=_text),
        durationMs=_perhaps(_count),
        process=_perhaps(_map),
        stderr=_packed,
        session=_perhaps(_text),
        usage=_perhaps(_by_name(_amount)),
        endedAt=_count,
    ),
}
