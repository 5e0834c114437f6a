"""What a model thought aloud, and colours: both stand in a reply without being part of what it says.

Local models print `<think>…</think>` before they answer, with drafts of the answer inside; some templates swallow the
first of the two tags. A tag counts where it begins its line (a closing one also where it ends it) and in no fence:
a reply may well speak of such tags.
"""

from __future__ import annotations

TAG = "think"
_COLOUR = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
_TITLE = r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
_ESCAPES = rf"{_COLOUR}|{_TITLE}|\x1b(?:[()][A-Z0-9]|[=>])"
_OPENING = r"^[ \t]*<think(?:ing)?(?:\s[^>\n]*)?>"
_CLOSING = r"</think(?:ing)?>"
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

    openings = re.compile(_OPENING, re.IGNORECASE | re.MULTILINE)
    closings = re.compile(_CLOSING, re.IGNORECASE)
    kept: list[str] = []
    place, fences = 0, 0
    for opening in openings.finditer(text):
        if opening.start() < place:
            continue
        before = text[place : opening.start()]
        fences += _fences(before)
        if fences % 2:
            kept.append(text[place : opening.end()])
            place = opening.end()
            continue
        kept.append(before)
        closing = closings.search(text, opening.end())
        place = len(text) if closing is None else closing.end()
    return _after_torn(kept, text[place:])


def _after_torn(kept: list[str], rest: str) -> str:
    """The text of `kept` and `rest`; what ends with a closing tag that nothing opened was thought."""
    import re

    text = "".join((*kept, rest))
    torn = re.compile(rf"^[ \t]*{_CLOSING}|{_CLOSING}[ \t]*$", re.IGNORECASE | re.MULTILINE)
    for closing in torn.finditer(text):
        if _fences(text[: closing.start()]) % 2 == 0 and "$status" in text[closing.end() :]:
            return text[closing.end() :]
        break
    return text


def _fences(text: str) -> int:
    import re

    return len(re.findall(_FENCE, text, re.MULTILINE))
