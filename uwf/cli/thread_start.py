"""`uwf thread start`."""

from __future__ import annotations

from uwf import quantities
from uwf.cli.arguments import label_pair, text_arg
from uwf.cli.command import arg, command, opt

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
    priority=opt("--priority", help="Higher goes first when threads wait for a slot."),
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
    thread = ctx.app.start(
        workflow,
        text_arg(prompt),
        cwd=cwd,
        labels=dict(label_pair(word, "uwf thread start WORKFLOW -p TEXT") for word in label),
        priority=priority,
        budget=quantities.parse_budget(",".join(budget)) if budget else {},
    )
    ctx.out.answer(
        {
            "thread": thread.thread,
            "workflow": thread.workflow,
            "head": thread.head,
            "status": thread.status,
        },
        ids=[thread.thread],
        draw=f"{thread.thread}  {thread.workflow_name}, idle",
    )
    ctx.out.hint(f"uwf thread exec {thread.thread}")
