"""What is wrong with a workflow file, and where.

A problem is a value: `validate` and its neighbours collect them in a `Problems`, so that one run
names all. An error forbids the workflow, a warning does not.
"""

from __future__ import annotations

from collections.abc import Iterable

from uwf.nearest import nearest
from uwf.record import Record
from uwf.yaml12 import SourceMark

_LONGEST = 500

ERROR = "error"
WARNING = "warning"


class WorkflowProblem(Record):
    """`severity` is "error" or "warning"; `code` is a stable snake_case word for `--json`; `hint` says what to
    write instead, where that is known.
    """

    severity: str
    code: str
    message: str
    file: str
    line: int
    column: int
    hint: str | None = None

    def __str__(self) -> str:
        return self._line(f"{self.severity}: ")

    @property
    def plain(self) -> str:
        """The same for a line that says already whether it is an error or a warning."""
        return self._line("")

    def _line(self, severity: str) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {severity}{self.message}{hint}"


class Problems:
    """A growing list of problems. The same one is kept once (an alias shows a place twice)."""

    def __init__(self) -> None:
        self._found: dict[WorkflowProblem, None] = {}
        self._muted: set[tuple[str, int, int]] = set()

    def error(self, code: str, message: str, mark: SourceMark, hint: str | None = None) -> None:
        self._add(ERROR, code, message, mark, hint)

    def warning(self, code: str, message: str, mark: SourceMark, hint: str | None = None) -> None:
        self._add(WARNING, code, message, mark, hint)

    def _add(
        self, severity: str, code: str, message: str, mark: SourceMark, hint: str | None
    ) -> None:
        place = (mark.file, mark.line, mark.column)
        if place not in self._muted:
            hint = None if hint is None else _one_line(hint)
            self._found[WorkflowProblem(severity, code, _one_line(message), *place, hint)] = None

    def mute(self, mark: SourceMark) -> None:
        """Takes nothing more about this place: what went wrong there is known."""
        self._muted.add((mark.file, mark.line, mark.column))

    @property
    def has_errors(self) -> bool:
        return any(problem.severity == ERROR for problem in self._found)

    def sorted(self, main_file: str) -> tuple[WorkflowProblem, ...]:
        """By place, problems of the main file before those of included ones."""
        return tuple(sorted(self._found, key=lambda problem: _place(problem, main_file)))


def _place(problem: WorkflowProblem, main_file: str) -> tuple[bool, str, int, int]:
    return (problem.file != main_file, problem.file, problem.line, problem.column)


def _one_line(text: str) -> str:
    """A message may quote a file, and a file may hold anything: no control codes, no page of text."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else shown + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint with the known word most like `word`, if one is like it at all."""
    meant = nearest(word, known)
    return f"did you mean '{meant}'?" if meant else None
