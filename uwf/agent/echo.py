"""What was sent to an agent, found again in what came back. It is never evidence of what the agent says.

Many print their prompt before they answer, on stdout or on stderr: behind a terminal with CRLF, wrapped to its width,
coloured, indented, or cut. All of that changes blanks and ends only, so texts are compared without any blank.
"""

from __future__ import annotations

from uwf.agent.thoughts import without_escapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_RUN = 20
"""Characters in a row that are no accident; fewer count as a whole line of the prompt, or beside such a run."""
_PREFIX = (
    r"^(?:\s*(?:\[[^\]\n]{0,40}\]|\d[\d:.,tTzZ-]*(?=\s)|[>+#*-](?=\s)"
    r"|(?!(?i:err|error|fatal)\b)\w{1,12}[:>](?=\s)))+\s*"
)
_CUT = " \t\r.…>|│┃"


class Echo:
    """What was sent: `prompt`, of which `form` shows examples of replies."""

    def __init__(self, prompt: str, form: str = "") -> None:
        self._prompt, self._solid, self._form = prompt, solid(prompt), form

    def taken_out_of(self, text: str) -> str:
        """`text` without the prompt's own lines, and without their pieces, so that what is left was said."""
        lines = [without_escapes(line) for line in text.replace("\r", "\n").split("\n")]
        if not self._solid:
            return "\n".join(lines)
        whole = {solid(line) for line in self._prompt.splitlines()} - {""}
        left = [self._rest(line, whole) for line in lines]
        gone = [bool(line.strip()) and not rest for line, rest in zip(lines, left, strict=True)]
        for order in (range(len(lines)), range(len(lines) - 1, -1, -1)):
            beside = False
            for number in order:
                piece = solid(lines[number].strip(_CUT))
                if not piece or gone[number]:
                    beside = beside or gone[number]
                elif beside and piece in self._solid:
                    gone[number], left[number] = True, ""
                else:
                    beside = False
        return "\n".join(left)

    def is_example(self, text: str, start: int, stop: int) -> bool:
        """Whether the block of `text` between the two places stands there as it stands in the prompt.

        Its neighbours decide: a reply may be, letter for letter, what the example for it is.
        """
        block = solid(text[start:stop])
        if not block or block not in self._solid:
            return False
        before = _words(reversed(text[max(0, start - 2000) : start].splitlines()))
        after = "".join(_words(text[stop : stop + 2000].splitlines()))
        after = after.replace("...", "…").partition("…")[0]  # a text that was cut says so
        if before and "".join(reversed(before)) + block in self._solid:
            return True
        return any(map(str.isalnum, after)) and block + after in solid(self._form)

    def _rest(self, line: str, whole: set[str]) -> str:
        """What of a line is not the prompt's, which has the `whole` lines; "" for one that is in it."""
        piece = solid(line.strip(_CUT))
        bare = solid(_without_prefix(line).strip(_CUT))
        for one in (piece, bare):
            if one in whole or (len(one) >= LEAST_RUN and one in self._solid):
                return ""
        if not piece:
            return ""
        place = 0
        while place + LEAST_RUN <= len(piece):
            if piece[place : place + LEAST_RUN] not in self._solid:
                place += LEAST_RUN
                continue
            first, last = place, place + LEAST_RUN
            while first and piece[first - 1 : last] in self._solid:
                first -= 1
            while last < len(piece) and piece[first : last + 1] in self._solid:
                last += 1
            if last - first >= 2 * LEAST_RUN:
                return _without_solid(line, piece[first:last])
            place = last
        return line


def solid(text: str) -> str:
    """`text` without blanks and colours."""
    return "".join(without_escapes(text).split())


def _without_prefix(line: str) -> str:
    """`line` without the time, number or name that a log sets before it."""
    import re

    return re.sub(_PREFIX, "", line)


def _without_solid(line: str, run: str) -> str:
    """`line` without the stretch that is `run` once its blanks are gone."""
    places = [place for place, letter in enumerate(line) if not letter.isspace()]
    at = "".join(line[place] for place in places).find(run)
    if at < 0:
        return line
    return line[: places[at]] + line[places[at + len(run) - 1] + 1 :]


def _words(lines: Iterable[str]) -> list[str]:
    """The lines, without blanks, up to the first that holds more than marks."""
    found: list[str] = []
    for line in lines:
        found.append(solid(line))
        if any(letter.isalnum() for letter in line):
            return found
    return []
