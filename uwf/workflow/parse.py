"""From the values of a file to a `Workflow`, with every departure from the format noted.

What is missing or of the wrong type becomes something empty, so that the checks that follow still
see all the rest. An edge that could not be read has the target `UNREAD`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from uwf import quantities
from uwf.config_table import is_bare
from uwf.errors import InputError
from uwf.workflow import dialect, trigger
from uwf.workflow.model import END, NEEDS, SUSPEND, VERSION, Edge, Role, Workflow
from uwf.workflow.problem import Problems, did_you_mean
from uwf.yaml12 import Document

Path = tuple[str | int, ...]

UNREAD = ""

TOP = ("version", "name", "description", "budget", "on", "roles", "graph")
ROLE = (
    *("description", "goal", "capabilities", "procedure", "output", "frontmatter"),
    *("max_visits", "writes", "agent", "model", "needs"),
)
EDGE = ("role", "prompt", "location")
"""The keys of a file, of a role and of an edge. What they mean is said in `file_schema` too."""


def to_workflow(document: Document, problems: Problems) -> Workflow | None:
    """The workflow in the document; None when there is nothing to check further."""
    value = document.value
    if not isinstance(value, dict):
        what = "empty" if value is None else f"a {_kind(value)}"
        problems.error(
            "not_a_workflow",
            f"the file is {what}, and a workflow is a mapping with name, roles and graph",
            document.mark(),
        )
        return None
    if dialect.is_oldest(value):
        problems.error(
            "oldest_format",
            "this is the oldest workflow format, whose graph has conditions: "
            "write each role's edges as `status: {role: NAME, prompt: TEXT}` instead",
            document.mark(("graph",), key=True),
        )
        return None
    return _Parser(document, problems).workflow(value)


class _Parser:
    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems

    def workflow(self, value: dict[str, Any]) -> Workflow:
        self._known(value, TOP, (), "a workflow")
        self._version(value)
        roles = self._mapping(value, "roles", (), "a workflow")
        graph = self._mapping(value, "graph", (), "a workflow")
        if value.get("name") is None:
            self._missing("name", (), "a workflow")
        return Workflow(
            self._text(value, "name", ()),
            self._text(value, "description", ()),
            {name: self._role(name, role) for name, role in roles.items()},
            {source: self._edges(source, edges) for source, edges in graph.items()},
            self._budget(value["budget"]) if "budget" in value else {},
            self._triggers(value) if "on" in value else (),
        )

    def _triggers(self, value: dict[str, Any]) -> tuple[dict[str, Any], ...]:
        """The elements of `on`. One that is misspelt would never match: an error."""
        listed = value["on"]
        if not isinstance(listed, list):
            said = f"on is {_a(listed)} but must be a list of triggers: - {{on: github.review, text: TEXT}}"
            self._error("bad_trigger", said, ("on",), key=listed is None)
            return ()
        if len(listed) > trigger.MAX_TRIGGERS:
            said = f"on has {len(listed)} triggers, and may have {trigger.MAX_TRIGGERS}"
            self._error("bad_trigger", said, ("on",), key=True)
            return ()
        for number, given in enumerate(listed):
            self._trigger(given, ("on", number), value.get("name"))
        return tuple(given for given in listed if isinstance(given, dict))

    def _trigger(self, given: Any, path: Path, workflow: Any) -> None:
        if not isinstance(given, dict):
            self._error("bad_trigger", f"a trigger is {_a(given)} but must be a mapping", path)
            return

        def note(key: tuple[str, ...], why: str) -> None:
            self._error("bad_trigger", why, (*path, *key), key=bool(key) and key[0] not in known)

        known = trigger.key_names()
        found = trigger.read(given, note)
        if found.start is not None and found.start != workflow:
            note(("start",), f"a workflow file starts its own workflow alone: '{workflow}'")

    def _budget(self, value: Any) -> dict[str, float]:
        """A map of limits, or all of them in one text. A limit that is misspelt would not hold: an error."""
        if isinstance(value, str):
            try:
                return quantities.parse_budget(value)
            except InputError as error:
                self._error("bad_budget", f"budget: {error.message}", ("budget",))
                return {}
        if not isinstance(value, dict):
            self._error(
                "bad_type",
                f"budget is {_a(value)} but must be limits such as {{tokens: 2M, usd: 5}}",
                ("budget",),
                key=value is None,
            )
            return {}
        found = {}
        for name, given in value.items():
            if name not in quantities.NAMES:
                said = f"budget: {quantities.unknown_amount(name)}"
                self._error("bad_budget", said, ("budget", name), key=True)
                continue
            try:
                found[name] = quantities.read_amount(name, given)
            except ValueError as error:
                self._error("bad_budget", f"budget: {name}: {error}", ("budget", name))
        return found

    def _max_visits(self, value: dict[str, Any], path: Path) -> int | None:
        given = value.get("max_visits")
        if "max_visits" not in value:
            return None
        if isinstance(given, bool) or not isinstance(given, int) or not 0 < given < 1 << 31:
            self._error(
                "bad_type",
                f"max_visits is {_shown(given)} but must be a whole number of 1 or more",
                (*path, "max_visits"),
            )
            return None
        return given

    def _writes(self, value: dict[str, Any], path: Path) -> bool:
        given = value.get("writes", True)
        if not isinstance(given, bool):
            said = f"writes is {_shown(given)} but must be true or false"
            self._error("bad_type", said, (*path, "writes"))
            return True
        return given

    def _word(self, value: dict[str, Any], key: str, path: Path) -> str | None:
        """A word that the config of whoever runs it gives a meaning. Anything else, such as a command, has none."""
        given = value.get(key)
        if key not in value or (isinstance(given, str) and is_bare(given)):
            return given
        said = f"{key} is {_shown(given)}, which means nothing: it is one word, of a-z, A-Z, 0-9, - and _"
        mark = self._document.mark((*path, key), key=given is None)
        self._problems.warning("unknown_word", said, mark)
        return None

    def _needs(self, value: dict[str, Any], path: Path) -> tuple[str, ...]:
        given = value.get("needs", [])
        if not isinstance(given, list) or any(one not in NEEDS for one in given):
            said = f"needs is {_shown(given)} but must be a list of: {', '.join(NEEDS)}"
            self._error("bad_type", said, (*path, "needs"), key=given is None)
            return ()
        return tuple(given)

    def _version(self, value: dict[str, Any]) -> None:
        if "version" not in value:
            self._problems.warning(
                "no_version", f"`version: {VERSION}` is missing", self._document.mark()
            )
        elif value["version"] is True or value["version"] != VERSION:
            self._error(
                "unknown_version",
                f"version is {_shown(value['version'])}, and this uwf reads version {VERSION}",
                ("version",),
            )

    def _role(self, name: str, value: Any) -> Role:
        path: Path = ("roles", name)
        if not isinstance(value, dict):
            self._error("bad_role", f"role '{name}' is {_a(value)} but must be a mapping", path)
            return Role(name, "", "", (), "", "", {})
        self._known(value, ROLE, path, f"role '{name}'")
        return Role(
            name,
            self._text(value, "description", path),
            self._text(value, "goal", path),
            self._capabilities(value, path),
            self._text(value, "procedure", path),
            self._text(value, "output", path),
            self._mapping(value, "frontmatter", path, f"role '{name}'"),
            self._max_visits(value, path),
            self._writes(value, path),
            self._word(value, "agent", path),
            self._word(value, "model", path),
            self._needs(value, path),
        )

    def _capabilities(self, value: dict[str, Any], path: Path) -> tuple[str, ...]:
        given = value.get("capabilities")
        listed = [] if given is None else given if isinstance(given, list) else [given]
        if not all(isinstance(item, str) for item in listed):
            self._error("bad_type", "capabilities must be words", (*path, "capabilities"))
            return ()
        return tuple(listed)

    def _edges(self, source: str, value: Any) -> dict[str, Edge]:
        path: Path = ("graph", source)
        if not isinstance(value, dict):
            self._error(
                "bad_edges",
                f"the edges of '{source}' are {_a(value)} but must be a mapping from status to edge",
                path,
            )
            return {}
        return {status: self._edge(edge, (*path, status)) for status, edge in value.items()}

    def _edge(self, value: Any, path: Path) -> Edge:
        what = f"edge {path[1]} → {path[2]}"
        if not isinstance(value, dict):
            self._error(
                "bad_edge",
                f"{what} is {_a(value)} but must be written as {{role: NAME, prompt: TEXT}}",
                path,
            )
            return Edge(UNREAD, "")
        self._known(value, EDGE, path, what)
        target = value.get("role")
        if target is None:
            self._missing("role", path, what)
        elif not isinstance(target, str):
            self._error("bad_type", f"the role of {what} must be a name", (*path, "role"))
        elif "prompt" not in value and target not in (END, SUSPEND):
            self._missing("prompt", path, what)
        location = self._template(value, "location", path) if "location" in value else None
        return Edge(
            target if isinstance(target, str) else UNREAD,
            self._template(value, "prompt", path),
            location,
        )

    def _template(self, value: dict[str, Any], key: str, path: Path) -> str:
        text = self._text(value, key, path)
        return dialect.template(
            text, self._document.mark((*path, key)), self._document.value, self._problems
        )

    def _text(self, value: dict[str, Any], key: str, path: Path) -> str:
        given = value.get(key)
        if given is None or isinstance(given, str):
            return given or ""
        quotes = "" if isinstance(given, (dict, list)) else ": put it in quotes"
        self._error("bad_type", f"{key} is {_a(given)} but must be text{quotes}", (*path, key))
        return ""

    def _mapping(self, value: dict[str, Any], key: str, path: Path, of: str) -> dict[str, Any]:
        given = value.get(key)
        if key not in value:
            self._missing(key, path, of)
        elif not isinstance(given, dict):
            self._error("bad_type", f"{key} is {_a(given)} but must be a mapping", (*path, key))
        return given if isinstance(given, dict) else {}

    def _known(self, value: dict[str, Any], known: Iterable[str], path: Path, of: str) -> None:
        for key in value:
            if key in known or key.startswith("x-"):
                continue
            self._problems.warning(
                "unknown_key",
                f"{of} has the key '{key}', which means nothing here",
                self._document.mark((*path, key), key=True),
                did_you_mean(key, known),
            )

    def _missing(self, key: str, path: Path, of: str) -> None:
        self._problems.error(
            "missing_key", f"{of} lacks '{key}'", self._document.mark(path, key=True)
        )

    def _error(self, code: str, message: str, path: Path, *, key: bool = False) -> None:
        self._problems.error(code, message, self._document.mark(path, key=key))


def _a(value: Any) -> str:
    return "empty" if value is None else f"a {_kind(value)}"


def _kind(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return "truth value" if isinstance(value, bool) else "number"
    return "mapping" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, int, float)) else _a(value)
