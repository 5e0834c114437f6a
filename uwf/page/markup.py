"""Texts as HTML that does nothing: plain ones, Markdown, differences between files.

Markdown keeps what helps to read it. HTML in it is text, a link leads to the web or to a mail, and a picture becomes a
link: a page loads nothing.
"""

from __future__ import annotations

from functools import cache
from html import escape
from urllib.parse import urlsplit

from markupsafe import Markup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

    from uwf.page.space import Space

_SCHEMES = ("http", "https", "mailto")
_MOST_NESTED = 20
_MOST_READ = 40_000
"""Characters that are read as Markdown. A longer text is shown as it is: reading one that is made to be slow takes the
square of its length.
"""


def plain(space: Space, text: str, more: str, share: float = 1.0) -> Markup:
    """`text` as it is, in at most a `share` of the space. `more` is the command that shows what does not fit."""
    shown, left = space.take(text, share)
    return Markup(f"<pre>{escape(shown)}</pre>{_cut(left, more)}")


def line(space: Space, text: str, more: str, share: float = 1.0) -> Markup:
    """`text` within a line, as it is."""
    shown, left = space.take(text, share)
    cut = _cut(left, more, "span")
    space.spend(len(cut))
    return Markup(f"{escape(shown)}{'… ' if left else ''}{cut}")


def markdown(space: Space, text: str, more: str, share: float = 1.0) -> Markup:
    """`text` as Markdown."""
    before = space.left
    shown, left = space.take(text, share)
    if len(shown) > _MOST_READ:
        return Markup(f"<pre>{escape(shown)}</pre>") + _cut(left, more)
    drawn = f'<div class="prose">{_markdown().render(shown)}</div>'
    return _fitting(space, before, drawn, shown) + _cut(left, more)


def diff(space: Space, text: str, more: str, share: float = 1.0) -> Markup:
    """What git says of a difference, each line by what it is."""
    before = space.left
    shown, left = space.take(text, share)
    lines = "\n".join(map(_diff_line, shown.split("\n")))
    drawn = f'<pre class="diff">{lines}</pre>'
    return _fitting(space, before, drawn, shown) + _cut(left, more)


def _fitting(space: Space, before: int, drawn: str, text: str) -> Markup:
    """What was `drawn`; the `text` itself where that was made to become much more than it is."""
    size = len(drawn.encode())
    if size > before:
        return Markup(f"<pre>{escape(text)}</pre>")
    space.spend(max(0, size - (before - space.left)))
    return Markup(drawn)


def _diff_line(line: str) -> str:
    said = escape(line)
    if line.startswith(("+++", "---", "diff ", "index ")):
        return f"<b>{said}</b>"
    tag = {"+": "ins", "-": "del", "@": "i"}.get(line[:1])
    return f"<{tag}>{said}</{tag}>" if tag else said


def left_out(words: str, more: str, tag: str = "p") -> Markup:
    """What is not on the page, in words that lead to the command that shows it."""
    said = f"{escape(words)} <code>{escape(more)}</code>"
    return Markup(f'<{tag} class="cut">{said}</{tag}>')


def _cut(left: int, more: str, tag: str = "p") -> Markup:
    return (
        left_out(f"{left:,} more characters are not on this page:", more, tag) if left else Markup()
    )


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": _MOST_NESTED})
    reader.enable(["table", "strikethrough"])
    reader.validateLink = _is_harmless  # type: ignore[method-assign]
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("image", _picture)
    reader.add_render_rule("heading_open", _heading)
    reader.add_render_rule("heading_close", _heading)
    return reader


def _is_harmless(url: str) -> bool:
    """Whether a link to `url` leads to the web or to a mail, and so is one."""
    try:
        return urlsplit(url.strip()).scheme.lower() in _SCHEMES
    except ValueError:
        return False


def _link(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    tokens[at].attrSet("rel", "noopener noreferrer nofollow")
    return self.renderToken(tokens, at, options, env)


def _picture(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    said = escape(tokens[at].content or "without a name")
    url = escape(str(tokens[at].attrs.get("src", "")))
    return f'<a href="{url}" rel="noopener noreferrer nofollow">picture: {said}</a>'


def _heading(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """Headings of a reply stand below those of the page."""
    token = tokens[at]
    token.tag = f"h{min(6, int(token.tag[1]) + 3)}" if len(token.tag) == 2 else token.tag
    return self.renderToken(tokens, at, options, env)
