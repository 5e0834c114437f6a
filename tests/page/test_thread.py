"""A thread as one page: all of it is there, nothing in it does anything, and it stays small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import liquid
import pytest

from tests.helpers.fake_agent import Said, crash, reply
from tests.helpers.flows import PAIR, role, workflow
from tests.helpers.paged import SCRIPT, hostile_home
from tests.helpers.rig import APPROVED, CHANGES, WROTE, Rig
from uwf.agent.protocol import ToolCall, ToolResult
from uwf.app import App
from uwf.page import report, thread

ANY = workflow(
    "any",
    [role("writer", {"properties": {"$status": {"const": "done"}}, "required": ["$status"]})],
    {"$START": {"new": ("writer", "Go.")}, "writer": {"done": ("writer", "Again.")}},
)
MOST_BYTES = 1_500_000
"""Of 100 steps."""


class Elements(HTMLParser):
    """Every element of a page with its attributes, and those that are left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App.open(str(tmp_path / "home")) as app:
        yield app


@pytest.fixture
def rig(app: App) -> Rig:
    return Rig(app.store(create=True), app.home)


def test_a_page_has_the_path_the_times_the_costs_and_every_step(app: App, rig: Rig) -> None:
    id = rig.start(PAIR, task="Write a **parser**.")
    tools = (ToolCall("1", "Read", {"path": "a.py"}), ToolResult("1", "def parse(): ..."))
    rig.run(id, "exec", crash("no network here"))
    wrote = Said(WROTE, events=tools, usage={"usd": 0.25, "tokens": 1200})
    rig.run(id, "resume", wrote, APPROVED, count=None, supplement="Keep it small.")
    page = thread.page(app, id)
    for words in (
        "<strong>parser</strong>",
        'aria-label="Workflow pair"',
        "taken, and how often",
        '<i class="failed"',
        '<a href="#step-2">',
        '<td class="number">$0.25</td>',
        '<td class="number">1.2k</td>',
        "no network here",
        "Keep it small.",
        "<dt>file</dt><dd>a.py</dd>",
        "I wrote it.",
        "def parse(): ...",
        "Procedure of the writer.",
        "failed attempts",
    ):
        assert words in page, words
    ids = [attrs["id"] for _, attrs in Elements(page).found if "id" in attrs]
    assert ids.count("step-1") == ids.count("step-2") == 1
    assert len(ids) == len(set(ids))


def test_a_thread_that_waits_says_for_what_and_what_to_type(app: App, rig: Rig) -> None:
    id = rig.start(PAIR)
    rig.run(id, "exec", reply("$SUSPEND", reason="Which *colour*?"))
    page = thread.page(app, id)
    assert "Which <em>colour</em>?" in page
    assert f"uwf thread resume {id}" in page
    assert "Which" in report.page(app, [app.show(id)], app.costs([app.show(id)]), "Threads")


