"""The prompt a role gets, section by section.

In this order: what the reply must look like, where the thread stands, the role, the task, the story so far,
what is new (see `news`), and the instruction for now. Sections that are the same from step to step (reply, role,
task) are stored once and linked, so a long role description costs its bytes only once in a thread.
"""

from __future__ import annotations

from uwf.engine.chain.nodes import Start, pack_text
from uwf.engine.chain.story import render_history
from uwf.engine.run.news import news_section
from uwf.quantities import counted
from uwf.record import Record
from uwf.store.codec import Link
from uwf.workflow.model import SUSPEND, Role
from uwf.workflow.reply_schema.placeholders import SAMPLE_REASON
from uwf.workflow.reply_schema.sample import examples as filled_in
from uwf.workflow.reply_schema.structure import branches_for, properties_for, statuses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.chain.cache import NodeCache
    from uwf.engine.chain.nodes import Plan, Position, Step, Writer
    from uwf.engine.chain.redact import Redactor
    from uwf.workflow.model import Workflow

SEPARATOR = "\n\n"


class Prompt(Record):
    """The sections of a prompt in order, each with whether many steps share it.

    `links` has where `put` has stored shared ones that were not known yet.
    """

    sections: tuple[tuple[bool, str], ...]
    links: dict[str, Link]

    @property
    def text(self) -> str:
        return SEPARATOR.join(section for _, section in self.sections)

    @property
    def form(self) -> str:
        """The section that shows what a reply must look like."""
        return self.sections[0][1]

    def put(self, writer: Writer, known: Mapping[str, Link]) -> str:
        """Store it as a `prompt` node and return its id. `known` are sections that are stored already."""
        parts: list[str | Link] = []
        for shared, section in self.sections:
            if shared:
                link = known.get(section)
                if link is None:
                    link = self.links[section] = Link(writer.put("text", section))
                parts.append(link)
            else:
                parts.append(pack_text(writer, section))
        return writer.put("prompt", {"parts": parts})


def assemble(
    cache: NodeCache,
    workflow: Workflow,
    position: Position,
    plan: Plan,
    thread: str,
    *,
    history_chars: int,
    redactor: Redactor,
    knows_nothing: bool = False,
) -> Prompt:
    """The prompt for the step that `plan` describes, at `position` in the chain. `redactor` takes secrets out. An agent
    that `knows_nothing` any more of its visits before is told the whole story.
    """
    clean = redactor.text
    reply, about = cache.sections.get((plan.workflow, plan.role)) or ("", "")
    if not reply:
        redactor.spare(_OWN_WORDS)
        role = workflow.roles[plan.role]
        reply, about = clean(reply_section(role)), clean(_role(role))
        cache.sections[plan.workflow, plan.role] = reply, about
    task = cache.tasks.get(position.start)
    if task is None:
        task = cache.tasks[position.start] = (
            f"## The task\n\n{Start.read(cache, position.start).task}"
        )
    visits = position.visits.get(plan.role, 0)
    sections = [
        (True, reply),
        (False, clean(_whereabouts(workflow, position, plan, thread, visits))),
        (True, about),
        (True, task),
    ]
    story = _story(cache, position, plan, visits, history_chars, knows_nothing=knows_nothing)
    if story:
        sections.append((False, story))
    news = news_section(plan)
    if news:
        sections.append((False, news))
    sections.append((False, f"## Your instruction now\n\n{plan.instruction}"))
    return Prompt(tuple(sections), {})


def reply_section(role: Role) -> str:
    """What the reply of `role` must look like, with one filled-in example for each `$status`."""
    names = statuses(role.schema)
    lines = [
        "## How to reply",
        "",
        "Begin your reply with YAML front matter: fields between two lines of three dashes. Below it write,",
        "as Markdown, what the next reader should know.",
    ]
    if names:
        lines.append(f"`$status` is one of: {', '.join(f'`{name}`' for name in names)}.")
    examples = filled_in(role.schema) or {"done": {"$status": "done"}}
    for status, example in examples.items():
        lines += ["", f"For `{status}`:" if names else "For example:", "", "```", "---"]
        lines += [f"{name}: {_yaml(value)}" for name, value in example.items()]
        lines += ["---", "Your text.", "```"]
        lines += _fields(role, status)
    lines += [
        "",
        "When you cannot go on without a person, reply with this instead; the thread then waits for an answer:",
        "",
        "```",
        "---",
        f"$status: {SUSPEND}",
        f'reason: "{SAMPLE_REASON}"',
        "---",
        "```",
        "",
        "Where nothing but time has to pass first, add a line `nextCheckIn: 30m` to it, and you are asked again then.",
    ]
    return "\n".join(lines)


