from __future__ import annotations

from uwf.cli.screen.wrap import beside, wrapped


def test_a_sentence_is_broken_between_words_and_keeps_its_indent() -> None:
    text = "  the reply of the writer was not valid, asked three times"
    assert wrapped(text, 30) == ("  the reply of the writer was\n  not valid, asked three times")
    assert wrapped("short\nlines", 30) == "short\nlines"


def test_what_stands_beside_a_name_goes_on_below_itself() -> None:
    assert beside("a question that is too long to fit", 7, 32) == (
        "a question that is too\n       long to fit"
    )


def test_no_word_is_broken() -> None:
    path = "/a/folder/with/a/very/long/name/of/its/own"
    assert wrapped(f"there is no {path} here", 30) == f"there is no\n{path}\nhere"


def test_letters_of_two_columns_count_twice() -> None:
    assert wrapped("\u8a9e" * 10 + " " + "\u8a9e" * 10, 30) == "\u8a9e" * 10 + "\n" + "\u8a9e" * 10


def test_a_command_is_left_to_the_terminal() -> None:
    for line in (
        "uwf thread resume 9YK4 --budget +usd=1",
        "$ claude -p --allowedTools Bash Edit Read Write",
    ):
        assert wrapped(line, 30) == line
    assert wrapped("by hand, or as the daemon does: uwf thread exec @last", 30) == (
        "by hand, or as the daemon\ndoes: uwf thread exec @last"
    )
    assert wrapped("the budget is used up; `uwf thread resume --budget` raises it", 30) == (
        "the budget is used up;\n`uwf thread resume --budget` raises it"
    )
    assert "\n" in wrapped("a small project that comes with uwf (8 files)", 30)


def test_a_very_narrow_terminal_breaks_as_it_likes() -> None:
    assert beside("a question that is too long", 12, 30) == "a question that is too long"
