"""The documents and `--help` say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from uwf.cli import index
from uwf.cli.command import COMMON
from uwf.cli.parse import parse

README = (Path(__file__).parent.parent / "README.md").read_text()


def commands_in(text: str) -> list[str]:
    """Every `uwf …` in a code block or between backticks, without prompts and comments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith("uwf ")]


def flags_in(line: str) -> set[str]:
    """The options in a command line; not those of a command that stands in quotes within it."""
    words = shlex.split(line, comments=True)
    return {found[1] for word in words if (found := re.match(r"\[*(--?[a-zA-Z][\w-]*)", word))}


@pytest.mark.parametrize("line", commands_in(README))
def test_what_the_readme_types_exists(line: str) -> None:
    words = re.split(r"[^\w-]+", line.removeprefix("uwf "), maxsplit=2)
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in index.MODULES), None)
    if name is None:
        assert words[0] in index.GROUPS or words[0].startswith("-"), line
        return
    known = {flag for param in (*index.load(name).params, *COMMON) for flag in param.spec.flags}
    assert flags_in(line.partition(" | ")[0]) <= known | {"--help", "-h"}, line


@pytest.mark.parametrize("name", index.MODULES)
def test_every_example_is_a_working_command_line(name: str) -> None:
    example = index.load(name).example
    call = parse(shlex.split(re.split(r" [>|] ", example)[0])[1:])
    assert call is not None, example
    assert call.command.name == name
