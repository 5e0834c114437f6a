"""How the turns of an agent read: what it says, what it thinks, which tool it uses and for what, what that gave back.

A turn is told by its `kind` and its text, as they are stored: that of a tool is its name, and its arguments as JSON.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT, THINKING, TOOL, RESULT = "text", "thinking", "tool", "tool_result"

_SIGNS = {TEXT: "", THINKING: "\u2026 ", TOOL: "\u203a ", RESULT: "\u2502 "}
COLOURS = {TOOL: "cyan", "denied": "red"}
"""Of the kinds that are to be found at a glance."""
_MAIN = (
    *("command", "cmd", "file_path", "notebook_path", "path", "pattern", "query", "url"),
    *("description", "prompt", "text", "name"),
)
"""Arguments that say what a tool is used for, the first one first."""
_MOST_SHOWN = 3
"""Of the other arguments, where none of these is there."""
RESULT_LINES = 5


def tool(text: str) -> str:
    """The use of a tool on one line: `Bash ls -la`."""
    name, _, said = text.partition(" ")
    arguments = _arguments(said)
    if arguments is None:
        return one_line(text)
    main = next((words for key in _MAIN if (words := _words(arguments.get(key)))), None)
    if main is None:
        shown = [f"{key}={_words(value) or value}" for key, value in arguments.items()]
        main = ", ".join(shown[:_MOST_SHOWN])
    return one_line(f"{name} {main}")


def now(kind: str, text: str) -> str:
    """What an agent does just now, on one line; "" for what says nothing of that."""
    if kind == TOOL:
        return tool(text)
    if kind not in (TEXT, THINKING):
        return ""
    lines = text.strip().splitlines()
    return _SIGNS[kind] + lines[-1] if lines else ""


def lines(kind: str, text: str) -> list[str]:
    """A turn line by line, each with the sign of its kind; of what a tool gave back the beginning."""
    sign = _SIGNS.get(kind, f"{kind}: ")
    if kind == TOOL:
        return [sign + tool(text)]
    found = text.strip("\n").splitlines()
    if kind == RESULT and len(found) > RESULT_LINES + 1:
        more = len(found) - RESULT_LINES
        found = [*found[:RESULT_LINES], f"\u2026 {more} lines more"]
    return [sign + line for line in found]


def one_line(text: str) -> str:
    return " ".join(text.split())


def _arguments(said: str) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _words(value: Any) -> str:
    """A text, or a command line as a list of its words; "" for anything else."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value)
    return value if isinstance(value, str) else ""
