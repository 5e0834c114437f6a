"""What only a shell understands is seen in a command, and what is a plain argument is not."""

from __future__ import annotations

import shlex

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
    ],
)
def test_what_is_written_for_a_shell_is_seen(line: str, signs: list[str]) -> None:
    assert shell_signs(shlex.split(line)) == signs


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
    ],
)
def test_a_plain_command_has_no_sign(line: str) -> None:
    assert shell_signs(shlex.split(line)) == []
