"""The screen, driven by keys as a person does."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.program import Uwf
from tests.helpers.project import reply
from tests.top.conftest import Seeing, World, see
from uwf.top import keys, watch
from uwf.top.screen import TopApp


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY_S", 0.05)


def test_a_glance_says_what_waits_what_broke_and_what_wakes(world: World) -> None:
    asked, failed, due = world.asked("Paint it"), world.failed("Sign it"), world.start("Look later")
    world.done("Long over")
    world.app.wakes.at(due, 4_000_000_000_000)

    async def act(seen: Seeing) -> None:
        text = await seen.until("question", "failure", "wakes")
        assert "2 waits 2   3 runs 0   4 due 0   5 all 4" in text
        assert "Which colour?" in seen.line(f" {world.shown(asked)} ")
        assert "no key" in seen.line(f" {world.shown(failed)} ")
        assert "by hand" in seen.line(f" {world.shown(due)} ")
        assert "Long over" not in text and "no daemon runs" in text
        assert "2 steps in the last hour, $0.00 today" in text
        await seen.press("5")
        await seen.until("Long over", "completed")
        assert all(len(line) <= 80 for line in seen.text.splitlines())

    see(world.home, act)


def test_an_empty_home_says_how_to_begin(world: World) -> None:
    async def act(seen: Seeing) -> None:
        await seen.until("no thread yet: uwf demo shows one")
        await seen.press("a", "enter", "s")
        await seen.until("no thread is chosen")
        await seen.press("2")
        await seen.until("no thread yet")

    see(world.home, act)
    assert not os.path.exists(world.home)


def test_a_question_is_answered_where_it_is_read(world: World) -> None:
    question = reply("$SUSPEND", "", reason="Which colour?", choices=["red", "blue"])
    id = world.said(question)

    async def act(seen: Seeing) -> None:
        await seen.until("choices: red | blue", "a answers it")
        await seen.press("a")
        await seen.until(f"Answer {world.shown(id)}", "Which colour?", "Enter sends it")
        await seen.press("down", "pageup")
        await seen.type("blue, @as ever")
        await seen.until("answered; no daemon runs it: press r", "due")

    see(world.home, act)
    [word] = world.app.show(id).told or ()
    assert (word.text, word.who) == ("blue, @as ever", "a person")


def test_a_long_task_does_not_hide_the_question(world: World) -> None:
    world.asked("x" * 1500)

    async def act(seen: Seeing) -> None:
        await seen.until("  Which colour?\n", "a answers it")

    see(world.home, act)


def test_what_was_not_to_be_said_is_not_said(world: World) -> None:
    id = world.asked()

    async def act(seen: Seeing) -> None:
        await seen.until("Which colour?")
        for last in ("escape", "enter", "ctrl+c"):
            await seen.press("t")
            await seen.until("Its next step reads it.")
            await seen.press(last)
            await seen.until("Which colour?", gone="Its next step reads it.")

    see(world.home, act)
    assert world.app.show(id).told == ()


@pytest.mark.parametrize("key", ["t", "s"])
def test_a_prompt_does_not_hide_the_way_back_to_the_shell(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    world.asked()
    pressed: list[str] = []
    monkeypatch.setattr(TopApp, "action_suspend_process", lambda _: pressed.append("ctrl+z"))

    async def act(seen: Seeing) -> None:
        await seen.until("Which colour?")
        await seen.press(key, "ctrl+z")

    see(world.home, act)
    assert pressed == ["ctrl+z"]


def test_what_is_typed_is_seen_on_a_screen_of_ten_lines(world: World) -> None:
    world.said(reply("$SUSPEND", "", reason="Which colour? " * 40))

    async def act(seen: Seeing) -> None:
        await seen.until("question")
        await seen.press("a", *"blue")
        await seen.until("Which colour?", "> blue", "Enter sends it")

    see(world.home, act, size=(40, 10))


def test_an_error_is_said_on_the_screen(world: World) -> None:
    world.done()

    async def act(seen: Seeing) -> None:
        await seen.press("5")
        await seen.until("completed")
        await seen.press("a")
        await seen.until("Enter sends it")
        await seen.type("blue")
        await seen.until("is completed: it asks nothing", "(uwf thread tell")

    see(world.home, act)


def test_what_an_agent_says_is_seen_as_it_comes_and_can_be_stopped(world: World, uwf: Uwf) -> None:
    id = world.start("Paint it")
    events = (
        {"type": "text", "text": "[red]x[/] \x1b[31mred\u202e"},
        {"type": "tool", "name": "Read"},
    )
    agent = world.busy_agent(*map(json.dumps, events))
    run = uwf.start("--home", world.home, "thread", "exec", id, "--agent", agent)

    async def act(seen: Seeing) -> None:
        await seen.until("running", "\u203a Read", "[red]x[/] red\\u202e")
        await seen.press("enter")
        await seen.until(f"thread {id}", "## Now:", "[red]x[/] red\\u202e", "\u203a Read")
        await seen.press("s")
        await seen.until("Stop what runs on")
        await seen.press("n")
        await seen.until("## Now:", gone="Stop what runs on")
        assert run.poll() is None
        await seen.press("t", "h", "i", "enter")
        await seen.until("## Now:", "told: its next step reads it")
        await seen.press("s", "y")
        await seen.until(gone="## Now:")
        await seen.press("q")
        await seen.until("nothing runs, waits or wakes")

    see(world.home, act)
    assert run.wait(20) == 143
    assert world.app.show(id).status == "idle"


def test_what_failed_goes_on_in_a_process_of_its_own(world: World) -> None:
    id = world.failed()
    world.app.settings.set("agents.good.command", world.busy_agent())
    world.app.settings.set("default_agent", "good")

    async def act(seen: Seeing) -> None:
        await seen.until("failure")
        await seen.press("r")
        await seen.until("Run it?", f"uwf thread resume {id} --until-done")
        await seen.press("y")
        await seen.until("runs on in process", "running")
        await seen.press("r")
        await seen.until("it runs already; s stops it")

    see(world.home, act)
    world.go.touch()
    [waited] = world.app.wait(id, timeout_s=20)
    assert waited.thread.status == "completed"


def test_a_thread_that_needs_words_to_go_on_is_asked_for_them(world: World) -> None:
    id = world.asked()
    world.go.touch()
    world.app.settings.set("agents.good.command", world.busy_agent())
    world.app.settings.set("default_agent", "good")

    async def act(seen: Seeing) -> None:
        await seen.until("Which colour?")
        await seen.press("r")
        await seen.until("Say what is new", "--supplement=-")
        await seen.type("-blue")
        await seen.until("runs on in process")

    see(world.home, act)
    [waited] = world.app.wait(id, timeout_s=20)
    assert waited.thread.status == "completed"
    assert "-blue" in world.app.read(id).markdown


def test_a_filter_shows_what_has_its_words(world: World) -> None:
    red, blue = world.asked("Paint it red", labels={"room": "hall"}), world.asked("Paint it blue")
    world.app.mark(blue, title="The BLUE one")

    async def act(seen: Seeing) -> None:
        await seen.until(f" {world.shown(red)} ", f" {world.shown(blue)} ")
        await seen.press("slash")
        await seen.type("blue question")
        await seen.until("/blue question", gone=f" {world.shown(red)} ")
        await seen.press("tab", "tab")
        await seen.until("no thread has these words in it here")
        await seen.press("escape", "1")
        await seen.until(f" {world.shown(red)} ", gone="/blue")
        await seen.press("slash")
        await seen.type("room=hall")
        await seen.until(f" {world.shown(red)} ", gone=f" {world.shown(blue)} ")

    see(world.home, act)


def test_the_cursor_stays_on_its_thread(world: World) -> None:
    first, second = world.asked(), world.asked()

    async def act(seen: Seeing) -> None:
        await seen.until(f" {world.shown(second)} ")
        await seen.press("j")
        assert seen.screen._list.thread == second
        third = world.failed()
        world.app.cancel(first)
        await seen.until(f" {world.shown(third)} ", gone=f" {world.shown(first)} ")
        assert seen.screen._list.thread == second

    see(world.home, act)


def test_pages_of_all_threads_go_on_where_the_last_one_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uwf.top.looking.MOST", 2)
    ids = [world.start(f"Task {number}") for number in range(5)]

    async def act(seen: Seeing) -> None:
        await seen.press("5")
        await seen.until("Task 4", "Task 3")
        await seen.press("n")
        await seen.until("Task 2", gone="Task 4")
        await seen.press("n")
        await seen.until("Task 0", gone="Task 2")
        await seen.press("n")
        await seen.until("there are no older ones")
        await seen.press("p", "p")
        await seen.until("Task 4")

    assert len(set(ids)) == 5
    see(world.home, act)


@pytest.mark.parametrize("harm", ["gone", "damaged", "config"])
def test_what_is_wrong_with_the_home_is_said_and_over_once_it_is_mended(
    world: World, harm: str
) -> None:
    world.asked()
    world.app.close()
    home, away = Path(world.home), Path(f"{world.home}-away")
    config, store = home / "config.toml", home / "store.db"

    async def act(seen: Seeing) -> None:
        await seen.until("Which colour?")
        if harm == "gone":
            home.rename(away)
            await seen.until("is gone")
            await seen.press("enter")
            await seen.until("thread ", "…", "is gone")
            await seen.press("escape")
            shutil.rmtree(home, ignore_errors=True)
            away.rename(home)
        elif harm == "damaged":
            kept = store.read_bytes()
            other = store.with_suffix(".other")
            other.write_bytes(b"no store at all" * 1000)
            for name in ("store.db-wal", "store.db-shm"):
                (home / name).unlink(missing_ok=True)
            other.replace(store)
            await seen.until("store.db")
            store.write_bytes(kept)
        else:
            config.write_text("[limits]\nmax_running = 'many'\n")
            await seen.until("max_running")
            assert "Which colour?" in seen.text
            config.write_text("")
        await seen.press("2")
        await seen.until(
            "Which colour?",
            gone={"gone": "is gone", "damaged": "store.db", "config": "max_running"}[harm],
        )

    see(world.home, act)


def test_a_screen_that_is_too_small_says_so_and_comes_back(world: World) -> None:
    world.asked()

    async def act(seen: Seeing) -> None:
        await seen.until("Which colour?")
        for columns, rows in ((20, 24), (80, 4), (1, 1)):
            await seen.pilot.resize_terminal(columns, rows)
            await seen.pilot.pause()
            assert "question" not in seen.text
        await seen.pilot.resize_terminal(44, 10)
        text = await seen.until("question", "Which colour?", gone="too small")
        assert max(map(len, text.splitlines())) <= 44

    see(world.home, act)


def test_every_key_does_something(world: World) -> None:
    screen = TopApp(world.home)
    for key in keys.KEYS:
        name = key.action.partition("(")[0]
        assert callable(getattr(screen, f"action_{name}", None)), key
    shown = keys.page()
    assert all(f"  {key.shown}" in shown and key.help in shown for key in keys.KEYS)
    assert len(keys.last_line()) <= 80
    guide = (Path(__file__).parent.parent.parent / "docs" / "top.md").read_text()
    rows = [f"| `{key.shown}` | {key.help} |" for key in keys.KEYS]
    assert re.findall(r"^\| `.*", guide, re.MULTILINE) == rows


def test_guards_and_keys_have_a_page_each(world: World) -> None:
    world.failed()
    world.done()

    async def act(seen: Seeing) -> None:
        await seen.press("g")
        await seen.until("breaker bad", "nobody waits")
        assert re.search(r"steps today +1$", seen.line("steps today"))
        await seen.press("escape", "question_mark")
        await seen.until("what waits for you")
        await seen.press("q")
        await seen.until("failure")
        await seen.press("q")

    screen = see(world.home, act)
    assert screen.return_code == 0


def test_who_waits_for_a_slot_is_no_thread_that_runs(world: World, uwf: Uwf) -> None:
    world.app.settings.set("limits.max_running", "1")
    agent = world.busy_agent()
    ids = [world.start("First"), world.start("Second")]
    line = ("--agent", agent, "--wait", "60")
    runs = []

    async def act(seen: Seeing) -> None:
        for id, word in zip(ids, ("running", "waiting"), strict=True):
            runs.append(uwf.start("--home", world.home, "thread", "exec", id, *line))
            await seen.until(word)
        assert "number 1 in the queue" in seen.line(world.shown(ids[1]))
        await seen.press("5")
        await seen.until("waiting", "running")
        await seen.press("g")
        await seen.until("priority 0, waits for")

    see(world.home, act)
    world.go.touch()
    assert [run.wait(20) for run in runs] == [0, 0]
