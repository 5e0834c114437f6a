"""Writes the golden store of this version: `python tests/golden/make.py tests/golden/VERSION.db`.

Run once for a release, with that release installed; the file is then opened by the tests of every later version and
never written again. It has a thread in each state, a failed attempt, a supplement, a second round, a rebind, a
fork, a large reply, a registered workflow, and entries of the older history prefix.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WORKFLOW = """\
version: 1
name: golden
description: Two roles and every way out.
roles:
  writer:
    goal: Write.
    frontmatter:
      type: object
      properties: { $status: { const: written }, file: { type: string } }
      required: [$status, file]
  reviewer:
    goal: Judge.
    frontmatter:
      oneOf:
        - properties: { $status: { const: good } }
          required: [$status]
        - properties: { $status: { const: bad }, why: { type: string } }
          required: [$status, why]
graph:
  $START:
    new: { role: writer, prompt: "Write it." }
    resume: { role: writer, prompt: "Write it again." }
  writer:
    written: { role: reviewer, prompt: "Judge {{ file }}." }
  reviewer:
    good: { role: $END, prompt: "" }
    bad: { role: writer, prompt: "It is bad: {{ why }}" }
"""

REPLIES = {
    "written": "---\n$status: written\nfile: a.py\nsession: s-1\nusage: {tokens: 12, usd: 0.25}\n---\nI wrote it.\n",
    "large": "---\n$status: written\nfile: b.py\n---\n" + "A long tale. " * 20_000,
    "bad": "---\n$status: bad\nwhy: too short\n---\nSee above.\n",
    "good": "---\n$status: good\n---\n",
    "ask": "---\n$status: $SUSPEND\nreason: Which colour?\n---\n",
}


class Maker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "UWF_HOME": str(folder / "home")}
        (folder / "golden.yaml").write_text(WORKFLOW)
        (folder / "golden2.yaml").write_text(WORKFLOW.replace("Two roles", "Two better roles"))
        for name, text in REPLIES.items():
            (folder / name).write_text(text)
            self.uwf("config", "set", f"agents.{name}.command", f"cat {folder / name}")

    def uwf(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "uwf"), *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, (words, done.returncode, done.stderr)
        return done.stdout.strip()

    def start(self, task: str, *more: str) -> str:
        return self.uwf("-q", "thread", "start", "golden.yaml", "-p", task, "--cwd", "/tmp", *more)

    def step(self, thread: str, reply: str, *more: str, code: int = 0) -> None:
        self.uwf("thread", "exec", thread, "--agent", reply, *more, code=code)


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        make = Maker(Path(name))
        make.uwf("workflow", "add", "golden.yaml")
        make.start("Stay at the start.", "--label", "repo=shop", "--priority", "3")
        idle = make.start("Stand between two roles.")
        make.step(idle, "large")
        asking = make.start("Ask a person.")
        make.step(asking, "ask", code=3)
        failing = make.start("Fail.")
        make.uwf("thread", "exec", failing, "--agent", "false", code=6)
        done = make.start("Go twice round.")
        for reply in ("written", "bad", "written", "good"):
            make.step(done, reply)
        make.step(done, "written", "--supplement", "The review says no.")
        make.uwf("thread", "exec", done, "--workflow", "golden2.yaml", "--agent", "good")
        make.uwf("thread", "fork", f"{done}/writer@2", "-p", "Try another way.")
        gone = make.start("Be cancelled.")
        make.uwf("thread", "cancel", gone, "--reason", "not needed")
        head = json.loads(make.uwf("thread", "show", done, "--json"))["head"]
        for old, reason in (
            ("01HZZZZZZZZZZZZZZZZZZZZZZ1", "merged"),
            ("01HZZZZZZZZZZZZZZZZZZZZZZ2", "cancelled"),
        ):
            tags = ("--tag", "completedAt=1700000000000", "--tag", f"reason={reason}")
            make.uwf("ref", "set", f"@uwf/history/{old}", head, *tags)
        target.unlink(missing_ok=True)
        make.uwf("store", "backup", str(target.resolve()))
        target.chmod(0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
