"""Texts become HTML that does nothing, and that is no larger than it may be."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from uwf.page import markup
from uwf.page.space import Space, for_each, size_of

MARKS = st.sampled_from(
    [
        "<script>",
        "](",
        "javascript:",
        "![",
        "[",
        "`",
        "```\n",
        "\n",
        "> ",
        "- ",
        "|",
        "&#8238;",
        "&lt;",
        '"',
        "'",
        "\x00",
    ]
)
TEXTS = st.lists(st.one_of(MARKS, st.text(max_size=5)), max_size=30).map("".join)


@given(TEXTS)
def test_no_text_becomes_more_than_markup(text: str) -> None:
    drawn = markup.markdown(Space(10_000), text, "uwf step read ID")
    for tag in re.findall(r"<[^>]*>", drawn):
        assert re.fullmatch(
            r"</?[a-z0-9]+( (class|href|rel|title|start|style)=\"[^\"<]*\")*( /)?>", tag
        ), tag
    for url in re.findall(r'href="([^"]*)"', drawn):
        assert re.match("(https?|mailto):", url)


@given(TEXTS, st.integers(0, 300))
def test_every_kind_of_text_keeps_to_its_room(text: str, size: int) -> None:
    for draw in (markup.plain, markup.markdown, markup.diff):
        space = Space(size)
        draw(space, text, "more")
        assert space.left >= 0


def test_what_is_cut_is_said_with_the_command_that_shows_it() -> None:
    drawn = markup.plain(Space(10), "a" * 30, "uwf step read <ID>")
    assert "<pre>aaaaaaaaaa</pre>" in drawn
    assert "20 more characters are not on this page: <code>uwf step read &lt;ID&gt;</code>" in drawn


def test_a_text_that_is_made_to_grow_is_shown_as_it_is() -> None:
    drawn = markup.markdown(Space(3000), "*a*" * 500, "more")
    assert drawn.startswith("<pre>*a**a*")
    drawn = markup.diff(Space(3000), "+\n" * 1000, "more")
    assert "<ins>" not in drawn


def test_one_line_of_ten_megabytes_is_cut() -> None:
    for letter in "[*<\x00":
        drawn = markup.markdown(Space(100_000), letter * 10_000_000, "more")
        assert drawn.startswith("<pre>") and len(drawn) < 101_000


def test_a_difference_is_marked_line_by_line() -> None:
    text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-<old>\n+new\n same"
    drawn = markup.diff(Space(1000), text, "more")
    assert (
        "<b>+++ b/x</b>\n<i>@@ -1 +1 @@</i>\n<del>-&lt;old&gt;</del>\n<ins>+new</ins>\n same"
        in drawn
    )


def test_a_link_leads_to_the_web_or_a_mail_and_a_picture_is_a_link() -> None:
    text = "[a](https://a.example/) [b](mailto:b@b.example) [c](/etc/passwd) [d](ftp://d) ![e](http://e.example/e.png)"
    drawn = markup.markdown(Space(3000), text, "more")
    assert re.findall(r'href="([^"]*)"', drawn) == [
        "https://a.example/",
        "mailto:b@b.example",
        "http://e.example/e.png",
    ]
    assert "picture: e" in drawn and "<img" not in drawn
    assert drawn.count('rel="noopener noreferrer nofollow"') == 3


def test_headings_stand_below_those_of_the_page() -> None:
    drawn = markup.markdown(Space(1000), "# One\n\n#### Four", "more")
    assert "<h4>One</h4>" in drawn and "<h6>Four</h6>" in drawn


def test_half_a_character_is_shown_as_a_mark() -> None:
    assert "<pre>a?b</pre>" in markup.plain(Space(100), "a\ud800b", "more")


@given(st.integers(1, 100))
def test_all_steps_together_have_room_in_a_page(steps: int) -> None:
    assert steps * for_each(steps).size < 1_200_000


@given(st.text())
def test_room_is_counted_in_what_stands_in_the_page(text: str) -> None:
    space = Space(200)
    shown, left = space.take(text)
    assert size_of(shown) == 200 - space.left <= 200
    assert left == 0 or len(text) > 30
