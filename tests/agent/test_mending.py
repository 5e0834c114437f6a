"""What is read although it is no YAML, row by row; and what is not certain, and so is asked again."""

from __future__ import annotations

import pytest

from uwf.agent.frontmatter import BadReply, split
from uwf.agent.mending import ROWS, mended

MEANT = {
    "a second colon": [
        ("Fix: the cache was stale", "Fix: the cache was stale"),
        ("see src/a.py: line 4: the loop", "see src/a.py: line 4: the loop"),
        ("three things are left:", "three things are left:"),
    ],
    "backslashes in double quotes": [
        ('"D:\\work\\Users\\me"', "D:\\work\\Users\\me"),
        ('"^\\d+\\.\\d+$"', "^\\d+\\.\\d+$"),
    ],
    "quotes inside quotes": [
        ('"it prints "hello" twice"', 'it prints "hello" twice'),
        ("'it doesn't start'", "it doesn't start"),
    ],
    "a quoted word first": [
        ('"Retry" is shown twice', '"Retry" is shown twice'),
        ('"a" and then "b"', '"a" and then "b"'),
    ],
    "backticks, stars, @ or % first": [
        ("`make test` passes", "`make test` passes"),
        ("@alice should look", "@alice should look"),
        ("%s is not replaced", "%s is not replaced"),
        ("**all** of it, **now**", "**all** of it, **now**"),
    ],
}


def test_each_row_has_its_examples() -> None:
    assert MEANT.keys() == ROWS.keys()


@pytest.mark.parametrize(("value", "text"), [pair for pairs in MEANT.values() for pair in pairs])
def test_value_is_read_as_it_is_meant(value: str, text: str) -> None:
    reply = f"---\n$status: done\nnote: {value}\nfile: a.py\n---\nText.\n"
    with pytest.raises(BadReply):
        split(reply)
    assert split(reply, mend=True).front == {"$status": "done", "note": text, "file": "a.py"}


@pytest.mark.parametrize(
    "value",
    [
        "a: b # c",
        '"half',
        "[a, b",
        '"\\ud800"',
        "{a: b",
        '"a" , "b"',
        "*anchor",
    ],
)
def test_what_may_mean_two_things_is_asked_again(value: str) -> None:
    with pytest.raises(BadReply):
        split(f"---\n$status: done\nnote: {value}\n---\n", mend=True)


def test_what_is_yaml_is_not_touched() -> None:
    block = "$status: done\nnote: 'a: b'\npath: C:\\x\nmap: {a: 1}\nmore: |\n  x: y: z\n"
    assert mended(block) == block
