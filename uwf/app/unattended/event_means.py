"""What deciding about events needs of a home: its rules, how it begins threads, and the agent of the glance."""

from __future__ import annotations

import os

from uwf import config as settings
from uwf.app.thread import run_context
from uwf.config.records import GlanceConfig, QueueConfig
from uwf.engine.actions import glance, lifecycle
from uwf.engine.events import deciding, stored, texts
from uwf.engine.events.deciding import GlanceAnswer, Means
from uwf.engine.query import workflows
from uwf.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.opened import OpenHome
    from uwf.engine.actions.lifecycle import Begin
    from uwf.engine.events.decision import Ask
    from uwf.engine.events.event import Event
    from uwf.engine.events.judging import Ready
    from uwf.workflow.model import Workflow


def of(home: OpenHome, *, create: bool = False) -> Means:
    """What is needed to decide. Only what takes an event in may `create` the store."""
    return Means(
        store=home.store(create=True) if create else home.reader(),
        rules=home.rules(),
        queue=home.config.rules(QueueConfig),
        begin=lambda ready, event: _begin(home, ready, event),
        asks_agent=home.config.rules(GlanceConfig).agent is not None,
    )


def answer(home: OpenHome, key: str, ask: Ask) -> GlanceAnswer:
    """What the agent of the glance says about an event and a thread; what holds by the rule where it says nothing."""
    from uwf.agent.stop import Stop
    from uwf.store.sqlite import open_in_memory

    rules = home.config.rules(GlanceConfig)
    event = stored.find(home.store(), key).event
    by_rule = GlanceAnswer(True, deciding.USUAL, "by the rule")
    if rules.agent is None:
        return replace(by_rule, reason="by the rule: no agent is asked any more")
    rule = next((one for one in home.rules().of(event.name) if one.name == ask.rule), None)
    words = texts.said(event, None if rule is None else rule.trigger.text, event.variables)
    question = deciding.question(home.store(), event, ask.thread)
    stop = Stop()
    try:
        context = run_context.of(home, None, open_in_memory(home.gate))
        found = glance.ask(context, rules, question, words, stop)
    finally:
        stop.close()
    if found.failed is not None:
        why = f"by the rule, since agent {rules.agent} gave no answer: {found.failed}"
        return replace(by_rule, reason=why)
    return GlanceAnswer(found.should_run, found.urgency, f"{rules.agent}: {found.reason}")


def _begin(home: OpenHome, ready: Ready, event: Event) -> Begin:
    """The thread that a rule begins for an event. Raises `UwfError` where it cannot."""
    cwd = os.path.abspath(os.path.expanduser(ready.rule.trigger.cwd or "~"))
    begin = lifecycle.Begin(
        workflow=_workflow(home, ready, cwd),
        task=ready.task or "",
        cwd=cwd,
        labels=dict(ready.labels),
        zone=settings.local_zone(),
        event=event.key,
    )
    lifecycle.check(begin)
    if not home.has_worktrees:
        return begin
    from uwf.app.thread import worktrees

    return replace(begin, worktree=worktrees.by_config(home, cwd))


def _workflow(home: OpenHome, ready: Ready, cwd: str) -> Workflow:
    """The one that the rule names, as seen from the folder of the thread; of a workflow's own rule, that workflow."""
    if ready.rule.workflow is not None:
        return workflows.registered_as(home.reader(), ready.rule.workflow)
    return workflows.find(home.reader(), ready.rule.trigger.start or "", cwd).workflow
