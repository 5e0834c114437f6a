"""One attempt at a step, from its prompt to an outcome. Nothing of the thread moves here: `publish` does that.

The start of the attempt is on record before the agent may run, turns are kept as they come, and a reply that is not
valid is asked again in the same session. What comes of an answer is in `attempt/hearing`.
"""

from __future__ import annotations

from uwf import clock, points
from uwf.agent import failure
from uwf.agent.protocol import (
    AgentFailure,
    AgentResult,
    Asks,
    Denied,
    Model,
    NewsHeard,
    Permitted,
    RateLimit,
    Session,
    SessionFile,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
)
from uwf.engine.chain import told, usage
from uwf.engine.chain.kept import Came
from uwf.engine.chain.nodes import TEXT, THINKING
from uwf.engine.chain.sessions import KeptSession
from uwf.engine.chain.word import in_order, of_thread
from uwf.engine.progress import NoProgress, ReplyRejected, StepStarted, Turn, Used
from uwf.engine.run import news, prompt
from uwf.engine.run.attempt import approval, invocation
from uwf.engine.run.attempt.hearing import Hearing
from uwf.engine.run.attempt.outcome import Rejected
from uwf.engine.run.attempt.standstill import Standstill
from uwf.errors import StoreError
from uwf.quantities import TIME, TOKENS, USD
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.agent.protocol import AgentEvent, Answered
    from uwf.agent.stop import Stop
    from uwf.engine.chain.word import Word
    from uwf.engine.run.admission import Ticket
    from uwf.engine.run.attempt.outcome import Outcome
    from uwf.engine.run.context import RunContext
    from uwf.engine.run.order import NextStep


class _Ended(Exception):
    """Ends an agent from within what it says."""

    def __init__(self, failed: AgentFailure) -> None:
        super().__init__(failed.message)
        self.failure = failed


ASKS = 3
"""How often one attempt asks: once, and twice more after a bad reply."""
MODEL_CHARS = 200
MOST_DENIED, DENIED_CHARS = 100, 1000
"""How many tools that were denied are named with the step, and with how much: its turns have them all, and whole."""


