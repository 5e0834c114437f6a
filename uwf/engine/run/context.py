"""What a run needs, handed down from a front door as one value."""

from __future__ import annotations

from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from uwf.agent.protocol import Agent
    from uwf.config.records import Config
    from uwf.engine.chain.cache import NodeCache
    from uwf.engine.chain.redact import Redactor
    from uwf.engine.progress import Progress
    from uwf.engine.run.admission import Admission
    from uwf.store.protocols import Store
    from uwf.workflow.model import Role


class RunContext(Record):
    """The store and what was read of it already, the folder beside it, the settings, the guards, and how to find an
    agent.

    `agent_for(workflow, role, override)` gives the agent that runs a role; it raises `Refused` when there is
    none. `environ` is the environment agents get, before the names of the contract are added; `secrets` are the
    variables in it that hold secrets. `host` is what this machine is called; None where the store is for it alone.
    """

    store: Store
    cache: NodeCache
    admission: Admission
    home: str
    config: Config
    environ: dict[str, str]
    redactor: Redactor
    agent_for: Callable[[str, Role, str | None], Agent]
    on_progress: Callable[[Progress], None]
    secrets: frozenset[str] = frozenset()
    host: str | None = None

    @property
    def travels(self) -> bool:
        """Whether what a step has left goes along with it, to other machines."""
        return self.host is not None and not self.config.workspace.stays
