"""What was sent to an agent, found again in what came back. It is never evidence of what the agent says.

Many print their prompt before they answer, on stdout or on stderr: behind a terminal with CRLF, wrapped to its width,
coloured, indented, or cut. All of that changes blanks and ends only, so texts are compared without any blank. Logs set
levels and names before it, or have it as a string of JSON, of HTML or of a shell; what is too long has its middle left
out. Typographers turn its quotes.
"""

from __future__ import annotations

from uwf.agent.thoughts import without_escapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

LEAST_RUN = 20
"""Characters in a row that are no accident; fewer count as a whole line of the prompt, or beside such a run."""
_PREFIX = (
    r"^(?:\s*(?:[•◦▪■●]|\([\d:.,]{1,20}\)|npm ERR!"
    r"|[A-Z][a-z]{2} {1,2}\d{1,2} [\d:.]{5,15} \S{1,60} [\w.-]{1,40}(?:\[\d+\])?:"
    r"|(?:ERROR|ERR|FATAL)\s+\w{1,40}(?:(?:::|\.)\w{1,40}){1,6}:"
    r"|\[[^\]\n]{0,40}\]|\d[\d:.,tTzZ-]*(?=\s)|[>+#*-](?=\s)"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|LOG)(?=\s)|\w{1,20}=(?:[^\s\"]+(?=\s)|(?=\"))"
    r"|(?!(?i:err|error|fatal)\b)[\w.:/-]{0,40}\w[:>](?=\s)))+\s*"
)
_CUT = " \t\r.…>|│┃\\"
_QUOTES = "\"'`“”«»"
_SIGN = r"(?:…|\.{3}|omitted|truncated|snip|more)"
_LEFT_OUT = rf"(?:[\[(<][^\[\]()<>\n]{{0,30}}{_SIGN}[^\[\]()<>\n]{{0,40}}[\])>]|…|\.{{3,}})"
_MOST_PIECES = 50
_LEAST_BEGUN = 10  # of a line that was cut, and says so in brackets
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_STRAIGHT = {'"': "\u201c\u201d\u201e\u00ab\u00bb", "'": "\u2018\u2019\u201a", "": _UNSEEN}
_BLANKS = b" \t\n\r\v\f\x1c\x1d\x1e\x1f"
_WIDE = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_SAME = tuple(
    (odd.encode(), same.encode())
    for same, several in (*_STRAIGHT.items(), ("", _WIDE))
    for odd in several
)
_ASCII = bytes(range(128))
_LEAST_STRING = 8


class Echo:
    """What was sent: `prompt`, of which `form` shows examples of replies."""

    def __init__(self, prompt: str, form: str = "") -> None:
        self._prompt, self._solid, self._form = prompt, solid(prompt), form
        self._whole: set[str] | None = None

    def taken_out_of(self, text: str) -> str:
        """`text` without the prompt's own lines, and without their pieces, so that what is left was said."""
        lines = [without_escapes(line) for line in text.replace("\r", "\n").split("\n")]
        if not self._solid:
            return "\n".join(lines)
        if self._whole is None:
            own = self._prompt.splitlines()
            quoted = [line.removeprefix("> ") for line in own if line.startswith("> ")]
            self._whole = {solid(line) for line in (*own, *quoted)} - {""}
        whole = self._whole
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
        if self._is_piece(line, whole) or self._is_cut(line, whole):
            return ""
        plain = _decoded(line)
        if plain != line:
            left = self._rest(plain, whole)
            return line if left == plain else left
        line = self._unquoted(line, whole)
        bare = _without_prefix(line)
        if bare.startswith("{") and (said := self._of_json(bare)) != bare:
            return said
        if "\\" in line:
            line = self._unescaped(line, whole)
        for _ in range(_MOST_PIECES):
            run = self._stretch(solid(line))
            if not run:
                break
            line = _without_solid(line, run)
        return line

    def _is_piece(self, line: str, whole: set[str]) -> bool:
        """Whether a line, behind what a log sets before it, is one of the prompt or a part that is no accident."""
        bare = _without_prefix(line).strip(_CUT)
        pieces = (solid(one) for one in (line.strip(_CUT), bare, bare.strip(_CUT + _QUOTES)))
        return any(one in whole or (len(one) >= LEAST_RUN and one in self._solid) for one in pieces)

    def _is_cut(self, line: str, whole: set[str]) -> bool:
        """Whether a line is one of the prompt with its middle left out, which marks stand for."""
        import re

        if re.search(_LEFT_OUT, line) is None:
            return False
        for text in (line, _without_prefix(line)):
            bare = text.strip(_CUT + _QUOTES)
            parts = [solid(part) for part in re.split(_LEFT_OUT, bare)]
            is_begun = len(parts[0]) >= _LEAST_BEGUN and bare.endswith(("]", ")", ">"))
            if is_begun and parts[1:] == [""] and any(one.startswith(parts[0]) for one in whole):
                return True
            if len(parts) < 2 or not parts[0] or not parts[-1]:
                continue
            is_enough = sum(map(len, parts)) >= LEAST_RUN
            if is_enough and _in_order(parts, self._solid):
                return True
            if any(
                one.startswith(parts[0]) and _in_order(parts, one)
                for one in whole
                if one.endswith(parts[-1])
            ):
                return True
        return False

    def _unquoted(self, line: str, whole: set[str]) -> str:
        """`line` without a line of the prompt with which it ends, as an argument of a shell's command."""
        import re

        for quote in re.finditer(r"(?:^|(?<=[\s=$]))[\"']", line):
            said = solid(line[quote.end() :].strip(_CUT + _QUOTES))
            if len(said) >= _LEAST_STRING and said in whole:
                return line[: quote.start()]
        return line

    def _unescaped(self, line: str, whole: set[str]) -> str:
        """What is left of a line in which the prompt may stand with its line ends escaped."""
        text = line.replace("\\r", "").replace("\\n", "\n").replace("\\t", " ")
        lines = text.replace('\\"', '"').replace("\\\\", "\\").split("\n")
        left = [one for one in lines if not self._is_piece(one, whole)]
        return line if len(left) == len(lines) else " ".join(left)

    def _of_json(self, line: str) -> str:
        """A line that is a JSON object, without the prompt in any of its strings."""
        import json

        try:
            value = json.loads(line)
            said = _mapped(value, self._said_in)
        except (ValueError, RecursionError):
            return line
        return line if said == value else json.dumps(said, ensure_ascii=False)

    def _said_in(self, text: str) -> str:
        left = self.taken_out_of(text)
        return (
            text if left == text else "\n".join(line for line in left.split("\n") if line.strip())
        )

    def _stretch(self, piece: str) -> str:
        """The first stretch of `piece` that is in the prompt, as far as it goes; "" where none is long enough."""
        place = 0
        while place + LEAST_RUN <= len(piece):
            last = place + LEAST_RUN
            run = self._grown(piece, place, last) if piece[place:last] in self._solid else ""
            if len(run) >= 2 * LEAST_RUN:
                return run
            place = last
        return ""

    def _grown(self, piece: str, first: int, last: int) -> str:
        """What is between two places of `piece`, grown to both sides as long as it is in the prompt."""
        first -= _most(first, lambda more: piece[first - more : last] in self._solid)
        more = _most(len(piece) - last, lambda more: piece[first : last + more] in self._solid)
        return piece[first : last + more]


def solid(text: str) -> str:
    """`text` without blanks, colours and what nobody sees, its quotes straight."""
    return _straight(without_escapes(text), _BLANKS)


def _straight(text: str, without: bytes = b"") -> str:
    """`text` with its quotes as they are typed. A prompt may be long, what of it is not ASCII is little: that is asked
    which signs there are."""
    data = text.encode(errors="surrogatepass").translate(None, without)
    rest = data.translate(None, _ASCII)
    for odd, same in _SAME if rest else ():
        if odd in rest:
            data = data.replace(odd, same)
    return data.decode(errors="surrogatepass")


def _decoded(line: str) -> str:
    """`line` without the escapes of HTML, and of quotes within a shell's quotes."""
    if "&" in line:
        import html

        line = html.unescape(line)
    if "'" not in line:
        return line
    return line.replace("'\"'\"'", "'").replace("'\\''", "'").replace("\\'", "'")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its strings changed."""
    if isinstance(value, str):
        return change(value) if len(value) >= _LEAST_STRING else value
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {name: _mapped(item, change) for name, item in value.items()}
    return value


def _in_order(parts: list[str], text: str) -> bool:
    """Whether `text` has all the parts, one behind the other."""
    place = 0
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def _most(limit: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `limit` for which `holds`, as it does for 0 and for each below one for which it does."""
    step = 1
    while step <= limit and holds(step):
        step *= 2
    low, high = step // 2, min(step, limit + 1)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _without_prefix(line: str) -> str:
    """`line` without the time, number or name that a log sets before it."""
    import re

    return re.sub(_PREFIX, "", line)


def _without_solid(line: str, run: str) -> str:
    """`line` without the stretch that is `run` once its blanks are gone."""
    places = [
        place for place, letter in enumerate(line) if not letter.isspace() and letter not in _UNSEEN
    ]
    at = _straight("".join(line[place] for place in places)).find(run)
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
