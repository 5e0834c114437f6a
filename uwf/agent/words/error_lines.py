"""Which lines of an agent's output are a client's or a tool's word on an error, and which are prose about anything.

Told by how a line begins, behind colours, bullets, times and levels: `Error:`, `API Error: 529`, `HTTP 503`, a JSON
object with an error, `TypeError:`, `curl: (7)`, or a sentence that clients are known to say. And by how it goes on:
what an agent writes of its work may name every limit there is, so that where no head says "error", each clause is one
that clients write. The sentences are in `error_phrases`, and what is JSON is read in `error_objects`.
"""

from __future__ import annotations

from uwf.agent.words import error_objects
from uwf.agent.words import error_phrases as phrases

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_CURLY = "\u2019"
_CONTINUED = 3
MOST_MESSAGE_CHARS = 600
_MOST_JSON_CHARS = 64 << 10
_MOST_LINE = 2000
_FENCE = "```"  # text that was written as such has fences, items, headings, quotations
_OF_TEXT = rf"\s*(?:(?:[-*#>+]|\d+\.) |{_FENCE})"
_ONLY_TAGS = r"\s*(?:<[^<>]{1,80}>\s*)+$"  # of the page that a gateway sends for an error


def is_error_line(line: str) -> bool:
    """Whether `line` is an error, as a client, a log or a tool tells it."""
    if error_objects.json_of(line):
        return error_objects.error_object(line) is not None
    line = _plain(line)
    bullets = phrases.BULLETS
    if _match(rf"{bullets}(?:{phrases.HEAD}|{phrases.LEVEL_HEAD})", line):
        return not _tells_of_work(line)
    tool = _match(rf"{bullets}{phrases.TOOL}", line)
    if tool is not None:
        return _is_clients(line[tool.end() :], is_closed=False, is_tool=True)
    return _is_sentence(line)


def is_message(text: str) -> bool:
    """Whether all of `text` is one message of a client, which it gave instead of a reply."""
    lines = [
        line
        for line in error_objects.lines(text)
        if line.strip() and _match(_ONLY_TAGS, line) is None
    ]
    if not lines or len(lines) > 2 * _CONTINUED:
        return False
    most = _MOST_JSON_CHARS if "{" in lines[0] else MOST_MESSAGE_CHARS
    if len(text.strip()) > most:
        return False
    first, *more = lines
    if not all(is_error_line(line) or _goes_on(line) for line in more):
        return False
    if error_objects.json_of(first):
        return error_objects.error_object(first) is not None
    first = _plain(first)
    head = _match(rf"{phrases.BULLETS}{phrases.LEVEL_HEAD}?{phrases.HEAD}+", first)
    if head is None:
        return _is_sentence(first)
    rest = first[head.end() :]
    if _match(rf"{phrases.BULLETS}{phrases.HEAD}*{phrases.NAMED}", first) is not None:
        return not _tells_of_work(first)
    known = _match(rf"{phrases.STATUS}|\{{|\(|{phrases.CLOSED}|{phrases.OPEN}", rest)
    return (known is not None or _is_sentence(first)) and not _tells_of_work(first)


def error_text(text: str, *, is_spoken: bool = False) -> str:
    """The error lines of `text`, each with the lines right under it, into which it may be wrapped.

    What stands before a line of prose about limits, or before a fence, is more of that prose. `is_spoken`: the text is
    what an agent says, so that an error with a sentence behind it is one that it quotes.
    """
    kept: list[str] = []
    follows = 0
    for line in error_objects.lines(text):
        if is_error_line(line) and not _is_compared(line):
            follows = _CONTINUED
        elif not follows or not _goes_on(line):
            follows = 0
            is_quoted = is_spoken and _is_said(line)
            if is_quoted or _tells_of_work(line) or line.lstrip().startswith(_FENCE):
                kept.clear()
            continue
        else:
            follows -= 1
        kept.append(error_objects.about_error(line))
    return "\n".join(kept)