class StepRun(Hearing):
    """One attempt at `step`: its agent is asked, and its answer heard."""

    def __init__(self, ctx: RunContext, step: NextStep, ticket: Ticket) -> None:
        super().__init__(ctx, step, ticket)
        self._said_usage: dict[str, float] | None = None
        self._limit_resets_ms: int | None = None
        start = self.recorder.start
        self._answer: Answered | None = None
        if start.before is not None:
            self._answer = approval.answer(
                ctx.cache, ctx.store, start.before, step.plan, start.agent
            )
        self._began_s = clock.monotonic_s()
        self._standstill: Standstill | None = None
        self._given: tuple[Word, ...] = ()
        """What was said meanwhile, and given to the agent, which has not taken it in yet."""

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
                self.asks_again()
                points.at("reply: refused")
                text = prompt.again(first, self.ctx.redactor.text(came.answer.text), problems)
        why = "; ".join(problems)
        message = f"the reply of {self.step.plan.role} was not valid, asked {ASKS} times: {why}"
        return self.failed(AgentFailure(failure.BAD_REPLY, failure.BAD_REPLY, message), came)

    def _ask(self, text: str, stop: Stop) -> Came:
        self._said_usage = None
        self._given = ()
        budget = self.ctx.admission.budget
        left_s = budget.remaining(self.ticket.request, TIME)
        request = invocation.build(
            self.ctx,
            self.step,
            self.recorder.start,
            text,
            self._goes_on_in,
            keep_fds=self.ticket.descriptors,
            longest_s=left_s,
            usd_left=budget.remaining(self.ticket.request, USD),
            answer=self._answer,
            is_reply=lambda said: self._is_reply(said, text),
            meanwhile=_load_what_reads_replies,
            news=self._news,
        )
        self._standstill = None
        try:
            answer = self.step.agent.run(
                request, stop=stop, on_start=self.started, on_event=self._event
            )
        except _Ended as ended:
            answer = AgentResult("", failure=ended.failure)
        budget_s = left_s if request.timeout_s == left_s else None
        return self._came(answer, budget_s)

    def _came(self, answer: AgentResult, budget_s: float | None = None) -> Came:
        return Came(
            answer=answer,
            session=self.session,
            usage=self.usage,
            said_usage=self._said_usage,
            resets_ms=self._limit_resets_ms,
            budget_s=budget_s,
            duration_ms=self._duration_ms(),
        )

    def cut_off(self) -> Came:
        """What has come of an agent that was ended in the middle of what it said."""
        return self._came(AgentResult(""))

    def _is_reply(self, said: str, asked: str) -> bool:
        """Whether an agent that still runs has replied. A fault in judging would end it, and is told when it has."""
        try:
            return not isinstance(self.judged(said, asked), Rejected)
        except Exception:
            return False

    @property
    def _goes_on_in(self) -> KeptSession | None:
        """The session that the agent is handed."""
        kept = self.kept_session
        if self.session is None:
            return kept
        counted = self.recorder.client.counted
        if counted is None and kept is not None and kept.id == self.session:
            counted = kept.counted
        is_kept = kept is not None and kept.id == self.session and self.came is None
        came = kept.conversation if kept is not None and is_kept else None
        return KeptSession(self.session, counted=counted, conversation=came)

    def _event(self, event: AgentEvent) -> None:
        """Keep what the agent says while it runs: session and usage count from the moment they are said."""
        if isinstance(event, Session):
            self.session = self.ctx.redactor.text(event.id)
            self.recorder.said(self.session, self._used())
        elif isinstance(event, SessionFile):
            self.session_file = event
        elif isinstance(event, Usage):
            self._said_usage = event.amounts or None
            if event.counted is not None:
                self.recorder.learn(counted=event.counted)
            self.note_unsaid(event.amounts)
            self._tell_used()
            watch = self._watch(event.amounts.get(TOKENS, 0))
            if watch.used(event.amounts):
                self._no_progress(watch)
        elif isinstance(event, Model):
            self.recorder.learn(model=self.ctx.redactor.text(event.name)[:MODEL_CHARS])
        elif isinstance(event, Denied):
            self._denied(invocation.tool_words(event.tool, event.arguments))
        elif isinstance(event, NewsHeard):
            self._hears()
        elif isinstance(event, Asks):
            self.recorder.learn(asks={"hash": event.hash, "lasts": event.lasts_ms})
        elif isinstance(event, Permitted):
            self.recorder.permitted(event.hash)
            self._answer = None
        elif isinstance(event, RateLimit):
            self._limit_resets_ms = event.resets_ms if event.is_reached else None
        elif isinstance(event, Text):
            self._turn(TEXT, event.text)
        elif isinstance(event, Thinking):
            self._turn(THINKING, event.text)
        elif isinstance(event, ToolCall):
            self._turn("tool", invocation.tool_words(event.name, event.arguments))
            watch = self._watch()
            if watch.called(event):
                self._no_progress(watch)
        elif isinstance(event, ToolResult):
            self._turn("tool_result", event.text)

    def _news(self) -> str | None:
        """What others have said to the thread since the agent works, each word once. It waits until a step was told it;
        what the agent itself leaves is for the next one.
        """
        store, id = self.ctx.store, self.step.thread.id
        itself = of_thread(id)
        try:
            if not told.are_waiting(store, id):
                return None
            known = {*self.step.plan.told, *self._given}
            waiting = told.waiting(store, id)
            new = tuple(word for word in waiting if word not in known and not word.is_by(itself))
        except StoreError:
            return None  # it waits all the same
        self._given = (*self._given, *new)
        return news.meanwhile(new) if new else None

    def _hears(self) -> None:
        """The agent has taken in what it was given: the step is told that, too, and says when."""
        plan = self.step.plan
        self.recorder.remark(news.meanwhile(self._given), kind="heard")
        self.step = replace(self.step, plan=replace(plan, told=in_order(plan.told, self._given)))
        self._given = ()

    def _watch(self, used: float = 0) -> Standstill:
        """What sees whether the agent comes to anything, from the first that it says of its work."""
        if self._standstill is None:
            limits, cwd = self.ctx.config.limits, self.ctx.redactor.restored(self.step.plan.cwd)
            most = limits.no_progress, limits.no_progress_tokens
            self._standstill = Standstill(cwd, *most, used)
        return self._standstill

    def _no_progress(self, found: Standstill) -> None:
        """Say that an agent comes to nothing; once it was said, end it."""
        thread, role, agent = self.step.thread.id, self.step.plan.role, self.recorder.start.agent
        words = f"agent {agent} makes no progress: {found.in_words}, and nothing has changed"
        words = self.ctx.redactor.text(words)
        if found.is_over:
            raise _Ended(AgentFailure(failure.NO_PROGRESS, failure.NO_PROGRESS, words))
        self.ctx.on_progress(NoProgress(thread, role, words))

    def _denied(self, wanted: str) -> None:
        """A tool was not permitted: its agent may well say that all is done."""
        wanted = self.ctx.redactor.text(wanted)
        known = self.recorder.client.denied
        if len(known) < MOST_DENIED:
            self.recorder.learn(denied=(*known, wanted[:DENIED_CHARS]))
        self._turn("denied", wanted)

    def _used(self) -> dict[str, Any] | None:
        """What this attempt has used so far, as far as the agent has said while it runs."""
        return usage.together(self.usage, self._said_usage)

    def _tell_used(self) -> None:
        used = self._used()
        self.recorder.said(self.session, used)
        if used:
            self.ctx.on_progress(Used(self.step.thread.id, self.step.plan.role, used))

    def _turn(self, kind: str, text: str) -> None:
        clean = self.recorder.turn(text, kind=kind)
        if clean:
            self.ctx.on_progress(Turn(self.step.thread.id, self.step.plan.role, kind, clean))

    def _reject(self, verdict: Rejected, came: Came) -> None:
        self.remark(came, "\n".join(verdict.problems))
        thread, role = self.step.thread.id, self.step.plan.role
        self.ctx.on_progress(ReplyRejected(thread, role, tuple(verdict.problems)))

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
