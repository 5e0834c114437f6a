"""Which edge of a workflow to take next, so that all are taken once."""

from __future__ import annotations

from collections import deque

from uwf.workflow import route
from uwf.workflow.model import END, START, SUSPEND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from uwf.workflow.model import Workflow

    EdgeName: TypeAlias = tuple[str, str]
    """Where an edge begins, and its status."""


class Edges:
    """The edges of `workflow`: those that were `walked`, and those that `failed`, which lead nowhere."""

    def __init__(self, workflow: Workflow) -> None:
        self._workflow = workflow
        self.walked: set[EdgeName] = set()
        self.failed: set[EdgeName] = set()

    def named(self, source: str, status: str) -> EdgeName:
        """The edge that a status takes."""
        return source, route.taken(self._workflow, source, status)

    def entry(self, round: int) -> EdgeName:
        """The edge with which a round begins."""
        return START, route.entry_status(self._workflow, round)

    def way_on(self, source: str) -> EdgeName | None:
        """The edge from `source`, a role or `$START` of a later round, that is not walked yet, or leads to one most
        directly; None when there is none.
        """
        seen = {source}
        ways: deque[tuple[str, EdgeName | None]] = deque([(source, None)])
        while ways:
            here, first = ways.popleft()
            for edge, target in self._from(here):
                if edge in self.failed:
                    continue
                if edge not in self.walked:
                    return first or edge
                if target not in seen:
                    seen.add(target)
                    ways.append((target, first or edge))
        return None

    def _from(self, source: str) -> list[tuple[EdgeName, str]]:
        """The edges that can be taken at `source`, and where they lead: from the end into the next round."""
        edges = self._workflow.graph.get(source, {})
        statuses = [self.entry(2)[1]] if source == START else list(edges)
        back = {END: START, SUSPEND: source}
        return [
            ((source, status), back.get(edges[status].target, edges[status].target))
            for status in statuses
        ]
