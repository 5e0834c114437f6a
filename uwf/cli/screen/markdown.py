"""Markdown, drawn on a terminal.

Drawing takes up to a tenth of a second for a thousand characters, and nobody reads a million of them: of a long text
the beginning is drawn, and the rest stands there as it was written.
"""

from __future__ import annotations

import sys

from uwf.cli.screen import terminal
from uwf.display import inert

MOST_CHARS = 50_000
ESCAPE = 27
STYLES = {
    **dict.fromkeys(("markdown.link", "markdown.link_url"), "underline color(30)"),
    **dict.fromkeys(("markdown.code", "markdown.item.number"), "bold color(30)"),
    **dict.fromkeys(("markdown.table.border", "markdown.table.header"), "color(30)"),
}
"""Where those of rich are blue or cyan, which nobody can read on black, or on white."""


def drawn(text: str) -> str:
    """`text`, which has nothing in it that would steer a terminal, as a terminal shows it."""
    if len(text) <= MOST_CHARS:
        return _drawn(text)
    end = text.rfind("\n", 0, MOST_CHARS) + 1
    rest = text[end:]
    return _drawn(text[:end]) * bool(end) + rest + "\n" * (not rest.endswith("\n"))


def _drawn(text: str) -> str:
    """Entities (`&#8238;`) become characters here, which are shown as escapes all the same. Raw HTML is text: whoever
    draws it as HTML shows nothing of `Vec<T>` but `Vec`.
    """
    from io import StringIO

    from markdown_it import MarkdownIt
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    page, colour = StringIO(), terminal.has_colour(sys.stdout)
    console = Console(file=page, force_terminal=colour, no_color=not colour, theme=Theme(STYLES))
    document = Markdown("", hyperlinks=False)
    document.parsed = (
        MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).parse(text)
    )
    console.print(document)
    shown = {code: escape for code, escape in inert.escapes().items() if code != ESCAPE}
    return page.getvalue().translate(shown)
