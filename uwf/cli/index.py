"""Which module declares which command, so that a command line imports that one module and no other.

A new command needs its line here and `@command` in its module; a test checks that the two agree.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.command import CommandSpec

SECTIONS = {
    "Threads": {
        "thread": "",
        "step": "",
        "top": "",
        "inbox, answer": "See what waits for you, and answer it.",
        "digest, report": "Sum up what happened; what threads have cost.",
        "worktree": "",
    },
    "Teams": {
        "setup, demo": "Set up an agent and a first thread; watch a job.",
        "workflow": "",
        "agent": "",
        "mcp": "",
        "help, prompt": "Read the guides; print what an agent has to know.",
    },
    "While nobody watches": {
        "daemon": "",
        "event, trigger": "Say what has happened; see which threads it is for.",
        "source": "",
        "schedule": "",
        "alert": "",
    },
    "Many machines": {
        "worker": "",
    },
    "Limits": {
        "guard": "",
        "queue": "",
    },
    "The home": {
        "config": "",
        "doctor": "",
        "audit": "",
        "figures": "",
        "log": "",
    },
    "The store": {
        "store": "",
        "ref": "",
        "cas": "",
        "migrate": "",
    },
}
"""The first page of help, in the order of use: names, and what they are for where that is not their own help. Names
that share a line need words of their own.
"""

GROUPS = {
    "thread": "Begin threads, run their steps, see where they stand.",
    "step": "Look at the steps of a thread: prompts, replies, turns.",
    "worktree": "Look at the git worktrees of threads, and remove them.",
    "workflow": "Write, check, register, show and draw workflows.",
    "agent": "Look at the configured agents, and try them.",
    "worker": "Run threads of a shared store on as many machines as you like.",
    "daemon": "Keep all threads moving while nobody watches.",
    "event": "Say what has happened, and see what came of it.",
    "trigger": "See which events are for which threads, and try one.",
    "source": "See where events come from that are asked for, and try it.",
    "schedule": "See what starts by itself and what came of it; pause it.",
    "alert": "See what you must know, and try whether messages arrive.",
    "guard": "See what may say 'not now', and turn its switches.",
    "queue": "Look at the threads that wait for a slot.",
    "config": "Look at the configuration and change it.",
    "log": "See what all processes of a home did.",
    "store": "Check, clean, copy and measure the store.",
    "ref": "Look at the refs, the names that point at objects.",
    "cas": "Look at the objects, which are found by their id.",
    "migrate": "Bring an older store up to today's layout.",
}

MODULES = {
    "thread start": "thread.start",
    "thread exec": "thread.run",
    "thread resume": "thread.run",
    "thread list": "thread.list",
    "thread show": "thread.show",
    "thread read": "thread.read",
    "thread watch": "thread.watch",
    "thread wait": "thread.wait",
    "thread tell": "thread.tell",
    "thread retry": "thread.run",
    "thread poke": "thread.run",
    "thread stop": "thread.change",
    "thread cancel": "thread.change",
    "thread set": "thread.change",
    "thread fork": "thread.change",
    "thread undo": "thread.change",
    "thread diff": "thread.read",
    "thread log": "thread.read",
    "thread wake": "thread.due",
    "thread run": "thread.due",
    "thread merge": "worktree",
    "thread export": "thread.bundle",
    "thread import": "thread.bundle",
    "step list": "step",
    "step show": "step",
    "step read": "step",
    "step turns": "step",
    "inbox": "inbox",
    "answer": "inbox",
    "top": "top",
    "digest": "digest",
    "report": "report",
    "worktree list": "worktree",
    "worktree prune": "worktree",
    "setup": "setup.setup",
    "demo": "demo.command",
    "mcp": "mcp",
    "workflow new": "setup.workflow",
    "workflow list": "setup.workflow",
    "workflow show": "setup.workflow",
    "workflow validate": "setup.workflow",
    "workflow try": "setup.workflow",
    "workflow graph": "setup.workflow",
    "workflow add": "setup.workflow",
    "workflow schema": "setup.workflow",
    "agent list": "setup.agent",
    "agent detect": "setup.agent",
    "agent check": "setup.agent",
    "agent try": "setup.agent",
    "help": "help",
    "prompt": "help",
    "worker run": "worker",
    "worker list": "worker",
    "worker drain": "worker",
    "worker stop": "worker",
    "worker install": "worker",
    "daemon run": "unattended.daemon",
    "daemon status": "unattended.daemon",
    "daemon stop": "unattended.daemon",
    "daemon install": "unattended.daemon",
    "event send": "unattended.event",
    "event list": "unattended.event",
    "event show": "unattended.event",
    "event decide": "unattended.event",
    "event replay": "unattended.event",
    "trigger list": "unattended.trigger",
    "trigger test": "unattended.trigger",
    "source list": "unattended.source",
    "source test": "unattended.source",
    "source pause": "unattended.source",
    "source resume": "unattended.source",
    "schedule list": "unattended.schedule",
    "schedule next": "unattended.schedule",
    "schedule log": "unattended.schedule",
    "schedule run": "unattended.schedule",
    "schedule backfill": "unattended.schedule",
    "schedule pause": "unattended.schedule",
    "schedule resume": "unattended.schedule",
    "alert list": "upkeep.alert",
    "alert test": "upkeep.alert",
    "guard status": "setup.guard",
    "guard stats": "setup.guard",
    "guard drain": "setup.guard",
    "guard pause": "setup.guard",
    "guard reset": "setup.guard",
    "queue list": "setup.queue",
    "queue drop": "setup.queue",
    "config list": "setup.config_cmd",
    "config get": "setup.config_cmd",
    "config set": "setup.config_cmd",
    "config unset": "setup.config_cmd",
    "config path": "setup.config_cmd",
    "doctor": "upkeep.doctor",
    "audit": "upkeep.audit",
    "figures": "upkeep.figures",
    "log show": "upkeep.log",
    "store stats": "upkeep.store",
    "store verify": "upkeep.store",
    "store gc": "upkeep.store",
    "store backup": "upkeep.store",
    "store copy": "upkeep.store",
    "store migrate": "upkeep.store",
    "store drill": "upkeep.store",
    "store restore": "upkeep.store",
    "ref list": "ref",
    "ref get": "ref",
    "ref set": "ref",
    "ref delete": "ref",
    "ref log": "ref",
    "cas put": "cas",
    "cas get": "cas",
    "cas has": "cas",
    "cas refs": "cas",
    "cas walk": "cas",
    "cas stat": "cas",
    "migrate history": "upkeep.migrate",
}
"""In the order of use, as help and completion have them."""


def load(name: str) -> CommandSpec:
    """The command `name`, its module imported. KeyError if there is none."""
    from uwf.cli.command import REGISTRY

    __import__(f"uwf.cli.{MODULES[name]}")
    return REGISTRY[name]


def greeting() -> CommandSpec:
    """What `uwf` alone does."""
    from uwf.cli.greeting import GREETING

    return GREETING


def about(name: str) -> str:
    """What a group, or a command that is in none, is for, in one line."""
    return GROUPS.get(name) or load(name).help


def in_group(group: str) -> list[str]:
    """The commands of a group, in the order of the index; those without a group for ""."""
    return [name for name in MODULES if name.rpartition(" ")[0] == group]
