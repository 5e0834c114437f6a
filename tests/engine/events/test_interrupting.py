"""A run is interrupted once for words that it does not know, whoever finds the wish for that, and whenever."""

from __future__ import annotations

import pytest

from tests.engine.events.conftest import Desk
from tests.helpers.rig import APPROVED, WROTE
from uwf.engine.actions import stop
from uwf.engine.events import interrupting
from uwf.errors import StateError


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads whose run was told to end."""
    found: list[str] = []
    monkeypatch.setattr(stop, "tell", lambda _store, thread: found.append(thread))
    return found


def wishes(desk: Desk) -> int:
    return len(desk.rig.store.counters(interrupting.WISHES))


def interrupts(desk: Desk) -> str:
    """A thread that an event interrupts."""
    desk.on("a.b", text="Not so.", when_busy="interrupt")
    return desk.thread()


def test_a_wish_is_found_later_and_carried_out_once(desk: Desk, told: list[str]) -> None:
    thread = interrupts(desk)

    def works(_request: object) -> str:
        desk.happens(thread=thread)
        assert wishes(desk) == 1, "whoever has decided it was killed right after"
        for _ in range(2):
            interrupting.carry_out(desk.rig.store)
        return WROTE

    desk.rig.exec(thread, works)
    assert (told, wishes(desk)) == ([thread], 0)


def test_a_later_step_knows_the_words_and_is_left_alone(desk: Desk, told: list[str]) -> None:
    thread = interrupts(desk)

    def works(_request: object) -> str:
        desk.happens(thread=thread)
        return WROTE

    def works_on(_request: object) -> str:
        interrupting.carry_out(desk.rig.store)
        return APPROVED

    desk.rig.exec(thread, works, works_on)
    assert (told, wishes(desk)) == ([], 0)


def test_a_run_that_is_about_to_ask_its_agent_is_looked_at_again(
    desk: Desk, told: list[str]
) -> None:
    thread = interrupts(desk)
    lease = desk.rig.store.leases.take(thread)
    assert lease is not None
    desk.happens(thread=thread)
    interrupting.carry_out(desk.rig.store)
    assert (told, wishes(desk)) == ([], 1)
    desk.rig.store.leases.release(lease)
    interrupting.carry_out(desk.rig.store)
    assert (told, wishes(desk)) == ([], 0), "nothing runs any more"


def test_one_that_cannot_be_reached_is_left_to_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = interrupts(desk)

    def refuses(_store: object, _thread: str) -> None:
        raise StateError("it is in another container")

    monkeypatch.setattr(stop, "tell", refuses)

    def works(_request: object) -> str:
        desk.happens(thread=thread)
        interrupting.carry_out(desk.rig.store)
        return WROTE

    desk.rig.exec(thread, works)
    assert wishes(desk) == 0
