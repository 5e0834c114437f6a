"""Files that are no workflow, or a hostile one: always exit 2, in words, with a place, quickly."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.helpers.project import ONE, Project, reply

ROLE = "frontmatter: {properties: {$status: {const: done}}}"
GRAPH = "graph: {$START: {new: {role: a, prompt: Go.}}, a: {done: {role: $END}}}\n"


def laughs(levels: int) -> str:
    """The billion laughs: every level names the one before ten times."""
    lines = ["x-0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"x-{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "version: 1\nname: bad\n" + "\n".join(lines) + f"\nroles: {{a: {{{ROLE}}}}}\n" + GRAPH


BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "blank": (" \n\n# nothing\n", "the file is empty"),
    "a text": ("just words", "the file is a text"),
    "a list": ("[1, 2]", "the file is a list"),
    "a number": ("42", "the file is a number"),
    "binary": (bytes(range(256)) * 20, "binary file"),
    "an executable": (b"\x7fELF\x02\x01\x01\0\0\0", "binary file"),
    "UTF-16": ("name: x".encode("utf-16"), "UTF-16"),
    "Latin-1": ("name: café".encode("latin-1"), "not UTF-8: byte 0xe9"),
    "a lone surrogate": (b'name: "\xed\xa0\x80"', "not UTF-8"),
    "broken YAML": ("name: [1, 2\nroles: {", ":2:"),
    "a tab": ("name: x\nroles:\n\ta: {}\n", ":3:"),
    "two documents": ("name: a\n---\nname: b\n", "document"),
    "a key twice": ("name: a\nname: b\n", "twice"),
    "a Python object": ("name: !!python/object/apply:os.system ['touch owned']\n", "tag"),
    "deep lists": ("name: " + "[" * 5000 + "]" * 5000, "deep"),
    "deep mappings": ("name: " + "{a: " * 5000 + "}" * 5000, "deep"),
    "deep indents": ("\n".join(" " * n + f"k{n}:" for n in range(600)), "deep"),
    "billion laughs": (laughs(10), "once aliases are written out"),
    "an alias of itself": ("name: &a [*a]\n", "inside the value it names"),
    "an unknown alias": ("name: *nobody\n", "nobody"),
    "too large": (b"x: " + b"y" * (5 << 20), "larger than 4 MiB"),
    "a huge number": (f"version: {'9' * 5000}\nname: bad\n", "version"),
    "a newer format": (f"version: 2\nname: bad\nroles: {{a: {{{ROLE}}}}}\n{GRAPH}", "version 1"),
    "includes nowhere": ("name: !include nowhere.md\n", "no such file"),
    "includes a folder": ("name: !include folder\n", "folder"),
    "includes itself": ("name: !include bad.yaml\n", "includes itself"),
    "includes in a circle": ("name: !include one.inc.yaml\n", "includes itself"),
    "includes from outside": ("name: !include ../secret.txt\n", "outside"),
    "includes an absolute path": ("name: !include /etc/passwd\n", "absolute"),
    "includes through a link": ("name: !include link.txt\n", "outside"),
    "includes through a linked folder": ("name: !include up/secret.txt\n", "outside"),
    "includes a pipe": ("name: !include pipe\n", "not an ordinary file"),
    "includes a device": ("name: !include null\n", "outside"),
    "includes bad JSON": ("name: !include bad.json\n", "JSON"),
    "includes deep JSON": ("name: !include deep.json\n", "deep"),
}


@pytest.fixture
def surroundings(project: Project) -> Project:
    """What hostile files would like to reach."""
    (project.cwd.parent / "secret.txt").write_text("SECRET")
    (project.cwd / "folder").mkdir()
    (project.cwd / "link.txt").symlink_to("../secret.txt")
    (project.cwd / "up").symlink_to("..")
    (project.cwd / "null").symlink_to("/dev/zero")
    os.mkfifo(project.cwd / "pipe")
    project.file("one.inc.yaml", "!include two.inc.yaml\n")
    project.file("two.inc.yaml", "!include one.inc.yaml\n")
    project.file("bad.json", '{"a": ')
    project.file("deep.json", "[" * 100_000 + "]" * 100_000)
    return project


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_workflow(surroundings: Project, kind: str) -> None:
    project = surroundings
    data, said = BAD[kind]
    project.file("bad.yaml", data)
    began = time.monotonic()
    done = project("workflow", "validate", "bad.yaml", "--json", expect=2)
    assert time.monotonic() - began < 30
    problems = done.json["problems"]
    texts = [f"{each['file']}:{each['line']}: {each['message']}" for each in problems]
    assert any(said in text for text in texts), texts
    assert all(each["line"] >= 1 and each["column"] >= 1 for each in problems)
    assert "SECRET" not in done.out and "root:" not in done.out
    started = project("thread", "start", "bad.yaml", "-p", "x", "--json", expect=2)
    assert started.error["code"] == "invalid_workflow"
    assert not (project.cwd / "owned").exists() and not project.home.exists()


def test_a_file_that_cannot_be_read_is_named(project: Project) -> None:
    project.file("folder.yaml/x", "")
    os.mkfifo(project.cwd / "pipe.yaml")
    for file, said in (
        ("gone.yaml", "no such file"),
        ("folder.yaml", "this is a folder"),
        ("pipe.yaml", "not an ordinary file"),
        ("/dev/zero", "not an ordinary file"),
        ("a" * 5000, "cannot be read"),
        ("", "no such file"),
    ):
        done = project("workflow", "validate", file, expect=2)
        assert said in done.out, done


def test_a_workflow_that_is_large_but_honest_is_fine(project: Project) -> None:
    roles = "".join(f"  r{n}:\n    goal: {'long words ' * 50}\n    {ROLE}\n" for n in range(300))
    edges = "".join(f"  r{n}: {{done: {{role: r{n + 1}, prompt: Go.}}}}\n" for n in range(299))
    text = f"version: 1\nname: large\nroles:\n{roles}graph:\n  $START: {{new: {{role: r0, prompt: Go.}}}}\n"
    text += edges + "  r299: {done: {role: $END}}\n"
    file = project.file("large.yaml", text)
    began = time.monotonic()
    assert project("workflow", "validate", file, "--json").json["problems"] == []
    assert time.monotonic() - began < 40
    thread = project("thread", "start", file, "-p", "x", "-q").out.strip()
    project.step(thread, project.agent(reply()))


@pytest.mark.parametrize(
    "words",
    [
        ["thread", "show", "\udcff\udcfe"],
        ["thread", "start", "one.yaml", "-p", "caf\udce9"],
        ["thread", "exec", "@last", "--supplement", "\udcff"],
        ["thread", "exec", "@last", "--agent", "\udcff"],
        ["thread", "list", "--label", "k=\udcff"],
        ["thread", "cancel", "@last", "--reason", "\udcff"],
        ["step", "show", "\udcff"],
        ["workflow", "show", "\udcff"],
        ["thread", "import", "\udcff"],
        ["thread", "exec", "@last", "--agent", "/bin/echo \udcff\udcfe"],
        ["config", "set", "agents.y.command", "/x\udcff.sh"],
        ["guard", "pause", "z\udcff"],
        ["guard", "reset", "z\udcff"],
    ],
)
def test_bytes_that_are_no_text_are_refused_in_words(project: Project, words: list[str]) -> None:
    project.begin()
    done = project(*words, "--json", expect=None)
    assert done.code in (2, 4, 5, 75), done
    assert done.error["code"] not in ("internal", "os")


@pytest.mark.parametrize("text", [b"\xff\xfe", b"caf\xe9", b"ok \xed\xa0\x80"])
def test_a_task_that_is_not_utf8_is_refused_and_names_the_byte(
    project: Project, text: bytes
) -> None:
    file = project.file("one.yaml", ONE)
    project.file("task.md", text)
    for task, given in (("@task.md", b""), ("-", text)):
        done = project("thread", "start", file, "-p", task, "--json", input=given, expect=2)
        assert "is not UTF-8 text: byte" in done.error["message"]


def test_a_task_of_five_megabytes_reaches_the_agent_whole(project: Project) -> None:
    project.file("task.md", "word " * 1_000_000)
    file = project.file("one.yaml", ONE)
    thread = project("thread", "start", file, "-p", "@task.md", "-q").out.strip()
    agent = project.agent(reply())
    project.step(thread, agent)
    assert agent.prompt(1).count("word ") == 1_000_000
    assert len(project("thread", "list", "--all").out) < 1000


def test_a_task_beyond_the_limit_is_refused(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    with open(project.cwd / "huge", "wb") as huge:
        huge.truncate(65 << 20)
    done = project("thread", "start", file, "-p", "@huge", "--json", expect=2)
    assert "larger than 64 MiB" in done.error["message"]


def test_a_label_or_a_reason_with_anything_in_it_is_kept_or_refused(project: Project) -> None:
    file = project.file("one.yaml", ONE)
    for label in ("a=b\nc", "=x", "a\x1b[31m=b", "a=\x07"):
        project("thread", "start", file, "-p", "x", "--label", label, expect=2)
    thread = project.begin(ONE, "--label", "ключ=значение ☃")
    assert project.show(thread)["labels"] == {"ключ": "значение ☃"}
    reason = "two\nlines \x1b[31mred" + "y" * 5000
    project("thread", "cancel", thread, "--reason", reason)
    assert project.show(thread)["status"] == "cancelled"


@pytest.mark.parametrize("below", ["", "/inside"])
def test_a_home_that_is_a_file_is_an_error_and_never_an_empty_home(
    project: Project, tmp_path: Path, below: str
) -> None:
    project.file("one.yaml", ONE)
    (tmp_path / "file").write_text("x")
    home = ("--home", f"{tmp_path}/file{below}", "--json")
    for words in (("thread", "start", "one.yaml", "-p", "x"), ("thread", "list"), ("ref", "list")):
        done = project(*words, *home, expect=1)
        assert done.error["code"] == "store_unreadable"
        assert "Not a directory" in done.error["message"]


def test_an_empty_home_option_is_bad_usage(project: Project) -> None:
    project("thread", "list", "--home", "", expect=2)
