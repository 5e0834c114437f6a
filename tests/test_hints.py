"""The hint of an error is the next command to type."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layers import ROOT, modules

COMMANDS = set(
    "uwf cat cd mkdir mv kill ls ps df du env fuser git pip ssh timedatectl export pg_isready psql"
    " ${EDITOR:-vi}".split()
)

SENTENCES = {
    "pipe the text in, or use @FILE",  # into whatever command was typed
    "see uwf/points.py",  # for those who test uwf
}


def hints(tree: ast.AST) -> Iterator[ast.expr]:
    """What is given as a hint to an error or to the output."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "hint")
            if isinstance(node.func, ast.Attribute) and node.func.attr == "hint":
                yield from node.args


def beginnings(hint: ast.expr) -> Iterator[str]:
    """The words that a hint written in the source begins with; nothing for one that is handed on."""
    if isinstance(hint, ast.IfExp):
        yield from beginnings(hint.body)
        yield from beginnings(hint.orelse)
    elif isinstance(hint, ast.JoinedStr):
        yield from beginnings(hint.values[0])
    elif isinstance(hint, ast.Constant) and isinstance(hint.value, str):
        yield hint.value


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_hint_begins_with_a_command(path: Path) -> None:
    tree = ast.parse(path.read_text())
    written = [text for hint in hints(tree) for text in beginnings(hint)]
    assert [
        text for text in written if text.split(" ")[0] not in COMMANDS and text not in SENTENCES
    ] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_wrong_in_a_configuration_always_has_a_hint(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "ConfigInvalid"
        and not any(keyword.arg == "hint" for keyword in call.keywords)
    ] == []


def test_no_hint_escapes_the_look() -> None:
    found = [
        text
        for path in modules()
        for hint in hints(ast.parse(path.read_text()))
        for text in beginnings(hint)
    ]
    assert len(found) > 100
    assert set(found) >= SENTENCES
