"""What the commands that look need of this package starts fast: none of it imports what is slow to import."""

from __future__ import annotations

import subprocess
import sys

SLOW = (
    *("argparse", "collections", "contextlib", "dataclasses", "difflib", "enum", "functools"),
    *("inspect", "json", "jsonschema_rs", "liquid", "pathlib", "re", "subprocess", "yaml"),
    *("tempfile", "typing"),
)


def test_the_modules_of_a_command_that_looks_import_nothing_slow() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from uwf.workflow import find, model, route, template\n"
        f"print([name for name in {SLOW!r} if name in set(sys.modules) - before])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
