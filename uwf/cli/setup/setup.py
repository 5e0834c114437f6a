"""`uwf setup`: from nothing to a thread that an agent of one's own has run: an agent, a workflow, a thread.

What is there already is left as it is, so that it may be run again at any time. At a terminal each step is asked for.
"""

from __future__ import annotations

import os

from uwf.cli import exits
from uwf.cli.command import command, opt
from uwf.errors import InputError, PersonNeeded
from uwf.quantities import one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from uwf.app.values import FoundClient
    from uwf.cli.context import Context

STEPS = ("agent", "workflow", "thread")
NAME = "greet"
LABEL = ("setup", NAME)
TASK = "Greet whoever reads this, and say in one sentence what you are."
SKIPPED: dict[str, Any] = {"how": "skipped"}


@command(
    "setup",
    help="Set up an agent, a first workflow, and run a first thread.",
    detail="Looks for clients on PATH and writes the one that you choose into the config, writes .workflows/greet.yaml "
    "here, and runs a thread of it, which sends two short prompts. What is there already stays. Without a terminal it "
    "needs --yes, and takes the first client that is logged in. Exit 5 when there is no agent, else that of the run.",
    example="uwf setup --yes",
    yes=opt("--yes", help="Do all steps without asking."),
    agent=opt(
        "--agent",
        metavar="AGENT",
        complete="agent",
        help="A configured agent, or a command line in quotes, instead of a client that is found.",
    ),
    skip=opt("--skip", metavar="STEP", choices=STEPS, help="Leave a step out; may be repeated."),
)
def setup(
    ctx: Context, *, yes: bool = False, agent: str | None = None, skip: tuple[str, ...] = ()
) -> int:
    from uwf.cli.screen import asking

    if not yes and not asking.may_ask(ctx.out):
        raise InputError(
            "setup asks what to do, and nobody sits at this terminal",
            hint="uwf setup --yes",
            code="usage",
        )
    found = _Setup(ctx, yes)
    document: dict[str, Any] = {
        "agent": SKIPPED if "agent" in skip else found.agent(agent),
        "workflow": SKIPPED if "workflow" in skip else found.workflow(),
    }
    document["thread"] = SKIPPED if "thread" in skip else found.thread(document["workflow"])
    thread = document["thread"].get("thread")
    ctx.out.answer(document, ids=[thread] if thread else [], draw=lambda: found.farewell(thread))
    return found.code


