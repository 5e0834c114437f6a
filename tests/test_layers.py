"""The directions of the design: who may import whom, what stands once, and who may ask the environment."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent / "uwf"

LEAVES = {
    "uwf",
    "clock",
    "config_table",
    "errand",
    "error_report",
    "errors",
    "home",
    "jsontext",
    "nearest",
    "owned",
    "points",
    "proxy",
    "quantities",
    "record",
    "store_address",
    "trust",
    "working",
    "recurrence",
    "yaml12",
}
FRONT_DOORS = {"cli", "daemon", "mcp", "top", "worker"}

CHAIN = {"engine.chain", "engine.progress"}
BELOW_THE_ENGINE = {"workflow", "agent", "guard", "store", "workspace"}
ENGINE = {
    "engine.actions",
    "engine.events",
    "engine.query",
    "engine.schedules",
    "engine.sources",
    "engine.upkeep",
    "engine.run",
    *CHAIN,
}

MAY_IMPORT = {
    **{door: {"app", "demo", "display"} for door in FRONT_DOORS},
    "daemon": {"app", "display", "jobs"},
    "worker": {"app", "daemon", "display", "jobs"},
    "cli": {"app", "demo", "daemon", "display", "mcp", "page", "top", "worker"},
    "page": {"app", "display"},
    "__main__": {"cli"},
    "app": {"config", "jobs", *ENGINE, *BELOW_THE_ENGINE},
    "engine.actions": {"engine.run", *CHAIN, *BELOW_THE_ENGINE},
    "engine.events": {"engine.actions", "engine.query", *CHAIN, *BELOW_THE_ENGINE},
    "engine.query": {"display", *CHAIN, *BELOW_THE_ENGINE},
    "engine.schedules": {"engine.actions", "engine.events", *CHAIN, *BELOW_THE_ENGINE},
    "engine.sources": {"engine.events", *CHAIN, *BELOW_THE_ENGINE},
    "engine.upkeep": {
        "engine.events",
        "engine.schedules",
        "engine.sources",
        *CHAIN,
        *BELOW_THE_ENGINE,
    },
    "engine.run": {"display", *CHAIN, *BELOW_THE_ENGINE},
    "engine.chain": BELOW_THE_ENGINE,
    "engine.progress": {"engine.chain"},
    "workflow": {"store"},
    "agent": {"store"},
    "guard": {"display", "store", "workspace"},
    "workspace": set(),
    "store": set(),
    "jobs": {"store"},
    "config": {"agent", "guard", "workflow"},
    "demo": set(),
    "display": set(),
    **{leaf: set() for leaf in LEAVES},
}
"""Beside itself and the leaves. What guards and Markdown say of amounts reads as everywhere. A front door takes
everything through the app, the types of its values too; the command line begins the daemon, a worker and top; a
worker runs as the daemon does, and both know the queue between them. A config is made of
the rules that guards and kinds of agents declare, and of triggers, which workflow files have, too."""

MAY_IMPORT_A_FILE = {
    **{door: {"uwf.config"} for door in FRONT_DOORS},
    "engine.query": {"uwf.engine.run.planning.transitions"},
    "engine.upkeep": {"uwf.engine.run.recovery.recovery", "uwf.engine.run.recovery.intake"},
}
"""Of a room that is closed otherwise. A front door asks the environment, but no setting; what comes next is decided in
one place, and what a dead run left is settled in one."""

MAY_NAME = {
    **{room: {"config"} for room in ENGINE},
    "engine.query": {"config", "engine.run"},
    "engine.upkeep": {"config", "engine.run"},
    "display": {"engine.query", "guard"},
}
"""For a type checker only: rooms whose values are handed in."""


class Import(NamedTuple):
    """`importer` names `imported`; `typing_only` where only a type checker sees it."""

    importer: str
    imported: str
    line: int
    typing_only: bool


def modules() -> list[Path]:
    return [
        path for path in sorted(ROOT.rglob("*.py")) if path.stem not in ("__init__", "__main__")
    ]


def package() -> dict[str, ast.Module]:
    """Every module of uwf by its name, but for the project that the demo tidies."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        if parts[:3] != ("uwf", "demo", "pantry"):
            name = ".".join(parts).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text())
    return found


PACKAGE = package()


def parsed(**sources: str) -> dict[str, ast.Module]:
    """A small package to try a rule on: modules below `uwf` with `_` for the dot."""
    return {f"uwf.{name.replace('_', '.')}": ast.parse(text) for name, text in sources.items()}


