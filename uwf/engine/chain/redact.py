"""Secrets stay out of the store: their values are replaced before anything is hashed.

A chain is for ever, so what must not be kept must not get in. The front door gives the names and values
(`config.secret_values`); here every text on its way into an object or a tag is rid of them. A value that uwf or the
workflow itself has as a word is spared: statuses, names of fields, what a reply must look like are never changed.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Redactor:
    """Replaces secret values by `[redacted:NAME]`. `secrets` are (name, value) pairs, longest value first.

    One serves a whole command, and all that it writes: what it hides, and what it spares, holds from then on.
    """

    def __init__(self, secrets: Sequence[tuple[str, str]] = ()) -> None:
        self._spared: list[str] = []
        self._know(secrets)

    def hide(self, secrets: Sequence[tuple[str, str]]) -> None:
        """Hide these as well, longest first."""
        more = (*self._secrets, *secrets)
        self._know(sorted(more, key=lambda secret: -len(secret[1])))

    def spare(self, words: str) -> None:
        """Let stand from now on what is a part of `words`, which others look up by or must be told as they are."""
        if self._secrets and words not in self._spared:
            self._spared.append(words)
            self._know(self._secrets)

    def _know(self, secrets: Sequence[tuple[str, str]]) -> None:
        self._secrets = tuple(
            (name, value)
            for name, value in secrets
            if not any(value in words for words in self._spared)
        )
        self._bytes_of = tuple(value.encode(errors="surrogateescape") for _, value in self._secrets)
        self._marks = tuple({f"[redacted:{name}]" for name, _ in self._secrets})

    def found_in(self, text: str) -> list[str]:
        """The names of the secrets that `text` holds."""
        return sorted({name for name, value in self._secrets if value in text})

    def is_clean(self, data: bytes) -> bool:
        """Whether no secret stands in `data`, in which texts are UTF-8."""
        return not any(value in data for value in self._bytes_of)

    def restored(self, path: str) -> str:
        """The folder that is stored as `path`: with the secrets in it that are known here."""
        for name, value in self._secrets:
            mark = f"[redacted:{name}]"
            if mark in path:
                whole = self.restored(path.replace(mark, value))
                if os.path.isdir(whole):
                    return whole
        return path

    def text(self, text: str) -> str:
        """`text` rid of secrets. What was cleaned before stays as it is."""
        if not any(value in text for _, value in self._secrets):
            return text
        for mark in self._marks:  # which may hold what is a secret elsewhere
            if mark in text:
                return mark.join(map(self.text, text.split(mark)))
        for name, value in self._secrets:
            if value in text:
                text = text.replace(value, f"[redacted:{name}]")
        return text

    def ending(self, text: str) -> str:
        """`text` whose beginning was cut away: also rid of the end of a secret that it may begin with."""
        torn = max((_overlap(value, text) for _, value in self._secrets), default=0)
        return self.text(text[torn:])

    def value(self, value: Any) -> Any:
        """`value` with every string inside it, keys too, rid of secrets."""
        if not self._secrets:
            return value
        if type(value) is str:  # a link is one of a class of its own
            return self.text(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

    def _bytes(self, data: bytes) -> bytes:
        for name, value in self._secrets:
            data = data.replace(
                value.encode(errors="surrogateescape"), f"[redacted:{name}]".encode()
            )
        return data

    def stream(self) -> StreamRedactor:
        return StreamRedactor(self, self._secrets)


def names_in(text: str) -> list[str]:
    """The names of the secrets that were replaced in `text`."""
    import re

    return sorted(set(re.findall(r"\[redacted:([^\]]+)\]", text)))


class StreamRedactor:
    """Redacts a text that arrives in pieces, so that a secret cut in two by a pause is still found.

    From where a secret may have begun, or one that is whole may yet turn out to be a longer one, a piece is held
    back until the next piece or `rest`.
    """

    def __init__(self, redactor: Redactor, secrets: Sequence[tuple[str, str]]) -> None:
        self._redactor = redactor
        self._values = [value for _, value in secrets]
        self._held = ""

    def piece(self, text: str) -> str:
        if not self._values:
            return text
        text = self._held + text
        end = len(text) - max((_overlap(text, value) for value in self._values), default=0)
        while starts := [
            start for value in self._values if (start := _across(text, value, end)) >= 0
        ]:
            end = min(starts)
        self._held = text[end:]
        return self._redactor.text(text[:end])

    def rest(self) -> str:
        held, self._held = self._held, ""
        return self._redactor.text(held)


def _across(text: str, value: str, end: int) -> int:
    """Where `value` stands in `text` so that it begins before `end` and ends behind it; -1 when it does not."""
    return text.find(value, max(0, end - len(value) + 1), end + len(value) - 1)


def _overlap(text: str, value: str) -> int:
    """The length of the longest end of `text` that is a proper beginning of `value`."""
    start = text.find(value[0], max(0, len(text) - len(value) + 1))
    while start >= 0:
        if value.startswith(text[start:]):
            return len(text) - start
        start = text.find(value[0], start + 1)
    return 0
