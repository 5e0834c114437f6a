"""What happened in a thread, as text: for the prompt of a role, within a quota of characters."""

from __future__ import annotations

from uwf.engine.chain.nodes import Step, previous
from uwf.engine.chain.word import named
from uwf.quantities import counted
from uwf.trust import OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from uwf.engine.chain.cache import NodeCache
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.word import Word


def steps_back(
    nodes: Nodes, id: str | None, read: Callable[[str], Step] | None = None
) -> Iterator[Step]:
    """The steps of a chain from the node `id` backwards, newest first. `read` gives the step of a node."""
    read = read or (lambda id: Step.read(nodes, id))
    while id is not None:
        if nodes.get(id).kind == "step":
            step = read(id)
            yield step
            id = step.prev
        else:
            id = previous(nodes, id)


def render_history(
    cache: NodeCache, head: str, *, stop: Callable[[Step], bool], quota_chars: int
) -> tuple[str, int]:
    """The steps from `head` back to the first that `stop` refuses, newest first, as Markdown.

    Returns the text and how many steps stand in it. The newest steps are kept in keeping with
    `quota_chars`; a step that does not fit whole is cut, and a line says where to read the rest.
    """
    told: list[str] = []
    left = quota_chars
    for step in steps_back(cache, head, cache.step):
        if stop(step):
            break
        if left <= 0:
            told.append(
                f"(Earlier steps are left out here; `uwf thread read {step.thread}` has them.)"
            )
            break
        entry = entry_text(step)
        if len(entry) > left:
            cut = counted(len(entry) - left, "more character")
            entry = f"{entry[:left]}\n\n(… {cut}: `uwf step read {step.id[:16]}`)"
        told.append(entry)
        left -= len(entry)
    return "\n\n".join(told), len(told)


def entry_text(step: Step) -> str:
    """One step as Markdown: a heading, what was said to the role by a person, its fields, its text."""
    lines = [f"### Step {step.index}: {step.role} → {step.status}"]
    for paragraph in said_to(step, "had added"):
        lines += ["", paragraph]
    fields = [
        f"- {name}: {inline(value)}" for name, value in step.output.items() if name != "$status"
    ]
    if fields:
        lines += ["", *fields]
    if step.body:
        lines += ["", step.body]
    return "\n".join(lines)


def said_to(step: Step, added: str) -> list[str]:
    """What a step was told, as paragraphs: who `added` something, as in "had added", and a quotation of it."""
    remark = [] if step.remark is None else [f"A person {added}:", quote(step.remark)]
    said = [part for word in step.told for part in word_markdown(word, added)]
    return [*remark, *said] if step.replaces is None else [*said, *remark]


def word_markdown(word: Word, added: str) -> list[str]:
    """A paragraph with who `added` a word, and a quotation of it."""
    who = "A person" if word.is_own else speaker(word)
    return [f"{who} {added}{by_event(word)}:", quote(word.text)]


def speaker(word: Word) -> str:
    """Who has said a word; whoever is no owner is called what he is."""
    who = named(word.who)
    return who if word.trust == OWNER else f"{who} ({word.trust})"


def by_event(word: Word) -> str:
    """The event that has brought a word, to be set behind its speaker."""
    return "" if word.event is None else f", event {named(word.event)}"


def quote(text: str) -> str:
    """`text` as a Markdown quotation: whatever it says, none of its lines stands outside."""
    return "\n".join(f"> {line}" if line else ">" for line in text.splitlines() or [""])


def inline(value: Any) -> str:
    """A field's value on one line: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value if "\n" not in value else value.replace("\n", "\n  ")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    import json

    return json.dumps(value, ensure_ascii=False)
