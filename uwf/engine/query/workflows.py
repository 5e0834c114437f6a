"""From what a person types to a workflow: an object id, a YAML path, a name in `.workflows/`, a registered name."""

from __future__ import annotations

import os

from uwf.engine.chain.tags import REGISTRY
from uwf.errors import Ambiguous, InputError, NotFound
from uwf.nearest import or_meant
from uwf.quantities import one
from uwf.record import Record
from uwf.workflow import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from uwf.engine.chain.nodes import Reader
    from uwf.store.protocols import Store
    from uwf.workflow.model import Workflow
    from uwf.workflow.problem import WorkflowProblem

SHORTEST = 4


class Found(Record):
    """A workflow and where it came from: "object", "file" or "registry"; `path` is the file's."""

    workflow: Workflow
    source: str
    warnings: tuple[WorkflowProblem, ...] = ()
    path: str | None = None


class StoredWorkflow(Record):
    """A workflow, the id of its object, and that object's payload."""

    id: str
    source: str
    path: str | None
    workflow: Workflow
    payload: Mapping[str, Any]


class ListedWorkflow(Record):
    """A name that a workflow can be started by: of a file (`path`), or registered (the id of its object)."""

    name: str
    source: str
    workflow: str | None
    path: str | None


class Registered(Record):
    """A name, its workflow's id, and the id that it stood for `before`."""

    name: str
    workflow: str
    before: str | None


def find(
    reader: Reader, word: str, cwd: str, passed_over: Callable[[str], None] = lambda folder: None
) -> Found:
    """The workflow that `word` names, as seen from the folder `cwd`. `passed_over` is told each folder of another user
    that has a file of that name.

    Raises `NotFound` when nothing has that name, `WorkflowInvalid` when a file that has it is not right.
    """
    several: Ambiguous | None = None
    try:
        id = object_of(reader, word)
    except Ambiguous as error:
        several, id = error, None  # a name may look like the beginning of an id
    if id is not None:
        return Found(model.from_payload(reader.get(id).payload), "object")
    from uwf.workflow import find as files

    path = files.find_file(word, cwd, passed_over)
    if path is not None:
        from uwf.workflow import load

        loaded = load.load(path)
        return Found(loaded.workflow, "file", loaded.warnings, path)
    ref = _registered(reader, word)
    if ref is not None:
        return Found(model.from_payload(reader.get(ref).payload), "registry")
    known = (*files.names(cwd), *registered(reader))
    raise several or NotFound(
        f"no workflow {word!r}: no object, file, name in .workflows/ or registered name fits"
        f"{or_meant(word, known)}",
        hint="uwf workflow list",
        code="no_such_workflow",
    )


def object_of(reader: Reader, word: str) -> str | None:
    """The id of the workflow object that `word` is, or is the unique beginning of.

    Raises `Ambiguous` when several objects begin so.
    """
    digits = word.lower()
    if len(digits) < SHORTEST or len(digits) > 64 or set(digits) - set("0123456789abcdef"):
        return None
    try:
        id = reader.find(digits)
    except NotFound:
        return None
    kind = reader.get(id).kind
    if kind == "workflow":
        return id
    if len(word) == 64:
        raise InputError(
            f"object {id[:12]} is {one(kind)}, not a workflow",
            hint="uwf workflow list",
            code="not_a_workflow",
        )
    return None


def register(store: Store, workflow: Workflow) -> Registered:
    """Store `workflow` and point its registered name at it."""
    name = REGISTRY + workflow.name
    with store.transaction("workflow add") as tx:
        before = tx.ref(name)
        id = tx.put("workflow", model.to_payload(workflow))
        if before is None or before.id != id:
            tx.set_ref(name, id, why="workflow add")
    return Registered(workflow.name, id, None if before is None else before.id)


def registered(reader: Reader) -> dict[str, str]:
    """Every registered name and its workflow's id."""
    return {ref.name.removeprefix(REGISTRY): ref.id for ref in reader.refs(REGISTRY)}


def registered_as(reader: Reader, name: str) -> Workflow:
    """The workflow that is registered under `name`. Raises `NotFound`."""
    id = _registered(reader, name)
    if id is None:
        raise NotFound(f"no workflow is registered as {name!r}", hint="uwf workflow list")
    return model.from_payload(reader.get(id).payload)


def _registered(reader: Reader, word: str) -> str | None:
    if not word or "/" in word or not word.isprintable() or os.sep in word:
        return None
    ref = reader.ref(REGISTRY + word)
    return None if ref is None else ref.id
