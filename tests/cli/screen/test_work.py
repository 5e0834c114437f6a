"""The bar of what takes long."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from uwf.cli.screen import work
from uwf.cli.screen.output import Output


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("copying", 0, 9), "copying"),
        (("checking objects", 12_345, 0), "checking objects  12k"),
        (("copying", 5, 20), f"copying  {'█' * 5}{'░' * 15}  25%  5 of 20, 3.0s left"),
        (("copying", 30, 20), f"copying  {'█' * 20}  100%  30 of 20, 0.0s left"),
    ],
)
def test_the_bar_says_how_far_it_is(told: tuple[str, int, int], said: str) -> None:
    assert work.line(*told, passed_s=1.0) == said


def test_the_bar_is_gone_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(work, "QUIET_S", 0)
    leader, follower = pty.openpty()
    with os.fdopen(leader, "rb", 0) as screen, os.fdopen(follower, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        out = Output()
        tell = work.Bar(out).on_work
        assert tell is not None and work.Bar(Output(json=True)).on_work is None
        tell("copying", 1, 0)
        out.answer({}, draw="done")
        out.flush()
        monkeypatch.undo()
        shown = b""
        while not shown.endswith(b"\n"):
            shown += screen.read(4096)  # a terminal gives each write as it comes
        assert shown == b"\r\x1b[Kcopying  1\r\x1b[Kdone\r\n"


def test_how_long_it_takes_is_not_said_before_it_can_be_known() -> None:
    assert work.line("removing objects", 1, 180_000, passed_s=0.0).endswith("1 of 180k")
