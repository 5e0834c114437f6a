"""Whether a workflow that could be read can also run. Notes every problem, each with its place in the file.

What would break a run is an error: an unknown role, a status without an edge, a role from which no
path leads to `$END`, a schema that is none. What is merely unused, or may print as nothing, is a
warning. Here are names, roles and their schemas; `validate_graph` has the edges, `validate_templates` what they say.
"""

from __future__ import annotations

import os

from uwf.workflow import dialect, validate_graph, validate_templates
from uwf.workflow.model import ANY, BODY, RESERVED, START, SUSPEND, Role, Workflow
from uwf.workflow.problem import Problems
from uwf.workflow.reply_schema.check import backtracking, schema_problems
from uwf.workflow.reply_schema.structure import STATUS, branches, statuses
from uwf.yaml12 import Document

NAME_LENGTH_LIMIT = 100


def check(workflow: Workflow, document: Document, path: str, problems: Problems) -> None:
    """Notes what is wrong with `workflow`, read from `document` at `path`."""
    _Check(workflow, document, problems).everything(path)


class _Check:
    def __init__(self, workflow: Workflow, document: Document, problems: Problems) -> None:
        self._workflow = workflow
        self._document = document
        self._problems = problems
        self._bad_schemas: set[str] = set()

    def everything(self, path: str) -> None:
        self._name(path)
        for key, lacks in (("roles", "role"), ("graph", f"edge: it begins at `{START}`")):
            if self._document.value.get(key) == {}:
                self._error("empty", f"'{key}' has no {lacks}", key, key=True)
        for role in self._workflow.roles.values():
            self._role(role)
        sound = {name for name in self._workflow.roles if name not in self._bad_schemas}
        if self._workflow.roles and self._workflow.graph:
            validate_graph.check(self._workflow, self._document, sound, self._problems)
        validate_templates.check(self._workflow, self._document, sound, self._problems)
        dialect.warn(self._workflow, self._document, self._problems)

    def _name(self, path: str) -> None:
        name = self._workflow.name
        if not isinstance(self._document.value.get("name"), str):
            return
        fault = fault_in(name)
        if fault:
            self._error("bad_name", f"the name '{name}' {fault}", "name")
            return
        folder, file = os.path.split(os.path.abspath(path))
        stem = os.path.splitext(file)[0]
        expected = os.path.basename(folder) if stem == "index" else stem
        if expected != name:
            self._warning(
                "name_differs",
                f"the workflow is called '{name}' but its {'folder' if stem == 'index' else 'file'} '{expected}'",
                "name",
            )

    def _role(self, role: Role) -> None:
        fault = fault_in(role.name)
        if fault:
            self._error(
                "bad_name", f"the role name '{role.name}' {fault}", "roles", role.name, key=True
            )
        where = ("roles", role.name, "frontmatter")
        given = self._document.value["roles"][role.name]
        if not isinstance(given, dict) or not isinstance(given.get("frontmatter"), dict):
            self._bad_schemas.add(role.name)
            return
        for path, text in schema_problems(role.schema):
            self._bad_schemas.add(role.name)
            self._error(
                "bad_schema", f"the frontmatter of role '{role.name}': {text}", *where, *path
            )
        if role.name not in self._bad_schemas:
            for path, text in backtracking(role.schema):
                self._warning("slow_pattern", f"role '{role.name}': {text}", *where, *path)
        for branch in branches(role.schema):
            if BODY in branch.properties:
                self._error(
                    "reserved_name",
                    f"role '{role.name}' has a property `{BODY}`, which is the name of the reply's Markdown",
                    *where,
                )
                break
        self._shapes(role, where)
        known = statuses(role.schema)
        for status in known:
            self._status(role, status, where)
        if not known and role.name not in self._bad_schemas:
            self._no_status(role, where)

    def _shapes(self, role: Role, where: tuple[str, ...]) -> None:
        """Shapes of a reply that no reply can have, since their `$status` is no text."""
        shapes = role.schema.get("oneOf")
        for number, shape in enumerate(shapes if isinstance(shapes, list) else ()):
            properties = shape.get("properties") if isinstance(shape, dict) else None
            about = properties.get(STATUS) if isinstance(properties, dict) else None
            if not isinstance(about, dict) or isinstance(about.get("const", ""), str):
                continue
            self._error(
                "bad_status",
                f"a `{STATUS}` of role '{role.name}' is {about['const']!r}, which is no text: put it in quotes",
                *where,
                *("oneOf", number, "properties", STATUS, "const"),
            )

    def _status(self, role: Role, status: str, where: tuple[str, ...]) -> None:
        if status == SUSPEND:
            self._warning(
                "needless_status",
                f"role '{role.name}' lists `{SUSPEND}`, which every role may reply anyway: leave it out",
                *where,
            )
            return
        if status == ANY:
            self._habit(
                "old_any_status",
                f"role '{role.name}' replies with the status `{ANY}`, the older way",
                "name its status, as `$status: {const: done}`",
                *where,
            )
            return
        fault = fault_in(status, spaces=True)
        if fault:
            self._error("bad_name", f"the status '{status}' of role '{role.name}' {fault}", *where)

    def _no_status(self, role: Role, where: tuple[str, ...]) -> None:
        message = f"the frontmatter of role '{role.name}' names no `$status`"
        hint = "name one, as `$status: {const: done}`"
        if list(self._workflow.graph.get(role.name, ())) == [ANY]:
            self._habit("no_status", message, hint, *where)
        else:
            self._problems.error("no_status", message, self._document.mark(where), hint)

    def _habit(self, code: str, message: str, hint: str, *path: str) -> None:
        note = dialect.habit(self._document.value, self._problems)
        note(code, message, self._document.mark(path), hint)

    def _error(self, code: str, message: str, *path: str | int, key: bool = False) -> None:
        self._problems.error(code, message, self._document.mark(path, key=key))

    def _warning(self, code: str, message: str, *path: str | int) -> None:
        self._problems.warning(code, message, self._document.mark(path))


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
    if len(name) > NAME_LENGTH_LIMIT:
        return f"is longer than {NAME_LENGTH_LIMIT} characters"
    if name != name.strip() or not name.isprintable():
        return "has spaces around it or characters that do not print"
    if not spaces and " " in name:
        return "has a space in it"
    found = [letter for letter in "/\\@~\"'`" if letter in name]
    if found or ".." in name:
        return f"has {found[0] if found else '..'} in it"
    return None
