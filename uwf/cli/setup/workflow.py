"""`uwf workflow`: check, register, show and draw workflows."""

from __future__ import annotations

from uwf.cli import exits
from uwf.cli.command import arg, command, opt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.app.values import RehearsedStep, StoredWorkflow
    from uwf.cli.context import Context

_W = arg(
    "An object id, a YAML path, or a workflow's name.", metavar="WORKFLOW", complete="workflow"
)


@command(
    "workflow add",
    help="Store a workflow file and register it under its name.",
    example="uwf workflow add .workflows/review.yaml",
    file=arg("The YAML file.", complete="yaml"),
)
def add(ctx: Context, file: str) -> None:
    added = ctx.app.workflows.add(file)
    id, before = added.workflow, added.before
    news = "as before" if before == id else "replaces " + before[:12] if before else "new"
    ctx.out.answer(
        {"name": added.name, "workflow": id, "replaced": before if before != id else None},
        ids=[id],
        draw=f"{added.name}  {id}  ({news})",
    )


@command(
    "workflow new",
    help="Write a commented workflow file, to begin with.",
    detail="It is valid and runs as it is. A name is written to .workflows/ of this folder. Nothing is overwritten.",
    example="uwf workflow new review",
    name=arg("The name of the workflow, or the path of the file.", metavar="NAME"),
)
def new(ctx: Context, name: str) -> None:
    import shlex

    written = ctx.app.workflows.new(name)
    ctx.out.answer(written, ids=[written.path], draw=written.path)
    ctx.out.hint(shlex.join(("uwf", "workflow", "try", written.path)))


@command(
    "workflow schema",
    help="Print the JSON Schema of workflow files, for editors.",
    detail="Where it is kept beside them as schema.json, a new file names it for editors that know "
    "yaml-language-server.",
    example="uwf workflow schema > .workflows/schema.json",
)
def schema(ctx: Context) -> None:
    from uwf.jsontext import dumps

    document = ctx.app.workflows.schema()
    ctx.out.answer(document, draw=dumps(document, indent=True))


@command(
    "workflow validate",
    help="Check workflow files; print problems with their place.",
    detail="Exit 2 when there is an error; warnings alone are exit 0.",
    example="uwf workflow validate .workflows/*.yaml",
    files=arg("The YAML files.", metavar="FILE", complete="yaml"),
)
def validate(ctx: Context, files: tuple[str, ...]) -> int:
    from uwf.quantities import counted

    found = ctx.app.workflows.problems(files)
    bad = {problem.file for problem in found if problem.severity == "error"}
    document = {
        "valid": not bad,
        "files": files,
        "problems": found,
    }
    ctx.out.answer(document, ids=sorted(bad), draw="\n".join(str(problem) for problem in found))
    errors = sum(problem.severity == "error" for problem in found)
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
    found = ctx.app.workflows.show(workflow)
    document = {"workflow": found.id, "source": found.source, "path": found.path, **found.payload}
    ctx.out.answer(document, ids=[found.id], draw=_describe(found))


@command(
    "workflow list",
    help="List the workflows that can be started from here.",
    detail="Registered ones and those in .workflows/.",
    example="uwf workflow list",
)
def list_(ctx: Context) -> None:
    rows = ctx.app.workflows.all()
    digits = 16 if ctx.out.on_terminal else None  # as many as one copies
    ctx.out.answer(
        rows,
        ids=[row.workflow or row.path or "" for row in rows],
        draw=lambda: ctx.out.table(
            ("name", "source", "where"),
            [[row.name, row.source, row.path or (row.workflow or "")[:digits]] for row in rows],
            cut=("where",),
            spare=("source",),
        ),
    )
    if not rows:
        ctx.out.note("no workflow is registered, and there is none in .workflows/")
        ctx.out.hint("uwf workflow new NAME")


@command(
    "workflow graph",
    help="Draw a workflow, and a thread's path through it.",
    example="uwf workflow graph review --format svg > review.svg",
    workflow=_W,
    format=opt("--format", choices=("mermaid", "dot", "svg", "text"), help="How to draw it."),
    thread=opt("--thread", complete="thread", help="Mark what this thread visited."),
)
def graph(ctx: Context, workflow: str, *, format: str = "text", thread: str | None = None) -> None:
    drawing = ctx.app.workflows.graph(workflow, format, thread)
    ctx.out.answer({"format": format, "graph": drawing}, draw=drawing)


@command(
    "workflow try",
    help="Walk every edge with sample replies; no agent is asked.",
    detail="With --scenario its roles say what the file says, the others a sample: see `uwf help agents`. Nothing is "
    "stored. Exit 2 when an edge is not walked, or a step comes to nothing at the end of a scenario.",
    example="uwf workflow try review",
    workflow=_W,
    scenario=opt(
        "--scenario",
        metavar="FILE",
        complete="yaml",
        help="Play this file: what roles reply, by visit.",
    ),
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The task."),
)
def try_(
    ctx: Context,
    workflow: str,
    *,
    scenario: str | None = None,
    prompt: str = "This is the task of a thread that is only tried.",
) -> int:
    from uwf.app.progress import Stop
    from uwf.cli.screen.live import signals_to
    from uwf.quantities import counted

    stop = Stop()
    with signals_to(stop):
        tried = ctx.app.workflows.try_(workflow, prompt, scenario, stop)
    ctx.out.answer(
        tried,
        ids=[f"{edge.source} {edge.status}" for edge in tried.edges if not edge.walked],
        draw=lambda: ctx.out.text("\n\n".join(_rehearsed(step) for step in tried.steps)),
    )
    left = [edge for edge in tried.edges if not edge.walked]
    last = tried.steps[-1].problem if tried.steps else None
    ctx.out.note(
        f"{counted(len(tried.steps), 'step')}, {len(tried.edges) - len(left)} of "
        f"{counted(len(tried.edges), 'edge')} walked; the thread is {tried.status}"
        + (f": {tried.message}" if tried.message else "")
    )
    if scenario is not None:
        import shlex

        if last is None:
            return exits.DONE
        editing = f"${{EDITOR:-vi}} {shlex.quote(scenario)}"
        ctx.out.error("step_failed", f"the last step came to nothing: {last}", editing)
        return exits.BAD_INPUT
    if not left:
        return exits.DONE
    names = ", ".join(f"{edge.source} → {edge.status}" for edge in left)
    why = next((f": {step.problem}" for step in tried.steps if step.problem), "")
    ctx.out.error(
        "not_walked", f"not walked: {names}{why}", f"uwf workflow try {workflow} --scenario FILE"
    )
    return exits.BAD_INPUT


def _rehearsed(step: RehearsedStep) -> str:
    from uwf.cli.screen.cells import short

    lines = [
        f"==== {step.number}. {step.source} → {step.status} → {step.role}",
        "",
        step.prompt.strip(),
    ]
    if step.problem is not None:
        return "\n".join([*lines, "", f"---- it came to nothing: {step.problem}"])
    fields = ", ".join(f"{name}: {value}" for name, value in (step.output or {}).items())
    return "\n".join([*lines, "", f"---- reply: {fields}", short(step.body, 200)])


def _describe(found: StoredWorkflow) -> str:
    workflow = found.workflow
    lines = [f"{workflow.name}  {found.id}"]
    if workflow.description:
        lines.append(workflow.description.strip())
    for source, edges in workflow.graph.items():
        role = workflow.roles.get(source)
        about = f"  {role.description.strip()}" if role and role.description.strip() else ""
        lines += ["", f"{source}{about}"]
        lines += [f"  {status} → {edge.target}" for status, edge in edges.items()]
    return "\n".join(lines)
