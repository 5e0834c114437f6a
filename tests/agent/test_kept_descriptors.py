"""Descriptors that a program inherits: the ones it was given, whatever their numbers, and no others."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.supervised import ROOT, Supervised, linux_only
from uwf.agent.kinds.command import CommandAgent
from uwf.agent.protocol import AgentRequest

LIST = "import os; print(*sorted(int(n) for n in os.listdir('/dev/fd') if int(n) > 2))"
"""Prints the open descriptors, and one more with which it looked."""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "slot", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def numbers(supervised: Supervised, **options: object) -> set[int]:
    """The descriptors above 2 that a program finds open."""
    outcome = supervised(sys.executable, "-S", "-c", LIST, **options)
    assert outcome.exit_code == 0, outcome
    return {int(word) for word in outcome.stdout.split()}


def test_a_program_inherits_what_it_is_given_under_the_same_number(
    supervised: Supervised, opened: int
) -> None:
    high = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 100)
    try:
        assert high in numbers(supervised, keep_fds=(high,))
        assert high not in numbers(supervised)
        assert not os.get_inheritable(high)  # the caller's own is as it was
    finally:
        os.close(high)


def test_a_descriptor_that_is_inheritable_already_is_kept_too(
    supervised: Supervised, opened: int
) -> None:
    high = fcntl.fcntl(opened, fcntl.F_DUPFD, 100)
    try:
        assert high in numbers(supervised, keep_fds=(high,))
        assert high not in numbers(supervised)
    finally:
        os.close(high)


@linux_only
def test_what_lies_around_those_it_is_given_is_closed(supervised: Supervised, opened: int) -> None:
    places = (30, 99, 100, 101, 102, 200, 201, 999)
    held = [fcntl.fcntl(opened, fcntl.F_DUPFD, place) for place in places]
    keep = (held[2], held[0], held[4])
    try:
        found = numbers(supervised, keep_fds=keep)
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert set(keep) < found
    assert len(found) == len(keep) + 2  # the mark, and the one with which it looked


def test_a_closed_descriptor_is_a_reason_not_to_start(supervised: Supervised) -> None:
    outcome = supervised("true", keep_fds=(1000,))
    assert (outcome.ended, outcome.error) == (
        "spawn_failed",
        "cannot run 'true': Bad file descriptor (descriptors)",
    )


def test_a_descriptor_among_the_standard_three_is_inherited_under_another_number(
    supervised: Supervised,
) -> None:
    # A host without a stdin gets number 0 for the first file it opens.
    slot = supervised.folder / "slot"
    script = f'test "$(cat)" = prompt && ls -l /dev/fd/ | grep -c {slot}'
    code = (
        "import os\n"
        "from uwf.agent.process import supervise\n"
        "from uwf.agent.stop import Stop\n"
        "os.close(0)\n"
        f"kept = os.open({str(slot)!r}, os.O_RDWR | os.O_CREAT)\n"
        "assert kept == 0\n"
        f"argv, folder, mark = ('sh', '-c', {script!r}), {str(supervised.folder)!r}, 'inner'\n"
        "command = supervise.ProcessSpec(\n"
        "    argv, folder, dict(os.environ), mark, folder, b'prompt', keep_fds=(kept,)\n"
        ")\n"
        "quiet = dict(on_start=lambda *_: None, on_output=lambda _: None)\n"
        "outcome = supervise.run(command, stop=Stop(), **quiet)\n"
        "print(outcome)\n"
        "os._exit(0 if outcome.stdout.strip() == b'1' else 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    outcome = supervised(sys.executable, "-c", code, env=environment)
    assert outcome.exit_code == 0, outcome.stderr


def test_an_agent_hands_its_descriptors_to_its_command(supervised: Supervised, opened: int) -> None:
    high = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 100)
    request = AgentRequest(
        prompt="",
        cwd=str(supervised.folder),
        env=dict(os.environ),
        session=None,
        mark=supervised.mark,
        spool_dir=str(supervised.folder),
        keep_fds=(high,),
    )
    agent = CommandAgent("lister", (sys.executable, "-S", "-c", LIST))
    try:
        answer = agent.run(
            request, stop=supervised.stop, on_start=lambda _: None, on_event=lambda _: None
        )
    finally:
        os.close(high)
    assert str(high) in answer.text.split()