def test_a_thread_without_steps_is_a_page(app: App, rig: Rig) -> None:
    page = thread.page(app, rig.start(PAIR))
    assert "No step yet." in page
    assert Elements(page).open == []


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Both pages of a thread that says what it should not."""
    home = str(tmp_path_factory.mktemp("hostile") / "home")
    id = hostile_home(home)
    with App.open(home) as app:
        view = app.show(id)
        return thread.page(app, id), report.page(app, [view], app.costs([view]), SCRIPT)


ELEMENTS = set(
    "html head meta title style body header main section footer time svg defs marker path rect text tspan g figure "
    "p h1 h2 h3 h4 h5 h6 span code pre a ol ul li i b em strong ins del s div dl dt dd table thead tbody tr th td "
    "details summary blockquote hr br".split()
)


@pytest.mark.parametrize("number", [0, 1])
def test_what_an_agent_says_is_text_and_nothing_else(hostile: tuple[str, str], number: int) -> None:
    page = hostile[number]
    elements = Elements(page)
    assert elements.open == []
    assert "&lt;script&gt;console.log(" in page
    for tag, attrs in elements.found:
        assert tag in ELEMENTS, tag
        assert not [name for name in attrs if name.startswith("on")], attrs
        href = attrs.get("href")
        assert href is None or re.match(r"(#|https?:|mailto:)", href), href
        assert "src" not in attrs
    steering = [letter for letter in page if letter != "\n" and not letter.isprintable()]
    assert set(steering) <= {"\t"}
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert len(re.findall("<style>", page)) == (2 if number == 0 else 1)


def test_what_steers_or_turns_is_shown_as_an_escape(hostile: tuple[str, str]) -> None:
    for escape in ("\\u202egnp.exe", "\\u001b]0;owned", "\\u007f", "\\u200b"):
        assert escape in hostile[0], escape
    assert "[31m" not in hostile[0]
    assert "{{ title }} {% assign x = 1 %}" in hostile[0]


def test_a_hundred_long_steps_are_no_large_page(app: App) -> None:
    rig = Rig(app.store(create=True), app.home, lenient=True)
    id = rig.start(PAIR)
    long = "*a* <b> & `c` | " * 1500
    events = (ToolCall("1", "Read", {"path": "a"}), ToolResult("1", "<" * 20_000))
    says = [
        Said(reply("done", long, file="a.py"), events=events),
        reply("changes", long, remarks="too long"),
    ]
    rig.run(id, "exec", *says * 50, count=100)
    page = thread.page(app, id)
    assert page.count('class="inside"') == 100
    assert 1_000_000 < len(page.encode()) < MOST_BYTES
    assert "more characters are not on this page: <code>uwf step read " in page


def test_all_that_an_agent_may_make_long_is_cut_and_says_so(app: App) -> None:
    rig = Rig(app.store(create=True), app.home, lenient=True)
    id = rig.start(ANY, labels={f"k{number}": "<" * 200 for number in range(100)})
    fields = {f"f{number}": "y" for number in range(1000)}
    for verb in ("exec", *["resume"] * 10):
        rig.run(id, verb, crash("&" * 60_000))
    rig.run(id, "resume", reply("done", "b", **fields), count=1)
    rig.run(id, "exec", reply("done", "b", long="<" * 100_000), count=1)
    for verb in ("exec", *["resume"] * 11):
        rig.run(id, verb, crash("&" * 60_000))
    for number in range(30):
        app.tell(id, f"word {number}")
    page = thread.page(app, id)
    assert Elements(page).open == []
    assert len(page.encode()) < MOST_BYTES
    for words in (
        "more characters are not on this page: <code>uwf thread show",  # labels
        "960 more fields, not on this page: <code>uwf step read",
        r"\d earlier attempts, not on this page: <code>uwf step read",
        "2 earlier ones are not on this page: <code>uwf step turns",
        "10 earlier words, not on this page: <code>uwf thread show",
    ):
        assert re.search(words, page), words
    [long] = re.findall(r"<dt>long</dt><dd>(.*?)</dd>", page)
    assert "more characters are not on this page: <code>uwf step read" in long


def test_no_template_is_read_again_for_each_step(
    app: App, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = rig.start(PAIR)
    rig.run(id, "exec", *[WROTE, CHANGES] * 2, count=4)
    read: list[str] = []
    plain = liquid.Environment.from_string

    def counted(self: liquid.Environment, source: str, *args: Any, **more: Any) -> Any:
        read.append(source)
        return plain(self, source, *args, **more)

    monkeypatch.setattr(liquid.Environment, "from_string", counted)
    assert thread.page(app, id).count('class="inside"') == 4
    assert 0 < len(read) == len(set(read))


def test_a_report_shows_the_newest_threads_and_counts_all(
    app: App, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_THREADS", 2)
    ids = [rig.start(PAIR, task=f"task {number}") for number in range(3)]
    for id in ids:
        rig.run(id, "exec", Said(WROTE, usage={"usd": 1.0}), count=1)
    threads = app.threads("all").threads
    page = report.page(app, threads, app.costs(threads), "Threads")
    assert "<dd>$3.00</dd>" in page
    assert "1 older ones are only counted" in page
    assert [f'id="{id}"' in page for id in ids] == [False, True, True]
    assert Elements(page).open == []
