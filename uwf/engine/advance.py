"""One step of a thread, crash-safe: decide, guard, run, commit.

`run` holds the thread's lock for as long as a command steps it, and first settles what a dead predecessor left
behind. `_step` is one step: a plan is decided, the agent is found, the attempt's beginning is on record
before the agent may run, turns are kept as they come, and the reply becomes a step in one transaction. Killed
between any two instructions, the thread is at the old head or at the new one.
"""

from __future__ import annotations

import time
from contextlib import contextmanager

from uwf import clock, points
from uwf.engine import ask, commit, decide, prompt, rebind, recover, tries
from uwf.engine.events import AgentStarted, Recovered, ReplyRefused, TurnCame
from uwf.engine.model import IDLE, SUSPENDED, THREADS, Place, Start
from uwf.engine.reply import Accepted, Rejected, judge
from uwf.engine.thread import STOPPED, Thread, lock_path, of, read_try
from uwf.errors import Busy, Interrupted, NotFound
from uwf.agent.stop import SIGTERM
from uwf.guard import lock
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from uwf.agent.seam import Agent, Answer
    from uwf.agent.stop import Stop
    from uwf.engine.engine import Engine
    from uwf.engine.model import Plan
    from uwf.workflow.model import Workflow

ASKS = 3
"""How often one attempt asks: once, and twice more after a bad reply."""

EXEC, RESUME, POKE = "exec", "resume", "poke"


class Order(Record):
    """What a command asked for. `count` None means until the thread stops, `max_steps` at most.

    `rebind` is the id of a workflow object the thread is to go on with.
    """

    verb: str
    count: int | None = 1
    agent: str | None = None
    supplement: str | None = None
    rebind: str | None = None
    wait_s: float = 0.0


class Result(Record):
    """What one step came to: the thread afterwards, and the step, or the failure and its attempt.

    All three are None when the graph had already ended and nothing was run.
    """

    thread: Thread
    role: str | None
    step: str | None
    failure: tries.Failure | None = None
    attempt: str | None = None


def run(engine: Engine, id: str, order: Order, stop: Stop) -> Iterator[Result]:
    """Step the thread `id` as ordered, giving each step as it is done.

    Raises `StateError` and `Refused` with nothing changed, `Interrupted` when `stop` was asked for.
    """
    with hold(engine, id, order.wait_s, stop):
        points.at("run: locked")
        settle(engine, id)
        points.at("run: settled")
        if order.rebind is not None:
            rebind.rebind(engine.store, current(engine, id), order.rebind)
        limit = engine.config.limits.max_steps if order.count is None else order.count
        for done in range(1, limit + 1):
            _heed(stop, id)
            result = _step(engine, id, order if done == 1 else Order(EXEC, agent=order.agent), stop)
            going = result.thread.status == IDLE and result.failure is None
            if going and order.count is None and done == limit:
                result = _suspend_at_limit(engine, result, limit)
            yield result
            points.at("step: told")
            if not going:
                return


def settle(engine: Engine, id: str) -> None:
    """Settle what a dead predecessor left of thread `id`, whose lock the caller holds."""
    settled = recover.settle(engine.store, id, grace_s=engine.config.limits.grace_s)
    if settled is not None:
        engine.on_event(Recovered(id, settled.attempt, settled.ended_pids))


@contextmanager
def hold(
    engine: Engine, id: str, wait_s: float = 0.0, stop: Stop | None = None
) -> Iterator[None]:
    """Hold the lock of thread `id`. Raises `Busy`, which says who has it since when.

    When `stop` is asked for, the waiting ends in `Interrupted`.
    """

    def pause(seconds: float) -> None:
        time.sleep(seconds)
        if stop is not None:
            _heed(stop, id)

    try:
        held = lock.take(lock_path(engine.home), id, wait_s=wait_s, pause=pause)
    except Busy:
        raise Busy(
            f"thread {id} is running{_whose(engine, id)}",
            hint=f"uwf thread watch {id}",
        ) from None
    with held:
        yield


def current(engine: Engine, id: str) -> Thread:
    """The thread `id` as it is now."""
    ref = engine.store.ref(THREADS + id)
    if ref is None:
        raise NotFound(f"no thread {id!r}", hint="uwf thread list --all", code="no_such_thread")
    return of(engine.memo, ref, read_try(engine.store, id))


