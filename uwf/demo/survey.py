"""The role `survey`: what the linter has to say. Changes nothing."""

from __future__ import annotations

from uwf.demo import linter, project
from uwf.demo.prompt import RolePrompt, RoleReply
from uwf.quantities import counted
from uwf.record import replace


def play(prompt: RolePrompt, folder: str) -> RoleReply:
    """Lint the project in `folder` with what is agreed. Raises `LinterFailed`."""
    # A person who once left the rest as it was did so for that round.
    agreed = replace(prompt.agreed, leave_rest=prompt.added.leave_rest)
    files = project.python_files(folder)
    if not files:
        return RoleReply(
            {"$status": "clean", "agreed": agreed.text}, "There is no Python file here."
        )
    findings = linter.check(folder, agreed)
    how = " ".join(["ruff check .", *linter.options(folder, agreed)])
    if not findings:
        text = f"`{how}` finds nothing in {counted(len(files), 'Python file')}."
        return RoleReply({"$status": "clean", "agreed": agreed.text}, text)
    fields: dict[str, str | int] = {
        "$status": "findings",
        "findings": len(findings),
        "fixable": len(linter.fixable(findings, agreed)),
        "agreed": agreed.text,
    }
    lines = [f"`{how}` in {counted(len(files), 'Python file')}:", ""]
    for found in linter.by_rule(findings):
        lines.append(f"- {len(found)} x {found[0].code} {found[0].name}, fix: {found[0].fix}")
    return RoleReply(fields, "\n".join(lines))
