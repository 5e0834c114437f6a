"""The real clients at their pinned versions, each through what a thread may meet, against a model on loopback.

Prints a table of what was seen, a line a trial, `ok` or FAULT; exits 1 on a fault. A client that cannot be installed is
left out and says so on stderr; when none is left, the exit code is 77.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from clients import (
    by_mcp,
    counts,
    crew,
    failures,
    guide,
    install,
    kills,
    model,
    permits,
    sessions,
    travel,
)
from clients.crew import CREW, Client
from clients.model import Fail, Hang
from clients.world import Fault, World

from uwf.agent import kinds

SKIPPED = 77

Trial = Callable[[World], str]

TRIALS: tuple[tuple[str, Trial, str], ...] = (
    ("a workflow to its end", sessions.to_its_end, ""),
    ("a reply corrected in its session", sessions.corrected, ""),
    ("the next round in its session", sessions.next_round, crew.RESUMES),
    ("a fork in a forked session", sessions.forked, crew.FORKS),
    ("a session that is lost", sessions.lost, crew.RESUMES),
    ("on another machine, and back", travel.to_another, crew.TRAVELS),
    ("timeout, suspended, resumed", sessions.timed_out, crew.RUNS),
    ("SIGKILL of the client", kills.client, crew.RUNS),
    ("SIGKILL of its tool", kills.tool, crew.RUNS),
    ("SIGKILL of uwf", kills.uwf, crew.RUNS),
    ("SIGKILL of the daemon", kills.daemon, crew.RUNS),
    ("401", failures.of(Fail(401), "authentication"), ""),
    ("403", failures.of(Fail(403), "authentication"), ""),
    ("429", failures.of(Fail(429), "quota"), crew.YIELDS),
    ("429 with its reset", failures.limited, crew.RESETS),
    ("500", failures.of(Fail(500), "network"), crew.YIELDS),
    ("529", failures.of(Fail(529), "network"), crew.YIELDS),
    ("404", failures.hopeless, ""),
    ("a stream that is cut", failures.cut, ""),
    ("a hang", failures.of(Hang(), "stall"), ""),
    ("a message that takes long", failures.long_message, crew.STREAMS),
    ("a refused connection", failures.refused, crew.YIELDS),
    ("usage of a step", counts.of_a_step, ""),
    ("usage over rounds and forks", counts.over_rounds_and_forks, crew.FORKS),
    ("usage over kills", counts.over_kills, crew.RESUMES),
    ("a budget in USD", failures.over_budget, crew.MONEY),
    ("no progress", failures.no_progress, crew.LASTS),
    ("permission denied", counts.denied, crew.DENIES),
    ("permission asked", counts.asked, crew.ASKS),
    ("a yes to the same bytes, once", permits.yes_once, crew.ASKS),
    ("its modes and models", permits.modes, crew.ASKS),
    ("what its sandbox denies", permits.sandboxed, crew.SANDBOXED),
    ("six side by side", sessions.side_by_side, crew.RUNS),
    ("told while it works", sessions.told_while_it_works, crew.HEARS),
    ("the commands of docs/agents.md", guide.claude, crew.GUIDED),
    ("the first commands of docs/agents.md", guide.found, crew.FOUND),
    ("uwf by MCP, inside of a step", by_mcp.inside, crew.SERVED),
    ("uwf by MCP, beside all threads", by_mcp.beside, crew.SERVED),
    ("a very long reply", sessions.much, crew.LASTS),
)

SHORT = (
    *("a reply corrected in its session", "SIGKILL of uwf", "401", "permission denied"),
    "the commands of docs/agents.md",
    "uwf by MCP, inside of a step",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--client", action="append", help="its program; all when not given")
    parser.add_argument("--only", help="trials with this in their name")
    parser.add_argument("--short", action="store_true", help="a few of them, with Claude Code")
    options = parser.parse_args()
    wanted = options.client or (["claude"] if options.short else [one.program for one in CREW])
    trials = [one for one in TRIALS if (options.only or "") in one[0]]
    if options.short:
        trials = [one for one in TRIALS if one[0] in SHORT]
    faults = tried = 0
    for client in (one for one in CREW if one.program in wanted):
        found = _installed(client)
        if found is None:
            continue
        tried += 1
        print(f"\n{client.name} ({install.PINNED[client.program]}, kind {client.kind})")
        for name, trial, needs in trials:
            if not needs or needs in client.can:
                faults += _tried(name, trial, client, found)
    if not tried:
        return SKIPPED
    print(f"\n{faults} faults")
    return 1 if faults else 0


def _installed(client: Client) -> Path | None:
    try:
        if client.kind not in kinds.NAMES:
            raise install.NotInstalled(f"there is no kind {client.kind} yet")
        return install.program(client.program)
    except install.NotInstalled as error:
        print(f"SKIPPED: {client.name}: {error}", file=sys.stderr)
        return None


def _tried(name: str, trial: Trial, client: Client, bin: Path) -> bool:
    began = time.monotonic()
    temporary = tempfile.TemporaryDirectory(prefix="uwf-clients-", ignore_cleanup_errors=True)
    with temporary as folder, model.serving() as served:
        world = World(Path(folder), client, bin, served)
        try:
            seen, verdict = trial(world), "ok"
        except Fault as fault:
            seen, verdict = str(fault), "FAULT"
        except (
            Exception
        ) as error:  # of a trial that found what it did not look for: the others go on
            seen, verdict = repr(error), "FAULT"
        finally:
            world.end()
    took_s = time.monotonic() - began
    print(f"{name:38} {took_s:5.1f} s  {verdict:5}  {' '.join(seen.split())}", flush=True)
    return verdict != "ok"


if __name__ == "__main__":
    sys.exit(main())
