"""An attempt that came to no step, told whole: what failed, its process, what it wrote to stderr, what it said.

Found by the node of its end, which is what `exec` answers as `error.attempt` and `step list` as `attempts`.
"""

from __future__ import annotations

from uwf import clock
from uwf.agent.process.pump import TAIL_BYTES
from uwf.engine.chain.nodes import Plan, prompt_text
from uwf.engine.query.markdown import fenced
from uwf.engine.query.threads import attempt_row
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.engine.chain.nodes import Reader


def row(reader: Reader, id: str) -> dict[str, Any]:
    """`step show` of the attempt that ended with the node `id`. `prompt` is None when nobody was asked.

    Raises `InputError` for the node of its beginning, which does not know what came of it.
    """
    end = reader.get(id).payload
    begun = reader.get(end["begun"]).payload if "begun" in end else end
    if "error" not in end:
        raise InputError(
            f"object {id[:12]} is the beginning of an attempt, not its end",
            hint=f"uwf step turns {begun['thread']}",
            code="not_a_step",
        )
    plan = Plan.from_payload(reader, begun["plan"])
    return attempt_row(reader, id) | {
        "thread": begun["thread"],
        "round": plan.round,
        "cwd": plan.cwd,
        "instruction": plan.instruction,
        "supplement": plan.supplement,
        "prompt": None if begun["prompt"] is None else prompt_text(reader, begun["prompt"]),
        "usage": end["usage"],
    }


def page(reader: Reader, id: str) -> str:
    """`step read` of the same attempt, as Markdown."""
    found = row(reader, id)
    parts = [
        f"## Attempt {found['number']} of {found['role']}: {found['error']['code']}",
        f"*{clock.iso(found['startedAt'])}, {took(found)}{found['agent']}, `{id[:16]}`*",
        found["error"]["message"],
    ]
    if found["process"] is not None:
        parts.append(f"{process(found['process'])}.")
    if found["stderr"]:
        parts += [f"## {stderr_heading(found)}", fenced(found["stderr"].rstrip())]
    if found["turns"]:
        parts.append("## What it said")
        parts += [fenced(turn["text"].rstrip(), "markdown") for turn in found["turns"]]
    if found["prompt"] is not None:
        parts += ["## The prompt it got", fenced(found["prompt"], "markdown")]
    return "\n\n".join(parts) + "\n"


def took(found: dict[str, Any]) -> str:
    """How long the attempt took, to be followed by more; "" when nobody knows."""
    return "" if found["durationMs"] is None else f"{found['durationMs'] / 1000:.1f} s, "


def process(facts: dict[str, Any]) -> str:
    """How the agent's process ended and what it needed, in words."""
    how = {
        "exit": "ended, nobody knows how"
        if facts["exitCode"] is None
        else f"exited with code {facts['exitCode']}",
        "signal": f"killed by signal {facts['signal']}",
    }.get(facts["ended"], facts["ended"].replace("_", " "))
    words = [how, f"{facts['stdoutBytes']} bytes on stdout", f"{facts['stderrBytes']} on stderr"]
    if facts["peakMemoryBytes"]:
        words.append(f"{facts['peakMemoryBytes'] >> 20} MB of memory at most")
    if facts["survivors"]:
        words.append(f"not ended: {', '.join(map(str, facts['survivors']))}")
    return ", ".join(words)


def stderr_heading(found: dict[str, Any]) -> str:
    """What the kept stderr is called; of a long one only the end is kept."""
    size = 0 if found["process"] is None else found["process"]["stderrBytes"]
    return "Its stderr" if size <= TAIL_BYTES else f"The end of its stderr of {size} bytes"
