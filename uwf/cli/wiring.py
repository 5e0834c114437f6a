"""What the thread commands share: an engine made from the command's context, and the thread a word names."""

from __future__ import annotations

import os

from uwf import config as settings
from uwf.engine.chain.redact import Redactor
from uwf.engine.query import resolve
from uwf.errors import ConfigInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import Agent
    from uwf.cli.context import Context
    from uwf.engine.events import Event
    from uwf.engine.query.threads import View
    from uwf.engine.run.admission import Admission
    from uwf.engine.run.context import RunContext
    from uwf.store.protocols import Ref


def redactor(ctx: Context) -> Redactor:
    """What keeps the secrets of this environment and config out of the store."""
    return Redactor(settings.secret_values(ctx.config))


def admission(ctx: Context) -> Admission:
    """The guards of this home, to be looked at."""
    from uwf.engine.run.admission import Admission

    return Admission(ctx.reader(), ctx.home, ctx.config, settings.environment().get("PATH", ""))


def engine(ctx: Context, on_event: Callable[[Event], None]) -> RunContext:
    """The engine of this home. Nothing runs yet."""
    # Here, because the guards are a third of what looking at a thread would otherwise import.
    from uwf.engine.chain.cache import NodeCache
    from uwf.engine.run.admission import Admission
    from uwf.engine.run.context import RunContext

    config = ctx.config

    def agent_for(workflow: str, role: str, override: str | None) -> Agent:
        from uwf.engine.run.invocation import choose

        return choose(config, workflow, role, override)

    store, environ = ctx.store(), settings.environment()
    return RunContext(
        store=store,
        cache=NodeCache(store),
        admission=Admission(store, ctx.home, config, environ.get("PATH", "")),
        home=ctx.home,
        config=config,
        environ=environ,
        redactor=redactor(ctx),
        agent_for=agent_for,
        on_event=on_event,
    )


def view(ctx: Context) -> View:
    """Threads of this home, as they are shown. A config that is not valid hides none of them."""
    from uwf.engine.query.threads import View

    try:
        config = ctx.config
    except ConfigInvalid as error:
        ctx.out.warning(error.message)
        return View(ctx.reader(), ctx.home)
    return View(ctx.reader(), ctx.home, config.budget.thread, config.limits.max_attempts)


def thread_ref(ctx: Context, word: str) -> Ref:
    return resolve.thread_ref(ctx.reader(), word)


def folder(path: str | None) -> str:
    """The absolute path of the folder `path`, by default the current one."""
    return os.path.abspath(os.path.expanduser(path)) if path else os.getcwd()
