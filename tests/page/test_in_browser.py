"""Pages and pictures in a browser: nothing runs, nothing is loaded, all can be read, and reached by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import NAMES, PROGRAM, Browser
from tests.helpers.graphs import GRAPHS_OF
from tests.helpers.paged import hostile_home
from uwf.app import App
from uwf.page import report, thread
from uwf.workflow.picture import svg
from uwf.workflow.picture.picture import draw

pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason=f"no browser looks at the pages: none of {', '.join(NAMES)} is installed",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of each kind of page, of a thread that says what it should not."""
    folder = tmp_path_factory.mktemp("pages")
    home = str(folder / "home")
    id = hostile_home(home)
    with App.open(home) as app:
        view = app.show(id)
        texts = {
            "thread": thread.page(app, id),
            "report": report.page(app, [view], app.costs([view]), "Threads"),
        }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    return {name: (folder / f"{name}.html").as_uri() for name in texts}


def test_what_a_page_logs_and_loads_would_be_heard(browser: Browser, tmp_path: Path) -> None:
    control = tmp_path / "control.html"
    control.write_text("<script>console.log('owned')</script><img src='missing.png'>")
    browser.open(control.as_uri())
    assert "owned" in browser.said
    assert any(url.endswith("missing.png") for url in browser.asked)


@pytest.mark.parametrize("name", ["thread", "report"])
def test_a_page_runs_nothing_and_loads_nothing(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    browser.open(pages[name])
    browser.value(OPEN_ALL)
    assert browser.said == []
    assert browser.asked == [pages[name]]
    assert browser.value("document.title") != "owned"
    assert browser.value("document.scripts.length + document.images.length") == 0


OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true })"

FAINT = """(() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => { const part = c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    return .2126 * part(r) + .7152 * part(g) + .0722 * part(b) };
  const behind = element => { for (; element; element = element.parentElement) {
    const found = rgb(getComputedStyle(element).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found } return [255, 255, 255] };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, style = getComputedStyle(element);
    if (!walk.currentNode.data.trim() || element.closest('style, title')) continue;
    const ink = element.closest('svg') ? rgb(style.fill) : rgb(style.color);
    const [one, two] = [light(ink), light(behind(element))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if ((one + .05) / (two + .05) < (large ? 3 : 4.5))
      found.push([walk.currentNode.data.slice(0, 40), ((one + .05) / (two + .05)).toFixed(2)]) }
  return found })()"""
"""What text a person with weak eyes cannot read: less than the contrast of WCAG AA."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["thread", "report"])
def test_all_text_has_contrast(
    browser: Browser, pages: dict[str, str], name: str, scheme: str
) -> None:
    browser.likes(scheme)
    browser.open(pages[name])
    browser.value(OPEN_ALL)
    assert browser.value(FAINT) == []
    paper = browser.value("getComputedStyle(document.documentElement).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_faint_text_would_be_seen(browser: Browser, pages: dict[str, str]) -> None:
    browser.likes("light")
    browser.open(pages["thread"])
    browser.value("document.querySelector('h1').style.color = '#999'")
    assert len(browser.value(FAINT)) == 1


FOCUS = """(() => { const element = document.activeElement;
  const all = [...document.querySelectorAll('*')], style = getComputedStyle(element);
  return [element.localName, all.indexOf(element), style.outlineStyle, parseFloat(style.outlineWidth)] })()"""


def test_the_keyboard_reaches_all_in_the_order_of_reading(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["thread"])
    seen: list[Any] = []
    for _ in range(60):
        browser.press("Tab")
        found = browser.value(FOCUS)
        if found[0] == "body" or (seen and found[1] < seen[-1][1]):
            break
        seen.append(found)
    places = [place for _, place, _, _ in seen]
    assert places == sorted(set(places))
    assert all(style != "none" and width >= 2 for _, _, style, width in seen)
    steps = browser.value("document.querySelectorAll('details.step').length")
    assert steps == 4
    assert [name for name, *_ in seen].count("summary") == steps


def test_a_step_opens_by_the_keyboard_and_by_its_place_in_time(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["thread"])
    browser.value("document.querySelector('details.step > summary').focus()")
    browser.press("Enter")
    opened = "[...document.querySelectorAll('details.step')].map(each => each.open)"
    assert browser.value(opened) == [True, False, False, False]
    browser.value("document.querySelector('.timeline a[href=\"#step-3\"]').focus()")
    browser.press("Enter")
    assert browser.value(opened) == [True, False, True, False]


SCROLLS = """[...document.querySelectorAll('body *')].map(each => getComputedStyle(each).overflow)
  .filter(each => /auto|scroll/.test(each))"""


def test_on_paper_every_step_is_open_and_nothing_has_to_be_scrolled(
    browser: Browser, pages: dict[str, str]
) -> None:
    browser.open(pages["thread"])
    inside = "[...document.querySelectorAll('details.step .inside')]"
    seen = f"{inside}.filter(each => each.checkVisibility()).length"
    assert browser.value(seen) == 0
    browser("Emulation.setEmulatedMedia", media="print")
    on_paper = browser.value(seen)
    scrolls = browser.value(SCROLLS)
    browser("Emulation.setEmulatedMedia", media="")
    assert on_paper == 4
    assert scrolls == []


def test_a_phone_scrolls_no_page_sideways(browser: Browser, pages: dict[str, str]) -> None:
    for name in pages:
        browser(
            "Emulation.setDeviceMetricsOverride",
            width=360,
            height=740,
            deviceScaleFactor=1,
            mobile=False,
        )
        browser.open(pages[name])
        browser.value(OPEN_ALL)
        width = browser.value("document.documentElement.scrollWidth")
        browser("Emulation.clearDeviceMetricsOverride")
        assert width <= 360


OVERLAPS = """(() => { const found = [], seen = [];
  for (const text of document.querySelectorAll('text')) { const area = text.getBoundingClientRect();
    if (!area.width) continue;
    for (const [other, there] of seen) if (area.left < there.right && there.left < area.right
      && area.top + 3 < there.bottom && there.top + 3 < area.bottom) found.push([other, text.textContent]);
    seen.push([text.textContent, area]) }
  return found })()"""


LETTERS = [
    chr(code) for code in (*range(32, 0x700), *range(0x3041, 0x3100), *range(0x4E00, 0x4E80))
]
RARE = set("ǄǅǆǱǲǳѨѼԔ")


def test_no_letter_is_wider_than_a_picture_takes_it_for(browser: Browser) -> None:
    letters = [letter for letter in LETTERS if letter.isprintable() and letter not in RARE]
    measure = """(letters => { const pen = document.createElement('canvas').getContext('2d');
      pen.font = '13px system-ui, "DejaVu Sans", sans-serif';
      return letters.map(letter => pen.measureText(letter.repeat(9)).width / 9) })"""
    widths = browser.value(f"{measure}({json.dumps(letters)})")
    found = zip(letters, widths, strict=True)
    assert [each for each in found if each[1] > svg.width_of(each[0])] == []


@pytest.mark.parametrize("name", ["3 roles", "12 roles", "60 roles", "60 in a tree"])
def test_no_text_of_a_picture_lies_over_another(
    browser: Browser, tmp_path: Path, name: str
) -> None:
    picture = tmp_path / "graph.svg"
    picture.write_text(draw(GRAPHS_OF[name][0], "svg", *GRAPHS_OF[name][1:]))
    browser.open(picture.as_uri())
    assert browser.value("document.querySelectorAll('text').length") > 10
    assert browser.value(OVERLAPS) == []
