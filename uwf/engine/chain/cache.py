"""What a run has read already. Nodes never change, so keeping them is always right.

A run of many steps reads its workflow, its start and the last steps again and again, and stores the same
prompt sections with each step; a `NodeCache` makes each of them cost once.
"""

from __future__ import annotations

from uwf.engine.chain.gate import words_of
from uwf.engine.chain.nodes import Step
from uwf.workflow import model as workflow_model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.engine.chain.nodes import Nodes
    from uwf.engine.chain.redact import Redactor
    from uwf.store.codec import Link, Node
    from uwf.workflow.model import Workflow

KEPT_KINDS = ("start", "step", "rebind", "workflow")
KEPT_NODES = 128
KEPT_STEPS = 8


class NodeCache:
    """Reads nodes of one store, and remembers the newest of those that chains are made of."""

    def __init__(self, nodes: Nodes, redactor: Redactor | None = None) -> None:
        """The `redactor` of the run is told to spare the words of every workflow that is read."""
        self._source = nodes
        self._redactor = redactor
        self._nodes: dict[str, Node] = {}
        self._steps: dict[str, Step] = {}
        self._workflows: dict[str, Workflow] = {}
        self.sections: dict[tuple[str, str], tuple[str, str]] = {}
        """By workflow id and role: the two sections of a prompt that depend on nothing else."""
        self.tasks: dict[str, str] = {}
        """By start node: the section with the task."""
        self.links: dict[str, Link] = {}
        """Sections that a step of this run has stored: its chain keeps them as long as the lock is held."""
        self.schema_files: dict[tuple[str, str], str] = {}
        """By workflow id and role: the path of the file with the role's schema, which this run has seen."""

    def get(self, id: str) -> Node:
        """The node, as the store gives it."""
        found = self._nodes.get(id)
        if found is None:
            found = self._source.get(id)
            if found.kind in KEPT_KINDS:
                self.keep(id, found)
        return found

    def keep(self, id: str, node: Node) -> None:
        """Remember a node that was read or stored just now."""
        if len(self._nodes) >= KEPT_NODES:
            del self._nodes[next(iter(self._nodes))]
        self._nodes[id] = node

    def step(self, id: str) -> Step:
        """The step that the node `id` is."""
        found = self._steps.get(id)
        if found is None:
            if len(self._steps) >= KEPT_STEPS:  # whole bodies: few, and the newest
                del self._steps[next(iter(self._steps))]
            found = self._steps[id] = Step.read(self, id)
        return found

    def workflow(self, id: str) -> Workflow:
        """The workflow that the object `id` is."""
        found = self._workflows.get(id)
        if found is None:
            payload = self.get(id).payload
            found = self._workflows[id] = workflow_model.from_payload(payload)
            if self._redactor is not None:
                self._redactor.spare(words_of(payload))
        return found
