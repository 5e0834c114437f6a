"""A step, or an attempt that came to none, as a page shows it: what was asked, answered, done and changed."""

from __future__ import annotations

from uwf.display import numbers, states
from uwf.display.times import duration
from uwf.errors import UwfError
from uwf.page import markup, words
from uwf.page.space import Space
from uwf.page.timeline import Span
from uwf.quantities import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from markupsafe import Markup

    from uwf.app import App
    from uwf.app.values import AttemptPage, AttemptView, StepPage, TurnView, WordView

_FAILURES, _FIELDS, _TOLD, _REPLY, _CHANGES, _SAID = 0.1, 0.25, 0.15, 0.45, 0.6, 0.75
"""The share of the space that each may take of what those before it have left. The prompt, which repeats most of what
the steps before it have said, gets the rest."""
_FACT_BYTES = 600
_TURN_BYTES, _FIELD_BYTES = 150, 130
"""What a turn, or a field, takes beside its text."""
_MOST_FAILURES, _MOST_FIELDS, _MOST_TOLD = 10, 40, 20


def of_step(app: App, thread: str, step: StepPage, space: Space) -> dict[str, Any]:
    """What the template says of a step."""
    id = step.step[:16]
    reading = f"uwf step read {id}"
    failures = _failures(step.failed_attempts, space.part(_FAILURES), reading)
    fields = _fields(step.fields, space.part(_FIELDS), reading)
    told = words_told(step.told, space.part(_TOLD), reading)
    reply = markup.markdown(space, step.body.rstrip(), reading, _REPLY) if step.body.strip() else ""
    code, code_error = _code(app, thread, step, space)
    who = step.agent if step.model is None else f"{step.agent} ({step.model})"
    return {
        "id": id,
        "index": step.index,
        "role": step.role,
        "status": step.status,
        "colour": states.of("suspended").colour if step.status == "$SUSPEND" else "",
        "time": duration(step.duration_ms),
        "cost": words.cost_of(step.usage),
        "facts": facts(
            f"uwf step show {id}",
            began=words.moment(step.started_at),
            took=duration(step.duration_ms),
            agent=who,
            used=numbers.amounts(step.usage),
            folder=step.cwd,
            denied="; ".join(step.denied),
        ),
        "failures": failures,
        "told": told,
        "fields": fields,
        "reply": reply,
        "code": code,
        "code_error": code_error,
        "said": _turns(
            step.turns, space, f"uwf step turns {thread} --step {id}", step.body.strip()
        ),
        "prompt": markup.plain(space, step.prompt, reading),
    }


def of_attempt(attempt: AttemptPage, space: Space) -> dict[str, Any]:
    """What it says of an attempt at the next step."""
    reading = f"uwf step read {attempt.attempt[:16]}"
    return {
        "id": attempt.attempt[:16],
        "role": attempt.role,
        "code": attempt.error.code,
        "message": markup.line(space, attempt.error.message, reading, 0.3),
        "time": duration(attempt.duration_ms),
        "facts": facts(
            reading,
            began=words.moment(attempt.started_at),
            took=duration(attempt.duration_ms),
            agent=attempt.agent,
            used=numbers.amounts(attempt.usage),
            process=attempt.process_words,
        ),
        "stderr": markup.plain(space, attempt.stderr, reading, 0.3) if attempt.stderr else "",
        "said": _turns(attempt.turns, space, reading),
        "prompt": "" if attempt.prompt is None else markup.plain(space, attempt.prompt, reading),
    }


def spans_of(step: StepPage) -> list[Span]:
    """The attempts that came to none, and then the step itself."""
    failed = [span_of(attempt) for attempt in step.failed_attempts]
    end = step.started_at + step.duration_ms
    words_ = f"{step.role} → {step.status}, {duration(step.duration_ms)}"
    return [*failed, Span(step.started_at, end, "work", words_)]


def span_of(attempt: AttemptView) -> Span:
    """An attempt that failed."""
    end = attempt.started_at + (attempt.duration_ms or 0)
    said = f"attempt {attempt.number} of {attempt.role}: {attempt.error.code}"
    return Span(attempt.started_at, end, "failed", f"{said}, {duration(attempt.duration_ms)}")


