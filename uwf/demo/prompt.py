"""What a role program needs of its prompt: the task, what a person adds, the instruction. And how it replies.

The headings are those under which uwf puts these things into every prompt.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from uwf.demo import agreed
from uwf.demo.agreed import Agreed
from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

TASK = "## The task\n\n"
STORIES = ("\n\n## The story", "\n\n## What happened since")
NEWS = "## New information\n\n"
SAID = "### From a person, "
INSTRUCTION = "## Your instruction now\n\n"
AGREED = "Agreed so far: "


class RolePrompt(Record):
    """A prompt, taken apart. `supplement` is "" when there is none."""

    task: str
    supplement: str
    instruction: str

    @property
    def agreed(self) -> Agreed:
        """What is agreed: the words of the last role, or at the beginning those of the task; then the person's."""
        handed_on = [
            line.removeprefix(AGREED)
            for line in self.instruction.splitlines()
            if line.startswith(AGREED)
        ]
        before = agreed.read(handed_on[-1] if handed_on else self.task)
        return before.and_then(self.added)

    @property
    def added(self) -> Agreed:
        """What the person adds."""
        return agreed.read(self.supplement)


class RoleReply(Record):
    """Front matter and text."""

    fields: Mapping[str, str | int]
    text: str

    def __str__(self) -> str:
        front = "\n".join(f"{name}: {json.dumps(value)}" for name, value in self.fields.items())
        return f"---\n{front}\n---\n{self.text}\n"


def suspend(reason: str, text: str = "") -> RoleReply:
    """The reply that asks a person."""
    return RoleReply({"$status": "$SUSPEND", "reason": reason}, text)


def take_apart(text: str) -> RolePrompt:
    """The parts of a prompt. One that is missing is ""."""
    above, _, instruction = text.rpartition(INSTRUCTION)
    before, news, words = above.rpartition(NEWS)
    said = [word.partition("\n\n")[2].strip() for word in words.split(SAID)[1:]]
    _, _, task = (before if news else above).partition(TASK)
    for story in STORIES:
        task = task.partition(story)[0]
    return RolePrompt(
        task=task.strip(),
        supplement="\n\n".join(said) if news else "",
        instruction=instruction.strip(),
    )
