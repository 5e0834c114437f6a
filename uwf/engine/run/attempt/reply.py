"""From what an agent said to what the chain keeps: taken apart, validated, routed, rid of secrets.

A reply that nothing can follow (its status has no edge, the next instruction would be empty) is as bad as one
that does not fit its schema: the agent hears of it at once, while it still can mend it.
"""

from __future__ import annotations

from uwf.agent import frontmatter
from uwf.agent.protocol import names_session
from uwf.engine.chain.tags import SUSPENDED
from uwf.engine.run.attempt import check_in, reading
from uwf.engine.run.attempt.outcome import Envelope, Rejected, ValidReply
from uwf.engine.run.planning.transitions import after
from uwf.record import replace
from uwf.workflow.model import SUSPEND
from uwf.workflow.reply_schema import placeholders
from uwf.workflow.reply_schema.structure import properties_for
from uwf.workflow.route import RouteError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.agent.echo import Echo
    from uwf.engine.chain.redact import Redactor
    from uwf.engine.chain.tags import ThreadState
    from uwf.engine.run.attempt.check_in import CheckIn
    from uwf.workflow.model import Role, Workflow

ENVELOPE = ("session", "usage", check_in.NAME)
"""Fields an agent may add for uwf itself; they are no part of the output unless the role's schema has them."""

MOST_AMOUNT = 1 << 53


def without_echo(text: str, *asked: str) -> str:
    """`text` without what was `asked`: some agents print it before they answer, and it shows examples of replies."""
    for part in asked:
        text = text.replace(part, "")
    return text


def judge(
    workflow: Workflow, role: Role, text: str, redactor: Redactor, echo: Echo | None = None
) -> ValidReply | Rejected:
    """Whether `text` is a reply of `role`, and what it says. `echo` knows what the agent was asked."""

    def is_example(front: dict[str, Any], text: str, start: int, stop: int) -> bool:
        if echo is not None and echo.is_example(text, start, stop):
            return True
        status = reading.status_meant(role.schema, str(front.get("$status")))
        return placeholders.are_left_in(role.schema, status, front, ENVELOPE)

    try:
        said = _taken_apart(text, is_example)
    except frontmatter.BadReply as error:
        return Rejected([redactor.text(error.message)])
    front = {**said.front, "$status": reading.status_meant(role.schema, said.front["$status"])}
    envelope = _opened(role, said, front, redactor)
    status = front["$status"]
    schema = {} if status == SUSPEND else role.schema
    front, problems = reading.as_meant(schema, front, dict(said.spelled))
    if status == SUSPEND:
        problems = problems or _about_suspending(front)
    if problems:
        return Rejected([redactor.text(problem) for problem in problems], envelope)
    output, body = redactor.value(front), redactor.text(said.body)
    try:
        state = after(workflow, role.name, status, {**output, "_body": body})
    except RouteError as error:
        return Rejected([redactor.text(error.message)], envelope)
    if envelope.check_in is not None:
        state = _looked_at_again(state, envelope.check_in, role)
    if state.message is not None:
        state = replace(state, message=redactor.text(state.message))
    return ValidReply(status, output, body, envelope, state)


def _taken_apart(
    text: str, is_example: Callable[[dict[str, Any], str, int, int], bool]
) -> frontmatter.Reply:
    """The reply as it stands; where there is none, as it is meant. Raises `BadReply`, of the one as it stands."""
    try:
        return frontmatter.split(text, is_example=is_example)
    except frontmatter.BadReply as error:
        try:
            return frontmatter.split(text, mend=True, is_example=is_example)
        except frontmatter.BadReply:
            raise error from None


def envelope_of(role: Role, text: str, redactor: Redactor) -> Envelope:
    """What `role` has said to uwf in a reply that does not count, since its agent failed or was ended."""
    try:
        said = frontmatter.split(text)
    except frontmatter.BadReply:
        return Envelope()
    return _opened(role, said, dict(said.front), redactor)


def _opened(
    role: Role, said: frontmatter.Reply, front: dict[str, Any], redactor: Redactor
) -> Envelope:
    """The envelope of a reply, which is taken out of `front`."""
    look = check_in.read(front[check_in.NAME]) if check_in.NAME in front else None
    extra = _taken_out(role, front)
    session = _session(_as_spelled(said, "session"))
    usage, left_out = _amounts(redactor.value(extra.get("usage")))
    if look is not None and look.note is not None:
        look = replace(look, note=redactor.text(look.note))
    return Envelope(None if session is None else redactor.text(session), usage, left_out, look)


def _looked_at_again(state: ThreadState, look: CheckIn, role: Role) -> ThreadState:
    """`state` with the timer that a reply has wished for. A person who is asked is told where none can be set."""
    if state.status == SUSPENDED and look.after_s is None:
        state = replace(state, message=f"{state.message} ({look.note})")
    return replace(state, wake=look.wake(role.name))


def _taken_out(role: Role, front: dict[str, Any]) -> dict[str, Any]:
    """What `front` has for uwf itself, which is taken out of it."""
    named = [name for name in ENVELOPE if name in front]
    if not named:
        return {}
    status = str(front.get("$status", ""))
    declared, _ = properties_for(role.schema, status)
    if status == SUSPEND:
        declared = (*declared, check_in.NAME)  # it has no schema that would forbid it
    return {name: front.pop(name) for name in named if name not in declared}


def _about_suspending(front: dict[str, Any]) -> list[str]:
    """What is wrong with the front matter of a reply that asks for a person, in words."""
    reason = front.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        return [
            f"`$status: {SUSPEND}` needs a `reason`: one sentence for the person who will answer"
        ]
    return []


def _as_spelled(said: frontmatter.Reply, name: str) -> Any:
    """A field of the front matter, a number or a truth value as it was written."""
    value = said.front.get(name)
    return dict(said.spelled).get((name,), reading.written(value))


def _session(word: Any) -> str | None:
    """The session an agent named. One that could not be handed back in an environment is none."""
    return word if names_session(word) else None


def _amounts(value: Any) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """What of a usage such as `{tokens: 1200, usd: 0.03}` is an amount, and what is none, by name.

    What is none takes nothing of the rest with it: money that an agent names is never uncounted for the model it names
    beside it.
    """
    if value is None:
        return None, ()
    if not isinstance(value, dict):
        return None, (f"{value!r:.40}",)
    amounts = {str(name): item for name, item in value.items() if _is_amount(item)}
    left_out = tuple(f"{name!s:.40}" for name, item in value.items() if not _is_amount(item))
    return amounts or None, left_out


def _is_amount(item: Any) -> bool:
    """Sums of amounts must stay exact."""
    is_number = isinstance(item, (int, float)) and not isinstance(item, bool)
    return is_number and abs(item) <= MOST_AMOUNT
