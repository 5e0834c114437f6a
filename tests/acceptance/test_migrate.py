"""`uwf migrate history`: completed threads from the older place come to where all threads are, once."""

from __future__ import annotations

import time

import pytest

from tests.helpers.project import ONE, Project, reply
from uwf import clock
from uwf.store.sqlite import open_store

HINT = "hint: uwf migrate history  # completed threads are in the older place\n"


@pytest.fixture
def done(project: Project) -> str:
    """A completed thread, in today's place."""
    thread = project.begin(ONE)
    project.step(thread, project.agent(reply()))
    return thread


def make_old(project: Project, thread: str, **tags: str) -> str:
    """Put the thread where older versions kept completed ones; its head."""
    head: str = project("ref", "get", f"@uwf/thread/{thread}", "--json").json["id"]
    pairs = [word for key, value in tags.items() for word in ("--tag", f"{key}={value}")]
    project("ref", "set", f"@uwf/history/{thread}", head, *pairs)
    project("ref", "delete", f"@uwf/thread/{thread}")
    return head


@pytest.mark.parametrize(
    ("reason", "status", "end"),
    [
        ("completed", "completed", None),
        ("cancelled", "cancelled", None),
        ("closed by hand", "completed", "closed by hand"),
        (None, "completed", None),
    ],
)
def test_a_thread_moves_with_its_status_and_its_reason(
    project: Project, done: str, reason: str | None, status: str, end: str | None
) -> None:
    tags = {"completedAt": "1700000000000", "workflow": "one"}
    head = make_old(project, done, **tags, **({} if reason is None else {"reason": reason}))
    project("thread", "show", done, expect=4)
    answer = project("migrate", "history", "--json").json
    assert answer == {"moved": 1, "skipped": 0, "conflicts": [], "dryRun": False}
    shown = project.show(done)
    assert (shown["status"], shown["completedAt"]) == (status, 1_700_000_000_000)
    assert shown.get("endReason") == end
    assert (shown["head"], shown["steps"], shown["prompt"]) == (head, 1, "Paint the fence.")
    ref = project("ref", "get", f"@uwf/thread/{done}", "--json").json
    assert "reason" not in ref["tags"]
    assert project("ref", "list", "@uwf/history/", "--json").json == []


def test_running_it_again_moves_nothing(project: Project, done: str) -> None:
    make_old(project, done, completedAt="1700000000000", reason="completed")
    assert project("migrate", "history").out == "moved 1, skipped 0\n"
    before = project("ref", "list", "--json").json
    assert project("migrate", "history", "--json").json["moved"] == 0
    assert project("ref", "list", "--json").json == before


def test_a_dry_run_says_what_it_would_do_and_does_nothing(project: Project, done: str) -> None:
    make_old(project, done, reason="completed")
    before = project("ref", "list", "--json").json
    answer = project("migrate", "history", "--dry-run", "--json").json
    assert answer == {"moved": 1, "skipped": 0, "conflicts": [], "dryRun": True}
    assert project("migrate", "history", "--dry-run").out == "would move 1, skipped 0\n"
    assert project("ref", "list", "--json").json == before


def test_a_thread_in_both_places_keeps_todays_entry_and_loses_nothing(
    project: Project, done: str
) -> None:
    other = project.begin(ONE)
    dropped = project.show(other)["head"]
    project("ref", "set", f"@uwf/history/{done}", dropped, "--tag", "reason=completed")
    make_old(project, other, reason="completed")
    kept = project.show(done)["head"]
    answer = project("migrate", "history", "--json").json
    assert answer["moved"] == 1
    assert answer["conflicts"] == [{"thread": done, "kept": kept, "dropped": dropped}]
    assert project.show(done)["head"] == kept
    old = project("ref", "get", f"@uwf/history/{done}", "--json").json
    assert (old["id"], old["tags"]) == (dropped, {"reason": "completed"})
    told = project("migrate", "history")
    assert f"conflict: thread {done} keeps {kept[:12]}" in told.out
    listed = project("thread", "list", "--all")
    for err in (told.err, listed.err):
        [hint] = [line.removeprefix("hint: ") for line in err.splitlines() if "hint: " in line]
        hint = hint.partition("  #")[0]
        assert hint == f"uwf ref delete @uwf/history/{done}"
    project(*hint.split()[1:])
    assert project("thread", "list", "--all").err == ""
    assert project.show(done)["head"] == kept


def test_list_hints_at_old_entries_until_they_are_moved(project: Project, done: str) -> None:
    assert project("thread", "list", "--all").err == ""
    make_old(project, done, reason="completed")
    project.begin()
    assert project("thread", "list", "--all").err == HINT
    assert project("thread", "list", "--all", "--json").err == ""
    project("migrate", "history")
    assert project("thread", "list", "--all").err == ""


def test_a_migrated_thread_can_be_resumed_forked_and_traced(project: Project, done: str) -> None:
    make_old(project, done, completedAt="1700000000000", reason="completed", workflow="one")
    project("migrate", "history")
    agent = project.agent(reply())
    [line] = project.step(done, agent, "--supplement", "once more", verb="resume")
    assert (line["round"], line["status"]) == (2, "completed")
    project("thread", "fork", done)
    log = project("ref", "log", f"@uwf/history/{done}", "--json").json
    assert "migrated" in str(log[-1])
    assert [row["thread"] for row in project("thread", "list", "--history", "--json").json][
        -1:
    ] == [done]
    assert project("store", "verify").code == 0


def test_a_home_without_a_store_has_nothing_to_move(project: Project) -> None:
    assert project("migrate", "history", "--json").json["moved"] == 0
    assert not project.home.exists()


def test_ten_thousand_are_moved_in_a_second_or_two(project: Project, done: str) -> None:
    head = project.show(done)["head"]
    store = open_store(f"{project.home}/store.db")
    with store.transaction("test") as tx:
        for n in range(10_000):
            name = f"@uwf/history/{clock.ulid(1_600_000_000_000 + n)}"
            tx.set_ref(name, head, tags={"reason": "completed", "completedAt": "1"}, why="test")
    store.close()
    began = time.monotonic()
    answer = project("migrate", "history", "--json").json
    assert time.monotonic() - began < 30
    assert answer["moved"] == 10_000
    assert len(project("thread", "list", "--history", "-q").out.split()) == 10_001
