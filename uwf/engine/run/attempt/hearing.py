"""What comes of an answer: from what the agent has said and how it ended to the outcome of the attempt.

How the agent is asked is in `step`, which goes on from here; how a reply is read, in `reply`.
"""

from __future__ import annotations

import os
from functools import cached_property

from uwf.agent import APPROVAL, failure
from uwf.agent.echo import Echo
from uwf.agent.protocol import AgentFailure
from uwf.agent.words.failure_signs import AUTHENTICATION, QUOTA
from uwf.engine.chain import attempt as attempts
from uwf.engine.chain import recorder, sessions, usage
from uwf.engine.chain.attempt import OVER_BUDGET, AttemptStart, Failure
from uwf.engine.chain.tags import EVENT
from uwf.engine.progress import BudgetUnseen, CheckInNoted, UsageLeftOut
from uwf.engine.run import budget, prompt
from uwf.engine.run.attempt import echoes, invocation, retry
from uwf.engine.run.attempt.begin import begin
from uwf.engine.run.attempt.outcome import (
    Accepted,
    Failed,
    NeedsApproval,
    OverBudget,
    Postponed,
    Rejected,
    Retried,
    Stopped,
)
from uwf.engine.run.planning import agents
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.agent.protocol import AgentResult, SessionFile
    from uwf.engine.chain.carried import Along
    from uwf.engine.chain.kept import Came
    from uwf.engine.run.admission import Ticket
    from uwf.engine.run.attempt.outcome import Envelope, Outcome, ValidReply
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep
    from uwf.engine.run.prompt import Prompt
    from uwf.store.owner import Owner


