"""The folder of one demo: the project to tidy, the project as it was, the workflow, and the agent that plays it.

The project is a copy, not a git worktree: a worktree is written into the original's `.git`, runs its hooks, and shows
what is committed rather than what is on disk. Only what the linter reads is copied, so that a large repository costs no
more than its Python files. The original is only read.
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from uwf import home as paths
from uwf import owned
from uwf.demo.project import BEFORE, PYTHON
from uwf.errors import InputError
from uwf.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PROJECT = "project"
WORKFLOW = "tidy.yaml"

AGENT = "sh ../agent"
"""The agent's command line. Agents are started in the project's folder."""

_AGENT_PROGRAM = """\
# Plays a role of tidy.yaml: the prompt comes on stdin, the reply goes to stdout.
exec {python} -P -m uwf.demo.agent "$UWF_ROLE"
"""

MAX_BYTES = 50 << 20
MAX_ENTRIES = 200_000

SETTINGS = ("pyproject.toml", "ruff.toml", ".ruff.toml")
SKIPPED = {"__pycache__", "build", "dist", "node_modules", "site-packages", "venv"}

_HERE = os.path.dirname(os.path.abspath(__file__))

PANTRY = os.path.join(_HERE, "pantry")
"""The untidy project that comes with uwf."""


class Copied(Record):
    """How many files were copied, and those that could not be read."""

    files: int
    left_out: tuple[str, ...] = ()


class DemoFolder(Record):
    """A folder made by `make`."""

    path: str
    copied: Copied


def make(home: str, source: str, environ: Mapping[str, str]) -> DemoFolder:
    """A new folder below `home`, with a copy of the project in the folder `source`.

    InputError when `source` cannot be copied; then nothing is left behind.
    """
    chosen = chosen_files(source, home, environ)
    path = _new(paths.demos(home))
    try:
        copied = copy(source, chosen, [os.path.join(path, name) for name in (PROJECT, BEFORE)])
        shutil.copyfile(os.path.join(_HERE, WORKFLOW), os.path.join(path, WORKFLOW))
        with open(os.path.join(path, "agent"), "w") as file:
            file.write(_AGENT_PROGRAM.format(python=shlex.quote(sys.executable)))
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return DemoFolder(path, copied)


def chosen_files(folder: str, home: str, environ: Mapping[str, str]) -> list[str]:
    """The files of `folder` to copy, as paths seen from there: those git knows or would add, else all.

    What uwf keeps in its `home` is not among them. InputError when there is no such folder, or too much in it.
    """
    if not os.path.isdir(folder):
        what = "a file, not a folder" if os.path.exists(folder) else "not there"
        raise InputError(f"cannot tidy {folder}: it is {what}", hint="uwf demo FOLDER")
    ours = os.path.join(os.path.relpath(os.path.realpath(home), os.path.realpath(folder)), "")
    found = _known_to_git(folder, environ) or _walk(folder)
    return sorted({path for path in found if _is_read(path) and not path.startswith(ours)})


def copy(folder: str, chosen: Iterable[str], targets: Iterable[str]) -> Copied:
    """Copy files of `folder` into each of the folders `targets`, which are made.

    Links are left out: a fix that followed one would change a file elsewhere. InputError beyond 50 MB.
    """
    targets = list(targets)
    for target in targets:
        os.mkdir(target, 0o700)
    files = size_bytes = 0
    left_out = []
    for path in chosen:
        source = os.path.join(folder, path)
        try:
            if not stat.S_ISREG(os.lstat(source).st_mode) or _leads_out(folder, path):
                continue
            with open(source, "rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError:
            left_out.append(path)
            continue
        files, size_bytes = files + 1, size_bytes + len(content)
        if size_bytes > MAX_BYTES:
            raise _too_much(folder, f"its Python files are larger than {MAX_BYTES >> 20}MiB")
        for target in targets:
            place = os.path.join(target, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "xb") as file:
                file.write(content)
    return Copied(files, tuple(left_out))


def _new(above: str) -> str:
    """A new folder, named by the time."""
    for folder in (os.path.dirname(above), above):
        owned.make_folder(folder)
    name = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        path = os.path.join(above, name if number == 1 else f"{name}-{number}")
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            number += 1
        else:
            return path


def _is_read(path: str) -> bool:
    """Whether the linter reads this file."""
    return path.endswith(PYTHON) or os.path.basename(path) in SETTINGS


def _leads_out(folder: str, path: str) -> bool:
    """Whether a folder on the way to `path` is a link."""
    parent = os.path.dirname(path)
    while parent:
        if os.path.islink(os.path.join(folder, parent)):
            return True
        parent = os.path.dirname(parent)
    return False


def _known_to_git(folder: str, environ: Mapping[str, str]) -> list[str]:
    """What git would show of `folder`: tracked files and new ones, without the ignored. Nothing if it does not know.

    Git is asked so that it neither writes to the repository nor runs anything that its settings name.
    """
    git = shutil.which("git", path=environ.get("PATH"))
    if git is None:
        return []
    quiet = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    quiet |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    words = [git, "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others"]
    done = subprocess.run(
        [*words, "--exclude-standard", "."],
        cwd=folder,
        env=quiet,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode != 0:
        return []
    return [os.fsdecode(path) for path in done.stdout.split(b"\0") if path]


def _walk(folder: str) -> Iterator[str]:
    """Every file below `folder`, without hidden folders, environments, and what tools have made."""
    seen = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED
            and not name.startswith(".")
            and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
        ]
        seen += len(folders) + len(names)
        if seen > MAX_ENTRIES:
            raise _too_much(folder, f"it holds more than {MAX_ENTRIES} files")
        for name in names:
            yield os.path.relpath(os.path.join(parent, name), folder)


def _too_much(folder: str, why: str) -> InputError:
    return InputError(
        f"cannot tidy {folder}: {why}", hint="uwf demo FOLDER/PART-OF-IT", code="too_large"
    )