def last_error_line(text: str) -> str:
    """The last error line of `text`, in words where it is JSON; "" for none."""
    found = next(
        (line for line in reversed(list(error_objects.lines(text))) if is_error_line(line)), ""
    )
    return error_objects.in_words(found)


def _is_sentence(line: str) -> bool:
    """Whether a line without a head is a sentence that clients are known to say, and goes on as theirs do."""
    if _tells_of_work(line):
        return False
    free = _match(rf"{phrases.BULLETS}(?={phrases.FREE})", line)
    if free is not None:
        return _is_clients(line[free.end() :], is_closed=False, is_free=True)
    closed = _match(rf"{phrases.BULLETS}(?:{phrases.CLOSED})", line)
    if closed is not None:
        return _is_clients(line[closed.end() :], is_closed=True)
    opened = _match(rf"{phrases.BULLETS}(?={phrases.OPEN})", line)
    return opened is not None and _is_clients(line[opened.end() :], is_closed=False)


def _is_clients(
    rest: str, *, is_closed: bool, is_tool: bool = False, is_free: bool = False
) -> bool:
    """Whether each clause of `rest` is one that clients write; `is_closed`: one ended before it.

    Behind the name of a tool, or a beginning that is only a client's (`is_free`), those count that speak of a limit.
    What a tool says of a limit first is that it was reached.
    """
    import re

    rest = rest.split("{", 1)[0]
    if _tells_of_work(rest) or re.search(rf"\b{phrases.TALE}\b", rest, re.IGNORECASE):
        return False
    for number, clause in enumerate(re.split(phrases.CLAUSES, rest)):
        clause = clause.strip(" \t\"'`)]")
        if is_closed and number == 0 and not clause:
            continue
        if not clause:
            continue
        is_of_limits = re.search(phrases.LIMITS, clause, re.IGNORECASE) is not None
        is_begun = number == 0 and not is_closed
        if not is_of_limits and (is_tool or is_free or is_begun):
            continue
        known = rf"{phrases.CLOSED}|{phrases.HEAD}"
        known = (
            rf"{known}|[\[(]?\d{{3}}\b"
            if is_tool and number == 0
            else rf"{phrases.ADVICE}|{phrases.ASIDE}|{known}|{phrases.OPEN}"
        )
        if _match(known, clause) is None:
            return False
    return True


def _is_compared(line: str) -> bool:
    """Whether a line is a test's word on a value that should be another one."""
    import re

    return re.search(phrases.COMPARED, line[:_MOST_LINE], re.IGNORECASE) is not None


def _is_said(line: str) -> bool:
    """Whether a line is a whole sentence of somebody who goes on after an error, not of a client that ends with it."""
    line = line.strip()
    is_whole = line[:1].isupper() and line.endswith((".", ":")) and len(line.split()) > 2
    return is_whole and _match(rf"{phrases.ADVICE}|{phrases.EPILOGUE}", _plain(line)) is None


def _goes_on(line: str) -> bool:
    """Whether a line under an error may be more of it, as it was wrapped or set under it."""
    line = line.rstrip()
    if not line or _match(_OF_TEXT, line) is not None or _tells_of_work(line):
        return False
    return not line[0].isupper() or _match(phrases.ADVICE, _plain(line)) is not None


def _tells_of_work(line: str) -> bool:
    """Whether a line with words of a limit tells what was done about it."""
    import re

    line = line[:_MOST_LINE].split("{", 1)[0]
    if re.search(phrases.LIMITS, line, re.IGNORECASE) is None:
        return False
    told = rf"\b(?:{phrases.WORK}|{phrases.TALE})\b"
    return (
        _match(r"\s*\|.*\|\s*$", line) is not None
        or re.search(told, line, re.IGNORECASE) is not None
    )


def _match(pattern: str, line: str) -> re.Match[str] | None:
    import re

    return re.match(pattern, line, re.IGNORECASE)


def _plain(line: str) -> str:
    return line[:_MOST_LINE].replace(_CURLY, "'")