class Hearing:
    """One attempt at `step`, of which its agent's answer is heard."""

    def __init__(self, ctx: RunContext, step: NextStep, ticket: Ticket) -> None:
        thread, plan, before = step.thread, step.plan, step.thread.pending
        ended = None if before is None else before.last_end
        self.ctx = ctx
        self.step = step
        self.ticket = ticket
        self.role = step.workflow.roles[plan.role]
        agent = ticket.request.agent
        kept = sessions.of(ctx.cache, ctx.store, thread, plan, agent, ended, ctx.host)
        self.session = None if kept is None or kept.is_forked else kept.id
        """What the agent has named as its session; one that it is to fork first is not its own."""
        self.kept_session = kept
        start = AttemptStart(
            thread=thread.id,
            plan=plan,
            number=attempts.number_after(before, plan.role),
            agent=agent,
            mark=os.urandom(16).hex(),
            before=ended,
            files=step.files,
            host=ctx.host,
        )
        self.recorder = recorder.AttemptRecorder(
            ctx.store, start, ctx.redactor, thread.tags.get(EVENT), ctx.host
        )
        self.thread = thread
        """The thread, as the start of the attempt has left it."""
        self.usage: dict[str, Any] | None = None
        """What all asks of this attempt used, those with a rejected reply too, as far as the agent says."""
        self._last_used: dict[str, Any] | None = None
        self._unsaid: tuple[str, ...] | None = None
        """What the asks before this one have used and not said; None for the first ask."""
        self._turns_before: str | None = None
        self.came: Came | None = None
        """What its agent has answered last: from then on there is something to lose."""
        self.files_after: str | None = None
        """The snapshot of the thread's worktree once the agent is gone."""
        self.session_file: SessionFile | None = None
        """Where its client keeps the session."""
        self.along: Along | None = None
        """What goes along of both to other machines."""

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
            knows_nothing=self._knows_nothing,
        )

    @property
    def _knows_nothing(self) -> bool:
        """Whether its role has had a session that stayed on another machine."""
        if self.ctx.host is None or self.kept_session is not None:
            return False
        thread = self.step.thread
        known = sessions.after(self.ctx.cache, self.ctx.store, thread.position)
        return self.step.plan.role in known

    def started(self, agent: Owner | None) -> None:
        """The agent's process stands at the gate: what it is goes on record before it may run."""
        request = self.ticket.request if self.came is None else None
        self.thread = begin(
            self.ctx, self.step, self.thread, self.recorder, self.sections, agent, request
        )

    def hear(self, came: Came, asked: str) -> Outcome | Rejected:
        """What comes of an answer to `asked`: the outcome, or why the agent has to be asked again."""
        self.came, answer = came, came.answer
        self.session, self.usage = came.session, came.usage
        if answer.failure is not None:
            return self._ended(answer.failure, came, asked)
        verdict = self.judged(answer.text, asked)
        self.note(verdict.envelope, came)
        if not isinstance(verdict, Rejected):
            denied = self._denied_what_is_needed()
            return self._accepted(verdict, came) if denied is None else self.failed(denied, came)
        spoken = failure.of_reply(self.recorder.start.agent, answer.text, asked, answer.stderr)
        return verdict if spoken is None else self.failed(spoken, came)

    def _denied_what_is_needed(self) -> AgentFailure | None:
        """A role that needs to write has done nothing where that was denied, whatever its agent says."""
        denied = self.recorder.client.denied
        if not denied or "write" not in self.role.needs:
            return None
        agent, role = self.recorder.start.agent, self.role.name
        message = f"agent {agent} was denied what role {role} needs"
        return AgentFailure(failure.PERMISSION, failure.PERMISSION, message, "; ".join(denied))

    def judged(self, said: str, asked: str) -> ValidReply | Rejected:
        """Whether what the agent said is a reply to what it was `asked`."""
        from uwf.engine.run.attempt.reply import judge, without_echo

        said = without_echo(said, asked, self.sections.form)
        echo = Echo(asked, self.sections.form)
        return judge(self.step.workflow, self.role, said, self.ctx.redactor, echo)

    def note(self, said: Envelope, came: Came) -> None:
        """What an ask has named as its session and used; the agent's own word goes before its reply's."""
        answer, failed = came.answer, came.answer.failure
        self._last_used = answer.usage or came.said_usage or said.usage
        self.session = answer.session or said.session or self.session
        self.usage = usage.together(self.usage, self._last_used)
        has_said = bool(answer.tail) or self.recorder.turns != self._turns_before
        is_free = failed is not None and usage.used_nothing(failed.failure_class, has_said=has_said)
        self.note_unsaid(usage.NOTHING if is_free else self._last_used)
        if said.left_out:
            self.ctx.on_progress(
                UsageLeftOut(self.step.thread.id, self.step.plan.role, said.left_out)
            )

    def note_unsaid(self, used: Mapping[str, float] | None) -> None:
        """What several asks have used and not said, where this one says `used`. Of the only ask of an attempt that is
        what its usage lacks.
        """
        if self._unsaid is not None:
            self.recorder.learn(unsaid=usage.unsaid(self._unsaid, used))

    def asks_again(self) -> None:
        """The reply was refused; what it has named and used is kept. What the next ask uses is not known until it says
        so.
        """
        self._unsaid = usage.unsaid(self._unsaid or (), self._last_used)
        self._turns_before = self.recorder.turns
        self.note_unsaid(None)
        self.recorder.said(self.session, self.usage)

    def remark(self, came: Came, text: str) -> Came:
        """Keep what uwf says to an answer, behind the end of it."""
        self.recorder.turn(came.answer.tail, last=True)
        self.came = replace(came, answer=replace(came.answer, tail=""))
        self.recorder.remark(text)
        return self.came

    def _accepted(self, reply: ValidReply, came: Came) -> Accepted:
        look = reply.envelope.check_in
        if look is not None and look.note is not None:
            came = self.remark(came, look.note)
            self.ctx.on_progress(CheckInNoted(self.step.thread.id, self.role.name, look.note))
        used = usage.of_attempt(self.usage, came.duration_ms, self.recorder.client.unsaid)
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
            return self._over_time(came, came.budget_s)
        if failed.code == failure.BUDGET:
            used = usage.of_attempt(self.usage, came.duration_ms)
            over = budget.is_over(self.ctx, self.step, self.ticket.request, used)
            if over is not None:
                return OverBudget(**self.gone(came), failure=Failure(OVER_BUDGET, over))
        if failed.code == failure.STOPPED:
            why = Failure(failed.failure_class, self._words(failed, came.answer))
            return Stopped(**self.gone(came), failure=why)
        if failed.code == APPROVAL:
            why = Failure(APPROVAL, self.ctx.redactor.text(failed.message))
            return NeedsApproval(**self.gone(came), failure=why)
        if self.recorder.begun is None:
            self.started(None)  # what was tried is on record all the same
        return self.failed(failed, came)

    def _over_time(self, came: Came, left_s: float) -> OverBudget:
        came = replace(came, duration_ms=max(came.duration_ms, int(left_s * 1000) + 1))
        used = usage.of_attempt(self.usage, came.duration_ms)
        why = budget.time_is_over(self.ctx, self.step, self.ticket.request, used)
        return OverBudget(**self.gone(came), failure=Failure(OVER_BUDGET, why))

    def failed(self, failed: AgentFailure, came: Came) -> Failed:
        """The attempt has come to nothing, and what is to follow."""
        if failed.resets_ms is None:
            failed = replace(failed, resets_ms=came.resets_ms)
        cause = self._words(failed, came.answer)
        tries, since_ms = attempts.retried_in_a_row(
            self.ctx.cache, self.step.thread.pending, self.step.plan
        )
        then = self._then(failed, tries, since_ms)
        guard, id = self.ctx.admission.attempts, self.step.thread.id
        message = retry.explained(guard, id, failed, cause, then)
        facts = {
            **self.gone(came),
            "failure": Failure(failed.failure_class, message),
            "cause": cause,
            "resets_ms": failed.resets_ms,
            "is_told": failed.is_told,
            "is_transient": failure.is_transient(failed),
        }
        if isinstance(then, retry.AtOnce):
            return Retried(**facts, retry_in_s=then.in_s)
        if isinstance(then, retry.Later):
            return Postponed(**facts, wake_ms=then.at_ms)
        return Failed(**facts)

    def _then(
        self, failed: AgentFailure, tries: int, since_ms: int | None
    ) -> retry.AtOnce | retry.Later | retry.GivenUp:
        """What is to follow. A limit is waited for, unless its agent's config says otherwise."""
        agent = self.recorder.start.agent
        if failed.failure_class == QUOTA:
            if agents.asks(self.ctx.config, agent):
                return retry.GivenUp(0.0)
            if agents.stands_in(self.ctx, self.step, agent):
                return retry.AtOnce(0.0)
        return retry.next_try(self.ctx.config, failed, tries, since_ms)

    def _words(self, failed: AgentFailure, answer: AgentResult) -> str:
        """Why there is no reply, for a person."""
        said = self.cleaner(answer)(failed.said)
        words = invocation.in_words(failed, said, has_session=self.session is not None)
        if failed.failure_class == AUTHENTICATION:
            words += invocation.of_withheld(self.ctx, self.step.agent)
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
