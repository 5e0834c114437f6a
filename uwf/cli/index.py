"""Which module declares which command, so that a command line imports that one module and no other.

A new command needs its line here and `@command` in its module; a test checks that the two agree.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import CommandSpec

GROUPS = {
    "thread": "Begin threads, run their steps, see where they stand.",
    "step": "Look at the steps of a thread: prompts, replies, turns.",
    "workflow": "Check, register, show and draw workflows.",
    "agent": "Look at the configured agents, and try them.",
    "guard": "See what may say 'not now', and turn its switches.",
    "schedule": "See when work starts by itself and what came of it; pause it, make up for it.",
    "alert": "See what a person must know, and try whether messages arrive.",
    "worktree": "Look at the git worktrees of threads, and remove those that are done with.",
    "queue": "Look at the threads that wait for a slot.",
    "source": "See where events come from that are asked for, and try it.",
    "daemon": "Keep all threads moving while nobody watches.",
    "log": "See what all processes of a home did.",
    "event": "Say what has happened, and see what came of it.",
    "trigger": "See which events are for which threads, and try one.",
    "migrate": "Bring an older store up to today's layout.",
    "cas": "Look at the object store: immutable nodes, found by their id.",
    "config": "Look at the configuration and change it.",
    "ref": "Look at the refs, the names that point at objects, and move them.",
    "store": "Check, clean, copy and measure the store.",
}

MODULES = {
    "demo": "demo.command",
    "thread start": "thread.start",
    "thread tell": "thread.tell",
    "thread exec": "thread.run",
    "thread resume": "thread.run",
    "thread retry": "thread.run",
    "thread poke": "thread.run",
    "thread wake": "thread.due",
    "thread run": "thread.due",
    "thread show": "thread.show",
    "thread list": "thread.show",
    "thread read": "thread.follow",
    "thread log": "thread.follow",
    "thread watch": "thread.follow",
    "thread wait": "thread.follow",
    "thread diff": "thread.follow",
    "thread stop": "thread.change",
    "thread cancel": "thread.change",
    "thread set": "thread.change",
    "thread fork": "thread.change",
    "thread undo": "thread.change",
    "thread merge": "worktree",
    "thread export": "thread.bundle",
    "thread import": "thread.bundle",
    "step list": "step",
    "step show": "step",
    "step read": "step",
    "step turns": "step",
    "workflow add": "workflow",
    "workflow validate": "workflow",
    "workflow show": "workflow",
    "workflow list": "workflow",
    "workflow graph": "workflow",
    "workflow try": "workflow",
    "agent list": "agent",
    "agent check": "agent",
    "agent try": "agent",
    "migrate history": "migrate",
    "guard status": "guard",
    "guard stats": "guard",
    "guard drain": "guard",
    "guard pause": "guard",
    "guard reset": "guard",
    "worktree list": "worktree",
    "worktree prune": "worktree",
    "queue list": "queue",
    "queue drop": "queue",
    "schedule list": "schedule",
    "schedule next": "schedule",
    "schedule log": "schedule",
    "schedule run": "schedule",
    "schedule backfill": "schedule",
    "schedule pause": "schedule",
    "schedule resume": "schedule",
    "event send": "event",
    "event list": "event",
    "event show": "event",
    "event decide": "event",
    "event replay": "event",
    "trigger list": "trigger",
    "trigger test": "trigger",
    "inbox": "inbox",
    "answer": "inbox",
    "digest": "digest",
    "audit": "audit",
    "source list": "source",
    "source test": "source",
    "source pause": "source",
    "source resume": "source",
    "daemon run": "daemon",
    "daemon install": "daemon",
    "daemon status": "daemon",
    "daemon stop": "daemon",
    "alert list": "alert",
    "alert test": "alert",
    "doctor": "doctor",
    "log show": "log",
    "figures": "figures",
    "cas put": "cas",
    "cas get": "cas",
    "cas has": "cas",
    "cas refs": "cas",
    "cas walk": "cas",
    "cas stat": "cas",
    "config list": "config_cmd",
    "config get": "config_cmd",
    "config set": "config_cmd",
    "config unset": "config_cmd",
    "config path": "config_cmd",
    "ref list": "ref",
    "ref get": "ref",
    "ref set": "ref",
    "ref delete": "ref",
    "ref log": "ref",
    "store verify": "store",
    "store gc": "store",
    "store backup": "store",
    "store drill": "store",
    "store restore": "store",
    "store stats": "store",
}


def load(name: str) -> CommandSpec:
    """The command `name`, its module imported. KeyError if there is none."""
    from uwf.cli.command import REGISTRY

    __import__(f"uwf.cli.{MODULES[name]}")
    return REGISTRY[name]


def in_group(group: str) -> list[str]:
    """The commands of a group, in the order of the index; those without a group for ""."""
    return [name for name in MODULES if name.rpartition(" ")[0] == group]
