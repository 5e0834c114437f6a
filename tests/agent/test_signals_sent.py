"""Which processes are signalled, and how often: each gets SIGTERM once, all get SIGKILL until none is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.supervised import AGENTS, Supervised, eventually, linux_only, lives, marked
from uwf.agent.process import terminate
from uwf.agent.process.platform import Process
from uwf.agent.process.tree import ProcessTree

PLACES = ["group", "job", "session", "daemon"]
# A program with one thread and no children but the agent, as `uwf` is; and one with others of both.
HOSTS = ["run", "crowded"]
GROUP, START = 4711, "then"

Sent = list[tuple[str, int, int]]


def inside(pid: int) -> Process:
    return Process(pid, 1, GROUP, GROUP, START, False)


def outside(pid: int) -> Process:
    return Process(pid, 1, pid, pid, START, False)


class Seen(ProcessTree):
    """A tree that looks as it is told to, one look after the other; at last none is left."""

    def __init__(self, *looks: list[Process]) -> None:
        self._looks = list(looks)

    def living(self) -> list[Process]:
        return self._looks.pop(0) if self._looks else []


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What was signalled: ("group" or "one", its number, signal)."""
    sent: Sent = []
    monkeypatch.setattr(os, "killpg", lambda group, signum: sent.append(("group", group, signum)))
    monkeypatch.setattr(
        terminate, "send", lambda member, signum: sent.append(("one", member.pid, signum))
    )
    return sent


def end(
    tree: ProcessTree, *, group_first: bool, grace_s: float = 10.0, in_a_hurry: bool = False
) -> terminate.Termination:
    return terminate.terminate(
        tree,
        group=GROUP,
        group_first=group_first,
        grace_s=grace_s,
        wait=lambda _seconds: None,
        is_hurried=lambda: in_a_hurry,
    )


@pytest.mark.parametrize("group_first", [True, False])
def test_group_is_told_as_one_and_the_others_one_by_one(sent: Sent, group_first: bool) -> None:
    members = [inside(GROUP), inside(2), outside(3)]
    ending = end(Seen(members, members), group_first=group_first)
    assert sent == [("group", GROUP, signal.SIGTERM), ("one", 3, signal.SIGTERM)]
    assert (ending.escalation, ending.ended, ending.survivors) == ("term", (2, 3, GROUP), ())


@pytest.mark.parametrize("group_first", [True, False])
def test_process_born_into_a_group_that_had_it_is_given_the_grace(
    sent: Sent, group_first: bool
) -> None:
    end(Seen([inside(GROUP)], [inside(GROUP), inside(2)], [inside(2)]), group_first=group_first)
    assert sent == [("group", GROUP, signal.SIGTERM)]


def test_process_that_leaves_the_group_after_it_had_it_does_not_get_it_again(sent: Sent) -> None:
    end(Seen([inside(2)], [outside(2)]), group_first=True)
    assert sent == [("group", GROUP, signal.SIGTERM)]


def test_process_born_outside_the_group_gets_it(sent: Sent) -> None:
    end(Seen([outside(2)], [outside(2), outside(3)], [outside(3)]), group_first=False)
    assert sent == [("one", 2, signal.SIGTERM), ("one", 3, signal.SIGTERM)]


def test_group_that_comes_to_light_late_is_told(sent: Sent) -> None:
    end(Seen([outside(2)], [inside(3)], [inside(3)]), group_first=False)
    assert sent == [("one", 2, signal.SIGTERM), ("group", GROUP, signal.SIGTERM)]


def test_group_that_is_gone_at_the_first_look_was_told(sent: Sent) -> None:
    assert end(Seen(), group_first=True) == terminate.Termination("term", (GROUP,), ())
    assert sent == [("group", GROUP, signal.SIGTERM)]


