"""Front matter that is not YAML, although a person would see at once what is meant: a table, and a line at a time.

Only a line `key: value` at the left edge that is no YAML by itself is mended, into a text; a block that is valid is
never touched. Whether a text may stand there is for the role's schema to say.
"""

from __future__ import annotations

from uwf import yaml12

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LINE = r"^([\w$.-]+):[ \t]+(\S.*?)[ \t]*$"
_MOST_LINES = 200


def mended(block: str) -> str:
    """`block` with the lines put in quotes that a row of `ROWS` knows."""
    import json
    import re

    lines = block.split("\n")
    for number, line in enumerate(lines[:_MOST_LINES]):
        found = re.match(_LINE, line)
        if found is None or _is_yaml(line):
            continue
        meant = next((text for row in ROWS.values() if (text := row(found[2])) is not None), None)
        if meant is not None:
            lines[number] = f"{found[1]}: {json.dumps(meant, ensure_ascii=False)}"
    return "\n".join(lines)


def _is_yaml(line: str) -> bool:
    try:
        yaml12.parse(line)
    except yaml12.YamlInvalid:
        return False
    return True


def _second_colon(value: str) -> str | None:
    is_plain = value[0] not in "\"'[{|>&*!%@`#?-" and " #" not in value
    return value if is_plain and ": " in value + " " else None


def _backslashes(value: str) -> str | None:
    """A path, say. What escapes a character by its number is none."""
    import re

    inner = value[1:-1]
    is_quoted = len(value) > 2 and value[0] == value[-1] == '"' and '"' not in inner
    is_path = "\\" in inner and not re.search(
        r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2})", inner
    )
    return inner if is_quoted and is_path else None


def _quotes_in_quotes(value: str) -> str | None:
    """`"say "hi" now"`: the first quote inside opens one, so the outer ones are the value's own."""
    sign, inner = value[0], value[1:-1]
    if sign not in "\"'" or len(value) < 3 or value[-1] != sign or "\\" in value:
        return None
    place = inner.find(sign)
    if place < 0 or place + 1 >= len(inner):
        return None
    before, behind = inner[place - 1 : place], inner[place + 1]
    if (not before or before in " (") and not behind.isspace():
        return inner
    is_apostrophe = sign == "'" and before.isalnum() and behind.isalnum()
    return inner if is_apostrophe else None


def _quoted_word_first(value: str) -> str | None:
    """`"Done" is what it says`: the quote belongs to the first word, not to the value."""
    sign = value[0]
    if sign not in "\"'" or "\\" in value or " #" in value or value.count(sign) % 2:
        return None
    behind = value[value.find(sign, 1) + 1 :]
    return value if behind[:1] == " " and behind.strip(" ")[:1].isalpha() else None


def _marked(value: str) -> str | None:
    """A value in backticks, in stars, or that begins with a sign which YAML keeps for itself."""
    is_star = value[0] == "*" and value[-1] in "*."
    return value if (value[0] in "`@%" or is_star) and " #" not in value else None


ROWS: dict[str, Callable[[str], str | None]] = {
    "a second colon": _second_colon,
    "backslashes in double quotes": _backslashes,
    "quotes inside quotes": _quotes_in_quotes,
    "a quoted word first": _quoted_word_first,
    "backticks, stars, @ or % first": _marked,
}
"""What is wrong with a value, and a function that gives the text meant, or None where that is not certain."""