def room(module: str) -> str:
    """The part of the house that a module stands in; the engine's are its folders."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2] if parts[0] == "engine" else parts[:1]) if parts else "uwf"


def imports(importer: str, within: Mapping[str, ast.AST]) -> Iterator[Import]:
    """Every import of a module of uwf by `importer`, wherever in it it stands."""
    for module, name, line, typing_only in _imports(within[importer]):
        if module.partition(".")[0] != "uwf" or name == "__version__":
            continue
        whole = f"{module}.{name}" if name else module
        is_module = whole in within or (name and module in ("uwf", "uwf.engine"))
        yield Import(importer, whole if is_module else module, line, typing_only)


def _imports(tree: ast.AST, typing_only: bool = False) -> Iterator[tuple[str, str, int, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _imports(ast.Module(node.body, []), True)
            yield from _imports(ast.Module(node.orelse, []), typing_only)
        elif isinstance(node, ast.Import):
            yield from ((name.name, "", node.lineno, typing_only) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            for name in node.names:
                yield node.module or "", name.name, node.lineno, typing_only
        else:
            yield from _imports(node, typing_only)


def wrong_ways(importer: str, within: Mapping[str, ast.AST]) -> list[str]:
    """The imports by `importer` that go against the directions."""
    me, found = room(importer), []
    for each in imports(importer, within):
        other = room(each.imported)
        if (
            other not in MAY_IMPORT[me] | LEAVES | {me}
            and each.imported not in MAY_IMPORT_A_FILE.get(me, ())
            and not (each.typing_only and other in MAY_NAME.get(me, ()))
        ):
            found.append(f"{importer}:{each.line}: {me} must not import {each.imported}")
    return found


def circles(within: Mapping[str, ast.AST]) -> list[set[str]]:
    """The sets of modules that reach each other by imports, also inside functions or for a type checker alone."""
    straight = {
        importer: {each.imported for each in imports(importer, within)} for importer in within
    }

    def reached(start: str) -> set[str]:
        seen, left = set[str](), [start]
        while left:
            for module in straight.get(left.pop(), ()):
                if module not in seen:
                    seen.add(module)
                    left.append(module)
        return seen

    reach = {module: reached(module) for module in within}
    found = [
        {other for other in reach[module] if module in reach.get(other, ())} for module in within
    ]
    return [
        circle for at, circle in enumerate(found) if len(circle) > 1 and circle not in found[:at]
    ]


def classes(within: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Where each public class of a module stands. One inside another has the other's name before its own."""
    found = defaultdict(list)
    for module, tree in within.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module)
    return dict(found)


@pytest.mark.parametrize("importer", PACKAGE)
def test_imports_go_one_way(importer: str) -> None:
    assert wrong_ways(importer, PACKAGE) == []


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("store_x", "import uwf.cli.main"),
        ("store_x", "from uwf import cli"),
        ("store_x", "def f():\n  from uwf.cli import x"),
        ("guard_x", "if TYPE_CHECKING:\n  from uwf.engine.run.plan import Plan"),
        ("guard_x", "if TYPE_CHECKING:\n  from uwf.config import Config"),
        ("engine_chain_x", "from uwf.engine.run import plan"),
        ("engine_run_x", "from uwf.engine.actions.undo import undo"),
        ("engine_query_x", "from uwf.engine.run import publish"),
        ("engine_actions_x", "from uwf.engine.query import threads"),
        ("engine_chain_x", "from uwf import app"),
        ("engine_run_x", "from uwf import config"),
        ("app", "from uwf.cli import output"),
        ("errors", "from uwf.store import codec"),
        ("daemon_x", "from uwf.cli import output"),
        ("cli_x", "from uwf.engine.run import plan"),
        ("cli_x", "from uwf.config import schema"),
        ("top_x", "if TYPE_CHECKING:\n  from uwf.engine.progress import Progress"),
        ("mcp_x", "def f():\n  from uwf.store.protocols import Ref"),
    ],
)
def test_a_wrong_direction_is_found(importer: str, line: str) -> None:
    within = parsed(config_schema="", **{importer: line})
    assert len(wrong_ways(list(within)[-1], within)) == 1


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("engine_query_x", "from uwf.engine.run.planning import transitions"),
        ("engine_run_x", "if TYPE_CHECKING:\n  from uwf.config import Config"),
        ("engine_actions_x", "from uwf.engine.run.publish import move_head"),
        ("config_x", "from uwf import __version__"),
        ("mcp_x", "from uwf.app import App"),
        ("cli_x", "from uwf import config"),
        ("cli_x", "if TYPE_CHECKING:\n  from uwf.app.values import ThreadView"),
    ],
)
def test_a_right_direction_is_none(importer: str, line: str) -> None:
    within = parsed(engine_run_planning_transitions="", **{importer: line})
    assert wrong_ways(list(within)[-1], within) == []


def test_no_two_files_import_each_other() -> None:
    assert circles(PACKAGE) == []


def test_a_circle_is_found() -> None:
    late = "def f():\n  from uwf.a import x"
    assert circles(parsed(a="import uwf.b", b="from uwf import c", c=late)) == [
        {"uwf.a", "uwf.b", "uwf.c"}
    ]
    typing = "if TYPE_CHECKING:\n  from uwf.a import x"
    assert circles(parsed(a="import uwf.b", b=typing)) == [{"uwf.a", "uwf.b"}]


def test_no_class_name_stands_for_two_things() -> None:
    assert {name: where for name, where in classes(PACKAGE).items() if len(where) > 1} == {}


def test_a_class_name_that_stands_twice_is_found() -> None:
    within = parsed(a="class Mark: pass\nclass _Own: pass", b="class Mark:\n  class Own: pass")
    assert classes(within) == {"Mark": ["uwf.a", "uwf.b"]}


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
    found = {name: reads_of_the_environment(tree) for name, tree in PACKAGE.items()}
    assert {name for name, lines in found.items() if lines and room(name) != "config"} == set()


def test_a_look_into_the_environment_is_found() -> None:
    tree = ast.parse("a = os.environ['HOME']\nb = {**os.environ, 'X': '1'}\nc = os.getenv('HOME')")
    assert reads_of_the_environment(tree) == [1, 3]
