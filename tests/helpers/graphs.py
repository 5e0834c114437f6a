"""Workflows of 3, 12 and 60 roles, with the path that a thread took through each: to be drawn."""

from __future__ import annotations

import random

from uwf.workflow.model import Edge, Role, Workflow

Graph = dict[str, dict[str, str]]
Visits = dict[tuple[str, str], int]


def workflow(roles: list[str], graph: Graph) -> Workflow:
    return Workflow(
        "demo",
        "what it is for",
        {name: Role(name, "", "", (), "", "", {}) for name in roles},
        {
            source: {status: Edge(target, "prompt") for status, target in edges.items()}
            for source, edges in graph.items()
        },
    )


def _of(graph: Graph) -> Workflow:
    return workflow([name for name in graph if name != "$START"], graph)


THREE = _of(
    {
        "$START": {"new": "coder", "resume": "coder"},
        "coder": {"done": "reviewer", "blocked": "$SUSPEND"},
        "reviewer": {"approved": "publisher", "changes": "coder"},
        "publisher": {"merged": "$END", "conflict": "coder"},
    }
)
TWELVE = _of(
    {
        "$START": {"new": "triage", "resume": "planner"},
        "triage": {"bug": "reproducer", "feature": "planner", "duplicate": "$END"},
        "reproducer": {"reproduced": "planner", "cannot": "triage"},
        "planner": {"ready": "architect", "small": "coder", "again": "planner"},
        "architect": {"designed": "coder", "too big": "planner"},
        "coder": {"done": "tester", "stuck": "architect"},
        "tester": {"green": "reviewer", "red": "coder", "flaky": "tester"},
        "reviewer": {"approved": "security", "changes": "coder", "redesign": "architect"},
        "security": {"clean": "writer", "found": "coder"},
        "writer": {"written": "editor"},
        "editor": {"good": "releaser", "rewrite": "writer"},
        "releaser": {"released": "announcer", "failed": "tester"},
        "announcer": {"told": "$END"},
    }
)


def made(seed: int, count: int) -> Workflow:
    """So many roles, each of which leads on, and may lead back, skip a few, repeat itself or give up."""
    dice = random.Random(seed)
    names = [f"role-{number:02d}" for number in range(count)]
    graph: Graph = {"$START": {"new": names[0], "resume": names[count // 4]}}
    for number, name in enumerate(names):
        edges = {"done": names[number + 1] if number + 1 < count else "$END"}
        if dice.random() < 0.5:
            edges["rejected"] = names[max(0, number - dice.randint(1, 4))]
        if dice.random() < 0.35:
            edges["MIMWMW skip"] = names[min(count - 1, number + dice.randint(2, 5))]
        if dice.random() < 0.08:
            edges["abandoned"] = "$END"
        if dice.random() < 0.1:
            edges["\u624b\u76f4\u3057"] = name
        graph[name] = edges
    return _of(graph)


def tree(count: int) -> Workflow:
    """Each role leads to three others, which lead to no other but the end."""
    graph: Graph = {"$START": {"new": "r0"}}
    for number in range(count):
        below = [child for child in range(3 * number + 1, 3 * number + 4) if child < count]
        graph[f"r{number}"] = {f"kind {child}": f"r{child}" for child in below} or {"done": "$END"}
    return _of(graph)


GRAPHS_OF: dict[str, tuple[Workflow, Visits, str]] = {
    "3 roles": (
        THREE,
        {("$START", "new"): 1, ("coder", "done"): 12, ("reviewer", "changes"): 11},
        "reviewer",
    ),
    "12 roles": (
        TWELVE,
        {("$START", "new"): 1, ("triage", "feature"): 1, ("planner", "again"): 123},
        "planner",
    ),
    "60 roles": (made(1, 60), {("role-00", "done"): 1}, "$END"),
    "60 in a tree": (tree(60), {("r0", "kind 1"): 1}, "r1"),
    **{f"made {seed}": (made(seed, 9), {("role-00", "done"): 9}, "role-01") for seed in range(8)},
}
