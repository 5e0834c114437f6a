"""One attempt at a step: from its prompt to its step, its failure or its interruption.

The attempt's beginning is on record before the agent may run, turns are kept as they come, a reply that is not
valid is asked again in the same session, and what came of it is published in one transaction.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from uwf import clock, points, quantities
from uwf.agent import failure
from uwf.agent.protocol import Text
from uwf.engine.chain import attempt as tries
from uwf.engine.chain import usage
from uwf.engine.chain.attempt import OVER_BUDGET, STOPPED, AttemptEnd, AttemptStart, Failure
from uwf.engine.chain.nodes import Position
from uwf.engine.chain.recorder import AttemptRecorder
from uwf.engine.chain.tags import IDLE, SUSPENDED
from uwf.engine.chain.thread import Thread, current, of
from uwf.engine.events import AgentStarted, ReplyRefused, Retrying, TurnCame
from uwf.engine.run import invocation, prompt, publish, retry
from uwf.engine.run.lock import interrupted
from uwf.engine.run.reply import Accepted, Rejected, judge, named_session, without_echo
from uwf.guard.contract import Failed, OverBudget, Succeeded
from uwf.quantities import STEPS, TIME
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.protocol import Agent, AgentEvent, AgentFailure, AgentResult
    from uwf.agent.stop import Stop
    from uwf.engine.chain.nodes import Plan
    from uwf.engine.chain.tags import ThreadState
    from uwf.engine.run.admission import Ticket
    from uwf.engine.run.context import Engine
    from uwf.engine.run.publish import Tell
    from uwf.guard.contract import Outcome
    from uwf.store.owner import Owner
    from uwf.workflow.model import Workflow

ASKS = 3
"""How often one attempt asks: once, and twice more after a bad reply."""


class Result(Record):
    """What one step came to: the thread afterwards, and the step, or the failure and its attempt.

    All are None when the graph had already ended and nothing was run. An attempt without a failure was ended because
    its budget was used up.
    """

    thread: Thread
    role: str | None
    step: str | None
    failure: Failure | None = None
    attempt: str | None = None


class Again(Record):
    """The attempt failed and is kept, and another one is worth making after `delay_s` seconds."""

    delay_s: float


class StepRun:
    """One attempt. `retries` says how many were made at this step by this command before it.

    `raised` are the tags of a budget that was raised for it: `thread` has them, its ref has not.
    """

    def __init__(
        self,
        engine: Engine,
        thread: Thread,
        workflow: Workflow,
        plan: Plan,
        agent: Agent,
        ticket: Ticket,
        stop: Stop,
        *,
        retries: int = 0,
        raised: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        before = thread.attempt if thread.plan is not None else None
        self.engine = engine
        self.budget = engine.admission.budget
        self.thread = thread
        self.workflow = workflow
        self.plan = plan
        self.agent = agent
        self.ticket = ticket
        self.request = request = ticket.request
        self.stop = stop
        self.retries = retries
        self.raised = raised
        self.position = (
            thread.position if plan.base == thread.head else Position.read(engine.memo, plan.base)
        )
        self.role = workflow.roles[plan.role]
        ended = None if before is None else before.last_end
        self.session = tries.session_after(engine.store, ended, plan.role)
        # Of the head, also for a poke: whoever is to improve a reply goes on where it was given.
        self.session = self.session or thread.position.sessions.get(plan.role)
        self.opening = AttemptStart(
            thread=thread.id,
            plan=plan,
            number=tries.number_after(before, plan.role),
            agent=request.agent,
            mark=os.urandom(16).hex(),
            before=ended,
        )
        self.running = AttemptRecorder(engine.store, self.opening, engine.redactor)
        self.began_s = clock.monotonic_s()
        self.prompt_id = ""
        self.usage: dict[str, Any] | None = None
        """What all asks of this attempt used, those with a refused reply too, as far as the agent says."""

    def make(self) -> Result | Again:
        """Ask the agent until it has replied, failed or was stopped. Raises `Interrupted` for the last."""
        self.sections = prompt.assemble(
            self.engine.memo,
            self.workflow,
            self.position,
            self.plan,
            self.thread.id,
            history_chars=self.engine.config.prompt.history_chars,
            clean=self.engine.redactor.text,
        )
        first = text = self.sections.text
        problems: list[str] = []
        for asked in range(1, ASKS + 1):
            self._tell_start(asked)
            answer = self._ask(text)
            points.at("agent: ended")
            self.session = answer.session or self.session
            failed = answer.failure
            if failed is not None:
                if failed.code != failure.EXIT_CODE:  # it was ended in the middle of its reply
                    self.session = named_session(answer.text, self.engine.redactor) or self.session
                self.usage = usage.together(self.usage, answer.usage)
                left_s = self._left_by_budget_s()
                if failed.code == failure.TIMEOUT and left_s is not None:
                    return self._out_of_budget(answer, left_s)
                return self._failed(failed, answer)
            said = without_echo(answer.text, text, self.sections.form)
            verdict = judge(self.workflow, self.role, said, self.engine.redactor)
            self.session = answer.session or verdict.session or self.session
            self.usage = usage.together(self.usage, answer.usage or verdict.usage)
            if isinstance(verdict, Accepted):
                return self._accepted(verdict, answer)
            problems = verdict.problems
            if asked < ASKS:
                self._refuse(verdict, answer)
                points.at("reply: refused")
                text = prompt.again(first, self.engine.redactor.text(answer.text), problems)
        why = "; ".join(problems)
        message = f"the reply of {self.plan.role} was not valid after {ASKS} tries: {why}"
        return self._failed(failure.of_reply(message, answer.text), answer)

    def _ask(self, text: str) -> AgentResult:
        question = invocation.build(
            self.engine,
            self.opening,
            self.position,
            self.role,
            text,
            self.session,
            keep_fds=self.ticket.descriptors,
            longest_s=self.budget.remaining_s(self.request),
        )
        return self.agent.run(
            question, stop=self.stop, on_start=self._started, on_event=self._event
        )

    def _clean_stderr(self, answer: AgentResult) -> str:
        return self._cleaner(answer)(answer.stderr)

    def _cleaner(self, answer: AgentResult) -> Callable[[str], str]:
        """What rids stderr, or a part of it, of secrets: also of half a one, where its beginning was cut away."""
        redactor, kept_bytes = self.engine.redactor, len(answer.stderr.encode(errors="replace"))
        is_whole = answer.process is None or kept_bytes >= answer.process.stderr_bytes
        return redactor.text if is_whole else redactor.ending

    def _started(self, process: Owner | None) -> None:
        """The agent's process stands at the gate: what it is goes on record before it may run."""
        # A person's words are not to be lost to a power cut.
        durable = self.plan.supplement is not None
        with self.engine.store.transaction("attempt", durable=durable) as tx:
            first = not self.prompt_id
            if first:
                self.prompt_id = self.sections.put(tx, self.engine.memo.links)
            self.running.started(tx, self.prompt_id, process)
            points.at("attempt: objects written")
            if first:
                publish.reopen(tx, self.thread, self.plan, self.raised)

    def _event(self, event: AgentEvent) -> None:
        if not isinstance(event, Text):
            return
        clean = self.running.turn(event.text)
        if clean:
            self.engine.on_event(TurnCame(self.thread.id, self.plan.role, clean))

    def _refuse(self, verdict: Rejected, answer: AgentResult) -> None:
        self.running.turn(answer.tail, last=True)
        self.running.remark("\n".join(verdict.problems))
        self.engine.on_event(ReplyRefused(self.thread.id, self.plan.role, tuple(verdict.problems)))

    def _accepted(self, verdict: Accepted, answer: AgentResult) -> Result:
        ms = self._duration_ms()
        used = usage.of_attempt(self.usage, ms)
        spent = usage.add(
            usage.before_step(self.thread, self.position),
            *usage.of_attempts(self.engine.memo, self.opening.before),
            used,
        )
        said = publish.Said(
            status=verdict.status,
            output=verdict.output,
            body=verdict.body,
            session=self.session,
            usage=self.usage,
            spent=spent,
            duration_ms=ms,
            process=invocation.process_facts(answer.process),
        )
        peak_bytes = 0 if answer.process is None else answer.process.peak_memory_bytes
        ref = publish.publish_step(
            self.engine.store,
            self.engine.memo,
            self.thread,
            self.position,
            self.running,
            self.prompt_id,
            said,
            self._within_budget(verdict.standing, used, spent),
            answer.tail,
            self._tell(Succeeded(self.usage or {}, ms, peak_bytes)),
        )
        self.engine.memo.links.update(self.sections.links)
        return Result(of(self.engine.memo, ref, None), self.plan.role, ref.id)

    def _within_budget(
        self, standing: ThreadState, used: dict[str, float], spent: dict[str, float]
    ) -> ThreadState:
        """`standing`, or a suspension when the step used more than one may, or the thread all that it may."""
        if standing.status != IDLE or standing.next_role is None:
            return standing
        visits = self.position.visits.get(standing.next_role, 0)
        visits += standing.next_role == self.plan.role
        limits = usage.allowed(
            self.budget.rules.thread, self.workflow, standing.next_role, self.thread.tags
        )
        reached = None
        if limits:
            spent = usage.add(spent, usage.undone(self.thread.tags))
            spent[STEPS] = self.position.index + 1
            reached = self.budget.reached(limits, spent, visits)
        over = self.budget.step_reached(used)
        if reached is not None:
            message = f"the budget is used up: {reached}; `uwf thread resume --budget` raises it"
        elif over is not None:
            message = f"the step of {self.plan.role} used more than one may: {over}"
        else:
            return standing
        return type(standing)(SUSPENDED, standing.next_role, message)

    def _left_by_budget_s(self) -> float | None:
        """The time that the budget left for this try; None when the timeout of its agent is shorter."""
        timeout_s = self.engine.config.agent(self.opening.agent).timeout_s
        longest_s = self.budget.remaining_s(self.request)
        is_tighter = longest_s is not None and (timeout_s is None or longest_s <= timeout_s)
        return longest_s if is_tighter else None

    def _out_of_budget(self, answer: AgentResult, left_s: float) -> Result:
        """The agent was ended because the time is used up that its thread, or a step, may take."""
        request = self.request
        ms = max(self._duration_ms(), int(left_s * 1000) + 1)
        used = usage.of_attempt(self.usage, ms)
        reached = self.budget.reached(request.budget, usage.add(request.spent, used), 0)
        if reached is not None:
            message = f"the budget is used up: {reached}; `uwf thread resume --budget` raises it"
        else:
            over = self.budget.step_reached(used) or f"time {quantities.said(TIME, ms / 1000)}"
            message = f"the step of {self.plan.role} used more than one may: {over}"
        ending = self._ending(Failure(OVER_BUDGET, message), answer, ms)
        tell = self._tell(OverBudget(self.usage or {}, ms))
        store = self.engine.store
        now = current(store, self.engine.memo, self.thread.id)
        attempt = publish.keep_failure(store, now, self.running, ending, answer.tail, tell)
        now = current(store, self.engine.memo, self.thread.id)
        return Result(now, self.plan.role, None, None, attempt)

    def _tell(self, outcome: Outcome) -> Tell:
        """What the guards learn, to be written with what is published."""
        return lambda tx: self.ticket.ended(tx, outcome)

    def _ending(
        self, failure: Failure, answer: AgentResult, ms: int, *, is_retried: bool = False
    ) -> AttemptEnd:
        return AttemptEnd(
            failure=failure,
            duration_ms=ms,
            process=invocation.process_facts(answer.process),
            stderr=self._clean_stderr(answer),
            session=self.session,
            usage=self.usage,
            is_retried=is_retried,
        )

    def _failed(self, failed: AgentFailure, answer: AgentResult) -> Result | Again:
        store, thread = self.engine.store, self.thread
        if self.running.begun is None:
            if failed.code == STOPPED:  # before anything was begun: nothing has changed
                raise interrupted(self.stop, thread.id)
            self._started(None)  # what was tried is on record all the same
        said, has_session = self._cleaner(answer)(failed.said), self.session is not None
        cause = self.engine.redactor.text(
            invocation.in_words(failed, said, has_session=has_session)
        )
        message = retry.explained(self.engine.admission.attempts, thread.id, failed, cause)
        ms = self._duration_ms()
        delay_s = None
        if failed.code != STOPPED:
            delay_s = retry.delay_s(self.engine.config.retry, failed, self.retries)
            delay_s = self._until_reset_s(failed) if delay_s is None else delay_s
        is_retried = delay_s is not None
        ended = Failure(failed.failure_class, message)
        ending = self._ending(ended, answer, ms, is_retried=is_retried)
        if failed.code == STOPPED:
            publish.keep_aside(store, thread, self.running, ending, answer.tail, None)
            raise interrupted(self.stop, thread.id)
        peak_bytes = 0 if answer.process is None else answer.process.peak_memory_bytes
        tell = self._tell(
            Failed(
                self.usage or {},
                ms,
                peak_bytes,
                failed.failure_class,
                cause,
                failed.resets_ms,
                is_retried,
            )
        )
        if delay_s is not None:
            publish.keep_aside(store, thread, self.running, ending, answer.tail, tell)
            self.engine.on_event(Retrying(thread.id, self.plan.role, message, delay_s))
            return Again(delay_s)
        now = current(store, self.engine.memo, thread.id)
        attempt = publish.keep_failure(store, now, self.running, ending, answer.tail, tell)
        now = current(store, self.engine.memo, thread.id)
        return Result(now, self.plan.role, None, ending.failure, attempt)

    def _until_reset_s(self, failed: AgentFailure) -> float | None:
        """How long until the agent's limit resets, where the command waits for so long; else None."""
        if failed.resets_ms is None:
            return None
        left_s = max(0.0, (failed.resets_ms - clock.now_ms()) / 1000)
        waits_s = self.request.wait_s - (clock.monotonic_s() - self.began_s)
        return left_s if left_s <= waits_s else None

    def _duration_ms(self) -> int:
        return round((clock.monotonic_s() - self.began_s) * 1000)

    def _tell_start(self, asked: int) -> None:
        self.engine.on_event(
            AgentStarted(
                thread=self.thread.id,
                role=self.plan.role,
                agent=self.opening.agent,
                index=self.position.index + 1,
                round=self.plan.round,
                ask=asked,
            )
        )