def _step(engine: Engine, id: str, order: Order, stop: Stop) -> Result:
    thread = current(engine, id)
    workflow = engine.memo.workflow(thread.place.workflow)
    decided = _decide(engine, thread, workflow, order)
    points.at("step: decided")
    if isinstance(decided, decide.Standing):
        commit.move(engine.store, thread, decided, "the graph has ended")
        return Result(current(engine, id), None, None)
    agent = engine.agent_for(workflow.name, decided.role, order.agent)
    ask.check_folder(decided.cwd, id)
    return _Attempt(engine, thread, workflow, decided, agent, stop).make()


def _decide(
    engine: Engine, thread: Thread, workflow: Workflow, order: Order
) -> Plan | decide.Standing:
    supplement = None if order.supplement is None else engine.redactor.text(order.supplement)
    if order.verb == POKE:
        return decide.for_poke(engine.memo, thread, supplement or "")
    if order.verb == RESUME:
        return decide.for_resume(engine.memo, thread, workflow, supplement)
    return decide.for_exec(engine.memo, thread, workflow, supplement)


class _Attempt:
    """One attempt at a step, from its prompt to its step, its failure or its interruption."""

    def __init__(
        self,
        engine: Engine,
        thread: Thread,
        workflow: Workflow,
        plan: Plan,
        agent: Agent,
        stop: Stop,
    ) -> None:
        before = thread.attempt if thread.plan is not None else None
        self.engine = engine
        self.thread = thread
        self.workflow = workflow
        self.plan = plan
        self.agent = agent
        self.stop = stop
        self.place = thread.place if plan.base == thread.head else Place.read(engine.memo, plan.base)
        self.role = workflow.roles[plan.role]
        ended = None if before is None else tries.last_ending(before)
        self.session = tries.session_after(engine.store, ended, plan.role)
        self.session = self.session or self.place.sessions.get(plan.role)
        self.opening = tries.Opening(
            thread=thread.id,
            plan=plan,
            number=tries.number_after(before, plan.role),
            agent=engine.redactor.text(agent.name),
            mark=clock.ulid(clock.now_ms()),
            before=ended,
        )
        self.running = tries.Running(engine.store, self.opening, engine.redactor)
        self.began_s = clock.monotonic_s()
        self.prompt_id = ""

    def make(self) -> Result:
        start = Start.read(self.engine.memo, self.place.start)
        sections = prompt.assemble(
            self.engine.memo,
            self.workflow,
            self.place,
            self.plan,
            start,
            self.thread.id,
            history_chars=self.engine.config.prompt.history_chars,
        )
        self.sections = sections
        first = text = sections.text
        for asked in range(1, ASKS + 1):
            self._tell_start(asked)
            answer = self._ask(text)
            points.at("agent: ended")
            self.session = answer.session or self.session
            failure = ask.failure(answer.outcome, self.opening.agent, answer.stderr)
            if failure is not None:
                return self._failed(failure, answer)
            verdict = judge(self.workflow, self.role, answer.text, self.engine.redactor)
            self.session = answer.session or verdict.session or self.session
            if isinstance(verdict, Accepted):
                return self._accepted(verdict, answer)
            if asked < ASKS:
                self._refuse(verdict, answer)
                points.at("reply: refused")
                text = prompt.again(first, self.engine.redactor.text(answer.text), verdict.problems)
        problems = "; ".join(verdict.problems)
        message = f"the reply of {self.plan.role} was not valid after {ASKS} tries: {problems}"
        return self._failed(tries.Failure("bad_reply", self.engine.redactor.text(message)), answer)

    def _ask(self, text: str) -> Answer:
        question = ask.build(
            self.engine, self.opening, self.place, self.role, text, self.session
        )
        return self.agent.ask(
            question, stop=self.stop, on_ready=self._ready, on_turn=self._turn
        )

    def _ready(self, pid: int | None, started: str | None) -> None:
        """The agent's process stands at the gate: what it is goes on record before it may run."""
        durable = self.plan.supplement is not None  # a person's words are not to be lost to a power cut
        with self.engine.store.transaction(durable=durable) as tx:
            first = not self.prompt_id
            if first:
                self.prompt_id = self.sections.put(tx, self.engine.memo.links)
            self.running.spawned(tx, self.prompt_id, pid, started)
            points.at("attempt: objects written")
            if first:
                commit.reopen(tx, self.thread, self.plan)
        points.at("attempt: recorded")

    def _turn(self, text: str) -> None:
        clean = self.running.turn(text)
        if clean:
            self.engine.on_event(TurnCame(self.thread.id, self.plan.role, clean))

    def _refuse(self, verdict: Rejected, answer: Answer) -> None:
        problems = tuple(self.engine.redactor.text(problem) for problem in verdict.problems)
        self.running.turn(answer.tail)
        self.running.turn("\n".join(problems), speaker="uwf")
        self.engine.on_event(ReplyRefused(self.thread.id, self.plan.role, problems))

    def _accepted(self, verdict: Accepted, answer: Answer) -> Result:
        said = commit.Said(
            status=verdict.status,
            output=verdict.output,
            body=verdict.body,
            session=self.session,
            usage=answer.usage or verdict.usage,
            duration_ms=self._duration_ms(),
        )
        ref = commit.publish_step(
            self.engine.store,
            self.thread,
            self.place,
            self.running,
            self.prompt_id,
            said,
            verdict.standing,
            answer.tail,
        )
        self.engine.memo.links.update(self.sections.links)
        return Result(of(self.engine.memo, ref, None), self.plan.role, ref.id)

    def _failed(self, failure: tries.Failure, answer: Answer) -> Result:
        if self.running.begun is None:
            if failure.code == STOPPED:  # before anything was begun: nothing has changed
                raise interrupted(self.stop, self.thread.id)
            self._ready(None, None)  # what was tried is on record all the same
        ending = tries.Ending(
            failure=tries.Failure(failure.code, self.engine.redactor.text(failure.message)),
            duration_ms=self._duration_ms(),
            process=ask.process_facts(answer.outcome),
            stderr=self.engine.redactor.text(answer.stderr),
            session=self.session,
            usage=answer.usage,
        )
        store, thread = self.engine.store, self.thread
        if failure.code == STOPPED:
            commit.keep_stopped(store, thread, self.running, ending, answer.tail)
            raise interrupted(self.stop, thread.id)
        attempt = commit.keep_failure(store, current(self.engine, thread.id), self.running, ending, answer.tail)
        return Result(
            current(self.engine, thread.id), self.plan.role, None, ending.failure, attempt
        )

    def _duration_ms(self) -> int:
        return round((clock.monotonic_s() - self.began_s) * 1000)

    def _tell_start(self, asked: int) -> None:
        self.engine.on_event(
            AgentStarted(
                thread=self.thread.id,
                role=self.plan.role,
                agent=self.opening.agent,
                index=self.place.index + 1,
                round=self.plan.round,
                ask=asked,
            )
        )


