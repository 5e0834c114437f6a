"""One program run to its end under supervision: prompt in, output out, one outcome, nothing left behind.

The story of a run:

1. `spawn` makes a child that waits at its gate; the caller records which process it is (`on_start`); the gate opens.
2. `Pump` moves bytes until the child ends, or the first of timeout, stall, stop and too much output. That one
   decides the outcome, whatever comes after it.
3. A program that ended by itself may have left others that hold its output, such as `tee` still writing the last
   lines: they may finish as long as something comes.
4. `terminate` ends what lives of the program's tree, and only then is the program reaped.

What the outcome means, and whether to try again, is left to the engine.
"""

from __future__ import annotations

import os
import time

from uwf import clock, points
from uwf.agent.process import platform, program, spawn
from uwf.agent.process.pump import LineByLine, Pump, Spool, Stdin, Tail
from uwf.agent.process.terminate import Termination, terminate
from uwf.agent.process.tree import MARK_NAME, OwnProcessTree, Subreaper
from uwf.agent.protocol import ProcessFacts
from uwf.record import Record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.process.fifo import Fifo
    from uwf.agent.protocol import Ended
    from uwf.agent.stop import Stop
    from uwf.store.owner import Owner

LEFT_OPEN_QUIET_S = 0.5  # how long output that a left-behind process holds open may be silent
LEFT_OPEN_MOST_S = 5.0  # and how long it may go on in all
LEAVING_S = 0.05  # what closed the output last is on the way out, and needs not be asked to go
_TIDY_S = 10.0
_BLIND_WAIT_S = 0.01  # where no pidfd tells that the program ended
_FOREVER = float("inf")


class ProcessSpec(Record):
    """A program to run. `env` is its whole environment; `UWF_RUN=<mark>` is added to it. `cwd` is absolute.

    `stdin` is closed behind its bytes; as a `Stdin` it stays open for what is written while the program runs.
    A timeout of None never comes. `stall_timeout_s` is the longest silence on stdout and stderr together, but for one
    during which `is_working` says that something long is known to go on. However much is said meanwhile, it counts as
    silent from `gives_up_s` (monotonic) on.
    `output_limit_bytes` holds for each of the two; None: there is none, and the last 64 KiB of each are what is kept.
    `events` is a further pipe whose path the program knows; what comes there is no silence either.
    With `on_line`, stdout is handed to it line by line and not kept; the limit is then that of one line.
    `grace_s` lies between SIGTERM and SIGKILL.
    `keep_fds` are descriptors that the program inherits, beside one that is named like the mark (on Linux).
    What has been silent on stdout for `linger_s` is ended when `is_whole` takes all that stands there for its reply.
    `meanwhile` is called once the program runs, with its input in the pipe; `on_tick` then, every `tick_s`.
    """

    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    mark: str
    spool_dir: str
    stdin: bytes | Stdin = b""
    timeout_s: float | None = 3600.0
    stall_timeout_s: float | None = None
    output_limit_bytes: int | None = 64 << 20
    grace_s: float = 3.0
    keep_fds: tuple[int, ...] = ()
    linger_s: float | None = None
    events: Fifo | None = None
    on_line: Callable[[bytes], None] | None = None
    is_whole: Callable[[bytes], bool] = bool
    is_working: Callable[[], bool] = bool
    gives_up_s: Callable[[], float] = lambda: _FOREVER
    meanwhile: Callable[[], object] = bool
    tick_s: float | None = None
    on_tick: Callable[[], object] = bool


