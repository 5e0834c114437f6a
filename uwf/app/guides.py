"""The guides, docs/*.md, and what an agent is told of uwf, docs/prompts/*.md: by topic, as Markdown.

They stand beside the code in a checkout, and inside the package where uwf is installed (see pyproject.toml).
"""

from __future__ import annotations

import os

from uwf.errors import InputError
from uwf.nearest import nearest
from uwf.record import Record

SUFFIX = ".md"


class Guide(Record):
    """A text about one topic. `title` says in a line what it is about."""

    topic: str
    title: str
    text: str


def guides() -> list[Guide]:
    """Every guide, by topic."""
    return _in(_folder())


def is_one(topic: str) -> bool:
    """Whether there is a guide about `topic`."""
    return os.path.exists(os.path.join(_folder(), topic + SUFFIX))


def guide(topic: str) -> Guide:
    """The guide about `topic`. InputError when there is none."""
    return _one(topic, guides(), "guide about", "uwf help", "uwf help")


def prompts() -> list[Guide]:
    """Every text for an agent, by topic."""
    return _in(os.path.join(_folder(), "prompts"))


def prompt(topic: str) -> Guide:
    """What an agent is told about `topic`. InputError when there is no such text."""
    known = prompts()
    return _one(topic, known, "prompt about", "uwf prompt", f"uwf prompt {known[0].topic}")


def _one(topic: str, known: list[Guide], what: str, command: str, hint: str) -> Guide:
    for each in known:
        if each.topic == topic:
            return each
    names = [each.topic for each in known]
    meant = f"; there are {', '.join(names)}"
    near = nearest(topic, names)
    if near is not None:
        meant, hint = f"; did you mean {near}?", f"{command} {near}"
    raise InputError(f"there is no {what} {topic!r}{meant}", hint=hint, code="no_such_topic")


def _folder() -> str:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "docs")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "docs")


def _in(folder: str) -> list[Guide]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    return [_read(os.path.join(folder, name), name.removesuffix(SUFFIX)) for name in names]


def _read(path: str, topic: str) -> Guide:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    title = text.partition("\n")[0].removeprefix("# ")
    return Guide(topic, title, text)
