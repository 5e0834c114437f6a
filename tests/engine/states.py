"""The table of the design: states a thread can be in, commands, and what each does there."""

from __future__ import annotations

from collections.abc import Callable

from tests.helpers.fake_agent import crash, suspend
from tests.helpers.rig import APPROVED, WROTE, Rig


def fresh(rig: Rig) -> str:
    return rig.start(labels={"repo": "shop"}, priority=2)


def idle(rig: Rig) -> str:
    id = fresh(rig)
    rig.exec(id, WROTE)
    return id


def asked(rig: Rig) -> str:
    id = fresh(rig)
    rig.exec(id, WROTE, suspend("which file?"))
    return id


def failed(rig: Rig) -> str:
    id = fresh(rig)
    rig.exec(id, WROTE, crash("no network"))
    return id


def completed(rig: Rig) -> str:
    id = fresh(rig)
    rig.exec(id, WROTE, APPROVED)
    return id


def cancelled(rig: Rig) -> str:
    id = idle(rig)
    rig.cancel(id)
    return id


STATES: dict[str, Callable[[Rig], str]] = {
    make.__name__: make for make in (fresh, idle, asked, failed, completed, cancelled)
}

COMMANDS: dict[str, tuple[str, str | None]] = {
    "exec": ("exec", None),
    "exec --supplement": ("exec", "use tabs"),
    "resume": ("resume", None),
    "resume --supplement": ("resume", "use tabs"),
    "poke": ("poke", "shorter"),
}

RUNS: dict[tuple[str, str], str] = {
    ("fresh", "exec"): "writer",
    ("fresh", "exec --supplement"): "writer",
    ("idle", "exec"): "reviewer",
    ("idle", "exec --supplement"): "reviewer",
    ("idle", "poke"): "writer",
    ("asked", "exec --supplement"): "reviewer",
    ("asked", "resume"): "reviewer",
    ("asked", "resume --supplement"): "reviewer",
    ("asked", "poke"): "reviewer",
    ("failed", "exec --supplement"): "reviewer",
    ("failed", "resume"): "reviewer",
    ("failed", "resume --supplement"): "reviewer",
    ("failed", "poke"): "writer",
    ("completed", "exec --supplement"): "writer",
    ("completed", "resume"): "writer",
    ("completed", "resume --supplement"): "writer",
    ("completed", "poke"): "reviewer",
}
"""Which role runs. What is not here is refused."""

REFUSED: dict[tuple[str, str], str] = {
    ("fresh", "resume"): "idle",
    ("fresh", "resume --supplement"): "idle",
    ("fresh", "poke"): "no_step",
    ("idle", "resume"): "idle",
    ("idle", "resume --supplement"): "idle",
    ("asked", "exec"): "suspended",
    ("failed", "exec"): "suspended",
    ("completed", "exec"): "completed",
    **{("cancelled", command): "cancelled" for command in COMMANDS},
}
"""With which code."""