def facts(more: str, **values: str) -> list[dict[str, object]]:
    """Those that have a value, which is short or not, as an agent likes."""
    return [
        {"name": name.replace("_", " "), "value": markup.line(Space(_FACT_BYTES), value, more)}
        for name, value in values.items()
        if value
    ]


def words_told(told: Sequence[WordView], space: Space, more: str) -> list[dict[str, object]]:
    """What was said to it, the last of it where that is much."""
    found: list[dict[str, object]] = []
    for word in space.fitting(reversed(told), _MOST_TOLD):
        space.spend(_TURN_BYTES)
        who = words.shortened(word.speaker)
        found.append({"who": who, "text": markup.plain(space, word.text, more, 0.6)})
    rest = len(told) - len(found)
    if rest:
        said = f"{counted(rest, 'earlier word')}, not on this page:"
        found.append({"who": "", "text": markup.left_out(said, more)})
    return found[::-1]


def _fields(fields: Mapping[str, str], space: Space, more: str) -> list[dict[str, object]]:
    """What the role answered beside its status."""
    found: list[dict[str, object]] = []
    for name, value in space.fitting(fields.items(), _MOST_FIELDS):
        said = markup.line(space, value, more, 0.7)
        found.append({"name": words.shortened(name), "value": said})
        space.spend(_FIELD_BYTES)
    rest = len(fields) - len(found)
    if rest:
        left = f"{counted(rest, 'more field')}, not on this page:"
        found.append({"name": "…", "value": markup.left_out(left, more, "span")})
    return found


def _failures(failed: tuple[AttemptView, ...], space: Space, more: str) -> list[dict[str, object]]:
    """The last of them: those of a night without network are alike."""
    found: list[dict[str, object]] = []
    for each in space.fitting(reversed(failed), _MOST_FAILURES):
        space.spend(_TURN_BYTES)
        found.append(
            {
                "number": str(each.number),
                "when": words.moment(each.started_at),
                "code": each.error.code,
                "message": markup.line(space, each.error.message, more, 0.3),
            }
        )
    rest = len(failed) - len(found)
    if rest:
        left = f"{counted(rest, 'earlier attempt')}, not on this page:"
        found.append({"code": "", "message": markup.left_out(left, more, "span")})
    return found[::-1]


def _code(app: App, thread: str, step: StepPage, space: Space) -> tuple[Markup | str, str]:
    """What it changed in its worktree, or why that cannot be said: its repository may be gone."""
    try:
        found = app.steps.code(thread, step)
    except UwfError as error:
        return "", error.message
    if found is None or not found.text:
        return "", ""
    more = f"git diff {found.base[:12]} {found.commit[:12]}"
    return markup.diff(space, found.text, more, _CHANGES), ""


def _turns(
    turns: tuple[TurnView, ...], space: Space, more: str, reply: str = ""
) -> list[dict[str, Any]]:
    """What was said and done on the way to the reply."""
    joined = _joined(turns)
    if reply and joined and reply in "".join(joined[-1][3]):
        joined.pop()
    found: list[dict[str, Any]] = []
    enough = int(space.left * (1 - _SAID))
    for number, (who, kind, at, texts) in enumerate(joined):
        if space.left - _TURN_BYTES <= enough:
            left = len(joined) - number
            text = markup.left_out(f"{left} more are not on this page:", more)
            found.append({"who": "", "kind": "", "when": "", "text": text})
            break
        space.spend(_TURN_BYTES)
        text = markup.plain(space, "".join(texts), more, (space.left - enough) / space.size / 2)
        found.append({"who": who, "kind": kind, "when": words.moment(at)[-5:], "text": text})
    return found


def _joined(turns: Sequence[TurnView]) -> list[tuple[str, str, int, list[str]]]:
    """Who spoke, the kind, when, and the texts: what comes in pieces is one turn."""
    found: list[tuple[str, str, int, list[str]]] = []
    for turn in turns:
        if found and found[-1][:2] == (turn.from_, turn.kind) and turn.kind != "tool":
            found[-1][3].append(turn.text)
        else:
            found.append((turn.from_, turn.kind, turn.at, [turn.text]))
    return found
