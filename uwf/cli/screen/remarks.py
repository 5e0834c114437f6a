"""What a command says besides its answer, on stderr: notes, hints, warnings, errors, and one live line."""

from __future__ import annotations

import sys

from uwf import clock, config
from uwf.cli.screen import terminal
from uwf.display.inert import visible
from uwf.display.times import Times
from uwf.errors import UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

COLOURS = {"error": "red", "warning": "yellow", "hint": "cyan"}


class Remarks:
    """Where such words go, and who wants none of them."""

    def __init__(self, *, json: bool, quiet: bool) -> None:
        self.json = json
        self.quiet = quiet
        self._status_shown = False
        self._is_drawing = False
        self._line_fd: int | None = None
        self.in_short: Callable[[str], str] | None = None
        """Gives a text with the ids of threads in it as short as a person types them, once there is a home to ask."""
        self.utc = False
        """Whether times are told in UTC at a terminal as well."""

    def flush(self) -> None:
        """Bring the answer, as far as there is one, to its reader."""

    def note(self, text: str) -> None:
        """Something worth knowing. Not said with --quiet or --json."""
        if not (self.quiet or self.json):
            self.flush()  # a remark about the answer comes after it
            self._say("", text)

    def hint(self, text: str) -> None:
        """The next command to type. Not said with --quiet or --json."""
        if not (self.quiet or self.json):
            self.flush()
            self._say("hint", text)

    def remark(self, line: str) -> None:
        """A line that another process wrote for our stderr."""
        word, _, text = line.partition(": ")
        self._say(word, text) if word in COLOURS else self._say("", line)

    def warning(self, text: str) -> None:
        """Something that will go wrong one day."""
        if self.json:
            self._say_json({"warning": {"message": text}})
        else:
            self._say("warning", text)

    def error(self, code: str, message: str, hint: str | None, **more: Any) -> None:
        """Why the command did not do what it was asked for."""
        if self.json:
            self._say_json({"error": {"code": code, "message": message, "hint": hint, **more}})
            return
        self._say("error", message)
        if hint:
            self._say("hint", hint)

    @property
    def is_live(self) -> bool:
        """Whether a live line is shown: only to a person at a terminal."""
        if self.quiet or self.json:
            return False
        return terminal.is_terminal(sys.stderr) and not config.is_dumb_terminal()

    def status(self, text: str) -> None:
        """One live line that the next call replaces.

        May be called by a signal handler, also while something else is being written: it never waits. What a
        frozen terminal does not take is left out.
        """
        if self._is_drawing or not self.is_live:
            return
        from uwf.cli.screen import table

        self._is_drawing = True
        try:
            shown = table.head(visible(one_line(text)), terminal.columns_of(sys.stderr) - 1)
            if self._line_fd is None:
                self._line_fd = terminal.reopened(sys.stderr.fileno())
            shown = terminal.fitting(shown, sys.stderr)
            line = f"\r\x1b[K{shown}".encode(sys.stderr.encoding, "backslashreplace")
            if terminal.put_at_once(self._line_fd, line):
                self._status_shown = True
        finally:
            self._is_drawing = False

    def clear_status(self) -> None:
        """Take the live line away."""
        if self._status_shown:
            self._status_shown = False
            self._put("\r\x1b[K")

    def _say(self, word: str, text: str) -> None:
        self.clear_status()
        is_seen = terminal.is_terminal(sys.stderr)
        is_sentence = is_seen and word != "hint"  # which is typed
        text = self._shortened(text) if is_seen else text
        text = Times(clock.now_ms(), exact=self.utc).sentence(text) if is_sentence else text
        text = visible(one_line(text)) if word else visible(text)
        if is_sentence:
            before = len(word) + 2 if word else 0
            text = beside(text, before, terminal.columns_of(sys.stderr))
        if word and terminal.has_colour(sys.stderr):
            word = terminal.painted(f"{word}:", COLOURS[word], bold=True) + " "
        elif word:
            word += ": "
        self._put(f"{word}{text}\n")

    def _shortened(self, text: str) -> str:
        """`text` as a person types it. A store that cannot be asked, of which an error may tell, keeps no word back."""
        if self.in_short is None:
            return text
        try:
            return self.in_short(text)
        except (UwfError, OSError):
            return text

    def _say_json(self, document: Any) -> None:
        from uwf import jsontext

        self._put(visible(jsontext.dumps(document)) + "\n")

    def _put(self, text: str) -> None:
        """Write to stderr, however long it takes. No live line comes in between."""
        if sys.stderr is None:
            return
        self._is_drawing = True
        encoding = sys.stderr.encoding
        text = terminal.fitting(text, sys.stderr) if terminal.is_terminal(sys.stderr) else text
        try:
            sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stderr.flush()
        except OSError:
            pass  # stderr is gone: there is nowhere left to say so, and the exit code still tells
        finally:
            self._is_drawing = False


def beside(text: str, before: int, room: int) -> str:
    """`text`, which begins so many columns to the right: broken between words where a terminal would break it."""
    if before + 2 * len(text) <= room:
        return text
    from uwf.cli.screen import wrap

    return wrap.beside(text, before, room)


def one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text or "\r" in text or "\t" in text else text
