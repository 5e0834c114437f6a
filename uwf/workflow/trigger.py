"""A trigger: which events are for which threads, and what they bring about. One record for two places.

It is an element of `[[triggers]]` in a home's config.toml, and of the list under `on:` in a workflow file, where it may
name neither agents nor commands, and may start no other workflow than its own. What it does with an event is decided in
`engine.events`.
"""

from __future__ import annotations

from uwf.config_table import (
    ANY,
    EMPTY,
    OFF,
    Table,
    bare_name,
    choice,
    each,
    key,
    one_of,
    some_duration,
    text,
)
from uwf.errors import InputError
from uwf.trust import BOT, COLLABORATOR, OWNER, TRUSTS
from uwf.workflow.condition import Condition, ConditionInvalid
from uwf.workflow.template import TemplateInvalid, uses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.config_table import Key

HARD, FUZZY, IGNORE = "hard", "fuzzy", "ignore"
CLASSES = (HARD, FUZZY, IGNORE)
"""Wake now; ask the glance; never."""

QUEUE, MERGE, INTERRUPT, REJECT = "queue", "merge", "interrupt", "reject"
WHEN_BUSY = (QUEUE, MERGE, INTERRUPT, REJECT)

PRIORITIES = ("person", "collaboration", "environment", "economy", "timer")
"""Kinds of wakes, the most urgent first."""

VARIABLES = (
    *("id", "name", "source", "at", "who", "trust", "data", "labels", "thread", "urgent", "depth"),
)
"""What conditions and templates of a trigger may look at."""

LATEST = 3
"""With `quiet`, and without `latest`, so many times `debounce` after the first event they wake at last."""

_NEVER_IN_FILES = ("agent", "agents", "command", "commands", "precheck")

MAX_TRIGGERS = 100
"""In one workflow file."""
MAX_NAME_CHARS = 100
MAX_RULE_CHARS = 60
MAX_TEMPLATE_CHARS = 16_000
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:")


def event_name(value: Any) -> str:
    """The name of an event, such as `github.review`."""
    if (
        isinstance(value, str)
        and 0 < len(value) <= MAX_NAME_CHARS
        and _NAME_SIGNS.issuperset(value)
    ):
        return value
    raise ValueError(
        f"{value!r:.120} is not the name of an event, such as github.review: up to {MAX_NAME_CHARS} of "
        "a-z, A-Z, 0-9, . _ - and :"
    )


def _names(value: Any) -> list[str]:
    """Names of events, one or a list; `*` at the end of one stands for anything."""
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError("it names no event")
    for name in listed:
        if name != "*":
            event_name(name.removesuffix("*") if isinstance(name, str) else name)
    return list(listed)


def _condition(value: Any) -> str:
    try:
        _check_variables(Condition(text(value)).variables)
    except ConditionInvalid as error:
        raise ValueError(f"{value!r:.120} is not a condition: {error.message}") from None
    return str(value)


def _template(value: Any) -> str:
    if len(text(value)) > MAX_TEMPLATE_CHARS:
        raise ValueError(
            f"it has {len(value)} characters, and a template may have {MAX_TEMPLATE_CHARS}"
        )
    try:
        _check_variables(uses(value).variables)
    except TemplateInvalid as error:
        raise ValueError(f"{value!r:.120} is not a template: {error.message}") from None
    return str(value)


