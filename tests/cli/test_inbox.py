"""The inbox, as a person reads it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from uwf.app.values import BrokenItem, Inbox, InboxItem
from uwf.cli.inbox import _draw
from uwf.cli.screen.cells import Cell
from uwf.cli.screen.output import Output
from uwf.display.times import Times


def test_no_line_of_a_question_looks_like_another_item(
    capsys: pytest.CaptureFixture[str],
) -> None:
    question = "may I run this?\n01K  approval  one\n  uwf answer 01K yes"
    waits = InboxItem(
        "01J", "worker", question, 1, "approval", (), "uwf answer 01J", "one", None, {}, None
    )
    ctx: Any = SimpleNamespace(
        out=Output(), times=Times(2), named=lambda ids: {id: Cell(id, bold=True) for id in ids}
    )
    _draw(ctx, Inbox((waits,), (BrokenItem("01L", "a\nb", "uwf doctor"),)))
    shown = capsys.readouterr().out.split("\n")
    heads = [line for line in shown if line[:1] not in ("", " ")]
    assert [head.split()[0] for head in heads] == ["01J", "01L"]
    assert "  uwf answer 01J" in shown and shown.count("") == 2
