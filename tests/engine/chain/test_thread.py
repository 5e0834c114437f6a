"""A thread's ref has one writer in the engine."""

from __future__ import annotations

import ast
from pathlib import Path

import uwf

ROOT = Path(uwf.__file__).parent
WRITERS = {
    "engine/chain/thread.py": "the way of the engine",
    "engine/chain/recorder.py": "the attempt beside a head",
    "engine/chain/attempt.py": "a plan that is held beside a head",
    "engine/chain/told.py": "what waits to be told",
    "engine/run/recovery/recovery.py": "the attempt of a dead run",
    "engine/query/workflows.py": "a registered workflow",
    "app/objects.py": "`uwf ref set`, a person's own hand",
    "store/whole/bundle.py": "an import, which brings refs as they are",
}


def test_only_these_files_write_refs_and_but_one_of_the_engine_none_of_a_thread() -> None:
    callers: dict[str, list[str]] = {}
    for path in ROOT.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("tx.set_ref"):
                callers.setdefault(str(path.relative_to(ROOT)), []).append(ast.unparse(call))
    assert callers.keys() == WRITERS.keys()
    assert all("set_ref(TOLD + " in call for call in callers["engine/chain/told.py"])
    for file in ("chain/attempt.py", "run/recovery/recovery.py"):
        assert all("set_ref(ATTEMPTS + " in call for call in callers[f"engine/{file}"])
    of_recorder = sorted(call.partition(" + ")[0] for call in callers["engine/chain/recorder.py"])
    assert of_recorder == ["tx.set_ref(ATTEMPTS", "tx.set_ref(SUPERSEDED"]