def _check_variables(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in VARIABLES:
            from uwf.workflow.problem import did_you_mean

            hint = did_you_mean(name, VARIABLES) or f"there are {', '.join(VARIABLES)}"
            raise ValueError(f"an event has no {name!r}; {hint}")


def _trusts(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise ValueError(f'{value!r} is not a list such as ["owner", "bot"]')
    return [one_of(TRUSTS)(one) for one in value]


def _duration_or_off(value: Any) -> float | None:
    return None if value == OFF else some_duration(value)


class Trigger(Table, array="triggers"):
    """`on` are names of events. Which threads it is for is said by `find` (labels), `thread`, or `start` (a new one of
    that workflow); by none of them, it is for the threads that the event itself names.

    `text` is what they are told, by default what the event says of itself. `debounce_s` after the first event that
    gathers they wake; with `quiet_s`, not before nothing has come for so long, yet at last `latest_s` after the first.
    `cooldown_s` is the least time between two wakes.
    """

    name: str = key(bare_name, unset="")
    on: tuple[str, ...] = key(_names, unset=(), needed=True)
    find: Mapping[str, str] = each(_template)
    thread: str | None = key(_template)
    start: str | None = key(text)
    prompt: str | None = key(_template)
    cwd: str | None = key(text)
    label: Mapping[str, str] = each(_template)
    when: str | None = key(_condition)
    text: str | None = key(_template)
    class_: str = choice(one_of(CLASSES), HARD)
    glance: str | None = key(_condition)
    trust: tuple[str, ...] = choice(_trusts, (OWNER, COLLABORATOR, BOT))
    cooldown_s: float | None = key(_duration_or_off, OFF)
    debounce_s: float | None = key(_duration_or_off, OFF)
    quiet_s: float | None = key(_duration_or_off, OFF)
    latest_s: float | None = key(_duration_or_off, OFF)
    priority: str = choice(one_of(PRIORITIES), "environment")
    when_busy: str = choice(one_of(WHEN_BUSY), QUEUE)

    def check(self) -> None:
        if len(self.name) > MAX_RULE_CHARS:
            raise ValueError(f"its name has more than {MAX_RULE_CHARS} characters")
        ways = [name for name in ("find", "thread", "start") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} do not go together: one says which threads")
        if self.cwd is not None and self.cwd[0] not in "/~":
            raise ValueError(f"cwd is {self.cwd!r}, which is in no folder: begin it with / or ~")
        for name in () if self.start is not None else ("prompt", "cwd", "label"):
            if getattr(self, name):
                raise ValueError(f"{name} is for a new thread, and needs start")
        if self.glance is not None and self.class_ != FUZZY:
            raise ValueError(f"glance is asked for class = {FUZZY!r} alone")
        if self.debounce_s is None and (self.quiet_s or self.latest_s):
            raise ValueError("quiet and latest need debounce")
        if self.latest_s is not None and self.latest_s < (self.debounce_s or 0):
            raise ValueError("latest is before debounce ends")

    @property
    def names(self) -> str:
        """What has to be there for it: a workflow, as seen from its folder, or one thread; "": nothing."""
        if self.start:
            return f"{self.start} in {self.cwd or '~'}"
        return self.thread or "" if self.is_for_one_thread else ""

    @property
    def is_for_one_thread(self) -> bool:
        """Whether `thread` is an id as it stands, and none that each event says."""
        return self.thread is not None and "{" not in self.thread

    @property
    def latest_wake_s(self) -> float:
        """At last so long after the first event they wake, however many follow."""
        if self.debounce_s is None:
            return 0.0
        if self.quiet_s is None:
            return self.debounce_s
        return LATEST * self.debounce_s if self.latest_s is None else self.latest_s


def read(given: Mapping[str, Any], note: Callable[[tuple[str, ...], str], None]) -> Trigger:
    """The trigger that an element under `on:` of a workflow file says. `note` is told what is wrong: the key, () for
    the element as a whole, and why. What is wrong is left out.
    """
    keys = _keys()
    found: dict[str, Any] = {}
    for name, value in given.items():
        one = keys.get(name)
        if one is None:
            if not name.startswith("x-"):
                note((name,), _unknown(name, keys))
            continue
        try:
            if one.path[-1] == ANY:
                found[name] = {label: one.read(each) for label, each in _map(value).items()}
            else:
                found[one.field] = one.read(value)
        except ValueError as error:
            note((name,), f"{name}: {error}")
    trigger = Trigger.of(found)
    if "on" not in given:
        note((), "a trigger lacks 'on', the names of events")
    elif len(found) == len([name for name in given if name in keys]):
        try:
            trigger.check()
        except ValueError as error:
            note((), str(error))
    return trigger


def key_names() -> tuple[str, ...]:
    """The keys that a trigger may have."""
    return tuple(_keys())


def _keys() -> dict[str, Key]:
    return {one.path[2]: one for one in Trigger.keys()}  # noqa: SIM118  # no dictionary


def of_stored(given: Mapping[str, Any]) -> Trigger:
    """The same for an element that was stored with its workflow. Raises `InputError`."""

    def refuse(key: tuple[str, ...], why: str) -> None:
        raise InputError(f"a trigger of the workflow cannot be read: {why}")

    if not isinstance(given, dict):
        refuse((), f"it is {given!r:.80}")
    return read(given, refuse)


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    from uwf.workflow.problem import did_you_mean

    if name in _NEVER_IN_FILES:
        return (
            f"a workflow file names no agents and no commands, and cannot have '{name}': they are read from a home's "
            "config.toml alone"
        )
    hint = did_you_mean(name, known)
    return f"a trigger has no key '{name}'" + (f": {hint}" if hint else "")


def _map(value: Any) -> dict[str, Any]:
    if value == {}:
        raise ValueError(EMPTY)
    if not isinstance(value, dict):
        raise ValueError(
            f"{value!r:.120} is not a mapping of labels, such as {{pr: '{{{{ data.number }}}}'}}"
        )
    return value