class ProcessOutcome(ProcessFacts):
    """How a run ended, and what it wrote. `stderr` is the last 64 KiB.

    `error` says why it could not be started (`hopeless`: nor could another try; `is_of_machine`: for want of
    descriptors, memory or processes), or why its status is unknown.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    error: str = ""
    hopeless: bool = False
    is_of_machine: bool = False

    def facts(self) -> ProcessFacts:
        """The same without what it wrote."""
        return ProcessFacts(*(getattr(self, name) for name in ProcessFacts._fields))


def run(
    spec: ProcessSpec,
    *,
    stop: Stop,
    on_start: Callable[[Owner], None],
    on_output: Callable[[bytes], object] = bool,
    on_pause: Callable[[], object] = bool,
) -> ProcessOutcome:
    """Run `spec` to its end. Needs SIGPIPE ignored, as Python has it.

    `on_start(process)` is called before the program runs; it runs only once that has returned.
    `on_output(chunk)` is called with stdout as it comes, `on_pause()` when it has paused for a quarter of a second.
    What they raise ends the program and everything it started, and is raised from here.
    """
    began_s = clock.monotonic_s()
    if stop.count:
        return ProcessOutcome("stopped")
    with Subreaper() as subreaper:
        token = platform.token(f"{MARK_NAME}={spec.mark}".encode())
        try:
            child = spawn.spawn(
                spec.argv,
                spec.cwd,
                {**spec.env, MARK_NAME: spec.mark},
                spec.keep_fds + token,
            )
        except program.SpawnFailed as failed:
            return ProcessOutcome(
                "spawn_failed", error=str(failed), is_of_machine=failed.is_of_machine
            )
        finally:
            for descriptor in token:
                os.close(descriptor)
        points.at("agent: at the gate")
        try:
            on_start(child.process)
            if stop.count:
                child.abandon()
                return ProcessOutcome("stopped")
        except BaseException:
            child.abandon()
            raise
        tree = OwnProcessTree(child.process, spec.mark, subreaper)
        supervision = _Supervision(spec, child, tree, stop)
        try:
            return supervision.run(began_s, on_output, on_pause)
        except BaseException:
            supervision.kill()
            raise
        finally:
            supervision.close()


def _place_of_stdout(spec: ProcessSpec) -> Spool | Tail | LineByLine:
    if spec.on_line is not None:
        return LineByLine(spec.on_line)
    return Tail() if spec.output_limit_bytes is None else Spool(spec.spool_dir)


class _Supervision:
    """A child at its gate, and what is needed to bring it to its end."""

    def __init__(
        self, spec: ProcessSpec, child: spawn.Child, tree: OwnProcessTree, stop: Stop
    ) -> None:
        self._spec, self._child, self._tree, self._stop = spec, child, tree, stop
        self._stdout = _place_of_stdout(spec)
        self._pidfd = platform.pidfd(child.pid)

    def run(
        self, began_s: float, on_output: Callable[[bytes], object], on_pause: Callable[[], object]
    ) -> ProcessOutcome:
        child, spec = self._child, self._spec
        stdin = spec.stdin
        if isinstance(stdin, bytes):
            stdin = Stdin(stdin)
            stdin.close()
        pump = Pump(
            child.pipes,
            stdin,
            stdout=self._stdout,
            limit_bytes=spec.output_limit_bytes,
            on_output=on_output,
            on_pause=on_pause,
            wakers=[end for end in (self._stop.fileno(), self._pidfd) if end is not None],
            events=spec.events,
        )
        child.open_gate()
        points.at("agent: let go")
        spec.meanwhile()
        ended = self._watch(pump, began_s)
        took_s = clock.monotonic_s() - began_s
        if ended == "exit":
            self._let_finish(pump)
        if ended in ("exit", "lingered"):
            pump.is_discarding = True  # what is said while all is being ended is not the reply
        if ended == "exit" and self._tree.is_childless():
            ending = Termination()
        else:
            ending = self._end(spec.grace_s, lambda most_s: self._pass(pump, most_s))
        if ended != "exit":
            took_s = clock.monotonic_s() - began_s
            pump.drain_now()
        outcome = self._program_went(ended, child.pid in ending.survivors)
        return replace(
            outcome,
            duration_ms=round(took_s * 1000),
            stdout=self._stdout.read(),
            stderr=pump.stderr.read(),
            stdout_bytes=pump.stdout_bytes,
            stderr_bytes=pump.stderr.size_bytes,
            escalation=ending.escalation,
            survivors=ending.survivors,
        )

    def kill(self) -> None:
        """End everything at once and tell nothing: the caller is being interrupted."""
        ending = self._end(0, time.sleep)
        if self._child.pid not in ending.survivors:
            self._child.reap()

    def close(self) -> None:
        self._stdout.close()
        self._child.pipes.close()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _watch(self, pump: Pump, began_s: float) -> Ended:
        """Wait for the end of the program, or for the first reason to end it."""
        spec = self._spec
        timeout_s = _FOREVER if spec.timeout_s is None else began_s + spec.timeout_s
        tidy_s = began_s + _TIDY_S
        tick_s = _FOREVER if spec.tick_s is None else began_s + spec.tick_s
        asked_bytes = 0  # how much there was when it was last asked whether it is the reply
        while not self._child.has_ended():
            now_s = clock.monotonic_s()
            silence_s = spec.stall_timeout_s
            is_silent = silence_s is not None and not spec.is_working()
            stall_s = pump.last_output_s + (silence_s or 0) if is_silent else _FOREVER
            stall_s = min(stall_s, spec.gives_up_s())
            if pump.is_over_limit:
                return "output_limit"
            if self._stop.count:
                return "stopped"
            linger_s = _FOREVER
            if spec.linger_s is not None and pump.stdout_bytes > asked_bytes:
                linger_s = pump.last_stdout_s + spec.linger_s
            if now_s >= linger_s:
                if spec.is_whole(self._stdout.read()):
                    return "lingered"
                asked_bytes, linger_s = pump.stdout_bytes, _FOREVER
            if now_s >= timeout_s:
                return "timeout"
            if now_s >= stall_s:
                return "stall"
            if now_s >= tidy_s:
                tidy_s = now_s + _TIDY_S
                self._tree.living()  # reaps strays that ended: a long run may have made thousands
            if now_s >= tick_s:
                tick_s = now_s + (spec.tick_s or 0)
                spec.on_tick()
            until_s = min(timeout_s, stall_s, linger_s, tidy_s, tick_s)
            pump.run_once(until_s - now_s if self._pidfd is not None else _BLIND_WAIT_S)
        pump.drain_now()
        return "output_limit" if pump.is_over_limit else "exit"

    def _let_finish(self, pump: Pump) -> None:
        """The program ended by itself. Read on while others hold its output and have something to say."""
        if pump.is_done():
            return
        now_s = clock.monotonic_s()
        most_s, ended_s = now_s + LEFT_OPEN_MOST_S, now_s
        while not pump.is_done() and not pump.is_over_limit and not self._stop.count:
            until_s = min(most_s, max(ended_s, pump.last_output_s) + LEFT_OPEN_QUIET_S)
            if (now_s := clock.monotonic_s()) >= until_s:
                return
            pump.run_once(until_s - now_s)
        until_s = clock.monotonic_s() + LEAVING_S
        while clock.monotonic_s() < until_s and self._tree.living():
            pump.run_once(LEAVING_S / 20)

    def _pass(self, pump: Pump, most_s: float) -> None:
        """Give the tree `most_s` to end; less when the program does and its output is closed: few are left then."""
        if pump.is_done() and self._child.has_ended():
            time.sleep(most_s)  # nothing is left that would wake us
            pump.run_once(0)
            return
        until_s = clock.monotonic_s() + most_s
        while (left_s := until_s - clock.monotonic_s()) > 0:
            pump.run_once(left_s)
            if pump.is_done() and self._child.has_ended():
                return

    def _end(self, grace_s: float, wait: Callable[[float], None]) -> Termination:
        return terminate(
            self._tree,
            # Until we reap the leader its number can only mean its group.
            group=self._child.pid if platform.can_peek else None,
            group_first=self._tree.loses_none() and not self._child.has_ended(),
            grace_s=grace_s,
            wait=wait,
            is_hurried=lambda: self._stop.count > 1,
        )

    def _program_went(self, ended: Ended, survives: bool) -> ProcessOutcome:
        """Reap the program and say how it went."""
        if survives:
            return ProcessOutcome(
                ended, error=f"process {self._child.pid} does not end, even by SIGKILL"
            )
        status, peak_memory_bytes = self._child.reap()
        failure = self._child.failure() if ended == "exit" else None
        if failure is not None:
            spec = self._spec
            path = spec.env.get("PATH", os.defpath)
            error = program.explain(spec.argv, spec.cwd, path, *failure)
            hopeless = program.is_hopeless(*failure)
            return ProcessOutcome(
                "spawn_failed",
                error=error,
                hopeless=hopeless,
                is_of_machine=program.is_of_machine(failure[1]),
            )
        if status is None:
            error = "its exit status was lost: something else in this program collected it"
            return ProcessOutcome(ended, error=error)
        code = os.waitstatus_to_exitcode(status)
        return ProcessOutcome(
            "signal" if ended == "exit" and code < 0 else ended,
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            peak_memory_bytes=max(peak_memory_bytes, self._tree.peak_memory_bytes),
        )
