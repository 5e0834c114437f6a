"""The layers that need nothing but an event and a rule: class, causes, trust, condition, and what templates say.

What is found here can be found before anything is locked: a template of a stranger may take its time.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf.engine.events import texts
from uwf.engine.events.causes import MOST_DEPTH
from uwf.engine.events.decision import (
    BAD_TRIGGER,
    CLASS_IGNORE,
    DEPTH,
    FILTER,
    TRUST,
    WHEN,
    Said,
)
from uwf.record import Record
from uwf.workflow.condition import ConditionInvalid
from uwf.workflow.template import WRONG_TYPE, TemplateInvalid
from uwf.workflow.trigger import IGNORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.engine.events.event import Event
    from uwf.engine.events.matching import Rule


_NOTHING: Mapping[str, str] = MappingProxyType({})


class Ready(Record):
    """A rule that lets an event pass. `find`, `thread` or `labels` say for whom it is; with `labels` and `task` a new
    thread is begun. None of them: for the threads that the event itself names. `text` is what they are told.
    """

    rule: Rule
    find: Mapping[str, str]
    thread: str | None
    labels: Mapping[str, str]
    text: str
    task: str | None


def judge(
    event: Event, rule: Rule, variables: Mapping[str, Any], *, in_words: bool = True
) -> Ready | Said:
    """What `rule` says to `event`, which has these `variables`: why not, or for whom, and `in_words` what."""
    no = _refusal(event, rule, variables)
    if no is not None:
        return no
    trigger, task = rule.trigger, None
    find: Mapping[str, str] = _NOTHING
    labels, thread = find, None
    try:
        text = texts.said(event, trigger.text, variables) if in_words else ""
        if trigger.start is not None:
            labels = texts.filled(trigger.label, variables)
            task = text if trigger.prompt is None else texts.said(event, trigger.prompt, variables)
        elif trigger.thread is not None:
            thread = texts.filled({"thread": trigger.thread}, variables)["thread"]
        else:
            find = texts.filled(trigger.find, variables)
    except TemplateInvalid as error:
        return Said(FILTER, False, f"its template: {error.message}", code_of(error), rule.name)
    return Ready(rule, find, thread, labels, text, task)


def _refusal(event: Event, rule: Rule, variables: Mapping[str, Any]) -> Said | None:
    trigger = rule.trigger
    if trigger.class_ == IGNORE:
        return Said(FILTER, False, "its class is ignore", CLASS_IGNORE, rule.name)
    if event.depth > MOST_DEPTH:
        why = f"{event.depth} acts of threads lie between it and what came from outside, more than {MOST_DEPTH}"
        return Said(FILTER, False, why, DEPTH, rule.name)
    if event.trust not in trigger.trust:
        why = f"it is from a {event.trust}, and trusted are {', '.join(trigger.trust)}"
        return Said(FILTER, False, why, TRUST, rule.name)
    try:
        if rule.when is not None and not rule.when.holds(variables):
            return Said(FILTER, False, f"not so: {rule.when.text}", WHEN, rule.name)
    except ConditionInvalid as error:
        return Said(FILTER, False, f"its when: {error.message}", code_of(error), rule.name)
    return None


def code_of(error: ConditionInvalid | TemplateInvalid) -> str:
    """Whose fault it is that a rule cannot be asked: of the rule, or of the values in the event."""
    return WRONG_TYPE if error.code == WRONG_TYPE else BAD_TRIGGER
