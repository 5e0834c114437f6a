"""The directions of the design: who may import whom, and who may ask the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "uwf"

LEAVES = {"clock", "errors", "home", "points", "quantities", "record", "yaml12"}

MAY_IMPORT = {
    "cli": {"engine", "workflow", "agent", "guard", "store", "config", "demo"},
    "engine": {"workflow", "agent", "guard", "store"},
    "workflow": {"store"},
    "agent": {"store"},
    "guard": {"store"},
    "store": set(),
    "config": set(),
    "demo": set(),
    **{leaf: set() for leaf in LEAVES},
}
"""Beside itself and the leaves. `daemon` will stand where `cli` does."""

VALUES_OF_CONFIG = {"engine"}
"""Who is handed the configuration as a value, and so may name its types, but not read it."""


def modules() -> list[Path]:
    return [
        path for path in sorted(ROOT.rglob("*.py")) if path.stem not in ("__init__", "__main__")
    ]


def part(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(tree: ast.AST, *, typing_only: bool = False) -> Iterator[tuple[str, int, bool]]:
    """(module, line, whether only a type checker sees it) of every import, wherever it stands."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for inner in node.body:
                yield from imports(ast.Module([inner], []), typing_only=True)
            for inner in node.orelse:
                yield from imports(ast.Module([inner], []), typing_only=typing_only)
        elif isinstance(node, ast.Import):
            yield from ((name.name, node.lineno, typing_only) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            for name in node.names:
                module = f"{node.module}.{name.name}" if node.module == "uwf" else node.module or ""
                yield module, node.lineno, typing_only
        else:
            yield from imports(node, typing_only=typing_only)


def violations(path: Path) -> list[str]:
    me, found = part(path), []
    allowed = MAY_IMPORT[me] | LEAVES | {me, "__version__"}
    for module, line, typing_only in imports(ast.parse(path.read_text())):
        package, _, rest = module.partition(".")
        other = rest.partition(".")[0]
        value_only = typing_only and other == "config" and me in VALUES_OF_CONFIG
        if package == "uwf" and other and other not in allowed and not value_only:
            found.append(f"{path.relative_to(ROOT.parent)}:{line}: {me} must not import {other}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_imports_go_one_way(path: Path) -> None:
    assert violations(path) == []


def test_a_wrong_direction_is_found(tmp_path: Path) -> None:
    for line in ("import uwf.cli.main", "from uwf import cli", "def f():\n  from uwf.cli import x"):
        tree = ast.parse(line)
        assert [module.split(".")[1] for module, _, _ in imports(tree)] == ["cli"]


def reads_of_the_environment(tree: ast.AST) -> list[int]:
    """Lines that ask the environment for something. Handing all of it on to a child is none."""
    handed_on = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is None
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if ast.unparse(node) in ("os.environ", "os.environb", "os.getenv")
        and isinstance(node, ast.Attribute)
        and id(node) not in handed_on
    ]


def test_only_config_reads_the_environment() -> None:
    for path in ROOT.rglob("*.py"):
        if part(path) != "config":
            assert reads_of_the_environment(ast.parse(path.read_text())) == [], path
