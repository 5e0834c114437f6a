"""The role `review`: looks at the changes and at what is left, and decides: done, again, or a question."""

from __future__ import annotations

import os

from uwf.demo import linter, project
from uwf.demo.agreed import EXAMPLES, Agreed
from uwf.demo.linter import SYNTAX, UNSAFE, LintFinding
from uwf.demo.prompt import RolePrompt, RoleReply, suspend
from uwf.quantities import counted

DIFF_LINES = 8


def play(prompt: RolePrompt, folder: str) -> RoleReply:
    """Decide how to go on with the project in `folder`. Raises `LinterFailed`."""
    agreed = prompt.agreed
    text, broken = _change(folder)
    if broken and not agreed.leave_rest:
        files = project.listed(broken)
        return suspend(
            f"The fixes have broken {files}. Mend it and resume, or say: leave it.", text
        )
    findings = linter.check(folder, agreed)
    fixable = linter.fixable(findings, agreed)
    heard = prompt.added != Agreed()
    finished = not findings or agreed.leave_rest
    if heard and (fixable or not finished):
        # Only a person's word is a reason to try again: what is left without one has just been tried.
        reason = f"A person has decided, and {counted(len(fixable), 'finding')} can be fixed now."
        return RoleReply({"$status": "again", "reason": reason, "agreed": agreed.text}, text)
    text = "\n\n".join(filter(None, (text, _left(findings))))
    if finished:
        return RoleReply({"$status": "done", "left": len(findings), "agreed": agreed.text}, text)
    unheard = prompt.supplement and not heard
    return suspend((_NOT_HEARD if unheard else "") + _question(findings, agreed), text)


_NOT_HEARD = f"I am a small program and did not understand that. I know: {EXAMPLES}. "


def _question(findings: list[LintFinding], agreed: Agreed) -> str:
    """What the person is asked: what is left, by rule, and what may be answered."""
    unsafe = [found for found in findings if found.fix == UNSAFE and not agreed.unsafe_fixes]
    stuck = [found for found in findings if found not in unsafe]
    known, answers = [], []
    if unsafe:
        known.append(f"unsafe fixes for {len(unsafe)} ({project.listed(_codes(unsafe))})")
        answers.append("use the unsafe fixes")
    if stuck:
        codes = _codes(stuck)
        known.append(f"no fix for {len(stuck)} ({project.listed(codes)})")
        can_ignore = SYNTAX not in codes and len(codes) <= project.LISTED
        answers.append(f"ignore {', '.join(codes)}" if can_ignore else "leave the rest")
    answer = " and ".join(answers)
    other = "" if "leave" in answer else ", or 'leave the rest'"
    left = counted(len(findings), "finding")
    return (
        f"{left} left, and ruff has {' and '.join(known)}. "
        f"What shall be done? For instance '{answer}'{other}."
    )


def _codes(findings: list[LintFinding]) -> list[str]:
    return [found[0].code for found in linter.by_rule(findings)]


def _left(findings: list[LintFinding]) -> str:
    if not findings:
        return "The linter finds nothing any more."
    lines = [
        f"- {found[0].code} {found[0].name}: {project.listed([f'`{each.place}`' for each in found])}"
        for found in linter.by_rule(findings)
    ]
    return "\n".join(["Left:", "", *lines])


def _change(folder: str) -> tuple[str, list[str]]:
    """The difference to the project as it was, in words and a piece of it; and the files it broke."""
    kept = os.path.join(os.path.dirname(folder), project.BEFORE)
    if not os.path.isdir(kept):
        return "", []
    before, after = project.sources(kept), project.sources(folder)
    paths = project.changed(before, after)
    if not paths:
        return "Nothing has been changed.", []
    lines = [
        line
        for path in paths
        for line in project.diff(path, before.get(path, b""), after.get(path, b""))
    ]
    added = sum(line.startswith("+") and not line.startswith("+++ ") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("--- ") for line in lines)
    broken = project.broken(paths, before, after)
    state = (
        f"{project.listed(broken)} no longer compiles" if broken else "all of them still compile"
    )
    text = f"Since the beginning {counted(len(paths), 'file')} changed (+{added} -{removed} lines); {state}."
    piece = "\n".join(lines[:DIFF_LINES])
    more = len(lines) - DIFF_LINES
    if more > 0:
        piece += f"\n… {more} more lines"
    return f"{text}\n\n```diff\n{piece}\n```", broken
