"""`uwf workflow`: check, register, show and draw workflows."""

from __future__ import annotations

from uwf.cli import exits, wiring
from uwf.cli.command import arg, command, opt
from uwf.errors import InputError, WorkflowInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from uwf.cli.context import Context
    from uwf.engine.query.workflows import Found
    from uwf.workflow.model import Workflow
    from uwf.workflow.problem import WorkflowProblem

_W = arg("An object id, a YAML path, or a workflow's name.", metavar="W", complete="workflow")


@command(
    "workflow add",
    help="Store a workflow file and register it under its name.",
    example="uwf workflow add .workflows/review.yaml",
    file=arg("The YAML file.", complete="yaml"),
)
def add(ctx: Context, file: str) -> None:
    from uwf.engine.query import workflows
    from uwf.workflow import load

    try:
        loaded = load.load(file)
    except WorkflowInvalid as error:
        error.hint = error.hint or _hint_to_add(file)
        raise
    _warn(ctx, loaded.warnings)
    id, before = workflows.register(ctx.store(create=True), loaded.workflow)
    name = loaded.workflow.name
    news = "as before" if before == id else "replaces " + before[:12] if before else "new"
    ctx.out.answer(
        {"name": name, "workflow": id, "replaced": before if before != id else None},
        ids=[id],
        draw=f"{name}  {id}  ({news})",
    )


@command(
    "workflow validate",
    help="Check workflow files and print every problem with its place.",
    detail="Exit 2 when there is an error; warnings alone are exit 0.",
    example="uwf workflow validate .workflows/*.yaml",
    files=arg("The YAML files.", metavar="FILE", complete="yaml"),
)
def validate(ctx: Context, files: tuple[str, ...]) -> int:
    from uwf.quantities import counted
    from uwf.workflow import load
    from uwf.workflow.problem import ERROR

    found: list[WorkflowProblem] = []
    for file in files:
        try:
            found += load.load(file).warnings
        except WorkflowInvalid as error:
            found += error.problems
    bad = {problem.file for problem in found if problem.severity == ERROR}
    document = {"valid": not bad, "files": list(files), "problems": [_row(p) for p in found]}
    ctx.out.answer(document, ids=sorted(bad), draw="\n".join(str(problem) for problem in found))
    errors = sum(problem.severity == ERROR for problem in found)
    warnings = len(found) - errors
    ctx.out.note(
        f"{counted(len(files), 'file')}: {counted(errors, 'error')}, {counted(warnings, 'warning')}"
    )
    return exits.BAD_INPUT if bad else exits.DONE


@command(
    "workflow show",
    help="Show a workflow: its roles and where each status leads.",
    example="uwf workflow show review",
    workflow=_W,
)
def show(ctx: Context, workflow: str) -> None:
    from uwf.store import codec
    from uwf.workflow import model

    found = _find(ctx, workflow)
    payload = model.to_payload(found.workflow)
    id = codec.id_of(codec.encode("workflow", payload))
    document = {"workflow": id, "source": found.source, "path": found.path, **payload}
    ctx.out.answer(document, ids=[id], draw=_describe(found.workflow, id))


@command(
    "workflow list",
    help="List the workflows that can be started from here: registered ones and those in .workflows/.",
    example="uwf workflow list",
)
def list_(ctx: Context) -> None:
    from uwf.engine.query import workflows
    from uwf.workflow import find

    rows: list[dict[str, Any]] = [
        {"name": name, "source": "file", "workflow": None, "path": path}
        for name, path in find.names(wiring.folder(None)).items()
    ]
    rows += [
        {"name": name, "source": "registry", "workflow": id, "path": None}
        for name, id in workflows.registered(ctx.reader()).items()
    ]
    rows.sort(key=lambda row: (row["name"], row["source"]))
    digits = 16 if ctx.out.on_terminal else None  # as many as one copies
    ctx.out.answer(
        rows,
        ids=[row["workflow"] or row["path"] for row in rows],
        draw=lambda: (
            ctx.out.table(
                ("name", "source", "where"),
                [
                    [row["name"], row["source"], row["path"] or row["workflow"][:digits]]
                    for row in rows
                ],
                cut=("where",),
                spare=("source",),
            )
            if rows
            else None
        ),
    )
    if not rows:
        ctx.out.note("no workflow is registered, and there is none in .workflows/")
        ctx.out.hint("uwf workflow add FILE")


@command(
    "workflow graph",
    help="Draw a workflow, with a thread's path through it if asked for.",
    example="uwf workflow graph review --format svg > review.svg",
    workflow=_W,
    format=opt("--format", choices=("mermaid", "dot", "svg", "text"), help="How to draw it."),
    thread=opt("--thread", complete="thread", help="Mark what this thread visited."),
)
def graph(ctx: Context, workflow: str, *, format: str = "text", thread: str | None = None) -> None:
    from uwf.workflow.picture import picture

    found = _find(ctx, workflow)
    visits: dict[tuple[str, str], int] | None = None
    at: str | None = None
    if thread is not None:
        from uwf.engine.query import graph_path as path

        ref = wiring.thread_ref(ctx, thread)
        name = ref.tags.get("workflow")
        if name is not None and name != found.workflow.name:
            raise InputError(
                f"thread {thread} runs workflow {name}, not {found.workflow.name}",
                hint=f"uwf workflow graph {name} --thread {thread}",
                code="other_workflow",
            )
        visits, at = path.visited(ctx.reader(), ref)
    drawing = picture.draw(found.workflow, format, visits, at)
    ctx.out.answer({"format": format, "graph": drawing}, draw=drawing)


def _hint_to_add(file: str) -> str:
    """What to type when `file` cannot be added: its path, if it is the name of a workflow."""
    import os
    import shlex

    from uwf.workflow import find

    if os.path.exists(file):
        return shlex.join(("uwf", "workflow", "validate", file))
    path = find.find_file(file, wiring.folder(None))
    return "uwf workflow list" if path is None else shlex.join(("uwf", "workflow", "add", path))


def _find(ctx: Context, word: str) -> Found:
    from uwf.engine.query import workflows

    found = workflows.find(ctx.reader(), word, wiring.folder(None))
    _warn(ctx, found.warnings)
    return found


def _warn(ctx: Context, warnings: Iterable[WorkflowProblem]) -> None:
    for warning in warnings:
        ctx.out.warning(warning.plain)


def _row(problem: WorkflowProblem) -> dict[str, Any]:
    return {
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "hint": problem.hint,
    }


def _describe(workflow: Workflow, id: str) -> str:
    lines = [f"{workflow.name}  {id}"]
    if workflow.description:
        lines.append(workflow.description.strip())
    for source, edges in workflow.graph.items():
        role = workflow.roles.get(source)
        about = f"  {role.description.strip()}" if role and role.description.strip() else ""
        lines += ["", f"{source}{about}"]
        lines += [f"  {status} → {edge.target}" for status, edge in edges.items()]
    return "\n".join(lines)
