"""Text that agents and others have written, made inert: nothing in it steers a terminal, turns round what is read, or
hides.
"""

from __future__ import annotations

from functools import cache


def visible(text: str) -> str:
    r"""`text` with every character that would steer a terminal, or that nobody sees, as an escape: `\u202e`.

    In JSON it means what it did. Colours, which do no harm, are left out.
    """
    if text.isprintable():
        return text
    if _COLOUR in text:
        import re

        text = re.sub(r"\x1b\[[0-9;:]*m", "", text)
    return text.replace("\r\n", "\n").translate(escapes())


_COLOUR = "\x1b["
_STEERING = ((0, 8), (11, 31), (127, 159))
"""Control characters, but for tab and line feed."""
_TURNING = ((0x61C, 0x61C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))
"""What turns the direction of writing, so that a text reads otherwise than it is."""
_UNSEEN = (
    *((0xAD, 0xAD), (0x180E, 0x180E), (0x200B, 0x200D), (0x2028, 0x2029), (0x2060, 0x2065)),
    *((0x206A, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F)),
)
"""What has no width, or ends a line that goes on."""


@cache
def escapes() -> dict[int, str]:
    """What is shown for each of them. Most commands show none."""
    return {
        code: "".join(f"\\u{unit:04x}" for unit in _utf16(code))
        for first, last in (*_STEERING, *_TURNING, *_UNSEEN)
        for code in range(first, last + 1)
    }


def _utf16(code: int) -> tuple[int, ...]:
    """A character as JSON escapes it: by one number of 16 bits, or two."""
    rest = code - 0x10000
    return (code,) if rest < 0 else (0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF))
