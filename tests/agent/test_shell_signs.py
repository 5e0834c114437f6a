"""What only a shell understands is seen in a command, and what is a plain argument is not."""

from __future__ import annotations

import pytest

from uwf.agent.shell_signs import shell_signs


@pytest.mark.parametrize(
    ("line", "signs"),
    [
        ("codex exec - | tee log", ["|"]),
        ("claude -p 2>/dev/null", ["2>/dev/null"]),
        ("claude -p > out", [">"]),
        ("cd repo && claude -p", ["&&"]),
        ("true; claude", ["true;"]),
        ("~/bin/agent --print", ["~/bin/agent"]),
        ("agent --key $API_KEY --dir ${HOME}/x", ["$API_KEY", "${HOME}/x"]),
        ("agent `date`", ["`date`"]),
        ("agent &", ["&"]),
        ("claude -p x|tee log", ["x|tee"]),
        ("claude>out", ["claude>out"]),
        ("a&&b", ["a&&b"]),
        ("claude 'a b'>out", ["a b>out"]),
        ("'~/bin/claude -p'", ["~/bin/claude -p"]),
        ('agent --key "$API_KEY"', ["$API_KEY"]),
    ],
)
def test_what_is_written_for_a_shell_is_seen(line: str, signs: list[str]) -> None:
    assert shell_signs(line) == signs


@pytest.mark.parametrize(
    ("words", "signs"),
    [
        (["codex", "|", "tee", "2>/dev/null"], ["|", "2>/dev/null"]),
        (["~/bin/claude -p", "x;"], ["~/bin/claude -p", "x;"]),
        (["claude", "$KEY"], ["$KEY"]),
        (["claude", "--allow", "Read|Write", "> a quote", "do it;", "~/a and ~/b", "a; b"], []),
        (["sh", "-c", "a | b"], []),
        ([], []),
    ],
)
def test_a_word_of_a_list_is_meant_as_it_is_unless_it_is_a_sign_itself(
    words: list[str], signs: list[str]
) -> None:
    assert shell_signs(words) == signs


@pytest.mark.parametrize(
    "line",
    [
        "",
        "claude -p --model opus",
        "sh -c 'claude -p | tee ~/log'",
        "/bin/bash -lc 'cd $HOME && claude'",
        "agent --url http://x/?a=1&b=2",
        "agent 'costs > 5 $ or more'",
        "agent a~b",
        "awk '{ print $1 }'",
        "claude -p 'a | b > c && d; e'",
        'claude -p "first; then | do" --allow "Read|Write"',
        "claude --allow 'Read|Write' '~/notes are here' '$HOME'",
        "find . -exec cat {} \\;",
        "agent 'it''s; fine' a\\|b \"she said \\\"a|b\\\"\"",
    ],
)
def test_a_plain_command_has_no_sign(line: str) -> None:
    assert shell_signs(line) == []
