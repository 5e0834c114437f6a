"""The gate of a store: whatever is written passes it, so that no front door and no command can forget to redact.

Every string is rid of secrets, in objects, tags, reasons of moves, counters; but not the names that others look up by:
ids, roles, statuses, marks. They are listed here, by the kinds of what is stored. What is of no kind that is
known is cleaned whole. Of a workflow the prose is cleaned: its names, statuses and fields are words that its threads
are made of, and stay as they are in all that is written from then on.
"""

from __future__ import annotations

from uwf.engine.chain.tags import (
    NAMED,
    NUMBERS,
    STATUS,
    STATUSES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from uwf.engine.chain.redact import Redactor

    Names: TypeAlias = Mapping[str, "Names | None"]
    """Fields that are names: all that stands in one (None), or what of it."""

VALUES = ("const", "enum")
WORDS = (
    *VALUES,
    "version",
    "name",
    "role",
    "required",
    "type",
    "pattern",
    "format",
    "$ref",
    "$status",
    "on",
    "start",
)
"""Fields of a workflow, and of its schemas, whose texts are looked up by, as all keys are. The rest is prose."""

NAMES: dict[str, Names] = {
    "start": {"thread": None},
    "rebind": {},
    "step": {
        "thread": None,
        "role": None,
        "status": None,
        "visits": None,
        "process": None,
        "sessions": {},
        "worktree": None,
        "host": None,
    },
    "code": {"thread": None, "commit": None},
    "conversation": {"name": None},
    "pack": {"bytes": None},
    "attempt": {
        "thread": None,
        "mark": None,
        "process": None,
        "worktree": None,
        "host": None,
        "plan": {"role": None},
        "error": {"code": None},
    },
    "word": {"trust": None, "event": None},
    "told": {},
    "turn": {"attempt": None, "from": None, "kind": None},
}
"""By the kind of object. The keys of these maps are names as well."""

COUNTED: Names = {
    "name": None,
    "thread": None,
    "threads": None,
    "agent": None,
    "workflow": None,
    "pools": None,
    "started": None,
    "host": None,
    "probe_thread": None,
    "probe_started": None,
    "event": None,
    "breaker": None,
    "class": None,
    "failure_class": None,
    "state": None,
}
"""Fields of counters and samples. Keys are names where they can be, else what failed."""


class SecretsGate:
    """See `uwf.store.protocols.Gate`. Which secrets there are is asked once something has to be cleaned."""

    def __init__(self, redactor: Callable[[], Redactor]) -> None:
        self._find = redactor
        self._found: Redactor | None = None

    def payload(self, kind: str, payload: Any) -> Any:
        if kind == "workflow":
            self._redactor.spare(words_of(payload))
        names = NAMES.get(kind)
        if names is None or not isinstance(payload, dict):
            return self._redactor.value(payload)
        return self._fields(payload, names)

    def tags(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        return {
            key if _is_known(key) else self.text(key): text
            if _is_name(key, text)
            else self.text(text)
            for key, text in tags.items()
        }

    def text(self, text: str) -> str:
        return self._redactor.text(text) if text else text

    def value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return self._clean(value)
        cleaned = self._fields(value, COUNTED)
        return {
            key if key.isidentifier() else self.text(key): field for key, field in cleaned.items()
        }

    def is_clean(self, packed: bytes) -> bool:
        return self._redactor.is_clean(packed)

    def _fields(self, fields: dict[str, Any], names: Names) -> dict[str, Any]:
        cleaned = {}
        for key, field in fields.items():
            if key not in names:
                cleaned[key] = self._clean(field)
                continue
            inside = names[key]
            whole = inside is None or not isinstance(field, dict)
            cleaned[key] = field if whole else self._fields(field, inside or {})
        return cleaned

    def _clean(self, value: Any) -> Any:
        """`value` rid of secrets; what cannot hold one does not ask for them."""
        return (
            self._redactor.value(value) if value and not isinstance(value, (int, float)) else value
        )

    @property
    def _redactor(self) -> Redactor:
        if self._found is None:
            self._found = self._find()
        return self._found


def words_of(workflow: Any) -> str:
    """All that is no prose in the payload of a workflow, one word a line."""
    words: list[str] = []
    _gather(workflow, words, is_word=False)
    return "\n".join(words)


def _gather(value: Any, words: list[str], *, is_word: bool) -> None:
    if isinstance(value, dict):
        for key, field in value.items():
            words.append(key)
            is_text = not isinstance(field, dict)  # else a reply has a field that is called so
            is_named = key in VALUES or (key in WORDS and is_text)
            _gather(field, words, is_word=is_word or is_named)
    elif isinstance(value, list):
        for item in value:
            _gather(item, words, is_word=is_word)
    elif is_word and type(value) is str:
        words.append(value)


def _is_known(key: str) -> bool:
    return key in (STATUS, *NAMED) or key.startswith(NUMBERS)


def _is_name(key: str, text: str) -> bool:
    """Whether a tag is what it says it is, and no text that was put there."""
    if key == STATUS:
        return text in STATUSES
    return key in NAMED or (key.startswith(NUMBERS) and text.replace(".", "").isdecimal())
