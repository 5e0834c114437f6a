"""Finding a whole tree: no process is missed for what ends or changes its parent while one looks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.agent.supervised import AGENTS, Supervised, eventually, linux_only, lives
from uwf.agent.process import platform
from uwf.agent.process.platform import Process
from uwf.agent.process.tree import OwnProcessTree, ProcessTree, Subreaper, ancestors
from uwf.store.owner import Owner

PLACES = ["group", "session", "daemon"]


def test_stray_that_one_look_at_the_table_missed_is_found(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = ProcessTree(Owner(1, "nothing"), supervised.mark)
    tables = iter([[], platform.processes])
    real = platform.processes

    def processes() -> list[Process]:
        table = next(tables, real)
        return table if isinstance(table, list) else real()

    def look(_chunk: bytes) -> None:
        monkeypatch.setattr(platform, "processes", processes)
        assert supervised.started[0].pid in [member.pid for member in tree.living()]
        supervised.stop.request()

    supervised.run(supervised.command("sh", "-c", "echo; sleep 100"), on_output=look)


@linux_only
@pytest.mark.parametrize("place", PLACES)
def test_stray_of_one_that_died_between_two_looks_is_found(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(platform, "is_alone", lambda: False)
    own, real, calls = os.getpid(), platform.children, list[int]()

    def children(pid: int) -> list[int]:
        """As it may come about: listed when the dead still lived, so without what they left to us."""
        found = real(pid)
        if pid == own and len(found) > 1:
            calls.append(pid)
            if len(calls) == 2:
                return [each for each in found if not lives(each)]
        return found

    monkeypatch.setattr(platform, "children", children)
    outcome = supervised.strays(place, "quiet")
    assert outcome.escalation == "term"
    assert not any(map(lives, supervised.pids()))


@linux_only
def test_stray_of_a_leader_that_ends_during_the_look_is_found(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[int] = set()

    def own_children() -> list[int]:
        listed = platform.children(os.getpid())
        if (pid := supervised.started[0].pid) in listed:
            os.kill(pid, 9)
            eventually(lambda: not lives(pid))
        return listed

    def look(_chunk: bytes) -> None:
        with monkeypatch.context() as patch, Subreaper() as subreaper:
            patch.setattr(platform, "is_alone", lambda: True)
            patch.setattr(platform, "own_children", own_children)
            subreaper.is_only_source = True
            tree = OwnProcessTree(supervised.started[0], supervised.mark, subreaper)
            found.update(member.pid for member in tree.living())

    strays = (sys.executable, "-S", AGENTS / "strays.py", supervised.pid_file)
    supervised.run(supervised.command(*strays, "session", "stay"), on_output=look)
    assert found == set(supervised.pids())


@linux_only
def test_stray_of_a_stray_that_ends_during_the_look_is_found(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings: list[list[int]] = []

    def own_children() -> list[int]:
        """The second time it lists one that has a child, which becomes ours only then."""
        listings.append(platform.children(os.getpid()))
        if len(listings) == 2:
            _leader, stray = listings[-1]
            os.kill(stray, 9)
            eventually(lambda: not lives(stray))
        return listings[-1]

    monkeypatch.setattr(platform, "is_alone", lambda: True)
    monkeypatch.setattr(platform, "own_children", own_children)
    script = "(sleep 1000 & echo $! >pids; wait) >quiet 2>&1 & while [ ! -s pids ]; do :; done"
    outcome = supervised("sh", "-c", script)
    assert len(listings) > 2
    assert (outcome.ended, outcome.escalation) == ("exit", "term")
    assert not any(map(lives, supervised.pids()))


@linux_only
@pytest.mark.parametrize("place", PLACES)
def test_stray_that_the_list_of_children_skips_is_found(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    # What happens while other threads of a program collect children of theirs.
    real = platform.children

    def children(pid: int) -> list[int]:
        return real(pid) if pid != os.getpid() else [supervised.started[-1].pid]

    supervised.started.append(Owner(0))
    monkeypatch.setattr(platform, "is_alone", lambda: False)
    monkeypatch.setattr(platform, "children", children)
    outcome = supervised.strays(place, "quiet", "many")
    monkeypatch.undo()
    assert outcome.escalation == "term"
    assert not any(map(lives, supervised.pids()))


@linux_only
@pytest.mark.parametrize(("pid", "expected"), [(1, False), (4711, True)])
def test_init_of_a_container_does_not_take_all_orphans_for_its_own(
    monkeypatch: pytest.MonkeyPatch, pid: int, expected: bool
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: pid)
    monkeypatch.setattr(platform, "children", lambda _pid: [])
    monkeypatch.setattr(platform, "is_alone", lambda: True)
    with Subreaper() as subreaper:
        assert subreaper.is_only_source is expected


def test_a_program_descends_from_its_parents_but_not_from_itself() -> None:
    assert os.getppid() in ancestors()
    assert os.getpid() not in ancestors()
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert child.pid not in ancestors()
    child.communicate()


def test_it_descends_from_none_where_the_process_table_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable() -> list[Process]:
        raise PermissionError

    monkeypatch.setattr(platform, "processes", unreadable)
    assert os.getppid() not in ancestors()


ADOPTED = """
import os, subprocess, sys
from uwf.agent.process import platform
from uwf.agent.process.tree import Subreaper

def states():
    return [one and one.is_zombie for one in map(platform.look, (own.pid, orphan))]

own = subprocess.Popen(["true"])
with Subreaper():
    parent = subprocess.Popen(["sh", "-c", "sleep 0.1 & echo $!"], stdout=subprocess.PIPE)
    orphan = int(parent.stdout.readline())
    parent.wait()
    while states() != [True, True]:
        pass
    Subreaper.reap_adopted([own.pid])
    assert states() == [True, True], "a program may be a child of ours, too"
Subreaper.reap_adopted([own.pid])
assert states() == [True, None]
assert own.wait() == 0
"""


@linux_only
def test_what_was_adopted_is_reaped_and_none_that_somebody_waits_for() -> None:
    subprocess.run([sys.executable, "-c", ADOPTED], check=True, timeout=20)
