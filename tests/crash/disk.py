"""A disk that fails on demand: `faults.c`, built once and loaded into uwf before anything else.

It needs Linux and a C compiler. Agents inherit it; it does nothing to them as long as it is only asked about files of
the home, which they do not touch.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
WHY_NOT = "a disk that fails on demand needs Linux and a C compiler"


def can_fail() -> bool:
    return _library() is not None


def fault(order: str, text: str, log: Path | None = None) -> dict[str, str]:
    """The environment in which `order` (see faults.c) holds for files whose path contains `text`."""
    library = _library()
    assert library is not None, WHY_NOT
    assert " " not in text and len(text) < 256, f"faults.c cannot look for {text!r}"
    environ = {"LD_PRELOAD": library, "FAULT": f"{order} {text}"}
    return environ | ({"FAULT_LOG": str(log)} if log else {})


@functools.cache
def _library() -> str | None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or compiler is None:
        return None
    folder = tempfile.mkdtemp(prefix="uwf-faults-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = f"{folder}/faults.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", library, str(SOURCE), "-ldl"]
    subprocess.run(words, check=True)
    return library
