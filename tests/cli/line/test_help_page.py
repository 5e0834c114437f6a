"""The pages of help: short, in words, each with an example that works (see tests/test_docs.py)."""

from __future__ import annotations

import re

import pytest

from uwf.cli import index
from uwf.cli.line import help_page
from uwf.cli.line.parse import read


def page(name: str, columns: int = 80) -> str:
    parts = help_page.page(read(name.split()), columns)
    return "\n".join(f"{title}\n{text}" if title else text for title, text in parts)


@pytest.mark.parametrize("name", index.MODULES)
def test_a_command_says_what_it_takes_and_gives_an_example(name: str) -> None:
    command, text = index.load(name), page(name)
    assert " ".join(command.example.split()) in " ".join(text.split())
    for param in command.params:
        for word in (*param.spec.flags, "" if param.is_flag else param.metavar):
            assert re.search(rf"(^| ){re.escape(word)}(,| |$)", text, re.MULTILINE), word
    assert not re.search(r"<(bool|list|str|int|float)|(\[default: [^]]*\]) \2|\[default: \]", text)


@pytest.mark.parametrize("group", index.GROUPS)
def test_a_group_gives_an_example_of_what_it_is_used_for_first(group: str) -> None:
    assert page(group).rpartition("Example\n")[2].startswith(f"  uwf {group} ")


@pytest.mark.parametrize("name", index.MODULES)
def test_what_is_to_be_filled_in_has_a_name(name: str) -> None:
    values = [param.metavar for param in index.load(name).params if not param.is_flag]
    assert [metavar for metavar in values if len(metavar) < 2 and metavar != "N"] == []


@pytest.mark.parametrize("columns", [1, 40, 60, 100, 500])
def test_a_page_fits_its_terminal(columns: int) -> None:
    text = page("thread exec", columns)
    prose = [line for line in text.splitlines() if "uwf thread exec" not in line]
    assert max(map(len, prose)) <= max(help_page.NARROWEST, min(columns, help_page.WIDEST))
    assert " ".join(text.split()) == " ".join(page("thread exec").split())
