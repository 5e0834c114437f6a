"""The inbox, as a person reads it."""

from __future__ import annotations

from uwf.app.values import BrokenItem, Inbox, InboxItem
from uwf.cli.inbox import _page


def test_no_line_of_a_question_looks_like_another_item() -> None:
    question = "may I run this?\n01K  approval  one\n  uwf answer 01K yes"
    waits = InboxItem(
        "01J", "worker", question, 1, "approval", (), "uwf answer 01J", "one", None, {}, None
    )
    heads = [
        line
        for line in _page(Inbox((waits,), (BrokenItem("01L", "a\nb", "uwf doctor"),))).split("\n")
        if line[:1] not in ("", " ")
    ]
    assert [head.split()[0] for head in heads] == ["01J", "01L"]
