"""Which triggers an event's name finds, and what each says by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.flows import PAIR
from uwf.engine.chain.tags import REGISTRY
from uwf.engine.events import judging, matching
from uwf.engine.events.decision import Said
from uwf.engine.events.event import Event
from uwf.engine.events.judging import Ready
from uwf.engine.events.matching import Rule, RuleTable
from uwf.record import replace
from uwf.store.sqlite import open_in_memory
from uwf.workflow import model
from uwf.workflow.trigger import Trigger


def rules(*on: tuple[str, ...]) -> RuleTable:
    return RuleTable(Rule(str(number), Trigger(on=names)) for number, names in enumerate(on))


def names(table: RuleTable, event: str) -> list[str]:
    return [rule.name for rule in table.of(event)]


def test_names_are_looked_up_and_a_star_ends_one() -> None:
    table = rules(("a.b",), ("a.*",), ("*",), ("c", "a.b"), ("a.b", "a.*"))
    assert names(table, "a.b") == ["0", "1", "2", "3", "4"]
    assert names(table, "a.c") == ["1", "2", "4"]
    assert names(table, "c") == ["2", "3"]
    assert names(table, "a.") == ["1", "2", "4"]
    assert names(table, "a") == ["2"]
    assert names(rules(), "a") == []


PARTS = st.sampled_from(["a", "b", ".", "ab", "a.b"])
PATTERNS = st.builds(
    lambda name, star: name + star,
    st.lists(PARTS, max_size=3).map("".join),
    st.sampled_from(["", "*"]),
)


@given(
    st.lists(st.lists(PATTERNS.filter(bool), min_size=1, max_size=3), max_size=5),
    st.lists(PARTS, max_size=4),
)
def test_the_table_finds_what_a_walk_finds(on: list[list[str]], parts: list[str]) -> None:
    event = "".join(parts)

    def fits(pattern: str) -> bool:
        return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern

    walked = [str(number) for number, several in enumerate(on) if any(map(fits, several))]
    assert names(rules(*map(tuple, on)), event) == walked


def test_names_of_strangers_fill_no_memory() -> None:
    table = rules(("a.*",))
    for number in range(matching.MOST_REMEMBERED + 10):
        table.of(f"a.{number}")
    assert len(table._found) <= matching.MOST_REMEMBERED


def test_triggers_of_registered_workflows_follow_those_of_the_configuration() -> None:
    store = open_in_memory()
    flow = replace(PAIR, on=({"on": "b"}, {"on": "a", "name": "mine"}))
    with store.transaction("workflow add") as tx:
        tx.set_ref(REGISTRY + "flow", tx.put("workflow", model.to_payload(flow)), why="test")
        bad = {**model.to_payload(flow), "on": [{"on": "b", "agent": "x"}]}
        tx.set_ref(REGISTRY + "odd", tx.put("workflow", bad), why="test")
        tx.set_ref(REGISTRY + "wild", tx.put("workflow", {"version": 1, "on": 3}), why="test")
    table = matching.table(store, [Trigger(name="1", on=("a",))])
    assert [(rule.name, rule.workflow) for rule in table.of("a")] == [
        ("1", None),
        ("flow/mine", "flow"),
    ]
    assert names(table, "b") == ["flow/1"]
    assert [one.name for one in table.set_aside] == ["odd", "wild"]


EVENT = Event(
    "7",
    "github",
    "github.review",
    1_700_000_000_000,
    who="ann",
    trust="collaborator",
    data={"state": "open", "number": 42, "body": "Mind the gap."},
)


def judged(event: Event = EVENT, **words: Any) -> Ready | Said:
    return judging.judge(event, Rule("1", Trigger(on=("*",), **words)), event.variables)


def worded(event: Event = EVENT, **words: Any) -> str:
    found = judged(event, **words)
    assert isinstance(found, Ready)
    return found.text


def test_a_rule_that_lets_an_event_pass_says_for_whom_it_is_and_in_which_words() -> None:
    find, when = {"pr": "{{ data.number }}"}, "data.state == 'open'"
    found = judged(find=find, when=when)
    assert isinstance(found, Ready)
    assert (found.find, found.thread, found.labels) == ({"pr": "42"}, None, {})
    assert worded(text="{{ who }}: {{ data.body }}") == "ann: Mind the gap."


def test_without_a_text_the_event_speaks_for_itself() -> None:
    assert worded().startswith("github.review\n\n{") and "Mind the gap." in worded()
    for data, text in (("a few words", "github.review\n\na few words"), (None, "github.review")):
        assert worded(replace(EVENT, data=data)) == text
    assert worded(text="{{ data.nothing }}") == "github.review"


def test_a_rule_that_starts_a_thread_says_what_its_task_is() -> None:
    found = judged(start="fix", label={"pr": "{{ data.number }}"}, text="x")
    assert isinstance(found, Ready)
    assert (found.task, found.labels) == ("x", {"pr": "42"})
    other = judged(start="fix", prompt="Fix {{ data.number }}.", text="x")
    assert isinstance(other, Ready) and (other.task, other.text) == ("Fix 42.", "x")


@pytest.mark.parametrize(
    ("words", "event", "code"),
    [
        ({"class_": "ignore"}, {}, "class_ignore"),
        ({}, {"depth": 5}, "depth"),
        ({}, {"trust": "stranger"}, "trust"),
        ({"trust": ("owner",)}, {}, "trust"),
        ({"when": "data.state == 'shut'"}, {}, "when"),
        ({"when": "data.state < 3"}, {}, "wrong_type"),
        ({"text": "{% if data.state < 3 %}few{% endif %}"}, {}, "wrong_type"),
        ({"thread": "{{ data.state | divided_by: 0 }}"}, {}, "bad_trigger"),
        # In their order: the first is the one that is told.
        ({"class_": "ignore", "trust": ("owner",)}, {"depth": 9}, "class_ignore"),
        ({"trust": ("owner",), "when": "data.state < 3"}, {"depth": 9}, "depth"),
        ({"trust": ("owner",), "when": "data.state < 3"}, {}, "trust"),
    ],
)
def test_each_no_has_its_reason(words: dict[str, Any], event: dict[str, Any], code: str) -> None:
    found = judged(replace(EVENT, **event), **words)
    assert isinstance(found, Said)
    assert (found.ok, found.code, found.rule) == (False, code, "1")


def test_depth_four_is_not_too_deep() -> None:
    assert isinstance(judged(replace(EVENT, depth=4)), Ready)


def test_a_template_bomb_is_a_no() -> None:
    bomb = "{% assign a = 'xy' %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}{{ a }}"
    found = judged(text=bomb)
    assert isinstance(found, Said) and found.code == "bad_trigger"


def test_what_is_told_is_bounded() -> None:
    told = worded(replace(EVENT, data={"body": "x" * 100_000}), text="{{ data.body }}")
    assert len(told) < 33_000 and "`uwf event show -- github/7`" in told
    odd = replace(EVENT, id="7; reboot", data={"body": "x" * 100_000})
    assert "`uwf event show -- 'github/7; reboot'`" in worded(odd, text="{{ data.body }}")
