"""The agent of `uwf demo`: plays the role that is named on its command line, in the folder it is started in.

    python -P -m uwf.demo.agent survey <prompt >reply

This is all that an agent needs to be: a program that reads a prompt and prints a reply. The three roles of `tidy.yaml`
are three functions: `survey` says what the linter finds, `fix` applies its fixes, `review` decides how to go on.
"""

from __future__ import annotations

import os
import sys

from uwf.demo import linter, project
from uwf.demo.agreed import EXAMPLES, Agreed
from uwf.demo.linter import SYNTAX, UNSAFE, LinterFailed, LintFinding
from uwf.demo.prompt import RolePrompt, RoleReply, suspend, take_apart
from uwf.quantities import counted
from uwf.record import replace

DIFF_LINES = 8

NOT_HEARD = f"I am a small program and did not understand that. I know: {EXAMPLES}. "


def survey(prompt: RolePrompt, folder: str) -> RoleReply:
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


def fix(prompt: RolePrompt, folder: str) -> RoleReply:
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


def review(prompt: RolePrompt, folder: str) -> RoleReply:
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
    not_heard = NOT_HEARD if prompt.supplement and not heard else ""
    return suspend(not_heard + _question(findings, agreed), text)


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


ROLES = {"survey": survey, "fix": fix, "review": review}


def main(words: list[str]) -> int:
    """Play the role `words[0]`. Exit code 2 when that is none."""
    if len(words) != 1 or words[0] not in ROLES:
        print(f"usage: python -m uwf.demo.agent {'|'.join(ROLES)} <prompt", file=sys.stderr)
        return 2
    prompt = take_apart(sys.stdin.buffer.read().decode(errors="replace"))
    try:
        reply = ROLES[words[0]](prompt, os.getcwd())
    except LinterFailed as failed:
        reply = suspend(
            f"The linter could not do its work: {failed}. Say what to change, for instance "
            "'put the project's settings aside', or mend it in the folder and resume."
        )
    sys.stdout.buffer.write(str(reply).encode(errors="backslashreplace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
