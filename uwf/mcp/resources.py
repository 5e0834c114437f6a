"""Threads and steps as Markdown, each at a URI: `uwf://thread/ID`, `uwf://step/ID`; `?offset=N` reads on."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from uwf.app import App
from uwf.errors import InputError, NotFound
from uwf.mcp import bounds
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import ThreadView

SCHEME = "uwf"
THREAD, STEP = "thread", "step"
MARKDOWN = "text/markdown"
MOST_LISTED = 50
TITLE_CHARS = 80


class Listed(Record):
    """A thread as a resource."""

    uri: str
    name: str
    title: str
    description: str


class Template(Record):
    """All resources of a kind."""

    uri: str
    name: str
    description: str


TEMPLATES = (
    Template(
        f"{SCHEME}://{THREAD}/{{thread}}{{?offset}}",
        THREAD,
        "A thread as Markdown: its task and its steps, the newest kept first.",
    ),
    Template(
        f"{SCHEME}://{STEP}/{{+step}}{{?offset}}",
        STEP,
        "A step as Markdown, with the prompt it got: by its id, THREAD~N or THREAD/role@N.",
    ),
)


def listed(home: str) -> list[Listed]:
    """The newest of the active threads."""
    with App.open(home) as app:
        return [_listed(each) for each in app.threads("active", limit=MOST_LISTED).threads]


def _listed(thread: ThreadView) -> Listed:
    words = " ".join((thread.title or thread.prompt or "").split())
    return Listed(
        f"{SCHEME}://{THREAD}/{thread.thread}",
        thread.thread,
        words[:TITLE_CHARS],
        f"{thread.workflow_name or 'a workflow'}, {thread.status}",
    )


def read(home: str, uri: str) -> str:
    """A piece of the Markdown at `uri`, with the URI of what follows. Raises as the app does, and for another URI."""
    kind, name, offset = _parts(uri)
    with App.open(home) as app:
        page = app.read(name) if kind == THREAD else app.steps.read(name)
    piece = bounds.text(page.markdown, offset, bounds.TEXT_CHARS)
    return bounds.said(piece, f"{SCHEME}://{kind}/{name}?offset={piece['next']}")


def _parts(uri: str) -> tuple[str, str, int]:
    """What kind of thing, which one, and from which character on."""
    try:
        parts = urlsplit(uri)
        offset = int(parse_qs(parts.query).get("offset", ["0"])[0])
    except ValueError as error:
        raise InputError(f"{uri[:200]!r} is no URI: {error}", code="bad_uri") from None
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme != SCHEME or parts.netloc not in (THREAD, STEP) or not name or offset < 0:
        kinds = " and ".join(f"{SCHEME}://{kind}/ID" for kind in (THREAD, STEP))
        raise NotFound(
            f"there is no resource {uri[:200]!r}; there are {kinds}", hint="uwf thread list"
        )
    return parts.netloc, name, offset
