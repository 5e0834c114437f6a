"""One look at a home: bounded, and complete in what it shows; and how it is drawn in any width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.helpers.project import reply
from tests.top.conftest import World
from uwf.app.values import InboxItem
from uwf.display import states
from uwf.engine.query.threads import ThreadViews
from uwf.top import drawing, looking, plain, reading
from uwf.top.looking import ALL, NOW, TABS, HomeView, Wanted
from uwf.top.rows import Row, of_item


def test_a_look_reads_no_more_threads_than_it_shows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MOST", 3)
    monkeypatch.setattr(looking, "MOST_DUE", 3)
    monkeypatch.setattr(looking, "LOOKED_THROUGH", 6)
    asked = [world.asked() for _ in range(6)]
    due = [world.start() for _ in range(8)]
    for id in due:
        world.app.wakes.at(id)
    read = 0
    look_at = ThreadViews.thread

    def counted(*args: object, **more: object) -> object:
        nonlocal read
        read += 1
        return look_at(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ThreadViews, "thread", counted)
    for tab in TABS:
        read = 0
        view = looking.look(world.app, Wanted(tab=tab, words=("nowhere",) if tab == ALL else ()))
        assert read <= 3 + 3 + 2 + 9, tab  # what waits, is due, is counted; in all what was passed
        assert view.counts == {"waits": "3+", "runs": "0", "due": "3+", "all": "14"}
    assert set(asked) >= {row.thread for row in looking.look(world.app, Wanted(tab="waits")).rows}


def item(kind: str, question: str, answer: str) -> InboxItem:
    return InboxItem(
        ROW.thread, "writer", question, 0, kind, (), answer, workflow=None, title=None, labels={}, code=None
    )  # fmt: skip


def test_what_is_to_be_permitted_is_shown_whole_with_the_words_that_do_it() -> None:
    asked = item(
        "approval", "x" * 3000 + "\n\x1b[31mrm -r /\u202e", "uwf answer 01A 'yes 12ab34cd'"
    )
    assert of_item(asked).more == (
        "x" * 3000,
        "rm -r /\\u202e",
        "a answers it, yes is: yes 12ab34cd",
    )
    assert len(of_item(asked).says) <= 2000
    failed = item("failure", "no key", "uwf thread resume 01A")
    assert of_item(failed).more == ("no key", "r: uwf thread resume 01A")
    assert of_item(item("question", "y" * 3000, "uwf answer 01A TEXT")).more == (
        "y" * 2000,
        "a answers it",
    )


def test_a_thread_that_is_gone_has_no_detail(world: World) -> None:
    world.start()
    assert reading.detail(world.app, "01ARZ3NDEKTSV4RRFFQ69G5FAV", None, 0) == ("it is gone",)


def view_of(*rows: Row) -> HomeView:
    return HomeView(
        1_700_000_000_000, Wanted(tab=NOW), rows=rows, ids={r.thread: r.thread[-4:] for r in rows}
    )


ROW = Row(
    "01ARZ3NDEKTSV4RRFFQ69G5FAV", states.RUNNING, "running", "Reading on.", workflow="a-long-workflow-name",
    role="reviewer", at=1_699_999_000_000, usd=12.5,
)  # fmt: skip


@given(st.integers(1, 300))
def test_columns_never_exceed_the_width_and_a_narrow_screen_keeps_state_and_id(width: int) -> None:
    columns = drawing.columns(width, view_of(ROW))
    names = [column.name for column in columns]
    assert names[:2] == ["state", "id"] and names[-1] == "says"
    assert sum(column.width for column in columns) <= max(width, 19)
    assert len(drawing.cells(ROW, view_of(ROW), columns)) == len(columns)


def test_a_column_in_which_nothing_stands_takes_no_room() -> None:
    bare = Row(ROW.thread, states.IDLE, "idle", "Do it.")
    assert [column.name for column in drawing.columns(80, view_of(bare))] == [
        "state",
        "id",
        "time",
        "says",
    ]
    assert "cost" in [column.name for column in drawing.columns(80, view_of(ROW, bare))]


@pytest.mark.parametrize(
    ("minutes", "per", "shown"),
    [
        ([0, 1, 4, 8], 1, " ▁▄█"),
        ([0, 1, 4, 8], 2, "▁█"),
        ([0, 1, 4, 8], 0, ""),
    ],
)
def test_where_a_minute_has_no_column_the_highest_of_several_is_seen(
    minutes: list[int], per: int, shown: str
) -> None:
    assert drawing.bars(minutes, per) == shown


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf"])))
def test_without_utf8_everything_is_ascii_and_as_wide(text: str) -> None:
    shown = plain.text(text)
    assert shown.isascii() and len(shown) == cell_len(text)


def test_without_utf8_signs_have_their_own() -> None:
    assert plain.text("● running ▁█ 日") == "* running .# ??"


def test_of_a_page_that_is_too_long_the_middle_is_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = world.said(reply("done", "".join(f"line {n}\n" for n in range(2000)), note="fine"))
    monkeypatch.setattr(reading, "PAGE_CHARS", 4000)
    text, _ = reading.page(world.app, id, 0)
    whole = world.app.read(id).markdown
    assert text.startswith("# Thread ") and text.endswith("line 1999\n")
    assert f"… {len(whole) - 4000:,} characters are left out here: uwf thread read {id}" in text
    assert len(text) < 4200
