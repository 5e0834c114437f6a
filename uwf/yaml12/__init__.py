"""YAML 1.2: text in, plain values out, with the place of everything. The only door to PyYAML.

libyaml, by PyYAML, scans and parses. What its events mean is decided here, by the core schema of YAML 1.2.2
chapter 10.3: `no`, `on`, `0777` and dates are what they look like to a person. A key is always the
text that stands there.

Refused, so that no input can hang or mislead a reader: keys given twice, a value that contains
itself, more than `SIZE_LIMIT` of data once aliases are written out, nesting beyond `DEPTH_LIMIT`,
tags that ask for code or types, a second document. `!include` is handed to the caller of `read`; to
`parse` it is one of those tags.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uwf.yaml12.document import DEPTH_LIMIT, Document, Fault, SourceMark, YamlInvalid, document
from uwf.yaml12.reader import YamlReader

__all__ = (
    "DEPTH_LIMIT",
    "Document",
    "Fault",
    "SourceMark",
    "YamlInvalid",
    "document",
    "parse",
    "read",
)


def parse(text: str, *, name: str = "YAML") -> Any:
    """The plain value of `text`; YamlInvalid naming all faults found."""
    found = read(text, name=name)
    if found.faults:
        raise YamlInvalid(found.faults)
    return found.value


def read(
    text: str,
    *,
    name: str = "YAML",
    include: Callable[[str, SourceMark], Document | None] | None = None,
) -> Document:
    """The value of `text` with the place of everything.

    `include(word, mark)` answers for `!include word`, with None when it could not. YamlInvalid when
    the text cannot be read at all; what can be read around is in `faults`.
    """
    return YamlReader(name, include).read(text)
