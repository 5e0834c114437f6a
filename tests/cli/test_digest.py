"""A digest is a page, whatever there is to say."""

from __future__ import annotations

from uwf.app.values import BrokenItem, Digest, Inbox, InboxItem, ThreadDone
from uwf.cli.digest import page
from uwf.display.times import Times

LONG = "It says:\n" * 50
WAITS = InboxItem("01J", "worker", LONG, 1, "question", (), "uwf answer", "one", LONG, {}, None)
DONE = ThreadDone("01J", "completed", LONG, "one", 3, {"usd": 0.5}, True)


def digest(many: int) -> Digest:
    broken = (BrokenItem("01J", LONG, "uwf thread log 01J"),) * many
    return Digest(
        since=1,
        until=2,
        inbox=Inbox((WAITS,) * many, broken),
        ended=(DONE,) * many,
        moved=many,
        steps=many,
        failed_attempts=many,
        used={"usd": 0.5},
        repaired=(LONG,) * many,
        odd=(LONG,) * many,
    )


def test_it_is_never_longer_than_60_lines() -> None:
    text = "\n".join(page(digest(100), {"01J": "01J"}, Times(2)))
    lines = text.splitlines()
    assert len(lines) <= 60
    assert "  and 82 more: uwf thread list --history" in lines
    assert [line for line in lines if line.endswith(")") and line.startswith(("waits", "odd"))] == [
        "waits for you (100)",
        "odd (200)",
    ]
    assert all(len(line) < 300 for line in lines)


def test_what_waits_comes_first() -> None:
    titles = [
        line.partition(" (")[0]
        for line in page(digest(1), {"01J": "01J"}, Times(2))
        if line[:1].isalpha()
    ]
    cost = "cost: $0.50, 1 step in 1 thread, 1 attempt failed"
    assert titles[1:] == ["waits for you", "ended", cost, "repaired", "odd"]


def test_a_pipe_has_its_times_exactly() -> None:
    exact = page(digest(1), {"01J": "01J"}, Times(2, exact=True))
    assert exact[0] == "since 1970-01-01T00:00:00Z"
    assert "ago" not in "\n".join(exact)