def again(prompt: str, reply: str, problems: list[str]) -> str:
    """The prompt that asks once more after a bad reply, saying exactly what was wrong."""
    more = counted(len(reply) - 4000, "more character")
    shown = reply if len(reply) <= 4000 else f"{reply[:4000]}\n(… {more})"
    wrong = "\n".join(f"- {problem}" for problem in problems)
    fence = "`" * 3
    while fence in shown:
        fence += "`"
    return (
        f"{prompt}\n\n## Your last reply was not accepted\n\n{wrong}\n\nThis was your reply:\n\n"
        f"{fence}\n{shown}\n{fence}\n\nReply again, whole, in the form shown under “How to reply”."
    )


def _whereabouts(
    workflow: Workflow, position: Position, plan: Plan, thread: str, visits: int
) -> str:
    if plan.is_poke:
        here = (
            "You have taken this step already: your reply stands first in the story below, and the one you "
            "give now takes its place."
        )
    else:
        been = {0: "for the first time", 1: "once before"}.get(visits, f"{visits} times before")
        here = f"{'You are here' if visits == 0 else 'You have been here'} {been}."
    return (
        f"## Where this thread stands\n\nWorkflow `{workflow.name}`, thread `{thread}`: round {plan.round}, "
        f"step {position.index + 1}. {here}"
    )


def _role(role: Role) -> str:
    lines = [f"## Your role: {role.name}"]
    for title, text in (
        ("", role.description),
        ("Goal", role.goal),
        ("Capabilities", "\n".join(f"- {name}" for name in role.capabilities)),
        ("Procedure", role.procedure),
        ("Output", role.output),
    ):
        if text.strip():
            lines += ["", f"### {title}", "", text.strip()] if title else ["", text.strip()]
    return "\n".join(lines)


def _story(
    cache: NodeCache,
    position: Position,
    plan: Plan,
    visits: int,
    quota_chars: int,
    *,
    knows_nothing: bool,
) -> str:
    """What happened up to `position`; for a poke also the reply that is to be replaced, newest of all."""
    head = plan.expect if plan.is_poke else position.step
    if head is None:
        return ""
    if plan.round > position.round and not knows_nothing:
        title = f"## The story of round {position.round} (newest first)"

        def stop(step: Step) -> bool:
            return step.round < position.round

    elif visits and not knows_nothing:
        title = "## What happened since your last visit (newest first)"

        def stop(step: Step) -> bool:
            was_before = step.index <= position.index and step.id != position.step
            return was_before and step.role == plan.role

    else:
        title = "## The story so far (newest first)"

        def stop(step: Step) -> bool:
            return False

    text, count = render_history(cache, head, stop=stop, quota_chars=quota_chars)
    return f"{title}\n\n{text}" if count else ""


def _fields(role: Role, status: str) -> list[str]:
    """A line for each field that says more than its example shows: optional ones, and described ones."""
    names, required = properties_for(role.schema, status)
    about_all = {
        name: about
        for branch in branches_for(role.schema, status)
        for name, about in branch.properties.items()
    }
    lines = []
    for name in names:
        if name == "$status":
            continue
        about = about_all.get(name)
        words = [] if name in required else ["may be left out"]
        if isinstance(about, dict) and isinstance(about.get("description"), str):
            words.append(about["description"].strip())
        if words:
            lines.append(f"- `{name}`: {'; '.join(words)}")
    return ["", *lines] if lines else []


def _yaml(value: Any) -> str:
    """A value on one line of YAML: plain where that is certainly read back as the same string, else JSON."""
    if isinstance(value, str):
        plain = value.replace("-", "").replace("_", "").removeprefix("$")
        if plain.isalpha() and value.lower() not in ("true", "false", "null", "nan"):
            return value
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(item)}" for key, item in value.items()) + "}"
    import json

    return json.dumps(value)


_OWN_WORDS = reply_section(Role("", "", "", (), "", "", {}))
"""What every role is told of its reply: no secret that a person has named makes it unreadable."""
