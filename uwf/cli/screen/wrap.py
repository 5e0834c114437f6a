"""Sentences on a terminal: broken between words. A terminal by itself breaks them inside of words.

From a command on a line is left to the terminal: what that breaks can still be copied as one line.
"""

from __future__ import annotations

from uwf.cli.screen.table import width

LEAST = 24
"""In fewer columns a text reads no better for being broken between words."""


def wrapped(text: str, room: int) -> str:
    """`text` in lines of at most `room` columns, each as far to the right as the line that it goes on from.

    A word that is longer than that is not broken.
    """
    return "\n".join(_line(line, room) for line in text.split("\n"))


def beside(text: str, before: int, room: int) -> str:
    """`text`, which begins `before` columns to the right, and goes on below its beginning."""
    return wrapped(" " * before + text, room)[before:]


def _line(line: str, room: int) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    if width(line) <= room or room - len(indent) < LEAST or line.startswith("$ "):
        return line
    first, *words = _words(line.removeprefix(indent))
    found, last = [], indent + first
    for word in words:
        if width(last) + 1 + width(word) > room:
            found.append(last.rstrip())
            last = indent + word
        else:
            last += f" {word}"
    return "\n".join([*found, last])


def _words(line: str) -> list[str]:
    """The words of `line`; what it says to type is one with all that follows."""
    words = line.split(" ")
    for at, word in enumerate(words[:-1]):
        if word.lstrip("(`") == "uwf" and words[at + 1][:1].isalpha():
            return [*words[:at], " ".join(words[at:])]
    return words