def _suspend_at_limit(engine: Engine, result: Result, limit: int) -> Result:
    """`--until-done` has taken as many steps as it may: leave the thread to a person."""
    thread = result.thread
    next_role = decide.next_role(thread, engine.memo.workflow(thread.place.workflow))
    message = f"stopped after {limit} steps without an end (limits.max_steps)"
    commit.move(engine.store, thread, decide.Standing(SUSPENDED, next_role, message), message)
    return Result(current(engine, thread.id), result.role, result.step)


def _whose(engine: Engine, id: str) -> str:
    """Who runs the thread, and since when, as far as the record says."""
    pid = lock.holder(lock_path(engine.home), id)
    attempt = read_try(engine.store, id)
    if pid is None:
        return ""
    if attempt is None or attempt.runner != pid:
        return f" in process {pid}"
    return f" in process {pid} ({attempt.plan.role}, since {clock.iso(attempt.began_ms)})"


def _heed(stop: Stop, id: str) -> None:
    if stop.signum is not None:
        raise interrupted(stop, id)


def interrupted(stop: Stop, id: str) -> Interrupted:
    """The error for a run that was asked to stop."""
    return Interrupted(
        f"stopped; thread {id} is at a whole step",
        signum=stop.signum or SIGTERM,
        hint=f"uwf thread show {id}",
    )

