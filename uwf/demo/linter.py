"""The linter: ruff, when it is installed. It is asked for what is agreed; what it says becomes `LintFinding`s."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.demo.agreed import Agreed

INSTALL = "pip install ruff"

RULES = "E4,E7,E9,F"
"""What is checked in a project that has no settings for ruff: what pyflakes finds, and the worst of pycodestyle."""

SAFE, UNSAFE, NONE = "safe", "unsafe", "none"

SYNTAX = "invalid-syntax"
"""In place of a rule's code: the file is not Python."""

SAID_CHARS = 400


class LinterFailed(Exception):
    """Ruff did not lint. The text is what it said, on one line."""


class LintFinding(Record):
    """One finding. `fix` is `SAFE`, `UNSAFE` or `NONE`; `path` is seen from the project's folder."""

    code: str
    name: str
    path: str
    line: int
    fix: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def find() -> list[str] | None:
    """The command that runs ruff: this Python's own, else the one on PATH. None when there is none."""
    if find_spec("ruff") is not None:
        return [sys.executable, "-P", "-m", "ruff"]
    program = shutil.which("ruff")
    return [program] if program else None


def version() -> str:
    """Such as `ruff 0.15.1`. Raises `LinterFailed`."""
    return _run(["--version"], ".").strip()


def options(folder: str, agreed: Agreed) -> list[str]:
    """What is agreed as options of `ruff check`. A project's own settings count, if it has some."""
    chosen = []
    if agreed.settings_aside or not has_settings(folder):
        chosen += ["--isolated", "--select", RULES]
    check = [*agreed.check, *(["E501"] if agreed.line_length else [])]
    if check:
        chosen += ["--extend-select", ",".join(check)]
    if agreed.ignore:
        chosen += ["--ignore", ",".join(agreed.ignore)]
    if agreed.line_length:
        chosen += ["--line-length", str(agreed.line_length)]
    return chosen


def check(folder: str, agreed: Agreed) -> list[LintFinding]:
    """Everything ruff finds in `folder`. Raises `LinterFailed`."""
    said = _check(folder, agreed, "--output-format", "json")
    try:
        return [_finding(row, folder) for row in json.loads(said)]
    except (ValueError, TypeError, KeyError) as error:
        raise LinterFailed(f"ruff's answer cannot be read: {error}") from error


def fix(folder: str, agreed: Agreed) -> None:
    """Apply ruff's fixes, the unsafe ones where that is agreed. Raises `LinterFailed`."""
    unsafe = "--unsafe-fixes" if agreed.unsafe_fixes else "--no-unsafe-fixes"
    _check(folder, agreed, "--fix-only", unsafe)


def fixable(findings: Iterable[LintFinding], agreed: Agreed) -> list[LintFinding]:
    """The findings that `fix` may fix."""
    allowed = (SAFE, UNSAFE) if agreed.unsafe_fixes else (SAFE,)
    return [finding for finding in findings if finding.fix in allowed]


def by_rule(findings: Iterable[LintFinding]) -> list[list[LintFinding]]:
    """The findings of each rule, the most frequent rule first."""
    rules: dict[str, list[LintFinding]] = {}
    for finding in findings:
        rules.setdefault(finding.code, []).append(finding)
    return sorted(rules.values(), key=lambda found: (-len(found), found[0].code))


def has_settings(folder: str) -> bool:
    """Whether the project in `folder` says itself how it wants to be linted."""
    if any(os.path.isfile(os.path.join(folder, name)) for name in ("ruff.toml", ".ruff.toml")):
        return True
    try:
        with open(
            os.path.join(folder, "pyproject.toml"), encoding="utf-8", errors="replace"
        ) as file:
            return "[tool.ruff" in file.read()
    except OSError:
        return False


def _check(folder: str, agreed: Agreed, *more: str) -> str:
    # The folder is all there is to look at: no cache is left in it, and what an outer repository ignores counts.
    fixed = ["--exit-zero", "--no-cache", "--no-respect-gitignore"]
    return _run(["check", ".", *options(folder, agreed), *fixed, *more], folder)


def _run(words: list[str], folder: str) -> str:
    program = find()
    if program is None:
        raise LinterFailed("ruff is not installed")
    done = subprocess.run(
        [*program, *words], cwd=folder, capture_output=True, text=True, errors="replace"
    )
    if done.returncode != 0:
        lines = [line.strip().removeprefix("Cause: ") for line in done.stderr.splitlines()]
        said = ": ".join(line for line in lines if line)[:SAID_CHARS]
        raise LinterFailed(said or f"ruff ended with exit code {done.returncode}")
    return done.stdout


def _finding(row: Any, folder: str) -> LintFinding:
    code = row["code"] or SYNTAX
    applicability = row["fix"]["applicability"] if row["fix"] else NONE
    return LintFinding(
        code=code,
        name=row.get("name") or code,
        path=os.path.relpath(row["filename"], folder),
        line=row["location"]["row"],
        fix=applicability if applicability in (SAFE, UNSAFE) else NONE,
    )
