"""How the turns of an agent read."""

from __future__ import annotations

import pytest

from uwf.display import turns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('Bash {"description": "Look", "command": "ls\\n -la"}', "Bash ls -la"),
        ('shell {"command": ["bash", "-lc", "make"]}', "shell bash -lc make"),
        ('Edit {"old_string": "a", "file_path": "/a/b.py"}', "Edit /a/b.py"),
        ('mine {"a": 1, "b": {"c": 2}, "d": true, "e": 4}', "mine a=1, b={'c': 2}, d=True"),
        ("Task {}", "Task"),
        ('Broken {"command": "ls', 'Broken {"command": "ls'),
        ("Listed [1, 2]", "Listed [1, 2]"),
        ("Bash " + "[" * 100_000, "Bash " + "[" * 100_000),
        ("", ""),
    ],
)
def test_a_tool_is_said_with_what_it_is_used_for(text: str, said: str) -> None:
    assert turns.tool(text) == said
    assert turns.lines(turns.TOOL, text) == [f"\u203a {said}"]


def test_of_what_a_tool_gave_back_the_beginning_is_shown() -> None:
    text = "".join(f"line {n}\n" for n in range(8))
    told = turns.lines(turns.RESULT, text)
    assert told == [*(f"│ line {n}" for n in range(5)), "│ … 3 lines more"]
    assert turns.lines(turns.RESULT, text[:42]) == [f"│ line {n}" for n in range(6)]


def test_what_is_said_is_shown_whole_and_each_line_of_a_thought_as_one() -> None:
    assert turns.lines(turns.TEXT, "a\n\nb\n") == ["a", "", "b"]
    assert turns.lines(turns.THINKING, "a\nb\n") == ["… a", "… b"]
    assert turns.lines("denied", 'Bash {"command": "rm"}') == ['denied: Bash {"command": "rm"}']


def test_what_an_agent_does_now_is_one_line() -> None:
    assert turns.now(turns.TEXT, "one\ntwo\n\n") == "two"
    assert turns.now(turns.THINKING, "one\ntwo") == "… two"
    assert turns.now(turns.TOOL, 'Bash {"command": "ls"}') == "Bash ls"
    assert turns.now(turns.RESULT, "a.py") == turns.now(turns.TEXT, " \n") == ""