@pytest.mark.parametrize("leader", [inside(GROUP), outside(5)], ids=["made now", "not yet made"])
def test_leader_that_had_not_made_its_group_is_told_at_the_next_look(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, leader: Process
) -> None:
    plain, tries = os.killpg, list[int]()

    def killpg(group: int, signum: int) -> None:
        tries.append(group)
        if len(tries) == 1:
            raise ProcessLookupError
        plain(group, signum)

    monkeypatch.setattr(os, "killpg", killpg)
    assert end(Seen([leader], [leader]), group_first=True).escalation == "term"
    kind = ("group", GROUP) if leader.group == GROUP else ("one", leader.pid)
    assert sent == [(*kind, signal.SIGTERM)]


def test_group_of_another_user_is_told_once(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def killpg(group: int, signum: int) -> None:
        tries.append(signum)
        raise PermissionError

    monkeypatch.setattr(os, "killpg", killpg)
    end(Seen([inside(2)], [inside(2)], [inside(2)]), group_first=True)
    assert tries == [signal.SIGTERM]


def test_nothing_is_signalled_when_none_lives(sent: Sent) -> None:
    assert end(Seen(), group_first=False) == terminate.Termination()
    assert sent == []


@pytest.mark.parametrize("group_first", [True, False])
@pytest.mark.parametrize(("grace_s", "in_a_hurry"), [(0, False), (10.0, True)])
def test_without_grace_no_process_is_asked(
    sent: Sent, group_first: bool, grace_s: float, in_a_hurry: bool
) -> None:
    members = [inside(GROUP), outside(3)]
    tree = Seen(members, members)
    ending = end(tree, group_first=group_first, grace_s=grace_s, in_a_hurry=in_a_hurry)
    assert ending == terminate.Termination("kill", (3, GROUP), ())
    assert {signum for _, _, signum in sent} == {signal.SIGKILL}
    assert {number for _, number, _ in sent} == {GROUP, 3}


def test_sigkill_is_repeated_until_none_is_left(sent: Sent) -> None:
    members = [inside(2), outside(3)]
    end(Seen(*[members] * 4), group_first=False, grace_s=0)
    assert sent == [("group", GROUP, signal.SIGKILL), ("one", 3, signal.SIGKILL)] * 3


def test_group_of_another_user_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_group: int, _signum: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(terminate, "CONFIRM_S", 0.05)
    tree = Seen(*[[inside(2)]] * 10_000)
    ending = terminate.terminate(
        tree, group=GROUP, group_first=True, grace_s=0.05, wait=time.sleep, is_hurried=lambda: False
    )
    assert ending == terminate.Termination("kill", (GROUP,), (2,))


def stopped(
    supervised: Supervised,
    word: str,
    *argv: str | Path,
    grace_s: float = 10.0,
    once: Callable[[], bool] = lambda: True,
) -> list[str]:
    """What a program tells that runs this agent and is asked to stop when it says something and `once` is true."""
    with supervised.host(word, *argv, grace_s=grace_s) as host:
        assert host.stdout is not None
        while not host.stdout.readline().startswith("output"):
            assert host.poll() is None
        eventually(once)
        host.send_signal(signal.SIGTERM)
        return outcome_of(word, host.communicate(timeout=20)[0])


def outcome_of(word: str, told: str) -> list[str]:
    lines = told.splitlines()
    if word == "crowded":
        assert lines.pop() == "others unharmed"
    return lines[-1].split()


def is_wiped(supervised: Supervised) -> bool:
    """Whether the strays have got rid of their mark."""
    return not set(supervised.pids()) & set(marked(supervised.mark))


def counted(file: Path) -> list[str]:
    return sorted(file.read_text().split())


@linux_only
@pytest.mark.parametrize("host", HOSTS)
def test_every_process_of_a_stopped_agent_is_told_once(supervised: Supervised, host: str) -> None:
    file = supervised.folder / "told"
    counting = (sys.executable, "-S", AGENTS / "counting.py", file)
    assert stopped(supervised, host, *counting, *PLACES) == ["outcome", "stopped", "term"]
    assert counted(file) == sorted([*PLACES, "leader"])


@linux_only
@pytest.mark.parametrize("places", [PLACES, ["group"], ["session"], ["daemon"]])
@pytest.mark.parametrize("host", HOSTS)
def test_all_that_an_agent_left_behind_get_it_once(
    supervised: Supervised, host: str, places: list[str]
) -> None:
    file = supervised.folder / "told"
    counting = (sys.executable, "-S", AGENTS / "counting.py", file)
    with supervised.host(host, *counting, *places, "leave", grace_s=10.0) as program:
        told = outcome_of(host, program.communicate(timeout=20)[0])
    assert told == ["outcome", "exit", "term"]
    assert counted(file) == sorted(places)


@linux_only
@pytest.mark.parametrize("host", HOSTS)
def test_what_an_agent_starts_to_tidy_up_may_finish(supervised: Supervised, host: str) -> None:
    # As a build tool would: the shell itself and a program that it starts for it.
    script = (
        "trap 'sleep 0.5 && echo tidy >tidied; exit 0' TERM\necho up; while :; do sleep 0.02; done"
    )
    assert stopped(supervised, host, "sh", "-c", script) == ["outcome", "stopped", "term"]
    assert (supervised.folder / "tidied").read_text() == "tidy\n"


@linux_only
@pytest.mark.parametrize("host", HOSTS)
def test_tidying_up_ends_with_the_grace(supervised: Supervised, host: str) -> None:
    script = "trap 'sleep 1000; echo tidy >tidied' TERM; echo up; while :; do sleep 0.02; done"
    told = stopped(supervised, host, "sh", "-c", script, grace_s=0.2)
    assert told == ["outcome", "stopped", "kill"]
    assert not (supervised.folder / "tidied").exists()


@linux_only
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("place", ["group", "session", "daemon"])
@pytest.mark.parametrize("manner", ["willing", "deaf"])
def test_none_is_left_behind_in_any_host(
    supervised: Supervised, host: str, place: str, manner: str
) -> None:
    strays = (sys.executable, "-S", AGENTS / "strays.py", supervised.pid_file)
    words = (place, manner, "quiet", "many", "stay")
    rung, grace_s = ("kill", 0.2) if manner == "deaf" else ("term", 10.0)
    told = stopped(supervised, host, *strays, *words, grace_s=grace_s)
    assert told == ["outcome", "stopped", rung]
    assert len(supervised.pids()) == 6
    assert not any(map(lives, supervised.pids()))


@linux_only
@pytest.mark.parametrize("place", ["group", "session", "daemon"])
def test_process_that_wiped_its_environment_is_found_also_after_its_leader_was_signalled(
    supervised: Supervised, place: str
) -> None:
    strays = (sys.executable, "-S", AGENTS / "strays.py", supervised.pid_file)
    words = (place, "wiped", "quiet", "stay")
    told = stopped(supervised, "run", *strays, *words, once=lambda: is_wiped(supervised))
    assert told == ["outcome", "stopped", "term"]
    assert not any(map(lives, supervised.pids()))


@linux_only
def test_descendants_are_looked_up_first_where_others_have_children(supervised: Supervised) -> None:
    # By its kinship to a living leader: nothing else tells any more whose it is.
    strays = (sys.executable, "-S", AGENTS / "strays.py", supervised.pid_file)
    words = ("session", "wiped", "quiet", "stay")
    told = stopped(supervised, "crowded", *strays, *words, once=lambda: is_wiped(supervised))
    assert told == ["outcome", "stopped", "term"]
    assert not any(map(lives, supervised.pids()))


FORKING: dict[str, tuple[str | Path, ...]] = {
    "shell with a child": (AGENTS / "deaf.sh",),
    "shell with more and more children": (
        *("sh", "-c"),
        "trap '' TERM; echo up; while :; do sleep 1000 & sleep 0.003; done",
    ),
    "chain": (sys.executable, "-S", AGENTS / "chain.py"),
    "chain in a session of its own": (sys.executable, "-S", AGENTS / "chain.py", "session"),
}


@linux_only
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("agent", FORKING)
def test_process_that_goes_on_forking_is_ended(
    supervised: Supervised, host: str, agent: str
) -> None:
    told = stopped(supervised, host, *FORKING[agent], grace_s=0.2)
    assert told == ["outcome", "stopped", "kill"]  # and the fixture sees that none is left
