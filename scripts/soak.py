"""A day and a night of the daemon in minutes, and what is left of it: see `soaking`."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from soaking import crew, load, real, verdict, world
from soaking.clock import WorldClock

from uwf import points
from uwf.app import App

BEGINS = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The night that follows is that of summer time in Berlin."""
H, DOWN_MS = 3_600_000, 5_000

WORKFLOW = """\
version: 1
name: review
description: One role, which goes on with whatever it is told.
roles:
  worker:
    goal: Do the work.
    frontmatter:
      type: object
      properties: { $status: { const: done }, note: { type: string } }
      required: [$status, note]
graph:
  $START:
    new: { role: worker, prompt: "Begin." }
    resume: { role: worker, prompt: "Go on, with what is new." }
  worker:
    done: { role: $END, prompt: "" }
"""

TRIGGERS = """
[[triggers]]
name = "comments"
on = "forge.comment"
find = { pr = "{{ data.pr }}" }
text = "{{ data.text }}"
debounce = "2m"
trust = ["owner", "collaborator", "bot"]

[[triggers]]
name = "checks"
on = "forge.check"
find = { pr = "{{ data.pr }}" }
text = "{{ data.text }}"
class = "fuzzy"
glance = "thread.status != 'cancelled'"

[[triggers]]
name = "notes"
on = "note"
find = { pr = "{{ data.pr }}" }
text = "{{ data.text }}"
priority = "person"
"""


SCHEDULE = """
[[schedules]]
name = "{name}"
{when}
start = "{folder}/review.yaml"
prompt = "Look around."
cwd = "{folder}"
"""
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo")


def schedules(folder: Path) -> str:
    """One each hour, and one in the hour of each zone that summer time takes away or gives twice."""
    found = [("hourly", 'every = "1h"')]
    for zone in ZONES:
        name = f"early-{zone.rpartition('/')[2]}"
        found.append((name, f'cron = "{verdict.EARLY_CRON}"\ntz = "{zone}"'))
    return "".join(SCHEDULE.format(name=name, when=when, folder=folder) for name, when in found)


class Soak:
    """One world in a folder of its own."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self.folder, self.args = folder, args
        self.home = str(folder / "home")
        os.mkdir(self.home, 0o700)
        (folder / "review.yaml").write_text(WORKFLOW)
        agents = crew.CONFIG + schedules(folder) if args.real is None else real.config(folder)
        Path(self.home, "config.toml").write_text(agents + TRIGGERS)
        self.wall_ms = round(args.begins.timestamp() * 1000)
        WorldClock.begin(folder / "clock", self.wall_ms)
        self.clock = WorldClock(folder / "clock")
        self.begun_ms = self.clock.mono_ms
        facts = {"threads": args.threads, "per_hour": args.per_hour, "burst": args.burst}
        facts |= {"begun_ms": self.begun_ms, "calm": args.calm}
        (folder / "world.json").write_text(json.dumps(facts))
        (folder / "seen").touch()
        self.restarts = self.kills = 0

    def begin(self) -> None:
        """The threads, each with its pull request."""
        if self.args.real is None:
            self.clock.rule()
            crew.join()
        with App.open(self.home) as app:
            for pr in range(self.args.threads):
                made = app.start(
                    str(self.folder / "review.yaml"), f"Do {pr}.", labels={"pr": str(pr)}
                )
                app.wakes.at(made.thread)

    def play(self) -> None:
        """Hour by hour, each with a kill at a point that is drawn."""
        dice = random.Random(self.args.seed)
        names = [name for name in points.names() if self._is_met(name)]
        end_ms = self.begun_ms + round(self.args.hours * H)
        hour = 0
        while self.clock.mono_ms < end_ms:
            hour += 1
            until_ms = end_ms if self.args.calm else min(end_ms, self.begun_ms + hour * H)
            crash_at = ""
            if until_ms < end_ms:
                crash_at = f"{dice.choice(names)}:{dice.randrange(1, 12)}"
            while self.clock.mono_ms < until_ms:
                code = self._process(until_ms, crash_at)
                if code == 0:
                    break
                assert code in (-9, world.BROKEN), f"the world ended with {code}"
                self.restarts += 1
                self.kills += code == -9
                crash_at = ""
                self.clock.pass_ms(DOWN_MS)

    def _is_met(self, name: str) -> bool:
        words = ("event", "tell", "attempt", "step", "failure", "alert", "settle", "move", "wake")
        return name.startswith(words)

    def _process(self, until_ms: int, crash_at: str) -> int:
        words = [sys.executable, world.__file__, str(self.folder), self.home]
        words += [str(self.args.seed), str(self.args.hours), str(until_ms), crash_at]
        env = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
        with (self.folder / "errors").open("ab") as errors:
            return subprocess.run(words, env=env, stderr=errors, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--threads", type=int, default=60)
    parser.add_argument("--per-hour", type=int, default=60)
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--begins",
        type=datetime.fromisoformat,
        default=BEGINS,
        help="the first moment of the world",
    )
    parser.add_argument(
        "--real",
        type=float,
        metavar="MIN",
        help="real processes, on our clock, for so many minutes",
    )
    parser.add_argument(
        "--calm",
        action="store_true",
        help="nothing is killed and no disk full: one process lives all day, and its memory is told",
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder, and name it")
    args = parser.parse_args()
    began_s = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    soak = Soak(folder, args)
    soak.begin()
    plan = load.make(args.seed, args.hours, args.threads, args.per_hour, args.burst)
    if args.real is None:
        soak.play()
    else:
        soak.kills = real.play(soak.home, folder, plan, args.real, args.seed)
    span_ms = (soak.wall_ms, soak.clock.wall_ms)
    found = verdict.of(soak.home, plan, folder / "seen", span_ms)
    found.figures["restarts survived"] = soak.restarts
    found.figures["kills"] = soak.kills
    if args.real is not None and (left := real.left_behind(folder)):
        found.fault(f"{left} agents live on")
    for line in verdict.table(found):
        print(line)
    print(f"{args.hours:g} h in {time.monotonic() - began_s:.0f} s")
    if args.keep or found.faults:
        print(f"kept in {folder}")
    else:
        import shutil

        shutil.rmtree(folder)
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
