"""What an agent meant by the values of its front matter, as far as the schema of its role leaves no doubt.

What was written without quotes is a number only where the schema asks for one: `commit: 0123456` keeps its zero, and
`tag: 3.10` is no 3.1. Where all that is wrong with a value is its kind, `true` is the text and `"7"` the number that is
asked for. Marks around a status are read past. What two readings would fit is asked again.
"""

from __future__ import annotations

from uwf.agent.frontmatter import can_be_kept
from uwf.workflow.model import SUSPEND
from uwf.workflow.reply_schema import structure
from uwf.workflow.reply_schema.check import misfits, reply_problems
from uwf.yaml12.document import scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Path = tuple[str | int, ...]

MARKS = {"backticks": "`", "stars": "*", "quotes": "\"'", "punctuation at the end": ".,;:!"}
"""What people and models put around a status without meaning it."""

_OF_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}


def status_meant(schema: Any, status: str) -> str:
    """The status of `schema` that `status` is without `MARKS`, when it is none as it stands; else `status`."""
    known = structure.statuses(schema)
    if not known or status in known or status == SUSPEND:
        return status
    bare = status.strip().strip("".join(MARKS.values()))
    return bare if bare in (*known, SUSPEND) else status


def as_meant(
    schema: Any, front: dict[str, Any], spelled: Mapping[Path, str]
) -> tuple[dict[str, Any], list[str]]:
    """`front` in the first reading that fits `schema`; if none does, in the nearest one, with its problems.

    `spelled` has the text of values whose spelling would be lost, by path.
    """
    texts = {path: text for path, text in spelled.items() if _may_be_text(schema, front, path)}
    written_front = _with(front, texts)
    problems = reply_problems(schema, written_front)
    if not problems:
        return written_front, []
    wrong = misfits(schema, written_front)
    others = {path: _at(front, path) for path in texts if path in wrong}
    turns: dict[Path, Any] = {}
    for path, only_kind in wrong.items():
        if only_kind and path not in others and path != (structure.STATUS,):
            turns[path] = _of_other_kind(_at(front, path), spelled.get(path))
    in_vain = misfits(schema, _with(written_front, turns)) if turns else {}
    others |= {path: value for path, value in turns.items() if not in_vain.get(path)}
    turned = _with(written_front, others)
    return turned, reply_problems(schema, turned) if others else problems


def written(value: Any) -> Any:
    """A number or a truth value as one writes it; anything else as it is, and so what is beyond all numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not can_be_kept(value):
        return value
    return str(value) if isinstance(value, (int, float)) else value


def _of_other_kind(value: Any, text: str | None) -> Any:
    """The text for a number or a truth value, the number or the truth value for a text; anything else as it is."""
    if not isinstance(value, str):
        return written(value) if text is None else text
    meant = scalar(value)
    return value if meant is None or not (isinstance(meant, str) or can_be_kept(meant)) else meant


def _may_be_text(schema: Any, front: Mapping[str, Any], path: Path) -> bool:
    """Not where limits of numbers are given without a type: a text would fit them unseen. Truth values stay such."""
    if isinstance(_at(front, path), bool):
        return False
    about = [
        branch.properties.get(str(path[0]))
        for branch in structure.branches_for(schema, str(front.get(structure.STATUS)))
    ]
    return not any(isinstance(one, dict) and one.keys() & _OF_NUMBERS for one in about)


def _at(value: Any, path: Path) -> Any:
    """What stands at `path`; None for nothing."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _with(value: Any, texts: Mapping[Path, Any]) -> Any:
    """A copy of `value` with other values at some places."""
    if not texts:
        return value
    if () in texts:
        return texts[()]
    inside: dict[str | int, dict[Path, Any]] = {}
    for path, text in texts.items():
        inside.setdefault(path[0], {})[path[1:]] = text
    if isinstance(value, dict):
        return {
            name: _with(item, inside[name]) if name in inside else item
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_with(item, inside.get(place, {})) for place, item in enumerate(value)]
    return value
