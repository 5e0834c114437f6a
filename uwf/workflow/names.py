"""What a workflow, a role and a status may be called."""

from __future__ import annotations

from uwf.workflow.model import ANY, BODY, END, START, SUSPEND

RESERVED = (START, END, SUSPEND, BODY)
LENGTH_LIMIT = 100


def fault_in(name: str, *, spaces: bool = False) -> str | None:
    """What is wrong with a name, as the end of a sentence; None when it is fine.

    Names stand in refs, in `THREAD/role@2` and on command lines, so they hold nothing that means
    something there.
    """
    if not name.strip():
        return "is empty"
    if name in RESERVED:
        return "is reserved"
    if name.startswith("$"):
        return "begins with $, which is reserved"
    if name == ANY:
        return "means 'any status' in older files"
    if len(name) > LENGTH_LIMIT:
        return f"is longer than {LENGTH_LIMIT} characters"
    if name != name.strip() or not name.isprintable():
        return "has spaces around it or characters that do not print"
    if not spaces and " " in name:
        return "has a space in it"
    found = [letter for letter in "/\\@~\"'`" if letter in name]
    if found or ".." in name:
        return f"has {found[0] if found else '..'} in it"
    return None
