"""The triggers of a home in one table, and those that an event's name finds there. Nothing is evaluated here.

Triggers are those of config.toml, and those under `on:` of registered workflows, which are for threads of their
workflow alone. Of one that cannot be read any more, as after an upgrade, the others know nothing: it is set aside and
named.
"""

from __future__ import annotations

from uwf.engine.chain.tags import REGISTRY
from uwf.engine.events.decision import TRIGGER, Said
from uwf.errors import UwfError
from uwf.record import Record
from uwf.workflow import model, template, trigger
from uwf.workflow.condition import Condition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from uwf.engine.chain.nodes import Reader
    from uwf.workflow.trigger import Trigger

MOST_REMEMBERED = 10_000
"""Names of events whose triggers are remembered. A stranger may send any number of names."""


class BadRule(Record):
    """A trigger, or all of a workflow, that cannot be read; `why` in words."""

    name: str
    why: str


class Rule:
    """A trigger in use. `name` is what it is called: that of its table, with the workflow's name before it where it is
    one of `workflow`. Conditions are parsed when they are first needed.
    """

    def __init__(self, name: str, trigger: Trigger, workflow: str | None = None) -> None:
        self.name = name
        self.trigger = trigger
        self.workflow = workflow
        self.said = Said(TRIGGER, True, f"on {', '.join(trigger.on)}", None, name)
        """That an event has found it."""
        self.needs_liquid = trigger.text is not None and not template.is_plain(trigger.text)
        """Whether its words take milliseconds to fill in, not microseconds."""
        self._when: Condition | None = None
        self._glance: Condition | None = None

    @property
    def when(self) -> Condition | None:
        if self._when is None and self.trigger.when is not None:
            self._when = Condition(self.trigger.when)
        return self._when

    @property
    def glance(self) -> Condition | None:
        if self._glance is None and self.trigger.glance is not None:
            self._glance = Condition(self.trigger.glance)
        return self._glance

    def __repr__(self) -> str:
        return f"<Rule {self.name}>"


class RuleTable:
    """Rules by the names of events."""

    def __init__(self, rules: Iterable[Rule], set_aside: Sequence[BadRule] = ()) -> None:
        self.rules = tuple(rules)
        self.set_aside = tuple(set_aside)
        self._exact: dict[str, list[int]] = {}
        self._beginning: list[tuple[str, int]] = []
        self._found: dict[str, tuple[Rule, ...]] = {}
        for number, rule in enumerate(self.rules):
            for name in rule.trigger.on:
                if name.endswith("*"):
                    self._beginning.append((name[:-1], number))
                else:
                    self._exact.setdefault(name, []).append(number)

    def of(self, name: str) -> tuple[Rule, ...]:
        """The rules that an event of this name finds, in the order in which they are written, each once."""
        found = self._found.get(name)
        if found is None:
            numbers = set(self._exact.get(name, ()))
            numbers.update(each for start, each in self._beginning if name.startswith(start))
            found = tuple(self.rules[number] for number in sorted(numbers))
            if len(self._found) >= MOST_REMEMBERED:
                self._found.clear()
            self._found[name] = found
        return found


def table(reader: Reader, configured: Iterable[Trigger]) -> RuleTable:
    """All rules there are: those of the configuration first, then those of registered workflows by name."""
    rules = [Rule(each.name, each) for each in configured]
    aside: list[BadRule] = []
    for ref in reader.refs(REGISTRY):
        name = ref.name.removeprefix(REGISTRY)
        try:
            workflow = model.from_payload(reader.get(ref.id).payload)
            for number, given in enumerate(workflow.on, 1):
                found = trigger.of_stored(given)
                rules.append(Rule(f"{name}/{found.name or number}", found, name))
        except UwfError as error:
            aside.append(BadRule(name, error.message))
    return RuleTable(rules, aside)
