"""Whether the variables of an edge's templates can come from the role the edge leaves.

A reply holds what its role's schema names for that status, and `_body`. At `$START` there is no
reply yet: the variables come from the front matter of the task's own text, which no file can
promise.
"""

from __future__ import annotations

from collections.abc import Collection

from uwf.workflow import dialect, template
from uwf.workflow.model import ANY, BODY, END, START, SUSPEND, Role, Workflow
from uwf.workflow.problem import Problems, did_you_mean
from uwf.workflow.reply_schema.structure import STATUS, branches
from uwf.yaml12 import Document, SourceMark


def check(
    workflow: Workflow, document: Document, sound: Collection[str], problems: Problems
) -> None:
    """Notes templates that cannot be used. Only roles in `sound` have a schema that can be asked."""
    for source, edges in workflow.graph.items():
        for status, edge in edges.items():
            place = ("graph", source, status)
            to_role = edge.target not in (END, SUSPEND)
            for key, text in (("prompt", edge.prompt), ("location", edge.location)):
                given = document.value["graph"][source][status]
                if not isinstance(given, dict) or key not in given or not isinstance(text, str):
                    continue
                mark = document.mark((*place, key))
                if not text.strip():
                    if to_role:
                        problems.error(
                            "empty_template", f"the {key} of {source} → {status} is empty", mark
                        )
                    continue
                try:
                    used = template.uses(text)
                except template.TemplateInvalid as error:
                    problems.error(
                        "bad_template", f"the {key} of {source} → {status}: {error.message}", mark
                    )
                    continue
                if source == START:
                    _note_task_variables(used, mark, problems)
                elif source in sound:
                    unknown = dialect.habit(document.value, problems)
                    _note_unknown(workflow.roles[source], status, used, mark, problems, unknown)


def _note_task_variables(used: template.Uses, mark: SourceMark, problems: Problems) -> None:
    names = [name for name in used.variables if name != BODY]
    if names and not used.guarded:
        problems.warning(
            "task_variable",
            f"{_listed(names)} must come from front matter in the task's text, else nothing is printed",
            mark,
        )


def _note_unknown(
    role: Role,
    status: str,
    used: template.Uses,
    mark: SourceMark,
    problems: Problems,
    unknown: dialect.Note,
) -> None:
    known = branches(role.schema)
    ours = [
        branch
        for branch in known
        if status == ANY or status in branch.statuses or not branch.statuses
    ]
    if not ours:
        return
    everywhere = {name for branch in known for name in (*branch.properties, *branch.required)}
    for name in used.variables:
        if name in (BODY, STATUS):
            continue
        holding = [
            branch for branch in ours if name in branch.properties or name in branch.required
        ]
        if len(holding) == len(ours) and all(name in branch.required for branch in holding):
            continue
        with_status = "" if status == ANY else f" with status '{status}'"
        if holding:
            if not used.guarded:
                problems.warning(
                    "optional_variable",
                    f"`{name}` is optional in the reply of '{role.name}'{with_status}, and prints as nothing "
                    "when it is left out",
                    mark,
                )
            continue
        if name in everywhere and not any(branch.closed for branch in ours):
            problems.warning(
                "other_status_variable",
                f"`{name}` is in the schema of role '{role.name}', but not{with_status}",
                mark,
            )
        elif not any(branch.open for branch in ours):
            unknown(
                "unknown_variable",
                f"`{name}` is nothing that role '{role.name}' replies{with_status}",
                mark,
                did_you_mean(name, sorted(everywhere)),
            )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
