"""What runs that were killed have left: replies that wait to be taken in, attempts without an end, processes.

None of it needs repair for its thread to go on, since the next command settles it; but an orphaned agent costs money
until then.
"""

from __future__ import annotations

import os

from uwf.agent.process import ask, platform
from uwf.agent.process.tree import MARK_NAME
from uwf.engine.chain import kept
from uwf.engine.chain.attempt import attempt_at, has_ended, read_attempt
from uwf.engine.chain.left_behind import left_behind
from uwf.engine.chain.nodes import BAD_NODE
from uwf.engine.chain.tags import ATTEMPTS
from uwf.engine.chain.thread import runner
from uwf.engine.run.recovery import intake, recovery
from uwf.engine.upkeep.health.check import Check
from uwf.errors import Busy, ObjectDamaged, StateError, StoreError, UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.process.platform import Process
    from uwf.engine.upkeep.health.check import Finding

YOUNG_S = 60.0
"""A process that began less than this ago may belong to an attempt that is being written down."""


class ReplyCheck(Check):
    """Replies that could not be stored. Repaired, they are taken in."""

    name = "reply"
    what = "replies that could not be stored"
    needs_store = False

    def detect(self) -> list[Finding]:
        return [self._finding(path) for path in kept.found(self._ground.home)]

    def repair(self, finding: Finding) -> None:
        if self._ground.opened is not None:
            intake.recover_if_free(self._ground.run, kept.thread_of(finding.subject))

    def _finding(self, path: str) -> Finding:
        thread, home = kept.thread_of(path), self._ground.home
        if self._ground.opened is None:
            what = f"a reply is kept in {path}, and no store: put a backup in its place, or move the reply aside"
            return self.found(path, what, thread=thread, hint=f"ls -la {home}")
        what = f"a reply that could not be stored is kept in {path}"
        if kept.only_beginning(path):
            what += f": {kept.IS_CUT}"
        return self.found(path, what, thread=thread)


class AttemptCheck(Check):
    """Attempts whose uwf is gone, with the processes of their agents. Repaired, those are ended, and it is kept."""

    name = "attempt"
    what = "attempts and agent processes of killed runs"
    every_s = 900.0
    is_slow = True  # each thread that has failed has an attempt beside it

    def detect(self) -> list[Finding]:
        store, found = self._ground.store, []
        with_reply = set(map(kept.thread_of, kept.found(self._ground.home)))
        for ref in store.refs(ATTEMPTS):
            name, thread = ref.name, ref.name.removeprefix(ATTEMPTS)
            if thread in with_reply:
                continue
            try:
                what = None if has_ended(store, ref.id) else self._unfinished(thread)
            except UwfError as error:
                is_of_store = isinstance(error, StoreError) and not isinstance(error, ObjectDamaged)
                if is_of_store and error.code != BAD_NODE:
                    raise
                what = f"{name} cannot be read: {error}"  # the others are looked at all the same
            if what is not None:
                found.append(self.found(thread, what, thread=thread))
        return found

    def repair(self, finding: Finding) -> None:
        """Settle it under the thread's lock; a process that took that meanwhile settles it anyway."""
        run = self._ground.run
        try:
            settled = recovery.settle_if_left(
                run.store, run.home, finding.subject, grace_s=run.config.limits.grace_s
            )
        except (Busy, StoreError):
            return
        if settled is not None and settled.survivors:
            pids = " ".join(map(str, settled.survivors))
            raise StateError(
                f"its attempt is kept, but processes {pids} could not be ended",
                hint=f"ps -fp {pids}",
            )

    def _unfinished(self, thread: str) -> str | None:
        """What is left of an attempt that no uwf runs any more, and what ends it; None when there is none."""
        store = self._ground.store
        attempt = read_attempt(store, thread)
        if attempt is None or attempt.running is None or runner(store, thread) is not None:
            return None
        where = f" on {attempt.running.runner.host}" if attempt.running.runner.host else ""
        what = f"attempt {attempt.number} of {attempt.plan.role} has no uwf{where} any more"
        left = left_behind(store, thread, attempt)
        if left is None:
            pid = attempt.running.runner.pid
            return f"{what} in this home; process {pid} runs it in another, of which this is a copy"
        if left.pids:
            what += f", and {left.in_words}"
        return f"{what}; uwf doctor --repair ends that, as does the next step of the thread"


class OrphanCheck(Check):
    """Processes that an agent of this home has started, and whose run has ended. They are told, and left alone: what
    they do is not known. What a small program has started whose asker was killed is ended, as it would have been then.
    """

    name = "orphan"
    what = "processes whose run has ended"
    every_s = 900.0  # it reads the process table

    def detect(self) -> list[Finding]:
        ours = self._marked()
        marks = self._marks() if ours else set()  # those that began meanwhile too
        return [
            *(
                self._found(process, "an agent whose run has ended")
                for process, mark in ours
                if not ask.is_mark(mark)
                and mark not in marks
                and platform.age_s(process) >= YOUNG_S
            ),
            *(
                self._found(process, "a program whose uwf is gone")
                for process, mark in ours
                if ask.is_left_behind(mark)
            ),
        ]

    def repair(self, finding: Finding) -> None:
        for process, mark in self._marked():
            if str(process.pid) == finding.subject and ask.is_left_behind(mark):
                ask.end_left_behind(process.owner, mark)

    def _found(self, process: Process, by: str) -> Finding:
        what = f"process {process.pid} was started by {by}"
        return self.found(str(process.pid), what, hint=f"ps -fp {process.pid}")

    def _marked(self) -> list[tuple[Process, str]]:
        """The processes of this home that carry a mark."""
        wanted = (MARK_NAME.encode(), b"UWF_HOME")
        home = os.fsencode(self._ground.home)
        return [
            (process, os.fsdecode(mark))
            for process, (mark, of_home) in platform.settings(platform.processes(), wanted)
            if of_home == home and not process.is_zombie
        ]

    def _marks(self) -> set[str]:
        """The marks of all attempts that may run, and of the run inside which this is asked."""
        store, marks = self._ground.store, {self._ground.environ.get(MARK_NAME, "")}
        for ref in store.refs(ATTEMPTS):
            try:
                if not has_ended(store, ref.id):
                    marks.add(attempt_at(store, ref.id).mark)
            except UwfError:
                continue
        return marks
