"""What people do meanwhile: begin threads, tell them something, send events, some of them twice."""

from __future__ import annotations

import random
import threading
import time
from typing import NamedTuple

from tests.crash.cluster.machines import Answer, Machines

PAUSE_S = 0.3
LAST_THREADS = 8
"""Words are for one of the newest threads, most of which are not at their end."""

WORKFLOW = """\
version: 1
name: fence
description: Three or four steps.
roles:
  planner:
    description: Plans.
    frontmatter: &done
      {type: object, properties: {$status: {const: done}, mark: {type: string}}, required: [$status, mark]}
  painter:
    description: Paints.
    frontmatter: *done
  drier:
    description: Looks whether it is dry.
    frontmatter:
      oneOf:
        - {type: object, properties: {$status: {const: done}, mark: {type: string}}, required: [$status, mark]}
        - {type: object, properties: {$status: {const: more}, mark: {type: string}}, required: [$status, mark]}
  signer:
    description: Signs.
    frontmatter: *done
graph:
  $START:
    new: {role: planner, prompt: Plan it.}
    resume: {role: planner, prompt: Plan it anew.}
  planner: {done: {role: painter, prompt: Paint it.}}
  painter: {done: {role: drier, prompt: Is it dry?}}
  drier:
    more: {role: signer, prompt: Sign it.}
    done: {role: $END, prompt: Good.}
  signer: {done: {role: $END, prompt: Good.}}
"""


class Word(NamedTuple):
    """Something that was said to a thread, as `text`; `is_sure` once uwf has said that it has it."""

    text: str
    thread: str
    is_event: bool
    is_sure: bool


class People:
    """Keeps `active` threads going until told to stop; what was begun and said."""

    def __init__(self, machines: Machines, active: int, seed: int) -> None:
        self._machines, self._active, self._chance = machines, active, random.Random(seed)
        self.threads: list[str] = []
        self.words: list[Word] = []
        self.faults: list[str] = []
        """Commands that ended as no command may."""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._workflow = machines.folder / "fence.yaml"
        self._workflow.write_text(WORKFLOW)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def active(self) -> list[str]:
        """The threads that are not at their end, or have words that wait."""
        rows = self._machines.sql(
            "SELECT right(name, 26) FROM uwf.ref AS r WHERE name LIKE '@uwf/thread/%' AND NOT EXISTS (SELECT FROM"
            " uwf.ref_tag AS t WHERE t.name = r.name AND key = 'status' AND value = 'completed')"
            " UNION SELECT right(name, 26) FROM uwf.ref WHERE name LIKE '@uwf/told/%'"
            " UNION ALL SELECT '?'"
        )
        found = [row[0] for row in rows]
        return [each for each in found if each != "?"] if found else ["?"]

    def _work(self) -> None:
        while not self._is_over.wait(PAUSE_S):
            if len(self.active()) < self._active:
                self._begin()
            elif self.threads and self._chance.random() < 0.5:
                self._say()

    def _begin(self) -> None:
        words = ("thread", "start", str(self._workflow), "-p", "Paint the fence.", "--wake")
        if (done := self._run(*words)).code == 0:
            self.threads.append(done.json["thread"])

    def _say(self) -> None:
        thread = self._chance.choice(self.threads[-LAST_THREADS:])
        number, is_event = len(self.words), self._chance.random() < 0.6
        text = f"<word-{number}>"
        if not is_event:
            done = self._run("thread", "tell", thread, text)
            self.words.append(Word(text, thread, False, done.code == 0))
            return
        data = f'{{"said": "{text}"}}'
        words = ["event", "send", "fence.seen", "--id", f"event-{number}", "--thread", thread]
        words += ["--data", data, *(["--urgent"] if self._chance.random() < 0.7 else [])]
        is_sure = False
        for _ in range(self._chance.choice((1, 2))):
            is_sure |= self._run(*words).code == 0
        self.words.append(Word(text, thread, True, is_sure))

    def _run(self, *words: str) -> Answer:
        began_s = time.monotonic()
        done = self._machines.desk.run(*words)
        if done.code not in (0, 1, 75) or '"internal"' in done.err or "Traceback" in done.err:
            took_s = time.monotonic() - began_s
            self.faults.append(f"uwf {' '.join(words)}: {done} after {took_s:.1f} s")
        return done
