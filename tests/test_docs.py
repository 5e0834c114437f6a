"""The documents, the tree and `--help` say the same."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml

from uwf.cli import index
from uwf.cli.command import COMMON
from uwf.cli.line import help_page
from uwf.cli.line.parse import parse, read
from uwf.config import keys as config_keys
from uwf.config import load
from uwf.config.keys import ARRAYS
from uwf.config_table import ANY, Key
from uwf.quantities import NAMES
from uwf.workflow import parse as parse_workflow
from uwf.workflow import trigger
from uwf.workflow.model import RESERVED

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GUIDES = sorted((ROOT / "docs").glob("*.md"))
PROMPTS = sorted((ROOT / "docs" / "prompts").glob("*.md"))


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


@pytest.mark.parametrize(
    "line",
    [
        line
        for text in (README, *map(Path.read_text, GUIDES + PROMPTS))
        for line in commands_in(text)
    ],
)
def test_what_a_document_types_exists(line: str) -> None:
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


@pytest.mark.parametrize("name", ["", *index.GROUPS, *index.MODULES])
def test_a_page_of_help_is_read_at_a_glance(name: str) -> None:
    parts = help_page.page(read(name.split()), 80)
    text = "\n".join(f"{title}\n{text}" if title else text for title, text in parts)
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii(), "a terminal without UTF-8 shows it as well"


@pytest.mark.parametrize("name", index.MODULES)
def test_what_a_command_does_is_one_line_in_every_list(name: str) -> None:
    assert len(index.load(name).help) <= 60


def test_the_first_page_has_every_group_and_every_command_without_one_once() -> None:
    names = [name for rows in index.SECTIONS.values() for each in rows for name in each.split(", ")]
    assert sorted(names) == sorted([*index.GROUPS, *index.in_group("")])
    assert all(
        about for rows in index.SECTIONS.values() for names, about in rows.items() if "," in names
    )


CONFIGS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in (ROOT / "README.md", *GUIDES)
    for number, block in enumerate(
        re.findall(r"^```toml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    )
]


@pytest.mark.parametrize("text", CONFIGS)
def test_a_configuration_in_a_document_is_valid_by_itself(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    config = load(str(tmp_path))
    for kind in ARRAYS:
        config.elements(kind)


def paths_in(text: str) -> list[str]:
    """Every path of the project that `text` names, wherever it stands; a folder may have a slash behind it."""
    return re.findall(r"(?<![\w./~-])(?:uwf|tests|scripts|docs|bin)/[\w./-]*\w", text)


def functions_in(text: str) -> list[tuple[str, str]]:
    """(path, name) of every line of a drawing that begins with a name and has its file behind it."""
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    line = re.compile(r"^[ |+'-]*([A-Za-z_.]+) {2,}.*?(uwf/[\w/]+\.py)", re.MULTILINE)
    return [(path, name) for name, path in line.findall(blocks)]


def defined_in(path: Path) -> set[str]:
    """The names that stand at the top of a module, and those of its classes' methods."""
    bodies = [ast.parse(path.read_text()).body]
    bodies += [node.body for node in bodies[0] if isinstance(node, ast.ClassDef)]
    defs = (ast.FunctionDef, ast.ClassDef)
    return {node.name for body in bodies for node in body if isinstance(node, defs)}


@pytest.mark.parametrize("document", [ROOT / "README.md", *GUIDES], ids=lambda path: path.name)
def test_what_a_document_names_of_the_tree_exists(document: Path) -> None:
    text = document.read_text()
    found = paths_in(text)
    assert found
    assert [path for path in found if not (ROOT / path).exists()] == []
    drawn = functions_in(text)
    lost = [pair for pair in drawn if not {*pair[1].split(".")} <= defined_in(ROOT / pair[0])]
    assert lost == []