class _Setup:
    """The three steps. `code` is the exit code so far."""

    def __init__(self, ctx: Context, yes: bool) -> None:
        self._ctx, self._yes = ctx, yes
        self._declined = ""
        self.code = exits.DONE

    def agent(self, given: str | None) -> dict[str, Any]:
        """The agent that runs what no other is named for."""
        ctx = self._ctx
        rows = {row.name: row for row in ctx.app.agents.all()}
        default = next((name for name, row in rows.items() if row.default), None)
        if given is None and default is not None:
            self._say(f"agent: {default}, as configured")
            return {"how": "there", "name": default}
        if given is not None:
            name = given if given in rows else "mine"
            written = {"default_agent": name}
            if given not in rows:
                written = {f"agents.{name}.command": given, **written}
            if not self._is_wanted(_tables(written)):
                return self._decline("agent")
            ctx.app.settings.set_all(written)
            return self._written(name, written)
        client = self._chosen()
        if client is None:
            return self._decline("agent")
        written = ctx.app.agents.add([client])
        name = client.agents[0] if client.agents else client.name
        if client.agents:
            written = {"default_agent": name}
            ctx.app.settings.set_all(written)
        return self._written(name, written)

    def workflow(self) -> dict[str, Any]:
        """A workflow in this folder."""
        from uwf.demo import first

        path = os.path.join(".workflows", f"{NAME}.yaml")
        if os.path.lexists(path):
            self._say(f"workflow: {path} is there")
            return {"how": "there", "path": path}
        if not self._is_wanted(f"workflow: a small one, of two roles, as {path}"):
            return self._decline("workflow")
        try:
            first.write(path)
        except OSError as error:
            raise InputError(
                f"cannot write {path}: {error.strerror}",
                hint="ls -ld .workflows",
                code="not_written",
            ) from None
        self._say(f"workflow: {path} is written")
        return {"how": "written", "path": path}

    def thread(self, workflow: dict[str, Any]) -> dict[str, Any]:
        """A thread of it, run to its end."""
        ctx = self._ctx
        found = ctx.app.threads("all", labels=dict([LABEL]), limit=1).threads
        if found and found[0].status == "completed":
            self._say(f"thread: {found[0].thread} has run already")
            return {"how": "there", "thread": found[0].thread, "status": "completed"}
        if self._declined:
            self._say(f"thread: none, without {one(self._declined)}")
            return SKIPPED
        if not self._is_wanted("thread: one that sends two short prompts to the agent"):
            return SKIPPED
        if found:
            thread = found[0].thread
        else:
            where = workflow.get("path", NAME)
            thread = ctx.app.start(where, TASK, labels=dict([LABEL])).thread
        status = self._run(thread, is_resumed=bool(found) and found[0].status == "suspended")
        return {"how": "run", "thread": thread, "status": status}

    def farewell(self, thread: str | None) -> None:
        """What to type next."""
        if thread is not None:
            agents = [row.name for row in self._ctx.app.agents.all() if row.default]
            lines = (
                f"thread read {thread}",
                f"workflow show {NAME}",
                *map("agent try {}".format, agents),
            )
            self._ctx.out.text("".join(f"\nuwf {line}" for line in lines))

    def _run(self, thread: str, *, is_resumed: bool) -> str:
        from uwf.app.progress import Stop
        from uwf.cli.screen.live import Live, signals_to

        ctx, stop = self._ctx, Stop()
        verb = ctx.app.resume if is_resumed else ctx.app.exec
        status = ""
        with signals_to(stop), Live(ctx.out) as live:
            for line in verb(thread, count=None, stop=stop, on_progress=live.on_progress):
                live.pause()
                status = line.status
                self._say(f"thread: {line.role} → {line.step_status or 'failed'}")
                self.code = exits.after_step(line) or exits.DONE
                if line.error is not None:
                    ctx.out.error(line.error.code, line.error.message, ctx.app.way_on(thread))
                elif status == "suspended":
                    ctx.out.hint(ctx.app.way_on(thread))
        return status

    def _chosen(self) -> FoundClient | None:
        """The client that is wanted; None for none of them."""
        from uwf.cli.screen import asking

        app = self._ctx.app
        there = app.agents.detect()
        found = [client for client in there if client.reason is None]
        if not found:
            why = "; ".join(f"{client.title}: {client.reason}" for client in there)
            raise PersonNeeded(
                why or f"none of these is on PATH: {', '.join(app.agents.known_clients())}",
                reason="no_agent",
                hint=f"uwf setup{' --yes' if self._yes else ''} --agent 'COMMAND'",
            )
        if self._yes:
            return next(
                (one for one in found if app.agents.is_logged_in(one) is not False), found[0]
            )
        for number, client in enumerate(found, 1):
            self._say(f"  {number}  {client.title}  {client.path}")
        taken = asking.choice("agent: which one shall run your roles? (Enter: none)", len(found))
        return None if taken is None else found[taken - 1]

    def _decline(self, step: str) -> dict[str, Any]:
        self._declined = self._declined or step
        return SKIPPED

    def _written(self, name: str, settings: dict[str, str]) -> dict[str, Any]:
        self._say(f"agent: {name}, written to {self._ctx.app.config_path}")
        return {"how": "written", "name": name, "settings": settings}

    def _is_wanted(self, what: str) -> bool:
        from uwf.cli.screen import asking

        return self._yes or asking.is_yes(f"{what}: go on?")

    def _say(self, text: str) -> None:
        if not (self._ctx.json or self._ctx.quiet):
            self._ctx.out.text(text)


def _tables(settings: dict[str, str]) -> str:
    return "agent: " + ", ".join(f'{key} = "{text}"' for key, text in settings.items())
