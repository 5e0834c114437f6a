"""In whatever order events come in, doubled and in parts, the same words are told: each once, by their own time."""

from __future__ import annotations

import random

import pytest

from tests.engine.events.conftest import NOW, Desk
from uwf.engine.events.event import Event
from uwf.record import replace

SAID = ("open", "open", "shut", "open", "open", "odd", "open", "open", "shut", "open")
"""Ten events: whether a trigger lets each pass."""
ORDERS = 1000


def events(of: int) -> list[Event]:
    """Ten that speak of the pull request `of`; two of one moment, one from a stranger, one of a name of its own."""
    found = []
    for number, state in enumerate(SAID):
        event = Event(
            f"{of}.{number}",
            "forge",
            "forge.review" if number % 2 else "forge.comment",
            NOW + (number // 2) * 1000,
            who=f"person {number}",
            trust="stranger" if number == 6 else "collaborator",
            data={"pr": str(of), "state": state, "body": f"remark {number}"},
        )
        found.append(replace(event, name="other") if state == "odd" else event)
    return found


def told_in_one_order(desk: Desk, of: int, chance: random.Random) -> list[tuple[str, int]]:
    """The words that the thread of `of` is told, and their times; the events come as `chance` has it."""
    thread = desk.thread(pr=str(of))
    coming = events(of)
    coming += chance.sample(coming, 3)
    chance.shuffle(coming)
    while coming:
        size = chance.randint(1, len(coming))
        desk.take(*coming[:size])
        del coming[:size]
        desk.later(chance.random())
        if chance.random() < 0.6:
            desk.decide()
    desk.decide()
    return [(word.text, word.at_ms) for word in desk.words(thread)]


@pytest.mark.parametrize("debounce_s", [None, 60.0])
def test_ten_events_in_a_thousand_orders_give_the_same_words(
    desk: Desk, debounce_s: float | None
) -> None:
    desk.on(
        "forge.*",
        find={"pr": "{{ data.pr }}"},
        when="data.state == 'open'",
        text="{{ data.body }}",
        debounce_s=debounce_s,
    )
    told = {tuple(told_in_one_order(desk, of, random.Random(of))) for of in range(ORDERS // 2)}
    [words] = {tuple(text for text, _ in found) for found in map(sorted, told)}
    assert list(words) == [f"remark {number}" for number in (0, 1, 3, 4, 7, 9)]
    for found in told:
        times = [at_ms for _, at_ms in found]
        assert times == sorted(times), "by their own time, whenever they came"
