"""Errors that an agent's client tells as JSON: one object, in a line or printed over several."""

from __future__ import annotations

from uwf.agent.words import error_phrases as phrases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MARKS = " \t\r■●✕✗✘✖❌⚠️⎿│|"
_MOST_OBJECTS = 20  # over several lines, looked for in one text
_OF_WORK = ("usage", "modelUsage", "permission_denials", "structured_output")
"""Fields of a client's last word that tell of its work, whatever ended it."""
_CUT_OBJECT = r"\{\s*[\"'](?:error[\"']\s*:\s*[\"'{]|type[\"']\s*:\s*[\"']error\b)"
_FAILED = ("error", "turn.failed", "response.failed")


def in_words(line: str) -> str:
    """What `line` says, without marks before it; the message of an error that is told as a JSON object."""
    line = line.strip().lstrip(_MARKS)
    value = _object(line)
    if value is None:
        return line
    for name in ("error", "result", "message", "errors"):
        found = value.get(name)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict):
            found = found.get("message")
        if isinstance(found, str) and found.strip():
            return found.strip()
    return line


def lines(text: str) -> Iterator[str]:
    """The lines of `text`; a JSON object that was printed over several is one."""
    lines = text.splitlines()
    if not any(line.rstrip().endswith("{") for line in lines):
        yield from lines
        return
    import json

    tries, until, place = _MOST_OBJECTS, 0, 0
    for whole in text.splitlines(keepends=True):
        start, place = place, place + len(whole)
        if start < until:
            continue
        before = whole.rstrip()[:-1]
        if whole.rstrip().endswith("{") and tries:
            tries -= 1
            try:
                value, until = json.JSONDecoder().raw_decode(text, start + len(before))
            except (ValueError, RecursionError):
                pass
            else:
                yield before + json.dumps(value, ensure_ascii=False)
                continue
        yield whole.rstrip("\r\n")


def error_object(line: str) -> dict[str, Any] | None:
    """The JSON object that `line` is, if it tells an error of a client; one that is a reply never does."""
    value = _object(line)
    if value is None:  # cut, or written by another hand
        import re

        told = re.match(_CUT_OBJECT, json_of(line), re.IGNORECASE)
        return {} if told is not None and "$status" not in line else None
    if "$status" in value:
        return None
    is_told = value.get("error") or value.get("is_error") is True or value.get("type") in _FAILED
    return value if is_told else None


def json_of(line: str) -> str:
    """What of `line` is a JSON object by its beginning; "" for a line of words."""
    if "{" not in line:
        return ""
    import re

    marks = re.match(rf"{phrases.BULLETS}(?=\{{)", line, re.IGNORECASE)
    return "" if marks is None else line[marks.end() :].strip()


def _object(line: str) -> dict[str, Any] | None:
    line = json_of(line)
    if not line:
        return None
    import json

    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def about_error(line: str) -> str:
    """`line`, of a JSON object only what tells of the error."""
    value = _object(line)
    if value is None or not any(name in value for name in _OF_WORK):
        return line
    import json

    kept = {name: item for name, item in value.items() if name not in _OF_WORK}
    return json.dumps(kept, ensure_ascii=False)
