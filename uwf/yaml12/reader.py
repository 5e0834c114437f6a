"""From ruamel.yaml's events to nodes with places.

The tree is built with a stack of its own, so depth costs no recursion and is checked as it grows:
ruamel.yaml's scanner gets slow long before it gets deep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.reader import ReaderError

from uwf.yaml12.document import (
    DEPTH_LIMIT,
    SIZE_LIMIT,
    VALUE_SIZE,
    Document,
    Fault,
    SourceMark,
    YamlInvalid,
    YamlNode,
    scalar,
)

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"
_INCLUDE = "!include"

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}

_IN_OTHER_WORDS = {
    "mapping values are not allowed here": "a second ': ' on a line: put the value in quotes",
    "found character '\\t' that cannot start any token": "a tab where YAML wants spaces",
    "found character '%' that cannot start any token": "a value that begins with % needs quotes",
    "found character '@' that cannot start any token": "a value that begins with @ needs quotes",
    "found character '`' that cannot start any token": "a value that begins with ` needs quotes",
    "found unexpected end of stream": "a quote that is never closed",
}


class _Stop(Exception):
    """The text cannot be read any further."""

    def __init__(self, mark: SourceMark, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(mark, text)


class _Open:
    """A mapping or list that is being read. `key` is the key whose value comes next."""

    def __init__(self, node: YamlNode, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, SourceMark, bool] | None = None
        self.merged: list[YamlNode] = []


class _Scanner(YAML):
    """ruamel.yaml without plug-ins, which it would look for in its folder, each time it is made, and import."""

    def official_plug_ins(self) -> list[str]:
        return []


class YamlReader:
    """One reading of one text."""

    def __init__(
        self, name: str, include: Callable[[str, SourceMark], Document | None] | None
    ) -> None:
        self._name = name
        self._include = include
        self._faults: list[Fault] = []
        self._anchors: dict[str, YamlNode | None] = {}
        self._open: list[_Open] = []
        self._root: YamlNode | None = None
        self._seen = 0

    def read(self, text: str) -> Document:
        try:
            for event in _events(text, self._name):
                self._take(event)
        except _Stop as stop:
            raise YamlInvalid([*self._faults, stop.fault]) from stop.__cause__
        return Document(self._root or YamlNode(None, SourceMark(self._name, 1, 1)), self._faults)

    def _take(self, event: Event) -> None:
        mark = SourceMark(self._name, event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, events.ScalarEvent):
            self._place(self._scalar(event, mark), event.anchor)
        elif isinstance(event, events.AliasEvent):
            self._place(self._alias(event.anchor, mark), None, mark)
        elif isinstance(event, (events.MappingStartEvent, events.SequenceStartEvent)):
            self._begin(event, mark)
        elif isinstance(event, (events.MappingEndEvent, events.SequenceEndEvent)):
            self._end()
        elif isinstance(event, events.DocumentStartEvent) and self._root is not None:
            raise _Stop(mark, "a second document begins here: only one is read")

    def _begin(self, event: Any, mark: SourceMark) -> None:
        kind = "map" if isinstance(event, events.MappingStartEvent) else "seq"
        tag = str(event.ctag) if event.ctag is not None else "!"
        if tag not in ("!", _CORE + kind):
            self._fault(mark, f"the tag {_short(tag)} is not known here")
        if len(self._open) >= DEPTH_LIMIT:
            raise _Stop(mark, f"nested deeper than {DEPTH_LIMIT} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = YamlNode({} if kind == "map" else [], mark, {})
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        for source in done.merged:
            self._merge(done.node, source)
        done.node.size += sum(part.size for part in (done.node.parts or {}).values())
        done.node.depth = 1 + max(
            (part.depth for part in (done.node.parts or {}).values()), default=0
        )
        if done.node.size > SIZE_LIMIT:
            raise _Stop(
                done.node.mark, "more data than is reasonable, once aliases are written out"
            )
        if done.node.depth > DEPTH_LIMIT:
            raise _Stop(done.node.mark, f"nested deeper than {DEPTH_LIMIT} levels")
        self._place(done.node, done.anchor)

    def _scalar(self, event: Any, mark: SourceMark) -> YamlNode:
        text: str = event.value
        if not text.isascii():
            text = _paired(text)
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            self._fault(mark, "half of a Unicode pair (\\ud800 to \\udfff) is not text")
            text = text.encode("utf-8", "replace").decode("utf-8")
        tag = str(event.ctag) if event.ctag is not None else ""
        if tag == _INCLUDE and self._include is not None:
            included = self._include(text, mark)
            return included.root if included is not None else YamlNode(None, mark)
        if tag == "":
            plain = event.style is None and event.implicit[0]
            return YamlNode(scalar(text) if plain else text, mark, text=text, plain=plain)
        if tag in ("!", _CORE + "str"):
            return YamlNode(text, mark, text=text)
        value = scalar(text)
        if tag.startswith(_CORE) and type(value) in _TYPES.get(tag[len(_CORE) :], ()):
            return YamlNode(float(value) if tag == _CORE + "float" else value, mark, text=text)
        if tag[len(_CORE) :] in _TYPES:
            self._fault(
                mark, f"{_short(text)} is not the !!{tag[len(_CORE) :]} that its tag promises"
            )
        else:
            self._fault(mark, f"the tag {_short(tag)} is not known here")
        return YamlNode(text, mark, text=text)

    def _alias(self, anchor: str, mark: SourceMark) -> YamlNode:
        node = self._anchors.get(anchor)
        if node is not None:
            return node
        if anchor in self._anchors:
            raise _Stop(mark, f"the alias *{anchor} stands inside the value it names")
        self._fault(mark, f"the alias *{anchor} has no anchor &{anchor} before it")
        return YamlNode(None, mark)

    def _place(self, node: YamlNode, anchor: str | None, mark: SourceMark | None = None) -> None:
        """Puts a finished node where it belongs: root, list item, key, or the value of a key."""
        if anchor is not None:
            self._anchors[anchor] = node
        mark = mark or node.mark
        self._seen += VALUE_SIZE
        if self._seen > SIZE_LIMIT:
            raise _Stop(mark, f"more than {SIZE_LIMIT // VALUE_SIZE} values in one text")
        if not self._open:
            self._root = node
            return
        around = self._open[-1]
        parts, value = around.node.parts, around.node.value
        assert parts is not None
        if isinstance(value, list):
            parts[len(value)] = node
            value.append(node.value)
        elif around.key is None:
            around.key = self._key(node, mark)
        else:
            (name, key_mark, merges), around.key = around.key, None
            if merges:
                self._take_merge(around, node, mark)
            elif name in value:
                first = around.node.keys[name].line
                self._fault(
                    key_mark, f"the key '{_short(name)}' is given twice (first in line {first})"
                )
            else:
                parts[name], value[name], around.node.keys[name] = node, node.value, key_mark

    def _key(self, node: YamlNode, mark: SourceMark) -> tuple[str, SourceMark, bool]:
        text = node.text
        if text is None:
            self._fault(mark, "a key must be a word, not a list or a mapping")
            text = ""
        return text, mark, text == _MERGE and node.plain

    def _take_merge(self, around: _Open, node: YamlNode, mark: SourceMark) -> None:
        sources = list((node.parts or {}).values()) if isinstance(node.value, list) else [node]
        if not all(isinstance(source.value, dict) for source in sources):
            self._fault(mark, "<< merges a mapping, or a list of mappings")
            return
        around.merged += sources

    def _merge(self, into: YamlNode, source: YamlNode) -> None:
        """The source's keys, except those already there: own keys and earlier merges win."""
        assert into.parts is not None
        for name, node in (source.parts or {}).items():
            if isinstance(name, str) and name not in into.value:
                into.parts[name], into.value[name] = node, node.value
                into.keys[name] = source.keys[name]

    def _fault(self, mark: SourceMark, text: str) -> None:
        self._faults.append(Fault(mark, text))


