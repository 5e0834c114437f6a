"""Beginning a run that goes on by itself, for front doors other than the command line: by the `--detach` of that, so
that it outlives whoever began it, waits for its slot, and is logged as any other.
"""

from __future__ import annotations

import json
import subprocess

from uwf.app.programs import own_command
from uwf.error_report import ErrorReport
from uwf.errors import UwfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class RunRefused(Exception):
    """The command that was to begin a run has said why it cannot."""

    def __init__(self, report: ErrorReport) -> None:
        super().__init__(report.message)
        self.report = report


def begin(home: str, words: Sequence[str], text: str = "") -> dict[str, Any]:
    """What the command `words` answers, which has `--detach` among them and reads `text`. Raises `RunRefused`."""
    done = subprocess.run(
        own_command(*words, "--json", f"--home={home}"),
        input=text.encode(),
        capture_output=True,
        start_new_session=True,  # whoever ends this process and its group ends no run
    )
    if done.returncode == 0:
        begun: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return begun
    for line in reversed(done.stderr.splitlines()):
        error = _said(line)
        if error is not None:
            raise RunRefused(error)
    last = done.stderr[-500:].decode(errors="replace")
    raise UwfError(f"uwf {' '.join(words[:2])} ended with {done.returncode}: {last}")


def _said(line: bytes) -> ErrorReport | None:
    """The error that a line of stderr tells, None for what else it may be."""
    try:
        error = dict(json.loads(line)["error"])
        return ErrorReport(error.pop("code"), error.pop("message"), error.pop("hint"), error)
    except (ValueError, KeyError, TypeError):
        return None
