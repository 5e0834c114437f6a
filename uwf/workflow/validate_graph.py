"""Whether the edges of a graph fit its roles, which roles a thread can get to, and whether it can get out again.

For the ways through the graph, an edge to a misspelt role counts as one to the role that was probably meant, and an
edge that could not be read as one to the end, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from uwf.nearest import nearest
from uwf.workflow.model import ANY, END, RESERVED, START, SUSPEND, Workflow
from uwf.workflow.parse import UNREAD
from uwf.workflow.problem import Problems, did_you_mean
from uwf.workflow.reply_schema.structure import statuses
from uwf.yaml12 import Document

_ENTRIES = ("new", "resume", ANY)


def check(
    workflow: Workflow, document: Document, sound: Collection[str], problems: Problems
) -> None:
    """Notes what is wrong with the graph. Only roles in `sound` have a schema that can be asked."""
    edges = _Edges(workflow, document, sound, problems)
    edges.start()
    for source in workflow.graph:
        if source != START:
            edges.source(source)
    edges.targets()
    _check_paths(workflow, document, problems)


class _Edges:
    """The edges of each role against what the roles may reply."""

    def __init__(
        self, workflow: Workflow, document: Document, sound: Collection[str], problems: Problems
    ) -> None:
        self._workflow = workflow
        self._document = document
        self._sound = sound
        self._problems = problems

    def start(self) -> None:
        edges = self._workflow.graph.get(START)
        if edges is None:
            self._error(
                "no_start", f"the graph lacks `{START}`, where a thread begins", "graph", key=True
            )
            return
        if "new" not in edges and ANY not in edges:
            self._error("no_start", f"`{START}` lacks the edge `new`", "graph", START, key=True)
        for status, edge in edges.items():
            place = ("graph", START, status)
            if status not in _ENTRIES or (status == ANY and len(edges) > 1):
                self._unused(START, status, ["new", "resume"])
            if edge.target in (END, SUSPEND):
                self._error("bad_target", f"`{START}` must lead to a role", *place, "role")

    def source(self, source: str) -> None:
        if source not in self._workflow.roles:
            self._unknown_role(
                source, f"the graph has edges for '{source}'", "graph", source, key=True
            )
            return
        edges = self._workflow.graph[source]
        if not edges:
            self._error("never_routed", f"role '{source}' has no edges", "graph", source, key=True)
            return
        if list(edges) == [ANY] or source not in self._sound:
            return
        known = statuses(self._workflow.roles[source].schema)
        for status in known:
            if status not in edges and status != SUSPEND:
                self._error(
                    "no_edge",
                    f"role '{source}' may reply with status '{status}', which has no edge",
                    *("graph", source),
                    key=True,
                )
        for status in edges:
            if status == SUSPEND:
                self._error(
                    "reserved_name",
                    f"`{SUSPEND}` needs no edge: a role that replies it suspends the thread",
                    *("graph", source, status),
                    key=True,
                )
            elif known and status not in known:
                self._unused(source, status, known)

    def targets(self) -> None:
        for source, edges in self._workflow.graph.items():
            for status, edge in edges.items():
                place = ("graph", source, status, "role")
                if edge.target == START:
                    self._error(
                        "bad_target", f"`{START}` is where a thread begins, not a target", *place
                    )
                elif (
                    edge.target not in (UNREAD, END, SUSPEND)
                    and edge.target not in self._workflow.roles
                ):
                    self._unknown_role(
                        edge.target, f"edge {source} → {status} leads to '{edge.target}'", *place
                    )

    def _unknown_role(self, name: str, what: str, *path: str, key: bool = False) -> None:
        self._problems.error(
            "unknown_role",
            f"{what}, which is no role of this workflow",
            self._document.mark(path, key=key),
            did_you_mean(name, [*self._workflow.roles, END]),
        )

    def _unused(self, source: str, status: str, known: list[str]) -> None:
        self._problems.warning(
            "unused_edge",
            f"edge {source} → {status} is never taken: '{source}' has no such status",
            self._document.mark(("graph", source, status), key=True),
            did_you_mean(status, known) or f"it knows {', '.join(known)}",
        )

    def _error(self, code: str, message: str, *path: str, key: bool = False) -> None:
        self._problems.error(code, message, self._document.mark(path, key=key))


def _check_paths(workflow: Workflow, document: Document, problems: Problems) -> None:
    """Notes roles that are never reached or never routed, and a missing path to `$END`."""
    arrows = {source: _followed(workflow, source) for source in workflow.graph}
    reached = _spread([START], arrows)
    named = {target for targets in arrows.values() for target in targets}
    for name in workflow.roles:
        if name in RESERVED:
            continue
        mark = document.mark(("roles", name), key=True)
        if name not in workflow.graph and name in named:
            problems.error(
                "never_routed", f"role '{name}' is reached but has no edges in the graph", mark
            )
        elif START in workflow.graph and name not in reached:
            problems.warning("never_reached", f"role '{name}' is never reached from {START}", mark)
    if START not in workflow.graph:
        return
    back: dict[str, set[str]] = {}
    for source, targets in arrows.items():
        for target in targets:
            back.setdefault(target, set()).add(source)
    ending = _spread([END, *(name for name in named if name not in workflow.graph)], back)
    trapped = [source for source in workflow.graph if source in reached and source not in ending]
    if START in trapped:
        mark = document.mark(("graph",), key=True)
        problems.error("no_end", f"no path leads from {START} to {END}", mark)
    elif trapped:
        roles = ", ".join(f"'{name}'" for name in trapped)
        mark = document.mark(("graph", trapped[0]), key=True)
        problems.error("no_end", f"no path leads from {roles} to {END}", mark)


def _spread(begin: Iterable[str], arrows: dict[str, set[str]]) -> set[str]:
    """Everything that can be reached from `begin` along the arrows, with `begin` itself."""
    found = set(begin)
    waiting = list(found)
    while waiting:
        new = arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _followed(workflow: Workflow, source: str) -> set[str]:
    """Where the source's edges lead. One that suspends leads back to its own role, when it is
    resumed.
    """
    targets = set()
    for edge in workflow.graph[source].values():
        if edge.target == SUSPEND:
            targets.add(source)
        elif edge.target == UNREAD:
            targets.add(END)
        elif edge.target == END or edge.target in workflow.roles:
            targets.add(edge.target)
        else:
            targets.add(nearest(edge.target, [*workflow.roles, END]) or END)
    return targets
