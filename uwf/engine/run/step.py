"""One attempt at a step, from its prompt to an outcome. Nothing of the thread moves here: `publish` does that.

The start of the attempt is on record before the agent may run, turns are kept as they come, and a reply that is not
valid is asked again in the same session.
"""

from __future__ import annotations

import os
from functools import cached_property

from uwf import clock, points
from uwf.agent import failure
from uwf.agent.echo import Echo
from uwf.agent.protocol import (
    AgentFailure,
    RateLimit,
    Session,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import recorder, sessions, usage
from uwf.engine.chain.attempt import OVER_BUDGET, AttemptStart, Failure
from uwf.engine.chain.kept import Came
from uwf.engine.chain.nodes import TEXT
from uwf.engine.chain.sessions import KeptSession
from uwf.engine.progress import BudgetUnseen, ReplyRejected, StepStarted, Turn, UsageLeftOut
from uwf.engine.run import budget, prompt
from uwf.engine.run.attempt import echoes, invocation, retry
from uwf.engine.run.attempt.begin import begin
from uwf.engine.run.attempt.outcome import (
    Accepted,
    Failed,
    OverBudget,
    Postponed,
    Rejected,
    Retried,
    Stopped,
)
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from uwf.agent.protocol import AgentEvent, AgentResult
    from uwf.agent.stop import Stop
    from uwf.engine.run.admission import Ticket
    from uwf.engine.run.attempt.outcome import Envelope, Outcome, ValidReply
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.engine.run.prompt import Prompt
    from uwf.store.owner import Owner

ASKS = 3
"""How often one attempt asks: once, and twice more after a bad reply."""


class StepRun:
    """One attempt at `step`."""

    def __init__(self, ctx: RunContext, step: NextStep, ticket: Ticket) -> None:
        thread, plan, before = step.thread, step.plan, step.thread.pending
        ended = None if before is None else before.last_end
        self.ctx = ctx
        self.step = step
        self.ticket = ticket
        self.role = step.workflow.roles[plan.role]
        kept = sessions.of(ctx.cache, ctx.store, thread, plan, ticket.request.agent, ended)
        self.session = None if kept is None or kept.is_forked else kept.id
        """What the agent has named as its session; one that it is to fork first is not its own."""
        self._kept_session = kept
        start = AttemptStart(
            thread=thread.id,
            plan=plan,
            number=attempts.number_after(before, plan.role),
            agent=ticket.request.agent,
            mark=os.urandom(16).hex(),
            before=ended,
        )
        self.recorder = recorder.AttemptRecorder(ctx.store, start, ctx.redactor)
        self.thread = thread
        """The thread, as the start of the attempt has left it."""
        self.usage: dict[str, Any] | None = None
        """What all asks of this attempt used, those with a rejected reply too, as far as the agent says."""
        self.came: Came | None = None
        """What its agent has answered last: from then on there is something to lose."""
        self._said_usage: dict[str, float] | None = None
        self._limit_resets_ms: int | None = None
        self._began_s = clock.monotonic_s()

    @cached_property
    def sections(self) -> Prompt:
        """What its agent is asked."""
        return prompt.assemble(
            self.ctx.cache,
            self.step.workflow,
            self.step.base,
            self.step.plan,
            self.step.thread.id,
            history_chars=self.ctx.config.prompt.history_chars,
            redactor=self.ctx.redactor,
        )

    def run(self, stop: Stop) -> Outcome:
        """Ask the agent until it has replied, failed or was stopped."""
        first = text = self.sections.text
        problems: list[str] = []
        for asked in range(1, ASKS + 1):
            self._tell_start(asked)
            came = self._ask(text, stop)
            points.at("agent: ended")
            heard = self.hear(came, text)
            if not isinstance(heard, Rejected):
                return heard
            problems = heard.problems
            if asked < ASKS:
                self._reject(heard, came)
                points.at("reply: refused")
                text = prompt.again(first, self.ctx.redactor.text(came.answer.text), problems)
        why = "; ".join(problems)
        message = f"the reply of {self.step.plan.role} was not valid, asked {ASKS} times: {why}"
        return self._failed(AgentFailure(failure.BAD_REPLY, failure.BAD_REPLY, message), came)

    def hear(self, came: Came, asked: str) -> Outcome | Rejected:
        """What comes of an answer to `asked`: the outcome, or why the agent has to be asked again."""
        self.came, answer = came, came.answer
        self.session, self.usage = came.session, came.usage
        if answer.failure is not None:
            return self._ended(answer.failure, came, asked)
        verdict = self._judge(answer.text, asked)
        self.note(verdict.envelope, came)
        if not isinstance(verdict, Rejected):
            return self._accepted(verdict, came)
        spoken = failure.of_reply(self.recorder.start.agent, answer.text, asked, answer.stderr)
        return verdict if spoken is None else self._failed(spoken, came)

    def _ask(self, text: str, stop: Stop) -> Came:
        self._said_usage = None
        left_s = self.ctx.admission.budget.remaining_s(self.ticket.request)
        request = invocation.build(
            self.ctx,
            self.step,
            self.recorder.start,
            text,
            self._goes_on_in,
            keep_fds=self.ticket.descriptors,
            longest_s=left_s,
            is_reply=lambda said: self._is_reply(said, text),
            meanwhile=_load_what_reads_replies,
        )
        answer = self.step.agent.run(
            request, stop=stop, on_start=self.started, on_event=self._event
        )
        return Came(
            answer=answer,
            session=self.session,
            usage=self.usage,
            said_usage=self._said_usage,
            resets_ms=self._limit_resets_ms,
            budget_s=left_s if request.timeout_s == left_s else None,
            duration_ms=self._duration_ms(),
        )

    def _is_reply(self, said: str, asked: str) -> bool:
        """Whether an agent that still runs has replied. A fault in judging would end it, and is told when it has."""
        try:
            return not isinstance(self._judge(said, asked), Rejected)
        except Exception:
            return False

    def _judge(self, said: str, asked: str) -> ValidReply | Rejected:
        """Whether what the agent said is a reply to what it was `asked`."""
        from uwf.engine.run.attempt.reply import judge, without_echo

        said = without_echo(said, asked, self.sections.form)
        echo = Echo(asked, self.sections.form)
        return judge(self.step.workflow, self.role, said, self.ctx.redactor, echo)

    @property
    def _goes_on_in(self) -> KeptSession | None:
        """The session that the agent is handed."""
        return self._kept_session if self.session is None else KeptSession(self.session)

    def started(self, agent: Owner | None) -> None:
        """The agent's process stands at the gate: what it is goes on record before it may run."""
        request = self.ticket.request if self.came is None else None
        self.thread = begin(
            self.ctx, self.step, self.thread, self.recorder, self.sections, agent, request
        )

    def _event(self, event: AgentEvent) -> None:
        """Keep what the agent says while it runs: session and usage count from the moment they are said."""
        if isinstance(event, Session):
            self.session = self.ctx.redactor.text(event.id)
            self.recorder.said(self.session, self._used())
        elif isinstance(event, Usage):
            self._said_usage = event.amounts
            self.recorder.said(self.session, self._used())
        elif isinstance(event, RateLimit):
            self._limit_resets_ms = event.resets_ms if event.is_reached else None
        elif isinstance(event, Text):
            self._turn(TEXT, event.text)
        elif isinstance(event, Thinking):
            self._turn("thinking", event.text)
        elif isinstance(event, ToolCall):
            self._turn("tool", invocation.tool_words(event))
        elif isinstance(event, ToolResult):
            self._turn("tool_result", event.text)

    def _used(self) -> dict[str, Any] | None:
        """What this attempt has used so far, as far as the agent has said while it runs."""
        return usage.together(self.usage, self._said_usage)

    def _turn(self, kind: str, text: str) -> None:
        clean = self.recorder.turn(text, kind=kind)
        if clean:
            self.ctx.on_progress(Turn(self.step.thread.id, self.step.plan.role, kind, clean))

    def note(self, said: Envelope, came: Came) -> None:
        """What an ask has named as its session and used; the agent's own word goes before its reply's."""
        answer = came.answer
        self.session = answer.session or said.session or self.session
        self.usage = usage.together(self.usage, answer.usage or came.said_usage or said.usage)
        if said.left_out:
            self.ctx.on_progress(
                UsageLeftOut(self.step.thread.id, self.step.plan.role, said.left_out)
            )

    def _reject(self, verdict: Rejected, came: Came) -> None:
        self.recorder.turn(came.answer.tail, last=True)
        self.came = replace(came, answer=replace(came.answer, tail=""))
        self.recorder.remark("\n".join(verdict.problems))
        thread, role = self.step.thread.id, self.step.plan.role
        self.ctx.on_progress(ReplyRejected(thread, role, tuple(verdict.problems)))

    def _accepted(self, reply: ValidReply, came: Came) -> Accepted:
        used = usage.of_attempt(self.usage, came.duration_ms)
        unseen = self.ctx.admission.budget.unseen(self.ticket.request, used)
        if unseen is not None:
            self.ctx.on_progress(BudgetUnseen(self.step.thread.id, self.step.plan.role, unseen))
        spent = usage.add(
            usage.before_step(self.step.thread, self.step.base),
            *usage.of_attempts(self.ctx.cache, self.recorder.start.before),
            used,
        )
        state, most = reply.state, self.ctx.config.limits.max_same
        if most is not None and self.step.base.visits.get(self.step.plan.role, 0) + 1 >= most:
            state = echoes.state_unless_same(self.ctx, self.step.plan, reply, most)
        return Accepted(
            **self.gone(came),
            status=reply.status,
            output=reply.output,
            body=reply.body,
            spent=spent,
            state=budget.state_within(self.ctx, self.step, state, used, spent),
        )

    def _ended(self, failed: AgentFailure, came: Came, asked: str) -> Outcome:
        """The agent gave no reply that counts. What it has used by its own word is used all the same."""
        from uwf.engine.run.attempt.reply import envelope_of, without_echo

        text = without_echo(came.answer.text, asked, self.sections.form)
        said = envelope_of(self.role, text, self.ctx.redactor)
        if failed.code == failure.EXIT_CODE:  # it was not ended in the middle of its work
            said = replace(said, session=None)
        self.note(said, came)
        if failed.code == failure.TIMEOUT and came.budget_s is not None:
            return self._over_budget(came, came.budget_s)
        if failed.code == failure.STOPPED:
            why = Failure(failed.failure_class, self._words(failed, came.answer))
            return Stopped(**self.gone(came), failure=why)
        if self.recorder.begun is None:
            self.started(None)  # what was tried is on record all the same
        return self._failed(failed, came)

    def _over_budget(self, came: Came, left_s: float) -> OverBudget:
        came = replace(came, duration_ms=max(came.duration_ms, int(left_s * 1000) + 1))
        used = usage.of_attempt(self.usage, came.duration_ms)
        why = budget.time_is_over(self.ctx, self.step, self.ticket.request, used)
        return OverBudget(**self.gone(came), failure=Failure(OVER_BUDGET, why))

    def _failed(self, failed: AgentFailure, came: Came) -> Failed:
        if failed.resets_ms is None:
            failed = replace(failed, resets_ms=came.resets_ms)
        cause = self._words(failed, came.answer)
        tries, since_ms = attempts.retried_in_a_row(
            self.ctx.cache, self.step.thread.pending, self.step.plan
        )
        then = retry.next_try(self.ctx.config, failed, tries, since_ms)
        guard, id = self.ctx.admission.attempts, self.step.thread.id
        message = retry.explained(guard, id, failed, cause, then)
        facts = {
            **self.gone(came),
            "failure": Failure(failed.failure_class, message),
            "cause": cause,
            "resets_ms": failed.resets_ms,
            "is_transient": failure.is_transient(failed),
        }
        if isinstance(then, retry.AtOnce):
            return Retried(**facts, retry_in_s=then.in_s)
        if isinstance(then, retry.Later):
            return Postponed(**facts, wake_ms=then.at_ms)
        return Failed(**facts)

    def _words(self, failed: AgentFailure, answer: AgentResult) -> str:
        """Why there is no reply, for a person."""
        said = self.cleaner(answer)(failed.said)
        words = invocation.in_words(failed, said, has_session=self.session is not None)
        return self.ctx.redactor.text(words)

    def gone(self, came: Came) -> dict[str, Any]:
        """The fields that all outcomes share."""
        answer = came.answer
        facts = answer.process
        return {
            "duration_ms": came.duration_ms,
            "session": self.session,
            "usage": self.usage,
            "process": invocation.process_facts(facts),
            "peak_memory_bytes": 0 if facts is None else facts.peak_memory_bytes,
            "stderr": self.cleaner(answer)(answer.stderr),
            "tail": answer.tail,
        }

    def cleaner(self, answer: AgentResult) -> Callable[[str], str]:
        """What rids stderr, or a part of it, of secrets: also of half a one, where its beginning was cut away."""
        redactor, kept_bytes = self.ctx.redactor, len(answer.stderr.encode(errors="replace"))
        is_whole = answer.process is None or kept_bytes >= answer.process.stderr_bytes
        return redactor.text if is_whole else redactor.ending

    def _duration_ms(self) -> int:
        return round((clock.monotonic_s() - self._began_s) * 1000)

    def _tell_start(self, asked: int) -> None:
        self.ctx.on_progress(
            StepStarted(
                thread=self.step.thread.id,
                role=self.step.plan.role,
                agent=self.recorder.start.agent,
                index=self.step.base.index + 1,
                round=self.step.plan.round,
                ask=asked,
            )
        )


def _load_what_reads_replies() -> None:
    """YAML and JSON Schema take as long to load as all the rest: done while the agent works, nobody waits for it."""
    from uwf.engine.run.attempt import reply  # noqa: F401  # loaded, and used where a reply is judged
