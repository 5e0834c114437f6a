"""What a run needs of a home, put together: its store, its guards, the agents of its config."""

from __future__ import annotations

from uwf import config as settings
from uwf.engine.chain.cache import NodeCache
from uwf.engine.run.admission import Admission
from uwf.engine.run.context import RunContext
from uwf.engine.run.recovery import recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import Agent
    from uwf.app.opened import OpenHome
    from uwf.engine.progress import Progress
    from uwf.store.protocols import Store
    from uwf.workflow.model import Role


def of(
    home: OpenHome,
    on_progress: Callable[[Progress], None] | None = None,
    store: Store | None = None,
) -> RunContext:
    """The context of a run, in another `store` where one is given. Nothing runs yet."""
    config = home.config

    def agent_for(workflow: str, role: Role, override: str | None) -> Agent:
        from uwf.engine.run.planning.agents import choose

        return choose(config, workflow, role, override)

    store, environ = store or home.store(), settings.environment()
    return RunContext(
        store=store,
        cache=NodeCache(store, home.redactor),
        admission=Admission(
            store,
            home.home,
            config,
            environ.get("PATH", ""),
            settings.local_zone(),
            lambda thread: recovery.clear(store, home.home, thread, grace_s=config.limits.grace_s),
        ),
        home=home.home,
        config=config,
        environ=environ,
        redactor=home.redactor,
        agent_for=agent_for,
        on_progress=on_progress or (lambda event: None),
        secrets=settings.secret_variables(environ, config),
        host=settings.host() if store.is_shared or config.workspace.is_to_travel else None,
    )
