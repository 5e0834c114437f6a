"""From libyaml's events to nodes with places. The tree is built with a stack of its own, so depth costs no recursion.

libyaml is of YAML 1.1 in two things that matter here. It ends a line at three more characters, at which a value from
elsewhere could put a key into a mapping: they are swapped for others before it reads, and back in what it read. And
it refuses the pairs of escapes in which JSON writes a character beyond U+FFFF: these are read once it has tripped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from yaml import events
from yaml.error import MarkedYAMLError
from yaml.events import Event
from yaml.reader import ReaderError

from uwf.errors import UwfError
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

try:
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # imported there to be used from there
except ImportError as error:
    raise UwfError(
        "PyYAML was built without libyaml here",
        hint="pip install --force-reinstall --only-binary pyyaml pyyaml",
        code="no_libyaml",
    ) from error

_CORE = "tag:yaml.org,2002:"
_MERGE = "<<"
_INCLUDE = "!include"

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}

_NO_TOKEN = "found character that cannot start any token"
_NO_CHARACTER = "found invalid Unicode character escape code"
_IN_OTHER_WORDS = {
    "mapping values are not allowed in this context": "a second ': ' on a line: put the value in quotes",
    "found a tab character where an indentation space is expected": "a tab where YAML wants spaces",
    "found unexpected end of stream": "a quote that is never closed",
    "exceeded maximum nesting depth": f"nested deeper than {DEPTH_LIMIT} levels",
    _NO_CHARACTER: "an escape of no character: half of a Unicode pair, or beyond U+10FFFF",
}

_PAIR = r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)"
_NO_BREAKS = dict(zip("\x85\u2028\u2029", "\U0010ff85\U0010ff28\U0010ff29", strict=True))
"""What YAML 1.1 ends a line at, and private characters that stand for it while libyaml reads."""
_SWAPPED = str.maketrans(_NO_BREAKS)
_SWAPPED_BACK = str.maketrans({other: own for own, other in _NO_BREAKS.items()})


class _Stop(Exception):
    """The text cannot be read any further."""

    def __init__(self, mark: SourceMark, text: str, *, is_escape: bool = False) -> None:
        super().__init__(text)
        self.fault = Fault(mark, text)
        self.is_escape = is_escape


class _Open:
    """A mapping or list that is being read. `key` is the key whose value comes next."""

    def __init__(self, node: YamlNode, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: tuple[str, SourceMark, bool] | None = None
        self.merged: list[YamlNode] = []


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
            if stop.is_escape and text != (paired := re.sub(_PAIR, _one_character, text)):
                return YamlReader(self._name, self._include).read(paired)
            raise YamlInvalid([*self._faults, stop.fault]) from stop.__cause__
        return Document(self._root or YamlNode(None, SourceMark(self._name, 1, 1)), self._faults)

    def _take(self, event: Any) -> None:
        if isinstance(event, events.ScalarEvent):
            self._place(self._scalar(event, self._mark(event)), event.anchor)
        elif isinstance(event, events.AliasEvent):
            mark = self._mark(event)
            self._place(self._alias(event.anchor or "", mark), None, mark)
        elif isinstance(event, (events.MappingStartEvent, events.SequenceStartEvent)):
            self._begin(event, self._mark(event))
        elif isinstance(event, (events.MappingEndEvent, events.SequenceEndEvent)):
            self._end()
        elif isinstance(event, events.DocumentStartEvent) and self._root is not None:
            text = "a second document begins here: only one is read"
            raise _Stop(self._mark(event), text)

    def _mark(self, event: Any) -> SourceMark:
        return SourceMark(self._name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _begin(self, event: Any, mark: SourceMark) -> None:
        kind = "map" if isinstance(event, events.MappingStartEvent) else "seq"
        tag = str(event.tag) if event.tag is not None else "!"
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
            text = text.translate(_SWAPPED_BACK)
        tag = str(event.tag) if event.tag is not None else ""
        if tag == _INCLUDE and self._include is not None:
            included = self._include(text, mark)
            return included.root if included is not None else YamlNode(None, mark)
        if tag == "":
            plain = event.style == "" and event.implicit[0]
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
    """libyaml's events; whatever it trips over becomes a `_Stop`."""
    text = text.removeprefix("\ufeff")
    try:
        parser = CParser(text if text.isascii() else text.translate(_SWAPPED))
        while (event := parser.get_event()) is not None:
            yield event
    except MarkedYAMLError as error:
        unclosed = error.problem == "found unexpected end of stream"
        at = (not unclosed and error.problem_mark) or error.context_mark or error.problem_mark
        mark = SourceMark(name, at.line + 1, at.column + 1) if at else SourceMark(name, 1, 1)
        if error.problem == _NO_TOKEN and at:
            raise _Stop(mark, _needs_quotes(text[at.index])) from error
        words = _words(error.problem, error.context)
        raise _Stop(mark, words, is_escape=error.problem == _NO_CHARACTER) from error
    except ReaderError as error:
        raise _Stop(_mark_at(text, error.position, name), _unreadable(error.character)) from error
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise _Stop(_mark_at(text, error.start, name), _unreadable(code)) from error


def _one_character(found: re.Match[str]) -> str:
    """What a pair of escapes stands for; the pair itself if it stands for nothing."""
    try:
        escapes = bytes(found[2], "ascii").decode("unicode_escape")
        return found[1] + escapes.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeError:
        return found[0]


def _needs_quotes(letter: str) -> str:
    if letter == "\t":
        return "a tab where YAML wants spaces"
    return f"a value that begins with {letter} needs quotes"


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