def test_a_path_is_found_in_prose_in_a_drawing_and_in_a_link() -> None:
    text = "see `uwf/cli/` and (docs/x.md)\n  |-> uwf/engine/run/runner.py: run, not ~/.uwf/config.toml"
    assert paths_in(text) == ["uwf/cli", "docs/x.md", "uwf/engine/run/runner.py"]
    drawing = "```\n | +- A.b   does it   uwf/home.py  => c\n | said in words  uwf/home.py\n```\n"
    assert functions_in(drawing) == [("uwf/home.py", "A.b")]
    assert "store_file" in defined_in(ROOT / "uwf/home.py")


def test_the_tree_in_the_readme_has_every_room() -> None:
    rooms = {
        str(path.parent.relative_to(ROOT))
        for pattern in ("uwf/*/__init__.py", "uwf/engine/*/__init__.py")
        for path in ROOT.glob(pattern)
    }
    assert rooms - {"uwf/engine"} <= set(paths_in(README))


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(README.splitlines()) <= 250


@pytest.mark.parametrize("document", [ROOT / "README.md", *GUIDES], ids=lambda path: path.name)
def test_every_link_to_a_guide_leads_somewhere(document: Path) -> None:
    for name, heading in re.findall(
        r"\]\(((?:docs/)?[\w-]+\.md)?(?:#([\w-]+))?\)", document.read_text()
    ):
        path = document.parent / name if name else document
        assert path.exists(), name
        assert not heading or heading in anchors_in(path.read_text()), f"{name}#{heading}"


def anchors_in(text: str) -> set[str]:
    """The headings of a document as a link says them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize(
    "file", sorted((ROOT / "docs" / "machines").iterdir()), ids=lambda path: path.name
)
def test_a_file_that_a_guide_shows_is_that_file(file: Path) -> None:
    shown = (ROOT / "docs" / "scale.md").read_text()
    assert f"\n{file.read_text()}```\n" in shown
    assert file.suffix != ".yaml" or yaml.safe_load(file.read_text())


def test_the_guide_to_workflows_has_every_key_of_the_language() -> None:
    guide = (ROOT / "docs" / "workflow.md").read_text()
    for key in (*parse_workflow.TOP, *parse_workflow.ROLE, *parse_workflow.EDGE, *NAMES, *RESERVED):
        assert re.search(rf"`{re.escape(key)}`|[{{ ]{re.escape(key)}:", guide), key


def test_the_guide_to_events_has_every_key_of_a_trigger() -> None:
    guide = (ROOT / "docs" / "events.md").read_text()
    assert [key for key in trigger.key_names() if f"`{key}`" not in guide] == []


KEYS = config_keys.known()
TABLES = {key.path[0] for key in KEYS}
NO_KEYS = ("store.db", "daemon.sock", "daemon.lock", "budget.reached", "queue.high", "queue.low")
"""Files and events that read like keys."""


@pytest.mark.parametrize("document", [ROOT / "README.md", *GUIDES], ids=lambda path: path.name)
def test_every_key_of_the_config_in_a_document_is_one(document: Path) -> None:
    said = re.findall(r"(?:`|config [sg]et )([a-z_]+(?:\.[\w-]+)+)", document.read_text())
    wrong = {
        word
        for word in said
        if word.partition(".")[0] in TABLES - {"agents", "roles", "sources", "overrides"}
        and not word.endswith((".md", ".toml", ".py"))
        and config_keys.find(tuple(word.split("."))) is None
        and not any(key.path[: word.count(".") + 1] == (*word.split("."),) for key in KEYS)
    }
    assert wrong - {*NO_KEYS} == set()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: config_keys.dotted(key.path))
def test_every_key_of_the_config_is_in_a_guide(key: Key) -> None:
    """Its own name: which table it stands in is said by what is around it."""
    text = "\n".join(path.read_text() for path in GUIDES)
    name = next(part for part in reversed(key.path) if part != ANY)
    assert re.search(rf"(?:^|[`.({{{{ []){name}\b", text, re.MULTILINE), key.path
