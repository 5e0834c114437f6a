"""`uwf demo`: the installed command, a real linter, real files."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.program import PROGRAM, Uwf

TIDY = Path(__file__).parent.parent.parent / "uwf" / "demo" / "tidy.yaml"

PICTURE = TIDY.parent.parent.parent / "docs" / "pictures" / "thread.svg"

DEADLINE_S = 30


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file below `folder`, links and `.git` included, with what it holds."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def roles(document: Any) -> list[list[str]]:
    return [each["roles"] for each in document["rounds"]]


def findings(document: Any) -> list[tuple[int, int]]:
    return [(each["findings"]["before"], each["findings"]["after"]) for each in document["rounds"]]


def test_the_project_that_comes_along_is_tidied_in_two_rounds_with_a_question(uwf: Uwf) -> None:
    done = uwf("demo", "--json")
    document = done.json
    assert done.err == ""
    assert document["status"] == "completed"
    assert document["suspensions"] == 1
    assert roles(document) == [
        ["survey", "fix", "review", "review", "fix", "review"],
        ["survey", "fix", "review"],
    ]
    assert all(before > 0 and after == 0 for before, after in findings(document))
    assert [command["exit"] for command in document["commands"]] == [0, 3, 0, 0, 0, 0, 0, 0, 0]
    assert document["commands"][-1]["words"] == ["uwf", "store", "verify"]
    assert 0 < document["seconds"] < 60

    shown = uwf("thread", "show", document["threads"][0], "--json").json
    assert (shown["status"], shown["steps"], shown["rounds"]) == ("completed", 9, 2)
    assert uwf("store", "verify", "--deep", "--json").json["problems"] == []
    assert not (uwf.home / "config.toml").exists()

    words = ("workflow", "graph", TIDY, "--thread", document["threads"][0], "--format", "svg")
    assert uwf(*words).out == PICTURE.read_text(), "scripts/pictures makes it anew"


def test_the_tidied_project_still_works(uwf: Uwf) -> None:
    folder = Path(uwf("demo", "--json").json["folder"])
    for name in ("before", "project"):
        test = ["-m", "unittest", "tests/test_stock.py"]
        environ = {**uwf.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "."}
        python = os.path.join(os.path.dirname(PROGRAM), "python")
        subprocess.run([python, *test], cwd=folder / name, env=environ, check=True)
    assert fingerprint(folder / "before") != fingerprint(folder / "project")


def test_every_command_is_printed_before_what_it_prints(uwf: Uwf) -> None:
    done = uwf("demo")
    thread = done.out.split("tidy, idle")[0].split()[-1]
    wanted = [
        "$ cd ",
        "$ uwf thread start tidy.yaml",
        f"{thread}  tidy, idle",
        f"$ uwf thread exec {thread} --until-done",
        "survey → findings",
        "suspended: ",
        f"$ uwf thread show {thread}",
        "status     suspended",
        f"$ uwf thread resume {thread} --supplement 'Yes",
        "review → again",
        "(completed)",
        f"$ uwf thread resume {thread} --supplement 'Something new",
        "(completed)",
        f"$ uwf thread read {thread}",
        "# Round 2",
        f"$ uwf workflow graph tidy.yaml --format text --thread {thread}",
        "✓",
        "$ uwf store verify",
        "0 problems",
        "$ uwf config set agents.mine.command",
        "$ uwf thread start tidy.yaml",
    ]
    at = 0
    for text in wanted:
        found = done.out.find(text, at)
        assert found >= 0, f"{text!r} is not printed, or too early:\n{done.out}"
        at = found + len(text)
    assert "\x1b" not in done.out


def test_quiet_prints_the_thread_and_nothing_else(uwf: Uwf) -> None:
    done = uwf("demo", uwf.cwd, "-q")
    assert done.err == ""
    assert uwf("thread", "show", done.out.strip(), "--json").json["status"] == "completed"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_repository_is_tidied_as_it_is_on_disk_and_stays_untouched(uwf: Uwf) -> None:
    (uwf.cwd / "old.py").write_text("import os\n")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=uwf.cwd, check=True)
    (uwf.cwd / "new.py").write_text("import sys, os\nl = 1\nif l == None:\n    pass\n")
    (uwf.cwd / "outside.py").symlink_to("/etc/hostname")
    before = fingerprint(uwf.cwd)
    document = uwf("demo", ".", "--json").json
    assert fingerprint(uwf.cwd) == before
    assert document["source"] == str(uwf.cwd)
    (found, left), _ = findings(document)
    assert found > left > 0, "one of them cannot be fixed, and a person said to leave it"
    assert document["suspensions"] > 0
    copy = Path(document["folder"]) / "project"
    assert (copy / "old.py").read_text() == ""
    assert "is None" in (copy / "new.py").read_text()


def test_a_folder_without_python_is_done_at_once(uwf: Uwf) -> None:
    (uwf.cwd / "notes.txt").write_text("no Python\n")
    document = uwf("demo", uwf.cwd, "--json").json
    assert document["status"] == "completed"
    assert document["suspensions"] == 0
    assert roles(document) == [["survey", "review"]] * 2
    assert findings(document) == [(0, 0)] * 2
    assert "no Python file" in uwf("thread", "read", document["threads"][0]).out


def test_settings_that_the_linter_cannot_read_are_asked_about(uwf: Uwf) -> None:
    (uwf.cwd / "ruff.toml").write_text("extend = '../not/copied.toml'\n")
    (uwf.cwd / "a.py").write_text("import os\n")
    document = uwf("demo", uwf.cwd, "--json").json
    assert document["status"] == "completed"
    assert roles(document)[0] == ["survey", "survey", "fix", "review"]
    assert findings(document)[0] == (1, 0)


def test_modules_of_the_project_are_not_run(uwf: Uwf) -> None:
    (uwf.cwd / "uwf").mkdir()
    for name in ("json.py", "ruff.py", "sitecustomize.py", "subprocess.py", "uwf/__init__.py"):
        (uwf.cwd / name).write_text(f"open({str(uwf.cwd / 'was-run')!r}, 'w')\n")
    assert uwf("demo", ".", "--json").json["status"] == "completed"
    assert not (uwf.cwd / "was-run").exists()


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_without_a_linter_it_says_how_to_install_one(
    uwf: Uwf, tmp_path: Path, json_flag: list[str]
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['ruff'] = None\n")
    hidden = {"PYTHONPATH": str(tmp_path), "PATH": "/nowhere"}
    done = uwf("demo", *json_flag, env=hidden, expect=2)
    assert done.out == ""
    assert "ruff" in done.err
    assert "pip install ruff" in done.err and "uwf[demo]" not in done.err
    assert not uwf.home.exists()


@pytest.mark.parametrize("name", ["missing", "file.py"])
def test_what_is_no_folder_is_bad_input(uwf: Uwf, name: str) -> None:
    (uwf.cwd / "file.py").write_text("")
    done = uwf("demo", name, "--json", expect=2)
    assert name in done.error["message"]
    assert not uwf.home.exists()


def test_ctrl_c_ends_it_at_a_whole_step(uwf: Uwf) -> None:
    process = uwf.start("demo", start_new_session=True, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    said = b""
    while b"$ uwf thread exec" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert b"error: the demo was interrupted" in rest
    assert b"Traceback" not in rest
    assert uwf("store", "verify", "--json").json["problems"] == []
    (row,) = uwf("thread", "list", "--all", "--json").json
    assert row["status"] in ("idle", "suspended")
    assert row["running"] is None
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_its_workflow_validates_without_a_warning(uwf: Uwf) -> None:
    assert uwf("workflow", "validate", TIDY, "--json").json["problems"] == []
