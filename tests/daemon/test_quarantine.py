"""What is set aside is named, told once, and let go."""

from __future__ import annotations

from uwf.daemon.loop.quarantine import Quarantine, SetAside


def test_it_is_told_once_until_it_is_let_go() -> None:
    told = list[SetAside]()
    quarantine = Quarantine(told.append)
    quarantine.set_aside("trigger", "review", "no such name")
    quarantine.set_aside("trigger", "review", "still no such name")
    assert [one.why for one in told] == ["no such name"]
    assert [one.why for one in quarantine.all()] == ["still no such name"]
    assert quarantine.all()[0].since == told[0].since
    quarantine.let_go("trigger", "review")
    quarantine.let_go("trigger", "review")
    assert not quarantine.holds("trigger", "review")
    quarantine.set_aside("trigger", "review", "again")
    assert len(told) == 2


def test_it_tells_no_secret() -> None:
    told = list[SetAside]()
    quarantine = Quarantine(told.append, lambda text: text.replace("hush", "[redacted]"))
    quarantine.set_aside("source", "x", "exit 1: hush")
    assert [one.why for one in (*told, *quarantine.all())] == ["exit 1: [redacted]"] * 2


def test_two_kinds_may_have_the_same_name() -> None:
    quarantine = Quarantine()
    quarantine.set_aside("event", "x", "a")
    quarantine.set_aside("thread", "x", "b")
    quarantine.let_go("event", "x")
    assert quarantine.holds("thread", "x")
