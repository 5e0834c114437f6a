"""`!include FILE`: text, JSON or YAML from inside the workflow file's own folder, and from nowhere
else.

A name is taken relative to the file that says it, and what counts is where it ends up after
following symbolic links. An included YAML file may include others; its problems are told with its
own name and lines.
"""

from __future__ import annotations

import json
import os
from typing import Any

from uwf import yaml12
from uwf.workflow.find import FILE_LIMIT_BYTES, FileUnreadable, read_text
from uwf.workflow.problem import Problems
from uwf.yaml12 import Document, SourceMark

INCLUDE_LIMIT_BYTES = 1024 * 1024
"""For one included file; all of them together may have `FILE_LIMIT_BYTES` characters."""


class Includes:
    """Answers the includes of one workflow file."""

    def __init__(self, path: str, problems: Problems) -> None:
        self._problems = problems
        self._folder = os.path.dirname(os.path.realpath(path))
        self._reading = [(path, os.path.realpath(path))]
        self._characters = 0

    def __call__(self, word: str, mark: SourceMark) -> Document | None:
        """The document in the file `word`, or None with the problem noted."""
        shown, real = self._reading[-1]
        shown = os.path.normpath(os.path.join(os.path.dirname(shown), word))
        try:
            real = self._inside(word, real)
            text = read_text(real, INCLUDE_LIMIT_BYTES)
        except FileUnreadable as problem:
            self._refuse(problem.code, f"!include {word}: {problem.text}", mark)
            return None
        self._characters += len(text)
        if self._characters > FILE_LIMIT_BYTES:
            self._refuse("too_large", f"!include {word}: too much is included in all", mark)
            return None
        match os.path.splitext(real)[1].lower():
            case ".yaml" | ".yml":
                return self._yaml(text, shown, real, mark)
            case ".json":
                return self._json(text, shown, mark)
        return yaml12.document(text, shown)

    def _inside(self, word: str, including: str) -> str:
        """The real path of the file, if it lies in the workflow's folder and is not being read
        already.
        """
        if not word.strip() or "\0" in word:
            raise FileUnreadable("bad_include", "which file?")
        if os.path.isabs(word):
            raise FileUnreadable("include_outside", "an absolute path is not allowed")
        real = os.path.realpath(os.path.join(os.path.dirname(including), word))
        if not real.startswith(os.path.join(self._folder, "")):
            raise FileUnreadable(
                "include_outside", "the file lies outside the workflow's own folder"
            )
        if any(real == open_file for _, open_file in self._reading):
            raise FileUnreadable(
                "include_cycle", "the file includes itself, directly or through others"
            )
        return real

    def _yaml(self, text: str, shown: str, real: str, mark: SourceMark) -> Document | None:
        self._reading.append((shown, real))
        try:
            found = yaml12.read(text, name=shown, include=self)
        except yaml12.YamlInvalid as error:
            self._take_faults(error.faults)
            self._problems.mute(mark)
            return None
        finally:
            self._reading.pop()
        self._take_faults(found.faults)
        return found

    def _json(self, text: str, shown: str, mark: SourceMark) -> Document | None:
        def refuse_constant(name: str) -> Any:
            raise ValueError(f"{name} is not a number JSON knows")

        def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            found = dict(pairs)
            if len(found) < len(pairs):
                names = [name for name, _ in pairs]
                double = next(name for name in names if names.count(name) > 1)
                raise ValueError(f"the key '{double}' is given twice")
            return found

        place = SourceMark(shown, 1, 1)
        try:
            value = json.loads(
                text, parse_constant=refuse_constant, object_pairs_hook=without_doubles
            )
        except json.JSONDecodeError as error:
            place, cause = SourceMark(shown, error.lineno, error.colno), error.msg
        except RecursionError:
            cause = "nested too deep"
        except ValueError as error:
            cause = str(error)
        else:
            found = yaml12.document(value, shown)
            if found.root.depth <= yaml12.DEPTH_LIMIT:
                return found
            cause = "nested too deep"
        self._problems.error("bad_json", f"this is not JSON we can read: {cause}", place)
        self._problems.mute(mark)
        return None

    def _take_faults(self, faults: tuple[yaml12.Fault, ...]) -> None:
        for fault in faults:
            self._problems.error("bad_yaml", fault.text, fault.mark)

    def _refuse(self, code: str, message: str, mark: SourceMark) -> None:
        self._problems.error(code, message, mark)
        self._problems.mute(mark)
