"""The role `fix`: the linter's automatic fixes, and nothing else."""

from __future__ import annotations

from uwf.demo import linter, project
from uwf.demo.prompt import RolePrompt, RoleReply


def play(prompt: RolePrompt, folder: str) -> RoleReply:
    """Fix what may be fixed in `folder`. Raises `LinterFailed`."""
    agreed = prompt.agreed
    before, sources = linter.check(folder, agreed), project.sources(folder)
    linter.fix(folder, agreed)
    after = linter.check(folder, agreed)
    changed = project.changed(sources, project.sources(folder))
    fields: dict[str, str | int] = {
        "$status": "fixed",
        "fixed": max(len(before) - len(after), 0),
        "left": len(after),
        "agreed": agreed.text,
    }
    kind = "safe and unsafe" if agreed.unsafe_fixes else "safe"
    if not changed:
        return RoleReply(fields, f"Ruff's {kind} fixes change nothing here.")
    names = project.listed([f"`{path}`" for path in changed])
    return RoleReply(fields, f"Applied ruff's {kind} fixes. They changed {names}.")
