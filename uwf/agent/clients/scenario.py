"""What a mock agent says, from a YAML file: by role, by visit, and by each try at a visit.

    writer:
      - reply: {$status: written, title: A tale}        # its first visit
        body: Once upon a time.
        turns: [I think., {type: tool, name: Bash, arguments: {command: ls}}]
        usage: {tokens: 1200, usd: 0.03}
        delay: 2s
      - - fails: {class: network, message: connection refused}   # its second: the first try fails
        - text: "no front matter"                                # the next one is a bad reply
        - reply: {$status: written, title: Another}              # and so on; the last one stays

`turns` are texts, or events as a wrapper writes them to `$UWF_EVENTS`; `session` names one. The last visit that stands
there is that of all further ones.
"""

from __future__ import annotations

from types import MappingProxyType

from uwf import quantities, yaml12
from uwf.agent.clients.event_lines import CLASSES, TYPES
from uwf.agent.frontmatter import written
from uwf.agent.protocol import names_session
from uwf.nearest import nearest
from uwf.record import Record
from uwf.yaml12 import Fault, YamlInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from uwf.yaml12 import Document

_KEYS = ("reply", "body", "text", "fails", "turns", "usage", "session", "delay")
_FAILS = ("class", "message", "status", "resets_in")


class PlayedAnswer(Record):
    """What one ask comes to: `text`, unless it `fails`. `turns` are events; `resets_s` is when a limit resets."""

    text: str = ""
    fails: Mapping[str, Any] | None = None
    resets_s: float | None = None
    turns: tuple[Mapping[str, Any], ...] = ()
    delay_s: float = 0.0


class Scenario(Record):
    """By role, for each visit the answers to its tries."""

    roles: Mapping[str, tuple[tuple[PlayedAnswer, ...], ...]] = MappingProxyType({})

    def answers(self, role: str, visit: int) -> tuple[PlayedAnswer, ...]:
        """Those of a visit, which counts from 1; () for a role that does not stand there."""
        visits = self.roles.get(role, ())
        return visits[min(visit, len(visits)) - 1] if visits else ()


def load(path: str) -> Scenario:
    """The scenario in the file at `path`. OSError; YamlInvalid names the file and the line of what is wrong."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return read(file.read(), path)


def read(text: str, name: str) -> Scenario:
    """The scenario in `text`. YamlInvalid."""
    document = yaml12.read(text, name=name)
    reader = _Reader(document)
    found = reader.scenario()
    if reader.faults:
        raise YamlInvalid(reader.faults)
    return found


class _Reader:
    """Reads a document and collects what is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.faults: list[Fault] = list(document.faults)

    def scenario(self) -> Scenario:
        value = self._document.value
        if not isinstance(value, dict) or not value:
            self._wrong((), "a scenario names roles, and for each the list of its visits")
            return Scenario()
        return Scenario({role: self._visits((role,), visits) for role, visits in value.items()})

    def _visits(
        self, path: tuple[str | int, ...], value: Any
    ) -> tuple[tuple[PlayedAnswer, ...], ...]:
        if not isinstance(value, list) or not value:
            self._wrong(path, "a role has a list of visits, one or more")
            return ()
        visits = []
        for number, visit in enumerate(value):
            here = (*path, number)
            tries = visit if isinstance(visit, list) else [visit]
            if not tries:
                self._wrong(here, "a visit has an answer, or a list of them: one for each try")
            visits.append(
                tuple(
                    self._answer((*here, at) if isinstance(visit, list) else here, answer)
                    for at, answer in enumerate(tries)
                )
            )
        return tuple(visits)

    def _answer(self, path: tuple[str | int, ...], value: Any) -> PlayedAnswer:
        if not isinstance(value, dict):
            self._wrong(path, "an answer has a reply, a text, or says that it fails")
            return PlayedAnswer()
        self._known(path, value, _KEYS)
        ways = [name for name in ("reply", "text", "fails") if name in value]
        if len(ways) != 1:
            self._wrong(path, "an answer has one of: reply, text, fails")
            return PlayedAnswer()
        turns = [self._turn((*path, "turns", at), turn) for at, turn in self._turns(path, value)]
        turns += self._said(path, value)
        delay_s = self._duration((*path, "delay"), value.get("delay", "0s"))
        fails, resets_s = self._fails((*path, "fails"), value.get("fails"))
        text = self._text(path, value) if ways != ["fails"] else ""
        return PlayedAnswer(text, fails, resets_s, tuple(turns), delay_s)

    def _text(self, path: tuple[str | int, ...], value: Mapping[str, Any]) -> str:
        for name in ("text", "body"):
            if not isinstance(value.get(name, ""), str):
                self._wrong((*path, name), f"{name} is a text")
                return ""
        if "text" in value:
            return str(value["text"])
        if not isinstance(value["reply"], dict):
            self._wrong((*path, "reply"), "a reply has fields, such as {$status: done}")
            return ""
        return written(value["reply"], value.get("body", ""))

    def _turns(self, path: tuple[str | int, ...], value: Mapping[str, Any]) -> list[Any]:
        turns = value.get("turns", [])
        if not isinstance(turns, list):
            self._wrong((*path, "turns"), "turns are a list")
            return []
        return list(enumerate(turns))

    def _turn(self, path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
        if isinstance(value, str):
            return {"type": "text", "text": value}
        if isinstance(value, dict) and value.get("type") in TYPES:
            return value
        self._wrong(path, f"a turn is a text, or has a type: {', '.join(TYPES)}")
        return {}

    def _said(self, path: tuple[str | int, ...], value: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The session and the usage of an answer, as events."""
        found = []
        usage = value.get("usage", {})
        amounts = usage.values() if isinstance(usage, dict) else [None]
        if any(isinstance(each, bool) or not isinstance(each, (int, float)) for each in amounts):
            self._wrong((*path, "usage"), "usage has numbers, such as {tokens: 1200, usd: 0.03}")
        elif usage:
            found.append({**usage, "type": "usage"})
        if "session" in value:
            if names_session(value["session"]):
                found.append({"type": "session", "session": value["session"]})
            else:
                self._wrong((*path, "session"), "a session is a printable text")
        return found

    def _fails(
        self, path: tuple[str | int, ...], value: Any
    ) -> tuple[Mapping[str, Any] | None, float | None]:
        if value is None:
            return None, None
        if isinstance(value, str):
            value = {"class": value}
        if not isinstance(value, dict):
            self._wrong(path, f"fails is a class, or has some of: {', '.join(_FAILS)}")
            return {}, None
        self._known(path, value, _FAILS)
        if value.get("class", CLASSES[0]) not in CLASSES:
            self._wrong((*path, "class"), f"a failure is one of: {', '.join(CLASSES)}")
        resets_s = None
        if "resets_in" in value:
            resets_s = self._duration((*path, "resets_in"), value["resets_in"])
        return value, resets_s

    def _duration(self, path: tuple[str | int, ...], value: Any) -> float:
        try:
            return quantities.duration_s(value)
        except (ValueError, TypeError, AttributeError):
            self._wrong(path, f"{value!r} is not {quantities.DURATION_FORM}")
            return 0.0

    def _known(
        self, path: tuple[str | int, ...], value: Mapping[str, Any], known: tuple[str, ...]
    ) -> None:
        for name in value:
            if name not in known:
                meant = nearest(name, known)
                hint = f"; did you mean {meant}?" if meant else f"; there are {', '.join(known)}"
                self._wrong((*path, name), f"{name!r} is no key of it{hint}")

    def _wrong(self, path: tuple[str | int, ...], text: str) -> None:
        self.faults.append(Fault(self._document.mark(path, key=False), text))
