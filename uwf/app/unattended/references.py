"""Whether what schedules and triggers name is there: workflows that they start, threads that they tell. Only reads."""

from __future__ import annotations

import os

from uwf import clock
from uwf.config import edit
from uwf.engine.chain.tags import CANCELLED, STATUS, THREADS, WORKFLOW
from uwf.engine.query import resolve, workflows
from uwf.errors import InputError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.app.opened import OpenHome
    from uwf.engine.events.matching import Rule
    from uwf.workflow.trigger import Trigger


def of_workflow(home: OpenHome, word: str, cwd: str | None) -> str | None:
    """Why no thread of the workflow `word` can be started in the folder `cwd`, by default the person's own."""
    folder = os.path.expanduser(cwd or "~")
    try:
        workflows.find(home.reader(), word, folder)
    except (InputError, NotFound) as error:
        return error.message
    return None


def of_trigger(
    home: OpenHome, trigger: Trigger, workflow: str | None = None
) -> tuple[str, str] | None:
    """Which key of a trigger names something that is not there, and why. That of a `workflow` is for its threads."""
    if trigger.start and workflow is None:
        why = of_workflow(home, trigger.start, trigger.cwd)
        return None if why is None else ("start", why)
    if trigger.thread and trigger.is_for_one_thread:
        why = _of_thread(home, trigger.thread, workflow)
        return None if why is None else ("thread", why)
    return None


def of_rules(home: OpenHome, rules: Iterable[Rule]) -> dict[str, str]:
    """By the names of rules, why they cannot do what is written, with file and line where it is the configuration's."""
    found = {}
    for rule in rules:
        wrong = of_trigger(home, rule.trigger, rule.workflow)
        if wrong is not None:
            key, why = wrong
            where = f"{key} in on: of workflow {rule.workflow}"
            if rule.workflow is None:
                where = edit.place(home.home, ("triggers", rule.name, key))
            found[rule.name] = f"{where}: {why}"
    return found


def _of_thread(home: OpenHome, word: str, workflow: str | None) -> str | None:
    ref = home.reader().ref(THREADS + word.upper()) if clock.is_ulid(word.upper()) else None
    if ref is None:
        try:
            meant = resolve.thread_ref(home.reader(), word)
            near = f"; did you mean {meant.name.removeprefix(THREADS)}?"
        except (InputError, NotFound):
            near = ""
        return f"no thread has the id {word!r:.100}{near}"
    if ref.tags.get(STATUS) == CANCELLED:
        return f"thread {word} is cancelled"
    if workflow is not None and ref.tags.get(WORKFLOW) != workflow:
        return f"thread {word} is none of workflow {workflow}"
    return None