def _events(text: str, name: str) -> Iterator[Event]:
    """ruamel.yaml's events; whatever its scanner trips over becomes a `_Stop`."""
    try:
        yield from _Scanner(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        unclosed = error.problem == "found unexpected end of stream"
        at = (not unclosed and error.problem_mark) or error.context_mark or error.problem_mark
        mark = (
            SourceMark(name, at.line + 1, at.column + 1)
            if at is not None
            else SourceMark(name, 1, 1)
        )
        raise _Stop(mark, _words(error.problem, error.context)) from error
    except ReaderError as error:
        raise _Stop(_mark_at(text, error.position, name), _unreadable(error.character)) from error
    except Exception as error:
        # It lets a few errors of its own slip on odd input (an escape beyond Unicode, say). The
        # text is at fault all the same, and the cause stays attached.
        raise _Stop(SourceMark(name, 1, 1), f"this is not YAML: {_short(str(error))}") from error


def _paired(text: str) -> str:
    """`text` with the pairs joined in which JSON escapes a character beyond U+FFFF."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _words(problem: str | None, context: str | None) -> str:
    problem = problem or "this is not YAML"
    if problem in _IN_OTHER_WORDS:
        return _IN_OTHER_WORDS[problem]
    return f"{problem} {context}" if context and context.startswith("while") else problem


def _unreadable(character: Any) -> str:
    code = character if isinstance(character, int) else ord(character) if character else 0
    return f"the character U+{code:04X} is not allowed in YAML"


def _mark_at(text: str, position: int, name: str) -> SourceMark:
    line = text.count("\n", 0, position) + 1
    return SourceMark(name, line, position - text.rfind("\n", 0, position))


def _short(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text[:61])
    return line if len(line) <= 60 else line[:59] + "…"
