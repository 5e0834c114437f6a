"""`uwf thread start`."""

from __future__ import annotations

from uwf import quantities
from uwf.cli import wiring
from uwf.cli.command import arg, command, opt
from uwf.cli.text_arg import text_arg
from uwf.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.cli.context import Context


@command(
    "thread start",
    help="Begin a thread: one run of a workflow. Nothing runs until `thread exec`.",
    example="uwf thread start review -p @task.md --label repo=shop",
    workflow=arg("An object id, a YAML path, or a workflow's name.", complete="workflow"),
    prompt=opt("-p", "--prompt", metavar="TEXT", help="The task; @FILE or - (stdin) to read it."),
    cwd=opt(
        "--cwd", metavar="DIR", complete="folders", help="Where its agents work. [default: here]"
    ),
    label=opt("--label", metavar="K=V", help="A label to find it by; may be repeated."),
    priority=opt("--priority", help="Higher goes first when threads wait for a place."),
    budget=opt(
        "--budget", metavar="K=N[,K=N…]", help="What it may use: tokens=2M,usd=5,steps=40,time=2h."
    ),
)
def start(
    ctx: Context,
    workflow: str,
    *,
    prompt: str,
    cwd: str | None = None,
    label: tuple[str, ...] = (),
    priority: int = 0,
    budget: tuple[str, ...] = (),
) -> None:
    from uwf.engine.actions import lifecycle
    from uwf.engine.query import workflows

    task = text_arg(prompt)
    if not task.strip():
        raise InputError(
            "the task is empty: an agent would not know what to do",
            hint="uwf thread start WORKFLOW -p 'what to do'",
        )
    labels = dict(label_pair(word, "uwf thread start WORKFLOW -p TEXT") for word in label)
    limits = quantities.parse_budget(",".join(budget)) if budget else {}
    here = wiring.folder(cwd)
    found = workflows.find(ctx.reader(), workflow, wiring.folder(None))
    for warning in found.warnings:
        ctx.out.warning(warning.plain)
    begin = lifecycle.Begin(found.workflow, task, here, labels, priority, limits)
    thread = lifecycle.start(ctx.store(create=True), begin, wiring.redactor(ctx))
    ctx.out.answer(
        {
            "thread": thread.id,
            "workflow": thread.position.workflow,
            "head": thread.head,
            "status": thread.status,
        },
        ids=[thread.id],
        draw=f"{thread.id}  {found.workflow.name}, idle",
    )
    ctx.out.hint(f"uwf thread exec {thread.id}")


def label_pair(word: str, typed: str) -> tuple[str, str]:
    """`KEY=VALUE` as a pair. Raises `InputError` when it is something else; `typed` is the command before it."""
    key, equals, value = word.partition("=")
    if not equals or not key or not key.isprintable() or not value.isprintable():
        raise InputError(
            f"label {word!r} is not of the form KEY=VALUE", hint=f"{typed} --label repo=shop"
        )
    return key, value
