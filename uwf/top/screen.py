"""The application: it hands on what the watch sees, and does what a key asks for in a thread beside the screen."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING, ClassVar

from textual.app import App as TextualApp
from textual.binding import Binding, BindingType
from textual.message import Message

from uwf import config
from uwf.app import App
from uwf.record import replace
from uwf.top import acts, keys, looking, reading
from uwf.top.list import ListScreen
from uwf.top.looking import ALL, GUARDS, TABS, Wanted
from uwf.top.pages import AskScreen, ConfirmScreen, PageScreen, SayingScreen
from uwf.top.watch import HomeWatch, LookResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from textual.driver import Driver
    from textual.widgets import DataTable

    from uwf.top.acts import WayOn

    T = TypeVar("T")

MOST_UNREAD = 3
SAID_S = 10.0
"""How long it stands there what an act came to."""

THEME = "ansi-dark"
"""The colours of the terminal itself: light or dark, 16 of them or none, it knows best what can be read."""


class Looked(Message):
    """What the watch has seen."""

    def __init__(self, seen: LookResult) -> None:
        super().__init__()
        self.seen = seen


class TopApp(TextualApp[int]):
    """Returns the number of the signal that has ended it; None where a key has."""

    TITLE = "uwf top"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = Path(__file__).with_name("screen.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [Binding(key.keys, key.action) for key in keys.KEYS]

    def __init__(self, home: str, *, notes: str = "", driver: type[Driver] | None = None) -> None:
        """`notes` are said as it begins."""
        super().__init__(driver_class=driver, ansi_color=True)
        self.theme = THEME
        self._home, self._notes = home, notes
        self._wanted = Wanted()
        self._newer: list[str | None] = []
        self._home_watch = HomeWatch(home, self._tell)
        self._list = ListScreen(reading.typed_path(home))
        self._has_fault = False
        self._said_number = 0
        self._unread = Semaphore(MOST_UNREAD)
        self.failure: Exception | None = None
        """What has ended it that never should."""

    def _handle_exception(self, error: Exception) -> None:
        """What Textual would print of it with every variable that there is, `begin` says as any other fault."""
        self.failure = self.failure or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def on_mount(self) -> None:
        self.push_screen(self._list)
        self.call_later(self._begin)

    def _begin(self) -> None:
        self._say(self._notes)
        self._home_watch.start()

    def on_unmount(self) -> None:
        self._home_watch.end()

    # What is seen.

    def _tell(self, seen: LookResult) -> None:
        """Called by the watch, in its thread. What the screen has no time for, as while a shell has its place, is not
        kept for later."""
        if self._unread.acquire(blocking=False):
            self.post_message(Looked(seen))

    def on_looked(self, message: Looked) -> None:
        seen = message.seen
        self._unread.release()
        if not self._list.is_there:
            return  # the screen is taken down
        if seen.fault is not None:
            self._has_fault = True
            self._show_said(seen.fault, is_error=True)
            return
        faults = "; ".join(seen.view.faults) if seen.view is not None else ""
        if self._has_fault or faults:
            self._has_fault = bool(faults)
            self._show_said(faults, is_error=True)
        if seen.view is not None and _is_of(seen.view.wanted, self._wanted):
            self._list.show(seen.view)
            self._follow_cursor()
        if seen.detail is not None and seen.wanted.selected == self._list.thread:
            self._list.show_detail(seen.detail)
        for screen in self.screen_stack:
            if isinstance(screen, PageScreen):
                screen.show_if(seen.wanted.page, seen.page)

    def on_data_table_row_highlighted(self, _event: DataTable.RowHighlighted) -> None:
        if not self._list.is_filling:
            self._follow_cursor()

    def on_data_table_row_selected(self, _event: DataTable.RowSelected) -> None:
        self.action_read()

    def _follow_cursor(self) -> None:
        self._want(selected=self._list.thread)

    def _want(self, **changes: Any) -> None:
        wanted = replace(self._wanted, **changes)
        if wanted != self._wanted:
            self._wanted = wanted
            self._home_watch.want(wanted)

    # What is shown.

    def action_tab(self, tab: str) -> None:
        self._close_pages()
        self._newer.clear()
        self._want(tab=tab, before=None)
        self._list.choose(tab, self._wanted.words)

    def action_next_tab(self) -> None:
        self.action_tab(TABS[(TABS.index(self._wanted.tab) + 1) % len(TABS)])

    def action_older(self) -> None:
        seen = self._list.view
        if self._wanted.tab != ALL or seen is None or seen.older is None:
            self._say("there are no older ones" if self._wanted.tab == ALL else "5 shows all")
            return
        self._newer.append(self._wanted.before)
        self._want(before=seen.older)

    def action_newer(self) -> None:
        if self._newer:
            self._want(before=self._newer.pop())

    def action_filter(self) -> None:
        def chosen(text: str | None) -> None:
            if text is not None:
                self._filter(tuple(text.lower().split()))

        self._close_pages()
        about = "Words that a thread has to have: of its state, id, workflow, role, task, labels."
        self.push_screen(AskScreen("Show only", about, " ".join(self._wanted.words)), chosen)

    def action_leave(self) -> None:
        self._say("")
        self._filter(())

    def _filter(self, words: tuple[str, ...]) -> None:
        self._newer.clear()
        self._want(words=words, before=None)
        self._list.choose(self._wanted.tab, words)

    def action_read(self) -> None:
        thread = self._thread
        if thread is not None:
            row = self._list.row
            is_live = row is not None and row.thread == thread and row.word == "running"
            self._open(PageScreen(f"thread {thread}", thread=thread, live=is_live), thread)

    def action_guards(self) -> None:
        self._open(PageScreen("guards and queue"), GUARDS)

    def action_help(self) -> None:
        self._open(PageScreen("keys", keys.page()), None)

    def _open(self, page: PageScreen, name: str | None) -> None:
        self._close_pages()
        self._want(page=name)
        self.push_screen(page, lambda _: self._want(page=None))

    def _close_pages(self) -> None:
        while isinstance(self.screen, PageScreen):
            self._want(page=None)
            self.pop_screen()

    # What is done.

    @property
    def _thread(self) -> str | None:
        """The thread that the keys are for: that of the page, or the one under the cursor."""
        found = getattr(self.screen, "thread", None)
        if found is None:
            self._say("no thread is chosen")
        return found

    def action_answer(self) -> None:
        thread = self._thread
        if thread is None:
            return
        row = self._list.row
        about = "" if row is None or row.thread != thread else "\n".join(row.more)
        title = f"Answer {self._list.short_id(thread)}"
        self._type(title, about, lambda app, text: acts.answer(app, thread, text))

    def action_tell(self) -> None:
        thread = self._thread
        if thread is not None:
            title = f"Tell {self._list.short_id(thread)}"
            about = "Its next step reads it."
            self._type(title, about, lambda app, text: acts.tell(app, thread, text))

    def action_stop(self) -> None:
        thread = self._thread
        if thread is not None:
            about = (
                "Its agent is ended; what it has said is kept, and the thread stays where it is."
            )
            question = f"Stop what runs on {self._list.short_id(thread)}?"
            self._confirm(question, about, lambda app: acts.stop(app, thread))

    def action_go_on(self) -> None:
        thread = self._thread
        if thread is not None:
            self._do(lambda app: acts.way_on(app, thread), self._go_on)

    def _go_on(self, way: WayOn) -> None:
        if way.needs_text:
            self._type("Say what is new", way.line, lambda app, text: acts.go_on(app, way, text))
        else:
            self._confirm("Run it?", way.line, lambda app: acts.go_on(app, way, None))

    def action_open(self) -> None:
        thread = self._thread
        if thread is not None:
            self._do(lambda app: acts.folder(app, thread), self._shell)

    def _shell(self, folder: str) -> None:
        """A shell in that folder has the terminal until it ends."""
        shell = config.environment().get("SHELL") or "/bin/sh"
        env = {**config.environment(), config.HOME_VARIABLE: self._home}
        with self.suspend():
            print(f"{folder}: exit comes back to uwf top", flush=True)
            try:
                subprocess.run([shell], cwd=folder, env=env)
                said = ""
            except OSError as error:
                said = looking.said(error)
        self._say(said, is_error=bool(said))

    def _type(self, title: str, about: str, act: Callable[[App, str], str]) -> None:
        def typed(text: str | None) -> None:
            if text is not None and text.strip():
                self._do(lambda app: act(app, text), self._say)

        self.push_screen(AskScreen(title, about), typed)

    def _confirm(self, question: str, about: str, act: Callable[[App], str]) -> None:
        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self._do(act, self._say)

        self.push_screen(ConfirmScreen(question, about), answered)

    def _do(self, act: Callable[[App], T], then: Callable[[T], None]) -> None:
        """Do it in a thread with an app of its own, and go on with what comes of it; say what goes wrong."""
        self.run_worker(partial(self._in_thread, act, then), thread=True, exit_on_error=False)

    def _in_thread(self, act: Callable[[App], T], then: Callable[[T], None]) -> None:
        warnings: list[str] = []
        try:
            with App.open(self._home, warn=warnings.append) as app:
                app.doing = "top"
                done = act(app)
        except Exception as error:  # whatever it is, the screen says it and goes on
            followed = partial(self._say, looking.said(error), is_error=True)
        else:
            followed = partial(then, done)
        with suppress(RuntimeError):  # the screen has ended meanwhile
            self.call_from_thread(followed)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._has_fault = False
        self._said_number += 1
        self._show_said(text, is_error=is_error)
        self._home_watch.want(self._wanted)
        if text:
            self.set_timer(SAID_S, partial(self._unsay, self._said_number))

    def _unsay(self, number: int) -> None:
        if number == self._said_number and not self._has_fault:
            self._show_said("")

    def _show_said(self, text: str, *, is_error: bool = False) -> None:
        """On the list, and on the page that may be over it."""
        for screen in self.screen_stack:
            if isinstance(screen, SayingScreen) and screen.is_there:
                screen.say(text, is_error=is_error)


def _is_of(seen: Wanted, wanted: Wanted) -> bool:
    """Whether what was seen is what is wanted now, but for the cursor."""
    return (seen.tab, seen.words, seen.before) == (wanted.tab, wanted.words, wanted.before)
