"""What is said to a thread: the words, who said them, when, from which event, and how far they are trusted.

A word is one object of kind `word`, and is what it says: the same text by the same person at the same time is the same
word. Where words wait is in `told`; which step was told them stands in the step.
"""

from __future__ import annotations

from uwf.errors import StoreError
from uwf.record import Record, replace
from uwf.store.codec import Link, encode, id_of
from uwf.trust import BOT, COLLABORATOR, OWNER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from uwf.store.codec import Node

    class Objects(Protocol):
        def get(self, id: str) -> Node: ...

    class Putter(Protocol):
        def put(self, kind: str, payload: Any) -> str: ...


WORD = "word"

PERSON = "a person"
"""Who speaks where nobody is named: whoever types the command."""

WHO_CHARS = 100
_NAMES = ", from "


class Speaker(Record):
    """Who says something, and how far that is trusted."""

    who: str
    trust: str

    def naming(self, who: str) -> Speaker:
        """The same with the name that it gives: a person may speak for anybody, all others are named themselves."""
        return replace(self, who=who if self == A_PERSON else f"{self.who}{_NAMES}{who}")


A_PERSON = Speaker(PERSON, OWNER)


def of_thread(id: str) -> Speaker:
    """Who speaks where the agent of a thread does: never a person."""
    return Speaker(f"thread {id}", BOT)


class Word(Record):
    """One thing that was said. `at_ms` is when, `event` the id of the event that brought it."""

    text: str
    who: str
    trust: str
    at_ms: int
    event: str | None = None

    @property
    def id(self) -> str:
        """The object that it is, whether or not it is stored."""
        return id_of(encode(WORD, self.to_payload()))

    @property
    def is_own(self) -> bool:
        """Whether the one who types the commands has said it, and nobody else is named."""
        return self.trust == OWNER and self.who == PERSON

    def is_by(self, speaker: Speaker) -> bool:
        """Whether `speaker` has said it, whatever name it gave, and no event."""
        is_who = self.who == speaker.who or self.who.startswith(f"{speaker.who}{_NAMES}")
        return is_who and self.event is None

    @property
    def is_of_person(self) -> bool:
        """Whether one who may decide has said it: such words let a step be tried again that has failed too often."""
        return self.trust in (OWNER, COLLABORATOR)

    def is_same(self, text: str, speaker: Speaker) -> bool:
        """Whether it is `text`, typed by `speaker`."""
        return self.is_by(speaker) and (self.text, self.trust) == (text, speaker.trust)

    def to_payload(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "who": self.who,
            "trust": self.trust,
            "at": self.at_ms,
            "event": self.event,
        }

    @staticmethod
    def from_payload(payload: Mapping[str, Any]) -> Word:
        return Word(
            payload["text"], payload["who"], payload["trust"], payload["at"], payload["event"]
        )


def said_by(speaker: Speaker, text: str, at_ms: int) -> Word:
    """What `speaker` has typed."""
    return Word(text, speaker.who, speaker.trust, at_ms)


def of_person(text: str, at_ms: int) -> Word:
    """What the person said who types the commands."""
    return said_by(A_PERSON, text, at_ms)


def added_by_person(remark: str | None, told: Iterable[Word], *, is_poke: bool) -> str | None:
    """What a person who types the commands has added to a step, as one text. The remark of a poke is the last word."""
    texts = [word.text for word in told if word.is_own]
    if remark is not None:
        texts.insert(len(texts) if is_poke else 0, remark)
    return "\n\n".join(texts) if texts else None


def named(who: str) -> str:
    """`who` as it can stand in a line: of a stranger's name nothing can begin another one."""
    one_line = " ".join("".join(each if each.isprintable() else " " for each in who).split())
    return one_line[:WHO_CHARS] or PERSON


def put(writer: Putter, words: Iterable[Word]) -> list[Link]:
    """Store `words`; links to them, in the same order."""
    return [Link(writer.put(WORD, word.to_payload())) for word in words]


def read(objects: Objects, links: Iterable[str]) -> tuple[Word, ...]:
    """The words that `links` lead to. Raises `StoreError` for an object that is none."""
    found = []
    for id in links:
        node = objects.get(id)
        if node.kind != WORD:
            raise StoreError(f"object {id[:12]} is {node.kind}, not a word", code="bad_node")
        found.append(Word.from_payload(node.payload))
    return tuple(found)


def in_order(*several: Sequence[Word]) -> tuple[Word, ...]:
    """All of them, each once: the oldest first, those of one moment by their ids."""
    if sum(map(len, several)) < 2:
        return tuple(word for words in several for word in words)
    unique = dict.fromkeys(word for words in several for word in words)
    return tuple(sorted(unique, key=lambda word: (word.at_ms, word.id)))
