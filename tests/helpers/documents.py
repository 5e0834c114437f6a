"""The shell of a document, run as it stands there: blocks of `sh` and of `console`, from the first to the last.

A block of `sh` is a script: each of its commands has to succeed. In a block of `console` a line with `$ ` before it is
a command, and what follows is what it prints, on stdout and stderr: compared but for what is otherwise each time, such
as ids and times. Of a `crontab` each line is run once, its times aside. All blocks of a document are run by one shell,
so a later one has the variables of an earlier one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```(sh|console|crontab)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_OTHER_EACH_TIME = (
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?)?"), "DATE"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{6,64}\b"), "HASH"),
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4,26}\b"), "ID"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "CLOCK"),
    (re.compile(r"\b(\d+(\.\d+)? ?(ms|s|m|h|min)\b ?)+"), "TIME"),
    (re.compile(r"(?<![$\d.])\d+\.\d\b"), "SECONDS"),
    (re.compile(r"\bjust now\b|\bnow\b|TIME ago"), "AGO"),
    (re.compile(r"\bpid \d+"), "PID"),
    (re.compile(r"\d+(\.\d+)? ?[KMG]i?B"), "SIZE"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"-{2,}|─{2,}"), "--"),
)


class Block(NamedTuple):
    """A block of a document. `start` and `end` are where its text stands."""

    language: str
    text: str
    line: int
    start: int
    end: int

    @property
    def first(self) -> str:
        return self.text.partition("\n")[0]


class Said(NamedTuple):
    """A command of a block of `console`, and what it prints."""

    command: str
    printed: str


def blocks(text: str) -> list[Block]:
    """The blocks of a document that a shell is meant to run, in their order."""
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1, *found.span(2))
        for found in _BLOCK.finditer(text)
    ]


def session(text: str) -> list[Said]:
    """What a block of `console` has: commands, which go on in a line after a backslash, and what they print."""
    said: list[Said] = []
    is_command = False
    for line in text.splitlines(keepends=True):
        if line.startswith("$ ") or is_command:
            command = line.removeprefix("$ ")
            if is_command:
                said[-1] = Said(said[-1].command + command, "")
            else:
                said.append(Said(command, ""))
            is_command = line.endswith("\\\n")
        else:
            said[-1] = Said(said[-1].command, said[-1].printed + line)
    return said


class Failed(AssertionError):
    """A command of a document that did not do what stands there."""


def run(
    found: list[Block], folder: Path, environ: Mapping[str, str], *, timeout_s: float = 120
) -> list[str]:
    """Run the blocks in `folder`. What each command of `console` has printed, in their order."""
    kept = folder.parent / "printed"
    kept.mkdir()
    script, number = ["set -e"], 0
    for block in found:
        script.append(f"echo {block.line} > {kept}/line")
        if block.language == "sh":
            script.append(block.text)
        elif block.language == "crontab":
            script += [
                line.split(maxsplit=5)[5]
                for line in block.text.splitlines()
                if "=" not in line.split()[0]
            ]
        for said in session(block.text) if block.language == "console" else ():
            script.append(f"set +e\n{{ {said.command}}} > {kept}/{number} 2>&1\nset -e")
            number += 1
    shell = subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = shell.communicate(timeout=timeout_s)
    finally:
        with suppress(
            ProcessLookupError
        ):  # what it has begun in the background does not outlive it
            os.killpg(shell.pid, signal.SIGTERM)
    if shell.returncode != 0:
        line = (kept / "line").read_text().strip()
        raise Failed(
            f"the block at line {line} ended with {shell.returncode}:\n{out[-500:]}\n{err[-1000:]}"
        )
    printed = ((kept / str(each)).read_text() for each in range(number))
    return [text.replace(environ["HOME"], "~") for text in printed]


def rewritten(text: str, found: list[Block], printed: list[str]) -> str:
    """The document with what its commands have printed; as it is where that is the same."""
    left, pieces, at, is_changed = iter(printed), [], 0, False
    for block in found:
        if block.language != "console":
            continue
        pieces.append(text[at : block.start])
        for said, now in zip(session(block.text), left, strict=False):
            is_changed |= not is_same(said.printed, now)
            pieces.append(
                f"$ {said.command}{now.rstrip()}\n" if now.strip() else f"$ {said.command}"
            )
        at = block.end
    new = "".join([*pieces, text[at:]]) if is_changed else text
    return new


def is_same(written: str, printed: str) -> bool:
    """Whether both say the same, but for ids, times and the width of columns."""
    return masked(written) == masked(printed)


def masked(text: str) -> str:
    for pattern, word in _OTHER_EACH_TIME:
        text = pattern.sub(word, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()
