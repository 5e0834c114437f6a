"""Values of the example of a reply that stand in a reply: what shows one was not filled in, and it is no reply.

A placeholder such as `<summary>` is known in any spelling, when it is cut, and with words added (`<your summary>`,
`<summary> (one sentence)`). Its bare name (`[summary]`, `{summary}`, `summary`), `...`, and values that are made up to
fit a format or a pattern (`https://example.com/`, `0000000`) count only when all of the reply are those of the example:
one of them may be meant.
"""

from __future__ import annotations

from uwf.workflow.model import SUSPEND
from uwf.workflow.reply_schema import sample, structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

SAMPLE_REASON = "what you need to know, or what is in the way"
"""The reason that a reply which asks for a person is shown with."""

_OFFERED = {"const", "default", "examples", "enum"}
_SPELLINGS = (
    *(("&lt;", "<"), ("&gt;", ">"), ("\\", "")),
    *((sign, "<") for sign in "\u2039\u00ab\u3008\uff1c"),
    *((sign, ">") for sign in "\u203a\u00bb\u3009\uff1e"),
)
_AROUND = "`*_'\"“”.…"
_CUTS = ("…", "...")
_LEAST_CUT = 8
"""Letters of a cut reason that are no accident."""
_MADE_UP = r"example\.com|0{7}|123e4567|192\.0\.2\.|2001:db8|owner/repo|path/to|^/path$|2026-01-31|fix/1-name"
_ENOUGH_TEXTS = 3
"""So many different texts are not all the example's by accident, whatever they are."""
_LEAST_NAME = 5


def are_left_in(schema: Any, status: str, front: Mapping[str, Any], own: tuple[str, ...]) -> bool:
    """Whether `front`, a reply with `status`, has values that its example shows in their place.

    The fields called `own` are for uwf, and the example has none of them unless the schema does.
    """
    if status == SUSPEND:
        return _is_sample_reason(front.get("reason"))
    example = sample.examples(schema).get(status, {})
    given = {
        name: value
        for name, value in front.items()
        if name != structure.STATUS and (name in example or name not in own)
    }
    offered = {
        name
        for branch in structure.branches_for(schema, status)
        for name, about in branch.properties.items()
        if isinstance(about, dict) and about.keys() & _OFFERED
    }
    free = {name: example[name] for name in given if name in example and name not in offered}
    if any(_has_placeholder(given[name], shown) for name, shown in free.items()):
        return True
    is_all = all(name in example and _is_same(given[name], example[name]) for name in given)
    return is_all and _is_made_up(free)


def _is_sample_reason(reason: Any) -> bool:
    if not isinstance(reason, str):
        return False
    said, shown = _letters(reason), _letters(SAMPLE_REASON)
    is_cut = reason.rstrip(" \"'").endswith(_CUTS) and len(said) >= _LEAST_CUT
    return said == shown or (is_cut and shown.startswith(said))


def _has_placeholder(value: Any, shown: Any) -> bool:
    if isinstance(shown, str):
        if not _is_placeholder(shown):
            return False
        said, placeholder = _plain(value), _plain(shown)
        is_cut = said[:1] == "<" and len(said) > 1 and placeholder.startswith(said)
        return said == placeholder or is_cut or _has_words_added(value, shown)
    if isinstance(shown, list) and isinstance(value, list):
        return any(_has_placeholder(one, other) for one, other in zip(value, shown, strict=False))
    if isinstance(shown, dict) and isinstance(value, dict):
        return any(
            _has_placeholder(value[name], other) for name, other in shown.items() if name in value
        )
    return False


def _is_placeholder(shown: str) -> bool:
    return shown.startswith("<") and shown.rstrip(".").endswith(">")


def _has_words_added(value: Any, shown: str) -> bool:
    """Whether `value` is a placeholder with words around its name, or with a remark in parentheses behind it."""
    if not isinstance(value, str) or ">" not in _spelled(value):
        return False
    import re

    name = re.escape(_plain(shown).strip("<>"))
    added = rf"<(?:[^<>]*[\s_-])?{name}(?:[\s,:][^<>]*)?>[\s`*_]*(?:\([^()]*\))?"
    return re.fullmatch(added, _spelled(value).strip().strip(_AROUND).casefold()) is not None


def _is_bare(value: Any, shown: str) -> bool:
    """Whether `value` is the name in a placeholder without its signs, perhaps in brackets, or dots in its place."""
    if not _is_placeholder(shown):
        return False
    if isinstance(value, (list, dict)) and len(value) == 1:  # as YAML reads [summary] and {summary}
        (name,) = value
        is_name = isinstance(value, list) or value[name] in (None, "")
        return is_name and isinstance(name, str) and _is_bare(name, shown)
    if not isinstance(value, str):
        return False
    said = _plain(value).strip("[]{}()<>")
    return said == _plain(shown).strip("<>") or (not said and value.strip() in _CUTS)


def _is_same(value: Any, shown: Any) -> bool:
    """Whether a value is the example's; `0000000` without quotes is a number."""
    if isinstance(shown, str) and _is_bare(value, shown):
        return True
    if isinstance(shown, str) and isinstance(value, str):
        return _plain(value) == _plain(shown)
    if isinstance(shown, str) and isinstance(value, (int, float)):
        return shown.isdigit() and int(shown) == value
    if isinstance(shown, list) and isinstance(value, list):
        return len(value) == len(shown) and all(map(_is_same, value, shown))
    if isinstance(shown, dict) and isinstance(value, dict):
        return value.keys() <= shown.keys() and all(
            _is_same(value[name], shown[name]) for name in value
        )
    return bool(value == shown)


def _is_made_up(free: Mapping[str, Any]) -> bool:
    """Whether nobody would say these values of an example by accident."""
    import re

    texts = {(name, text) for name, shown in free.items() for text in _texts(shown)}
    if any(_is_placeholder(text) for _, text in texts):
        return True
    return len({text for _, text in texts}) >= _ENOUGH_TEXTS or any(
        re.search(_MADE_UP, text) or (len(text) >= _LEAST_NAME and name.startswith(text))
        for name, text in texts
    )


def _texts(shown: Any) -> Iterator[str]:
    if isinstance(shown, str):
        yield shown
    elif isinstance(shown, (list, dict)):
        for one in shown.values() if isinstance(shown, dict) else shown:
            yield from _texts(one)


def _plain(text: Any) -> str:
    """`text` without blanks and what stands around it, in one spelling; "" for what is no text."""
    if not isinstance(text, str):
        return ""
    return "".join(_spelled(text).split()).strip(_AROUND).casefold()


def _spelled(text: str) -> str:
    for spelling, sign in _SPELLINGS:
        text = text.replace(spelling, sign)
    return text


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
