"""When a limit resets, read from the message that says it was reached.

A message may name more moments than one. Out of the question are those of a window that is not used up, the length of
a window, and the next try of the client itself. Of the others that of the limit that was reached counts, and what is
said last.
"""

from __future__ import annotations

import re

from uwf.agent.protocol import MOST_AHEAD_MS
from uwf.agent.words.moments import BARE, CLOCK, DURATION, moments_in
from uwf.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uwf.agent.words.moments import Moment

_REACHED = (
    r"reached|exceeded|exhausted|rejected|too many|limited|\bhit\b|\b429\b|used up|100 ?%"
    r"|\b(?:0 ?%|0|no)(?: \w+){0,2} (?:left|remaining)\b"
)
_NOT_REACHED = (
    r"\b[1-9]\d?(?:\.\d+)? ?%|\b0(?:\.\d+)? ?% used|not (?:yet )?(?:reached|exhausted)|(?<!not )\ballowed\b"
    r"|[1-9]\d*(?! (?:day|hour|hr|min|sec))(?: \w+){0,2} (?:remaining|left)\b|\b(?:remaining|left)\W{1,5}[1-9]"
)
_BEHIND = r"[\s,·:(-]{1,4}\d+(?:\.\d+)? ?% (?:\w+ )?(?:used|left|remaining)\b\)?"
_NAMES_A_LIMIT = r"limit|quota|window|weekly|daily|session|hour"
_OWN_TRY = (
    r"\b(?:retrying|trying|reconnecting|waiting|sleeping|backing off|back-?off)\b"
    r"|\bnext (?:re-?)?(?:try|attempt|request|connection)\b|\b(?:re-?try|try|attempt)\W{0,2}\d"
    r"|\b(?:will|auto\w*)[ -](?:re-?)?(?:try|connect)\b"
)
_PERHAPS_OWN = r"(?<!please )\b(?:re-?try|retries|reconnects?)\W{1,3}(?:in|after)\b[^\n]*$"
_WAITS = (
    r"(?:reset|again|retry|available|renew|wait|refresh|back|lift|expire|unlock|delay)[^\n]{0,40}$"
)
_A_WINDOW = r"(?:reached|limit|limited|exceeded|hit|quota|requests?|tokens?|messages?)\s+$"
_NO_RESET = r"(?:(?<!reset)timestamp|date|\btime|created\w*|now|^[\s\[(]*)\W{0,5}$"
_SENTENCE_END = r"[.!?](?=\s)|[;\n]"
_KEY = r"([\w-]*)[\"']?\s{0,3}[:=]\s{0,3}[\"']?$"
_FIELD = (
    r"(?:status|remaining|us(?:ed|age)|utili[sz]ation|percent(?:age)?|limited|exceeded|reached|exhausted|blocked)"
    r"(?:[_-](?:used|remaining|percent(?:age)?))?"
)
_USED = (
    r"(?:(?:used|usage)[_-]?percent(?:age)?|percent(?:age)?[_-]?used|utili[sz]ation)"
    r"\W{1,5}(\d+(?:\.\d+)?)"
)
_LEFT = (
    r"remaining[\w-]*[\"']?\s*[:=]\s*[\"']?[0.]*[1-9]|status\W{1,5}(?:allowed\w*|ok|active|available)\b"
    r"|(?:reached|exceeded|limited|exhausted|blocked)\W{1,5}false\b"
)


class _Named(Record):
    """A moment, what is said of it, in which line, and whether it may be the client's own next try."""

    moment: Moment
    statement: str
    line: int
    is_perhaps_own: bool


def resets_ms(text: str, now_ms: int) -> int | None:
    """The moment in epoch milliseconds; None when the text names none, or none that can be meant."""
    named = _all_named(text, now_ms)
    if not all(one.is_perhaps_own for one in named):
        named = [one for one in named if not one.is_perhaps_own]
    if any(_has(_REACHED, one.statement) for one in named):
        named = [
            one
            for one in named
            if _has(_REACHED, one.statement) or not _has(_NAMES_A_LIMIT, one.statement)
        ]
    last = max(
        named,
        key=lambda one: (one.line, -one.moment.form, one.moment.start),
        default=None,
    )
    return None if last is None else last.moment.at_ms


