"""Which roles a thread can get to, and whether it can get out again.

An edge to a misspelt role counts as one to the role that was probably meant, and an edge that could
not be read as one to the end, so that one mistake is told once.
"""

from __future__ import annotations

from uwf.workflow.model import END, START, SUSPEND
from uwf.workflow.names import RESERVED
from uwf.workflow.parse import UNREAD
from uwf.workflow.problem import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from uwf.workflow.model import Workflow
    from uwf.workflow.problem import Problems
    from uwf.yaml12 import Document


def check(workflow: Workflow, document: Document, problems: Problems) -> None:
    """Notes roles that are never reached or never routed, and a missing path to `$END`."""
    arrows = {source: _targets(workflow, source) for source in workflow.graph}
    reached = spread([START], arrows)
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
    ending = spread([END, *(name for name in named if name not in workflow.graph)], back)
    trapped = [source for source in workflow.graph if source in reached and source not in ending]
    if START in trapped:
        mark = document.mark(("graph",), key=True)
        problems.error("no_end", f"no path leads from {START} to {END}", mark)
    elif trapped:
        roles = ", ".join(f"'{name}'" for name in trapped)
        mark = document.mark(("graph", trapped[0]), key=True)
        problems.error("no_end", f"no path leads from {roles} to {END}", mark)


def spread(begin: Iterable[str], arrows: dict[str, set[str]]) -> set[str]:
    """Everything that can be reached from `begin` along the arrows, with `begin` itself."""
    found = set(begin)
    waiting = list(found)
    while waiting:
        new = arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _targets(workflow: Workflow, source: str) -> set[str]:
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
