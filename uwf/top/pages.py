"""What stands over the list for a while: a page to read, a line to type, a question to say yes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from uwf.top.looking import GUARDS

if TYPE_CHECKING:
    from textual.app import ComposeResult


class SayingScreen(Screen[None]):
    """A screen with a line, `#said`, for what an act came to, or what is wrong."""

    @property
    def is_there(self) -> bool:
        """Whether there is anything to draw on."""
        return bool(self.query("#said"))

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Say it; "" for nothing."""
        line = Text(text, style="bold red" if is_error else "bold", overflow="fold")
        self.query_one("#said", Static).update(line)
        self.set_class(bool(text), "-says")


class PageScreen(SayingScreen):
    """A text that may grow: who reads its end goes on reading there, and one that is `live` begins there. `thread` is
    the one it is about, if it is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss"),
        Binding("j,down", "scroll('down')"),
        Binding("k,up", "scroll('up')"),
        Binding("space,pagedown", "scroll('page_down')"),
        Binding("b,pageup", "scroll('page_up')"),
        Binding("home", "scroll('home')"),
        Binding("G,end", "scroll('end')"),
    ]

    def __init__(
        self, title: str, text: str = "…", *, thread: str | None = None, live: bool = False
    ) -> None:
        super().__init__()
        self._is_at_end = live
        self.thread = thread
        self._title, self._texts = title, (text, "")

    def compose(self) -> ComposeResult:
        yield Static(Text(self._title, style="bold", no_wrap=True), id="title", markup=False)
        with VerticalScroll(id="page"):
            yield Static(Text(self._texts[0]), id="text", markup=False)
            yield Static(id="live", markup=False)
        yield Static(id="said", markup=False)
        yield Static(Text("arrows scroll   Esc back", style="dim"), id="keys", markup=False)

    def show_if(self, name: str | None, texts: tuple[str, str] | None) -> None:
        """Show the texts of the page of that name, where this is it: what stays, and what its agent says just now."""
        if name != (self.thread or GUARDS) or texts is None or texts == self._texts:
            return
        page = self.query_one("#page", VerticalScroll)
        if page.max_scroll_y > 0:
            self._is_at_end = page.is_vertical_scroll_end
        for id, text, before in zip(("#text", "#live"), texts, self._texts, strict=True):
            if text != before:
                self.query_one(id, Static).update(Text(text))
        self._texts = texts
        if self._is_at_end:
            page.scroll_end(animate=False)

    def action_scroll(self, where: str) -> None:
        page = self.query_one("#page", VerticalScroll)
        getattr(page, f"scroll_{where}")(animate=False)


TO_SHELL = Binding("ctrl+z", "app.suspend_process")
"""What stands over the list hides the keys of the list, but not this one."""


class AskScreen(ModalScreen[str | None]):
    """One line to type; None where nothing was to be said after all. `about` is what it answers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        TO_SHELL,
        Binding("escape", "dismiss(None)"),
        Binding("ctrl+c", "dismiss(None)", priority=True),  # the line would copy
        Binding("down,pagedown", "scroll('page_down')"),
        Binding("up,pageup", "scroll('page_up')"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012  # as Textual has it

    def __init__(self, title: str, about: str = "", value: str = "") -> None:
        super().__init__()
        self._title, self._about, self._value = title, about, value

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Text(self._title, style="bold", no_wrap=True), markup=False)
            if self._about:
                with VerticalScroll(id="about"):
                    yield Static(Text(self._about), markup=False)
            with Horizontal(id="line"):
                yield Static("> ", markup=False)
                yield Input(self._value, compact=True)
            yield Static(Text("Enter sends it   Esc does not", style="dim"), markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def action_scroll(self, where: str) -> None:
        """What it answers may be longer than its place."""
        for about in self.query("#about"):
            getattr(about, f"scroll_{where}")(animate=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class ConfirmScreen(ModalScreen[bool]):
    """Yes or no; only y is yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        TO_SHELL,
        Binding("y", "dismiss(True)"),
        Binding("n,escape,q,enter,ctrl+c", "dismiss(False)"),
    ]

    def __init__(self, question: str, about: str) -> None:
        super().__init__()
        self._question, self._about = question, about

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Text(self._question, style="bold"), markup=False)
            yield Static(Text(self._about), markup=False)
            yield Static(Text("y yes   n no", style="dim"), markup=False)