def _all_named(text: str, now_ms: int) -> list[_Named]:
    """Every moment ahead that may be meant, in the order of the text."""
    named: list[_Named] = []
    said_until = 0
    for moment in moments_in(text, now_ms):
        before = text[max(said_until, moment.start - 300) : moment.start]
        behind = re.compile(_BEHIND, re.IGNORECASE).match(text, moment.stop)
        said_until = behind.end() if behind else moment.stop
        ends = [end.end() for end in re.finditer(_SENTENCE_END, before)]
        clause = before[ends[-1] if ends else 0 :]
        what = text[moment.start : said_until]
        if not now_ms < moment.at_ms <= now_ms + MOST_AHEAD_MS:
            continue
        if _is_other(text, moment, clause, what[moment.stop - moment.start :]):
            continue
        is_perhaps_own = moment.form in (DURATION, CLOCK) and _has(_PERHAPS_OWN, clause + what)
        line = text.count("\n", 0, moment.start)
        named.append(_Named(moment, before + what, line, is_perhaps_own))
    return named


def _is_other(text: str, moment: Moment, clause: str, behind: str) -> bool:
    """Whether the moment is not that of a limit: a window's length or rest, a log's time, the client's own next try.

    `clause` is what its sentence says before it, `behind` the share that is told right after it.
    """
    first = text[moment.start : moment.value]
    if _has(_OWN_TRY, clause + first):
        return True
    beside = _beside(text, moment)
    if beside:
        if _is_unused(beside):
            return True
    elif moment.form >= DURATION and _has(_NOT_REACHED, behind or clause):
        return True
    before = text[max(0, moment.start - 80) : moment.start]
    if moment.form == DURATION:
        word = first.split()[0].strip("\"':=").lower()
        return not _has(_WAITS, before + word) or (
            word in ("for", "in", "within") and _has(_A_WINDOW, before)
        )
    if moment.form == BARE:
        line = before.rsplit("\n", 1)[-1]
        return not line.strip("[( \t") or _has(_NO_RESET, line)
    return False


def _beside(text: str, moment: Moment) -> str:
    """The fields or headers of the same window, when the moment is the value of one; else "".

    `a-tokens-reset` and `a-reset-tokens` are told of beside `a-tokens-remaining` and `a-remaining-tokens`; what has no
    such name, in its own object.
    """
    found = re.search(_KEY, text[max(0, moment.value - 80) : moment.value])
    if found is None:
        return ""
    stem, reset, rest = found[1].lower().partition("reset")
    if not (stem and reset):
        return _object_around(text, moment.start)
    rest = re.sub(r"^s?(?:[_-]?(?:at|in|after|time|ms|s|seconds)\b)*", "", rest)
    of_window = rf"{re.escape(stem)}{_FIELD}{re.escape(rest)}[\"']?\s*[:=][^,;\n]{{0,60}}"
    return "\n".join(re.findall(of_window, text, re.IGNORECASE))


def _is_unused(beside: str) -> bool:
    """Whether something is left of the window of which these fields tell."""
    used = re.search(_USED, beside, re.IGNORECASE)
    if used is not None:
        return float(used[1]) < 100 and float(used[1]) != 1
    return _has(_LEFT, beside)


def _object_around(text: str, place: int) -> str:
    """The fields beside `place` in its object of JSON, without those of objects inside; "" where there is none."""
    beside: list[str] = []
    for step, inner, outer in ((-1, "}", "{"), (1, "{", "}")):
        depth, at = 0, place if step > 0 else place - 1
        while 0 <= at < len(text):
            letter = text[at]
            if letter == outer and not depth:
                break
            depth += (letter == inner) - (letter == outer)
            if not depth:
                beside.append(letter)
            at += step
        else:
            if step < 0:
                return ""
        if step < 0:
            beside.reverse()
    return "".join(beside)


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
