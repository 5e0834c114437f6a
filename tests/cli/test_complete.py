"""What strangers wrote is offered only when no shell can obey it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uwf.cli.complete import MAX_MEANING, harmless, is_harmless

HOSTILE = r"a$(x) a\$(x) a`x` a;b a|b a&b a<b a>b a*b a?b a[b] a{b,c} a!b a#b a'b a%b -p ~x =ls +x".split()


@pytest.mark.parametrize(
    "word", [*HOSTILE, "", "a b", 'a"b', "a\nb", "a\tb", "a\x1b]0;x", "ä", "ソ"]
)
def test_what_a_shell_could_read_as_more_than_a_word_is_not_offered(word: str) -> None:
    assert not is_harmless(word)


@pytest.mark.parametrize("word", ["@last", "@last~2", "01ARZ/writer@1", "a.b-c_d+e", "k=v", "x:y"])
def test_what_commands_take_is_offered(word: str) -> None:
    assert is_harmless(word)


@given(st.text())
@example("~")
def test_what_is_offered_needs_no_quotes(word: str) -> None:
    if is_harmless(word):
        assert shlex.quote(word.replace("~", "")) in (word.replace("~", ""), "''")


@given(st.text())
@example("\\$(touch P) `touch P` \"x\" 'y' \x1b]0;z\x07 \x9b31m\n[red] %F")
@example("word " * 100)
@example("x" * 1000)
def test_a_meaning_is_one_short_line_that_nothing_obeys(text: str) -> None:
    said = harmless(text)
    assert len(said) <= MAX_MEANING
    assert (said.isascii() and said.isprintable()) or not said
    assert not set(said) & set("\\$`\"'()[]{};&|<>*?!#%^")
