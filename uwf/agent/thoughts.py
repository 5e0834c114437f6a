"""What a model thought aloud, and colours: both stand in a reply without being part of what it says.

Local models print `<think>…</think>` before they answer, with drafts of the answer inside; some templates swallow the
first of the two tags. A tag counts where it begins its line (a closing one also where it ends it), in no fence and in
no code: a reply may well speak of such tags. Behind other words it counts when a draft stands between it and the tag
that closes it, or when it is all that is left of its line and nothing closes it. A closing tag that nothing opened ends
a thought when a draft follows it, or when it has a line for itself and the only draft is before it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

TAG = "think"
_COLOUR = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_TITLE = r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
_ESCAPES = rf"{_COLOUR}|{_TITLE}|\x1b(?:[()][A-Z0-9]|[=>])"
_OPENING = r"<think(?:ing)?(?:\s[^<>\n]{0,200})?>"
_CLOSING = r"</think(?:ing)?\s*>"
_DRAFT = "$status"
_LINE_END = r"[ \t\r]*(?:\n|\Z)"
_ALONE = r"^[\W\d]{0,8}$|[.!?…][*_ \t]*$"
"""What is before a tag that no sentence goes on with: a mark, or a sentence that has ended."""
_LINE_CHARS = 1000
"""So much of a line is looked at, for some have no end."""
_FENCE = r"^(?:```|~~~)"


def has_escapes(text: str) -> bool:
    """Whether `text` has such codes, which begin with ESC or with one character that stands for it and the next."""
    return "\x1b" in text or "\x9b" in text or "\x9d" in text


def without_escapes(text: str) -> str:
    """`text` without the codes that colour it or set a title on a terminal."""
    if not has_escapes(text):
        return text
    import re

    return re.sub(_ESCAPES, "", text)


def without_thoughts(text: str) -> str:
    """`text` without what stands in `<think>` or `<thinking>`. One that is never closed lasts until the end."""
    if TAG not in text.lower():
        return text
    import re

    openings = re.compile(_OPENING, re.IGNORECASE)
    kept: list[str] = []
    place, seen, fences = 0, 0, 0
    for opening in openings.finditer(text):
        if opening.start() < seen:
            continue
        fences += _fences(text[seen : opening.start()])
        seen = opening.end()
        end = None if fences % 2 else _end_of_thought(text, opening)
        if end is not None:
            kept.append(text[place : opening.start()])
            if text[end : end + 1] not in ("", "\n", "\r") and _line_before(text, opening).strip():
                kept.append("\n")
            place = seen = end
    return _after_torn(kept, text[place:])


def _end_of_thought(text: str, opening: re.Match[str]) -> int | None:
    """Where the thought ends that the tag `opening` begins; None when it begins none."""
    import re

    closings = re.compile(_CLOSING, re.IGNORECASE)
    before = _line_before(text, opening)
    if not before.strip():
        closing = closings.search(text, opening.end())
        return len(text) if closing is None else closing.end()
    if _is_code(before):
        return None
    line_end = re.compile(_LINE_END)
    is_last = line_end.match(text, opening.end()) is not None
    tags = re.compile(rf"{_OPENING}|{_CLOSING}", re.IGNORECASE)
    for tag in tags.finditer(text, opening.end()):
        if _is_code(_line_before(text, tag)):
            continue
        if closings.fullmatch(tag[0]) is None:
            return None  # what is closed next is another one
        stands_out = (
            is_last or line_end.match(text, tag.end()) or not _line_before(text, tag).strip()
        )
        return tag.end() if stands_out and _DRAFT in text[opening.end() : tag.start()] else None
    return len(text) if is_last and re.search(_ALONE, before) else None


def _line_before(text: str, tag: re.Match[str]) -> str:
    first = max(0, tag.start() - _LINE_CHARS)
    return text[max(first, text.rfind("\n", first, tag.start()) + 1) : tag.start()]


def _is_code(before: str) -> bool:
    """Whether what follows `before` in its line stands between backticks."""
    return before.count("`") % 2 == 1


def _after_torn(kept: list[str], rest: str) -> str:
    """The text of `kept` and `rest`; what ends with a closing tag that nothing opened was thought.

    Where no draft follows, the answer is missing: what was thought is no answer in its place.
    """
    import re

    text = "".join((*kept, rest))
    torn = re.compile(rf"^[ \t]*{_CLOSING}|{_CLOSING}[ \t]*$", re.IGNORECASE | re.MULTILINE)
    for closing in torn.finditer(text):
        before, after = text[: closing.start()], text[closing.end() :]
        if _fences(before) % 2 == 0:
            is_alone = not _line_before(text, closing).strip() and re.match(_LINE_END, after)
            if _DRAFT in after or (_DRAFT in before and is_alone):
                return after
        break
    return text


def _fences(text: str) -> int:
    import re

    return len(re.findall(_FENCE, text, re.MULTILINE))
